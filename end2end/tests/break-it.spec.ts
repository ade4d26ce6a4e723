// What a demonstration breaks mends itself, and nothing is lost or comes twice.

import type { Page } from '@playwright/test';
import { DEMOS, answered, begin, expectShown } from './support/demos';
import { test as gallery } from './support/gallery';
import { ALL_IDS } from './support/posts-page';
import { Tray, expectNoLoss, open } from './support/page';
import { expect, test } from './support/shop';

const number = (text: string | null) => Number(text);
const strip = (page: Page) => page.getByRole('region', { name: 'Break it' });
const snapshots = async (page: Page) => number(await page.locator('.break-snapshots').textContent());
/** How much longer an answer takes at least: a second for the click, and one for what comes back. */
const SLOWER_MS = 1_000;

gallery.describe('every demonstration', () => {
  // The first page begins by itself, but for who wants no motion.
  const sales = { delayMs: 5, failureRate: 0 };
  gallery.use({ sales, contextOptions: { reducedMotion: 'reduce' } });

  for (const path of [...DEMOS.map(({ path }) => path), '/room', '/lab/rows']) {
    gallery(`${path} has the strip`, async ({ page }) => {
      await open(page, path);
      if (path === '/room/tea') {
        await page.getByLabel('Your name').fill('Ada');
        await page.getByRole('button', { name: 'Enter' }).click();
      }
      await expect(strip(page).getByRole('button')).toHaveText([/^Cut my stream/, 'Slow network', 'Drop my copy']);
      await expect(strip(page).getByRole('link')).toHaveText(['Reload', 'Open a second tab']);
      await expect(strip(page).getByRole('term')).toHaveText([
        'position',
        'changes applied',
        'snapshots',
        'lost',
        'twice',
      ]);
    });
  }

  for (const demo of DEMOS) {
    gallery(`${demo.path}: dropped, reloaded, in a second tab, it shows the same`, async ({ page, context }) => {
      const shown = await begin(page, demo);
      await expectNoLoss(page);
      const before = await snapshots(page);
      await strip(page).getByRole('button', { name: 'Drop my copy' }).click();
      await expect.poll(() => snapshots(page)).toBeGreaterThan(before);
      await expectShown(page, demo, shown);

      const loaded = page.waitForEvent('domcontentloaded');
      await strip(page).getByRole('link', { name: 'Reload' }).click();
      await loaded;
      await expect(page).toHaveURL(demo.path);
      await expectShown(page, demo, shown);

      const opened = context.waitForEvent('page');
      await strip(page).getByRole('link', { name: 'Open a second tab' }).click();
      const second = await opened;
      await expect(second).toHaveURL(demo.path);
      await expectShown(second, demo, shown);
      // What is clicked in one of them, both show.
      await answered(second, demo);
      await expect.poll(() => demo.answer(page)).toBe(await demo.answer(second));
      await expectNoLoss(page);
    });

    gallery(`${demo.path}: cut, it comes back; a slow network is slow; nothing is lost`, async ({ page }) => {
      await begin(page, demo);
      const quick = Math.min(await answered(page, demo), await answered(page, demo));

      const cut = strip(page).getByRole('button').first();
      const before = await demo.answer(page);
      await cut.click();
      await expect(cut).toHaveText('Your stream is cut');
      await expect(cut).toBeDisabled();
      await demo.click(page);
      await expect(page.locator('.banner')).toBeVisible();
      expect(await demo.answer(page)).toBe(before);
      await expect.poll(() => demo.answer(page), { timeout: 20_000 }).not.toBe(before);
      await expect(page.locator('.banner')).toHaveCount(0);
      await expect(cut).toBeEnabled();
      await demo.settle?.(page);

      const slow = strip(page).getByRole('button', { name: 'Slow network' });
      await slow.click();
      await expect(slow).toHaveAttribute('aria-pressed', 'true');
      expect((await answered(page, demo)) - quick).toBeGreaterThan(SLOWER_MS);
      await slow.click();
      await expect(slow).toHaveAttribute('aria-pressed', 'false');
      await answered(page, demo);
      await expectNoLoss(page);
    });
  }
});

test('a stream that is cut for five seconds brings what came meanwhile', async ({ posts, page, shop }) => {
  await posts.open();
  const { background } = posts;
  shop.letUpTo(2);
  await background.begin(2);
  await page.getByRole('button', { name: 'Cut my stream' }).click();
  await expect(page.getByRole('button', { name: 'Your stream is cut' })).toBeDisabled();
  shop.letAll();
  await shop.expectAsked(10);
  await expect(posts.banner).toBeVisible();
  expect(await background.ids()).toEqual([1, 2]);
  await background.expectStatus('done');
  await background.expectAllPosts();
  await expect(posts.banner).toHaveCount(0);
  await expectNoLoss(page);
});

