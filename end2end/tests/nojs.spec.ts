// Without JavaScript the page shows the state, and its buttons work as forms.

import type { Locator } from '@playwright/test';
import { ALL_IDS, type PostsPage, STYLES, type Style } from './support/posts-page';
import { expect, test } from './support/shop';

test.use({ javaScriptEnabled: false });

/** Presses a button that posts its form, and comes back to the page by a redirect. */
async function press(posts: PostsPage, button: Locator) {
  const { page } = posts;
  const posted = page.waitForResponse((response) => response.request().method() === 'POST');
  await button.click();
  expect((await posted).status()).toBe(303);
  await page.waitForLoadState();
  expect(new URL(page.url()).pathname).toBe('/posts');
}

/** Loads the page again and again, as a person would, until it shows so much. */
async function reloadUntil(style: Style, isThere: () => Promise<boolean>) {
  const look = async () => {
    await style.page.reload();
    return isThere();
  };
  await expect.poll(look, { timeout: 20_000, intervals: [100] }).toBe(true);
}

const statusIs = (style: Style, status: string) => async () =>
  (await style.status.getAttribute('data-status')) === status;

test('Count counts', async ({ posts, page }) => {
  await page.goto('/posts');
  await expect(posts.clicks).toHaveText('0');
  for (const clicks of ['1', '2', '3']) {
    await press(posts, posts.count);
    await expect(posts.clicks).toHaveText(clicks);
  }
  // The redirect left a page that a reload does not post again.
  await page.reload();
  await expect(posts.clicks).toHaveText('3');
});

test('a form leads back to the page it was on, with its query', async ({ posts, page }) => {
  await page.goto('/posts?from=here');
  await posts.count.click();
  await page.waitForURL('/posts?from=here');
  await expect(posts.clicks).toHaveText('1');
});

for (const name of STYLES) {
  test.describe(name, () => {
    test('Fetch begins a run, each reload shows more, Clear drops the posts', async ({
      posts,
      page,
      shop,
    }) => {
      await page.goto('/posts');
      const [style, other] = posts.style(name);
      await style.expectStatus('none');
      shop.letUpTo(3);
      await press(posts, style.fetch);
      await style.expectStatus('running');
      await expect(style.fetch).toBeDisabled();
      await expect(other.fetch).toBeDisabled();
      await reloadUntil(style, async () => (await style.posts.count()) === 3);
      await expect(style.progress).toHaveText('3 of 10');
      shop.letAll();
      await reloadUntil(style, statusIs(style, 'done'));
      expect(await style.ids()).toEqual(ALL_IDS);
      await expect(style.progress).toHaveText('10 of 10');

      await press(posts, style.clear);
      await expect(style.posts).toHaveCount(0);
    });

    test('Stop ends a run', async ({ posts, page, shop }) => {
      await page.goto('/posts');
      const [style, other] = posts.style(name);
      shop.letUpTo(2);
      await press(posts, style.fetch);
      await reloadUntil(style, async () => (await style.posts.count()) === 2);
      await shop.expectAsked(3);
      await press(posts, style.stop);
      shop.letAll();
      await reloadUntil(style, statusIs(style, 'stopped'));
      const ids = name === 'Chained events' ? [1, 2, 3] : [1, 2];
      expect(await style.ids()).toEqual(ids);
      // A run of the other style takes its time, and nothing more comes here.
      await press(posts, other.fetch);
      await reloadUntil(other, statusIs(other, 'done'));
      expect(await style.ids()).toEqual(ids);
    });

    test('Retry fetches a post again', async ({ posts, page, shop }) => {
      await page.goto('/posts');
      const [style] = posts.style(name);
      shop.fail(4);
      shop.letAll();
      await press(posts, style.fetch);
      await reloadUntil(style, statusIs(style, 'done'));
      await expect(style.failed).toHaveCount(1);
      await expect(style.post(4)).toContainText(/the upstream answered 500/i);
      shop.repair();
      await press(posts, style.retry(4));
      await reloadUntil(style, async () => (await style.failed.count()) === 0);
      expect(await style.ids()).toEqual(ALL_IDS);
    });
  });
}
