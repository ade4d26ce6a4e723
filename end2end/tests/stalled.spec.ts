// A connection that dies without a word: what was sent on it is sent again.

import { test } from './support/dam';
import { expect } from './support/gallery';
import { ready } from './support/page';

test('a click whose answer never comes is sent again, runs once, and keeps nothing behind it', async ({
  posts,
  dam,
  problems,
}) => {
  problems.expectNetworkErrors();
  await posts.open();
  dam.keepAnswerTo('POST /api/events');
  await posts.count.click();
  // The server has taken it, and the stream is well.
  await expect(posts.clicks).toHaveText('1');
  await posts.count.click();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('3', { timeout: 25_000 });
  await posts.background.run();
  await expect(posts.clicks).toHaveText('3');
});

test('what waits in a page that goes is sent without it, to each of its scopes', async ({ posts, page, dam, problems }) => {
  problems.expectNetworkErrors();
  await posts.open();
  dam.keepAnswerTo('POST /api/events');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  // From here on nothing is sent: that one was not answered.
  await posts.count.click();
  await posts.count.click();
  await page.evaluate(() => {
    const link = document.createElement('a');
    link.href = '/lab/sheet';
    document.body.append(link);
    link.click();
    link.remove();
  });
  await expect(page.locator('#loaded')).toHaveText('true');
  await page.locator('#title').fill('Mine');
  await page.locator('#title').press('Enter');
  await expect(page.locator('#pending')).toHaveText('true');
  await page.reload();
  await ready(page);
  await expect(page.locator('#state-title')).toHaveText('Mine');
  await posts.open();
  await expect(posts.clicks).toHaveText('3');
});

test('a click that was under way as the connection was lost is one of those that wait', async ({
  posts,
  context,
  dam,
  problems,
}) => {
  problems.expectNetworkErrors();
  await posts.open();
  dam.keepAnswerTo('POST /api/events');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await posts.count.click();
  await context.setOffline(true);
  await expect(posts.banner.locator('.banner-waits')).toHaveText('2 clicks wait.');
  await posts.count.click();
  await expect(posts.banner.locator('.banner-waits')).toHaveText('3 clicks wait.');
  await context.setOffline(false);
  await expect(posts.clicks).toHaveText('3');
  await expect(posts.banner).toHaveCount(0);
});

test('an answer that says nothing of an event is asked for again, and not without a pause', async ({
  posts,
  page,
}) => {
  await posts.open();
  let asked = 0;
  await page.route('**/api/events', (route) => {
    asked += 1;
    if (asked > 3) return route.continue();
    return route.fulfill({ status: 202, json: { epoch: '0', events: [] } });
  });
  const since = performance.now();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  expect(asked).toBe(4);
  // A quarter, half and all of a second, each shorter by a quarter at most.
  expect(performance.now() - since).toBeGreaterThan(1_300);
});
