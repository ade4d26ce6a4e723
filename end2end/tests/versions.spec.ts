// A page and a server of different versions: the page loads itself again, and not again and again.

import { expect, test } from './support/gallery';
import { PostsPage } from './support/posts-page';

/** What stands behind the name of a state or an event, and what no version has. */
const SCHEMA = /(posts(?:%2F|\/\w+)?)!([0-9a-f]{8})/g;
const OTHER = '$1!00000000';

test('a page of another version loads itself again once, and then says what is wrong', async ({ page }) => {
  let loads = 0;
  page.on('load', () => (loads += 1));
  await page.route('**/api/stream?**', (route) =>
    route.continue({ url: route.request().url().replace(SCHEMA, OTHER) }),
  );
  await page.goto('/posts');
  const banner = page.locator('.banner');
  // The first page says so, too, until it is gone.
  await expect.poll(() => loads).toBe(2);
  await expect(banner).toContainText('This page is out of date.');
  // It goes on to say so, and asks for nothing any more.
  const asked = page.waitForRequest('**/api/stream?**', { timeout: 3_000 }).catch(() => null);
  expect(await asked).toBeNull();
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
