// What arrives must not push away what is being read.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { HEADER, ImportPage, orders } from './support/import-page';
import { open, ready } from './support/page';
import { forget } from './support/record';
import { STYLES } from './support/posts-page';

const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
const layoutShift = (page: Page) => page.evaluate(() => window.layoutShift);

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };

for (const [size, viewport] of Object.entries(SIZES)) {
  test.describe(size, () => {
    test.use({ viewport, upstream: { delayMs: 120 } });

    for (const name of STYLES) {
      test(`${name}: nothing jumps while ten posts arrive`, async ({ posts, page }) => {
        await posts.open();
        const [style] = posts.style(name);
        await style.fetch.scrollIntoViewIfNeeded();
        await forget(page);
        await style.run();
        await style.expectAllPosts();
        const shift = await page.evaluate(() => window.layoutShift);
        test.info().annotations.push({ type: 'layout shift', description: `${shift}` });
        expect(shift).toBeLessThanOrEqual(0.02);
      });
    }

    test('nothing jumps while the page comes alive, and nothing is cut off', async ({
      posts,
      page,
    }) => {
      await posts.open();
      await posts.background.run();
      await page.reload();
      await posts.ready();
      expect(await page.evaluate(() => window.layoutShift)).toBeLessThanOrEqual(0.02);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });

    test('the monitor: nothing jumps while answers come, nor while the page comes alive', async ({
      page,
    }) => {
      await open(page, '/monitor');
      for (const id of [1, 999]) {
        await page.getByLabel('Product', { exact: true }).fill(`${id}`);
        await page.getByRole('button', { name: 'Watch', exact: true }).click();
        await expect(page.locator(`article[data-id="${id}"]`)).toBeVisible();
      }
      await expect(page.locator('.endpoint-calls').first()).not.toHaveText(/^0/);
      await forget(page);
      await expect(page.locator('.endpoint-calls').first()).toHaveText(/^[4-9]/);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      await page.reload();
      await ready(page);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });

    test('the report: nothing jumps while products come, while it is written, nor while it comes alive', async ({
      page,
    }) => {
      await open(page, '/report');
      await page.getByRole('button', { name: 'Make the report' }).click();
      await expect(page.locator('.cell[data-stage="done"]')).toHaveCount(40);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      await page.locator('.sections').scrollIntoViewIfNeeded();
      await expect(page.locator('#report-notes')).toHaveText('All of it is here.', { timeout: 20_000 });
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      await page.reload();
      await ready(page);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });

    test('an import: nothing jumps while rows come, nor while the page comes alive', async ({ page }) => {
      const form = new ImportPage(page);
      await form.open();
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await form.import(`${HEADER}\n${orders(10_000).join('\n')}\n`);
      await expect.poll(() => form.imported()).toBeGreaterThan(500);
      await forget(page);
      await expect.poll(() => form.imported()).toBeGreaterThan(3_000);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      await page.reload();
      await ready(page);
      await expect(form.table.locator('.paged-rows [role=row]').first()).toBeVisible();
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });

    test('the dashboard: nothing jumps while all parts move, nor while the page comes alive', async ({
      page,
    }) => {
      await open(page, '/dashboard');
      await page.getByRole('button', { name: 'Start the job' }).click();
      await page.getByRole('button', { name: '200 lines a second' }).click();
      await page.getByRole('button', { name: 'Start the log' }).click();
      await expect(page.locator('.log-line').nth(12)).toBeAttached();
      await forget(page);
      await expect(page.locator('.log-count b')).toHaveText(/^[1-9],?\d\d\d$|^[5-9]\d\d$/);
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      await page.reload();
      await ready(page);
      await expect(page.locator('.log-line').nth(12)).toBeAttached();
      expect(await layoutShift(page)).toBeLessThanOrEqual(0.02);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });
  });
}
