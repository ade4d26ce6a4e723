// A connection that dies without a word: what was sent on it is sent again.

import { test as withDam } from './support/dam';
import { expect } from './support/gallery';
import { ready } from './support/page';
import type { PostsPage } from './support/posts-page';

/** `stalled` is a page whose first click the server has taken, and whose answer never comes. The stream is
 * well. */
const test = withDam.extend<{ stalled: PostsPage }>({
  stalled: async ({ posts, dam, problems }, use) => {
    problems.expectNetworkErrors();
    await posts.open();
    dam.keepAnswerTo('POST /api/events');
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    await use(posts);
  },
});

test('a click whose answer never comes is sent again, runs once, and keeps nothing behind it', async ({ stalled }) => {
  await stalled.count.click();
  await stalled.count.click();
  await expect(stalled.clicks).toHaveText('3', { timeout: 25_000 });
  await stalled.background.run();
  await expect(stalled.clicks).toHaveText('3');
});

test('what waits in a page that goes is sent without it, to each of its scopes', async ({ stalled, page }) => {
  // From here on nothing is sent: that one was not answered.
  await stalled.count.click();
  await stalled.count.click();
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
  await stalled.open();
  await expect(stalled.clicks).toHaveText('3');
});

test('a click that was under way as the connection was lost is one of those that wait', async ({ stalled, context }) => {
  await stalled.count.click();
  await context.setOffline(true);
  await expect(stalled.banner.locator('.banner-waits')).toHaveText('2 clicks wait.');
  await stalled.count.click();
  await expect(stalled.banner.locator('.banner-waits')).toHaveText('3 clicks wait.');
  await context.setOffline(false);
  await expect(stalled.clicks).toHaveText('3');
  await expect(stalled.banner).toHaveCount(0);
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