test('a slow network holds back, in order', async ({ posts, page, shop }) => {
  await posts.open();
  const { background } = posts;
  const slow = page.getByRole('button', { name: 'Slow network' });
  await slow.click();
  await expect(slow).toHaveAttribute('aria-pressed', 'true');
  shop.letAll();
  await background.fetch.click();
  await background.expectStatus('done');
  expect(await background.ids()).toEqual(ALL_IDS);
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  const times = await background.clickTimes();
  expect(times.clicks).toBe(0);
  await slow.click();
  await expect(slow).toHaveAttribute('aria-pressed', 'false');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('2');
  await expectNoLoss(page);
});

test('what waits in a page that goes is sent', async ({ posts, page }) => {
  await posts.open();
  await page.getByRole('button', { name: 'Slow network' }).click();
  // Held back as long as the page lives.
  await posts.count.click();
  await page.reload();
  await posts.ready();
  await expect(posts.clicks).toHaveText('1');
  await expectNoLoss(page);
});

test('a copy that is dropped comes back as a snapshot', async ({ posts, page, shop }) => {
  await posts.open();
  const { background } = posts;
  shop.letUpTo(3);
  await background.begin(3);
  const before = await snapshots(page);
  await page.getByRole('button', { name: 'Drop my copy' }).click();
  await expect.poll(() => snapshots(page)).toBeGreaterThan(before);
  expect(await background.ids()).toEqual([1, 2, 3]);
  shop.letAll();
  await background.expectStatus('done');
  await background.expectAllPosts();
  await expectNoLoss(page);
});

test('the tray tells of a run on every page, and pauses, resumes and cancels it', async ({ posts, page, shop }) => {
  await posts.open();
  shop.letUpTo(2);
  await posts.background.begin(2);
  await open(page, '/lorem');
  const tray = new Tray(page);
  await expect(tray.count).toContainText('1');
  await tray.open();
  const row = tray.row('posts/get_posts');
  await expect(row).toContainText('Ten posts');
  await expect(row).toContainText('2 of 10');
  await row.getByRole('button', { name: /^Pause/ }).click();
  await expect(row.locator('.status')).toHaveAttribute('data-status', 'paused');
  shop.letUpTo(5);
  await row.getByRole('button', { name: /^Resume/ }).click();
  await expect(row).toContainText('5 of 10');
  await shop.expectAsked(6);
  await row.getByRole('button', { name: /^Cancel/ }).click();
  // What it waits for comes when it has ended: until its cancel is there it would be taken.
  await expect(row.locator('.status')).toHaveAttribute('data-status', 'stopped');
  shop.letAll();
  await expect(tray.count).toContainText('0');
  await row.getByRole('link', { name: 'Ten posts' }).click();
  await expect(page).toHaveURL('/posts');
  expect(await posts.background.ids()).toEqual([1, 2, 3, 4, 5]);
});

test('an error that no view shows comes up as a toast, and is dismissed', async ({ page, shop, posts }) => {
  await posts.open();
  shop.letUpTo(1);
  await posts.background.begin(1);
  const tray = new Tray(page);
  await tray.open();
  const cancel = tray.row('posts/get_posts').getByRole('button', { name: /^Cancel/ });
  // The server does not take it.
  await page.route('**/api/events', (route) => {
    const { events } = route.request().postDataJSON() as { events: [number, ...unknown[]][] };
    const refused = events.map(([n]) => ({ n, is: 'refused', kind: 'full', message: 'No room.' }));
    return route.fulfill({ status: 202, json: { epoch: '0', events: refused } });
  });
  await cancel.click();
  const toast = page.locator('.toast');
  await expect(toast).toContainText('No room.');
  await toast.getByRole('button', { name: 'Dismiss' }).click();
  await expect(toast).toHaveCount(0);
});

for (const name of ['Chained events', 'Background task'] as const) {
  test(`${name}: after Clear nothing is said of the run that was cleared`, async ({ posts, shop }) => {
    await posts.open();
    const [style] = posts.style(name);
    shop.letAll();
    await style.run();
    await style.clear.click();
    await expect(style.posts).toHaveCount(0);
    await style.expectStatus('none');
    await expect(style.progress).toHaveText('0 of 10');
    await style.run();
    await style.expectAllPosts();
  });
}
