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
const SHIFT = 0.02;

/** Nothing has moved since it was forgotten, nor does it while the page comes alive; nothing is wider
 * than the page. */
async function expectStill(page: Page): Promise<void> {
  expect(await layoutShift(page), 'while it moves').toBeLessThanOrEqual(SHIFT);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  await page.reload();
  await ready(page);
  expect(await layoutShift(page), 'while it comes alive').toBeLessThanOrEqual(SHIFT);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
}

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

    test('an import that asks: the question takes a place that was kept for it', async ({ page }) => {
      const form = new ImportPage(page);
      await form.open();
      await forget(page);
      // Not by a click: what is clicked for may move.
      await form.choose(`${HEADER.replace('email', 'e-mail')}\n${orders(20_000).join('\n')}\n`);
      await page.evaluate(() => setTimeout(() => document.querySelector<HTMLFormElement>('form.upload')!.requestSubmit(), 700));
      await expect(form.question).toBeVisible();
      await expectStill(page);
      await expect(form.question).toBeVisible();
      await forget(page);
      await page.evaluate(() => setTimeout(() => document.querySelector<HTMLElement>('.import-choices button')!.click(), 0));
      await expect.poll(() => form.imported()).toBeGreaterThan(500);
      await expectStill(page);
    });

    test('random numbers: nothing jumps while they are drawn, nor while the page comes alive', async ({ page }) => {
      await open(page, '/random');
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await page.getByRole('button', { name: '1 s', exact: true }).click();
      await page.getByRole('region', { name: 'Background task' }).getByRole('button', { name: 'Run' }).click();
      await expect(page.locator('.values')).toHaveText(/^−?\d+$/);
      await forget(page);
      await expect(page.locator('.values')).toHaveText(/(, −?\d+){3}/);
      await expectStill(page);
    });

    test('streams of words: nothing jumps while they come, nor while the page comes alive', async ({ page }) => {
      await open(page, '/lorem');
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      for (const id of [1, 2]) {
        await page.getByRole('button', { name: 'Add a stream' }).click();
        await expect(page.locator(`.stream[data-id="${id}"] .stream-steps`)).toHaveText(/^[1-9]/);
      }
      const steps = page.locator('.stream[data-id="2"] .stream-steps');
      const begun = await steps.innerText();
      await forget(page);
      await expect(steps).not.toHaveText(begun);
      await expect(page.locator('.stream[data-id="2"] .status')).toHaveAttribute('data-status', 'done', { timeout: 40_000 });
      await expectStill(page);
    });

    test.describe('words that come slowly', () => {
      test.use({ model: { delayMs: 25 } });

      test('the assistant: nothing jumps while an answer comes, nor while the page comes alive', async ({ page }) => {
        await open(page, '/assistant');
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        await page.getByRole('button', { name: 'Show me the code that streams this answer' }).click();
        const last = page.locator('.message.model').last();
        await expect(last).not.toBeEmpty();
        await forget(page);
        await expect(last).toHaveAttribute('data-end', 'done', { timeout: 30_000 });
        await expectStill(page);
      });
    });

    test('a room: nothing jumps while others speak, vote and start a timer, nor while the page comes alive', async ({
      page,
      newVisitor,
    }) => {
      const other = await (await newVisitor()).newPage();
      for (const [one, name] of [[page, 'Ada'], [other, 'Bob']] as const) {
        await open(one, '/room/tea');
        expect(await overflow(one)).toBeLessThanOrEqual(0);
        await one.getByLabel('Your name').fill(name);
        await one.getByRole('button', { name: 'Enter' }).click();
      }
      await expect(page.locator('.member')).toHaveCount(2);
      await forget(page);
      await other.getByRole('button', { name: 'Start a timer of 5 min' }).click();
      for (let line = 1; line <= 12; line++) {
        await other.getByLabel('Say something').fill(`${line}: ${'a few words more '.repeat(line)}`);
        await other.getByRole('button', { name: 'Say', exact: true }).click();
        await other.locator('.vote-choice').nth(line % 2).click();
        await expect(page.locator('.chat-line')).toHaveCount(line);
      }
      await expect(page.locator('.timer-left')).toHaveText(/^4:/);
      await expectStill(page);
    });

    test('where no page is: nothing jumps, nothing is cut off', async ({ page, problems }) => {
      problems.expectMissing();
      await open(page, `/${'nowhere-'.repeat(20)}`);
      await expectStill(page);
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
