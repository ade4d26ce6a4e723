// A page and a server of different versions: the page loads itself again, and not again and again.

import { expect, test } from './support/gallery';
import { open } from './support/page';
import { PostsPage } from './support/posts-page';

/** What stands behind the name of a state or an event, and what no version has. */
const SCHEMA = /(posts(?:%2F|\/\w+)?)!([0-9a-f]{8})/g;
const OTHER = '$1!00000000';

test('a page of another version loads itself again once, and then says what is wrong', async ({ page }) => {
  let loads = 0;
  page.on('load', () => (loads += 1));
  await page.clock.install();
  await page.route('**/api/stream?**', (route) =>
    route.continue({ url: route.request().url().replace(SCHEMA, OTHER) }),
  );
  await page.goto('/posts');
  const banner = page.locator('.banner');
  // The first page says so, too, until it is gone.
  await expect.poll(() => loads).toBe(2);
  await expect(banner).toContainText('This page is out of date.');
  // Whatever timers the page has set, it asks for nothing any more.
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().includes('/api/stream'))));
  await page.clock.fastForward(120_000);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  expect(asked).toBe(0);
  expect(loads).toBe(2);
  await expect(banner.getByRole('link', { name: 'Reload' })).toBeVisible();
});

test('a page that is loaded again is of the version of the server', async ({ page }) => {
  let streams = 0;
  await page.route('**/api/stream?**', (route) => {
    streams += 1;
    const url = route.request().url();
    return route.continue({ url: streams === 1 ? url.replace(SCHEMA, OTHER) : url });
  });
  const reloaded = page.waitForEvent('load').then(() => page.waitForEvent('load'));
  const posts = new PostsPage(page);
  await page.goto('/posts');
  await reloaded;
  await posts.ready();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await expect(posts.banner).toBeHidden();
});

test('an event of another version is not run, and the page loads itself again', async ({ page }) => {
  const posts = new PostsPage(page);
  await posts.open();
  await page.route('**/api/events', (route) =>
    route.continue({ postData: route.request().postData()?.replace(SCHEMA, OTHER) }),
  );
  const reloaded = page.waitForEvent('load');
  await posts.count.click();
  await reloaded;
  await page.unroute('**/api/events');
  await posts.ready();
  await expect(posts.clicks).toHaveText('0');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
});

test('a page in which something is written does not throw it away', async ({ page }) => {
  let loads = 0;
  page.on('load', () => (loads += 1));
  await open(page, '/lab/sheet');
  await expect(page.locator('#loaded')).toHaveText('true');
  await page.locator('#title').fill('Half a sentence!');
  await expect(page.locator('#error')).toHaveText('No exclamation marks.');
  await page.route('**/api/stream?**', (route) =>
    route.continue({ url: route.request().url().replace(/!([0-9a-f]{8})/g, '!00000000') }),
  );
  // The browser says that the network is back: the page opens another stream.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await expect(page.locator('.banner')).toContainText('This page is out of date.');
  await expect(page.locator('#title')).toHaveValue('Half a sentence!');
  expect(loads).toBe(1);
});
