// Without JavaScript the page shows the state, and its buttons work as forms.

import type { Locator, Page } from '@playwright/test';
import { ALL_IDS, type PostsPage, STYLES, type Style } from './support/posts-page';
import { expect, test } from './support/shop';

test.use({ javaScriptEnabled: false });

/** Presses a button that posts its form, and comes back to the page by a redirect. */
async function submit(page: Page, button: Locator, path: string) {
  const posted = page.waitForResponse((response) => response.request().method() === 'POST');
  await button.click();
  expect((await posted).status()).toBe(303);
  await page.waitForLoadState();
  expect(new URL(page.url()).pathname).toBe(path);
}

const press = (posts: PostsPage, button: Locator) => submit(posts.page, button, '/posts');

/** Loads the page again and again, as a person would, until it shows so much. */
async function reloadUntil({ page }: { page: Page }, isThere: () => Promise<boolean>) {
  const look = async () => {
    await page.reload();
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

test('the monitor: a number is typed, its endpoint is watched, paused and removed', async ({
  page,
  shop,
}) => {
  shop.letAll();
  await page.goto('/monitor');
  const named = (name: string) => page.getByRole('button', { name, exact: true });
  const card = page.getByRole('article', { name: 'Product 7' });
  await page.getByLabel('Product', { exact: true }).fill('7');
  await page.locator('select[name=every]').selectOption('2');
  await submit(page, named('Watch'), '/monitor');
  await expect(card.getByRole('button', { name: 'Every 2 s' })).toHaveAttribute('aria-pressed', 'true');
  await reloadUntil({ page }, async () => /\d ms/.test(await card.innerText()));
  await submit(page, card.getByRole('button', { name: 'Every 5 s' }), '/monitor');
  await expect(card.getByRole('button', { name: 'Every 5 s' })).toHaveAttribute('aria-pressed', 'true');
  await submit(page, named('Pause product 7'), '/monitor');
  await expect(card.locator('.status')).toHaveAttribute('data-status', 'paused');
  await submit(page, named('Remove product 7'), '/monitor');
  await expect(card).toHaveCount(0);
});

test('the dashboard: parts are started and stopped, the page shows where they are', async ({
  page,
  shop,
}) => {
  shop.letUpTo(3);
  await page.goto('/dashboard');
  const named = (name: string) => page.getByRole('button', { name, exact: true });
  const status = (name: string) =>
    page.getByRole('article', { name, exact: true }).locator('.status');
  await submit(page, named('Pause memory'), '/dashboard');
  await expect(status('Memory')).toHaveAttribute('data-status', 'paused');
  await submit(page, named('Resume memory'), '/dashboard');
  await expect(status('Memory')).toHaveAttribute('data-status', 'running');
  await submit(page, named('Start the job'), '/dashboard');
  const count = page.locator('.job-count');
  await reloadUntil({ page }, async () => (await count.innerText()) === '3');
  await submit(page, named('20 lines a second'), '/dashboard');
  await submit(page, named('Start the log'), '/dashboard');
  // Its end fills the box, and nothing lies below its edge.
  await reloadUntil({ page }, async () => (await page.locator('.log-line').count()) === 12);
  const log = page.getByRole('log');
  expect(await log.evaluate((box) => box.scrollHeight - box.clientHeight)).toBe(0);
  await submit(page, named('Stop the log'), '/dashboard');
  shop.letAll();
  await reloadUntil({ page }, async () => (await count.innerText()) === '40');
});
