// The dashboard: parts that move independently, and a log of which only what is seen is there.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { expectNoLoss, open, ready } from './support/page';
import { test as shopTest } from './support/shop';

const PRODUCTS = 40;
const part = (page: Page, name: string) => page.getByRole('article', { name, exact: true });
const status = (page: Page, name: string) => part(page, name).locator('.status');
const press = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).click();
const box = (page: Page) => page.getByRole('log', { name: 'Lines of the log' });
const rows = (page: Page) => page.locator('.log-line');
const lines = async (page: Page) =>
  Number((await page.locator('.log-count b').innerText()).replaceAll(',', ''));
/** What a chart draws: it changes with each sample. */
const drawn = (page: Page, name: string) =>
  part(page, name).locator('.chart-line').getAttribute('d');

/** The line at the upper edge of the box, and how far below it that line begins. */
function firstSeen(page: Page): Promise<{ text: string; offset: number }> {
  return box(page).evaluate((box) => {
    const top = box.getBoundingClientRect().top + box.clientTop;
    const row = [...box.querySelectorAll('.log-line')].find(
      (row) => row.getBoundingClientRect().bottom > top + 1,
    );
    const offset = (row?.getBoundingClientRect().top ?? 0) - top;
    return { text: row?.textContent ?? '', offset };
  });
}

const distanceToEnd = (page: Page) =>
  box(page).evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);

async function tail(page: Page, pace: number, least: number): Promise<void> {
  await press(page, `${pace} lines a second`);
  await press(page, 'Start the log');
  await expect.poll(() => lines(page), { timeout: 20_000 }).toBeGreaterThan(least);
}

test('the meters measure from the start on, each by its own task', async ({ page }) => {
  await open(page, '/dashboard');
  for (const name of ['Processor', 'Memory', 'Streams', 'Tasks', 'Queue']) {
    await expect(status(page, name)).toHaveAttribute('data-status', 'running');
  }
  await expect(part(page, 'Memory').locator('.meter-now')).toHaveText(/^[1-9]\d*\.\d MB$/);
  // This page's own.
  await expect(part(page, 'Streams').locator('.meter-now')).toHaveText('1');
  await expect.poll(() => part(page, 'Tasks').locator('.meter-now').innerText()).toBe('5');
  await press(page, 'Pause tasks');
  await expect(status(page, 'Tasks')).toHaveAttribute('data-status', 'paused');
  const [paused, other] = [await drawn(page, 'Tasks'), await drawn(page, 'Memory')];
  await press(page, 'Start the log');
  await expect.poll(() => drawn(page, 'Memory')).not.toBe(other);
  expect(await drawn(page, 'Tasks')).toBe(paused);
  await press(page, 'Resume tasks');
  await expect(part(page, 'Tasks').locator('.meter-now')).toHaveText('6');
  await expectNoLoss(page);
});

test('the meters are the same for all; who stops one stops it for all, and all can start it', async ({
  page,
  newVisitor,
}) => {
  const stranger = await (await newVisitor()).newPage();
  await open(page, '/dashboard');
  await open(stranger, '/dashboard');
  await press(page, 'Stop queue');
  await expect(status(stranger, 'Queue')).toHaveAttribute('data-status', 'stopped');
  await expect(status(stranger, 'Processor')).toHaveAttribute('data-status', 'running');
  await press(stranger, 'Start queue');
  await expect(status(page, 'Queue')).toHaveAttribute('data-status', 'running');
  // Job and log are not.
  await press(page, 'Start the log');
  await expect(status(page, 'Log')).toHaveAttribute('data-status', 'running');
  await expect(status(stranger, 'Log')).toHaveAttribute('data-status', 'none');
});

shopTest('the job counts, waits while it is paused, and begins anew', async ({ page, shop }) => {
  await open(page, '/dashboard');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'none');
  shop.letUpTo(10);
  await press(page, 'Start the job');
  await expect(page.locator('.job-count')).toHaveText('10');
  await expect(page.locator('.job-percent')).toHaveText('25 %');
  await press(page, 'Pause the job');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'paused');
  shop.letAll();
  await page.reload();
  await ready(page);
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'paused');
  await expect(page.locator('.job-count')).toHaveText('10');
  await press(page, 'Resume the job');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'done');
  await expect(page.locator('.job-count')).toHaveText(`${PRODUCTS}`);
  await expect(page.locator('.job-percent')).toHaveText('100 %');
  const total = await page.locator('.job-total').innerText();
  shop.letUpTo(3);
  await press(page, 'Start the job');
  await expect(page.locator('.job-count')).toHaveText('3');
  await press(page, 'Stop the job');
  shop.letAll();
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'stopped');
  await press(page, 'Start the job');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'done');
  // Nothing of what was stopped is in the sum.
  await expect(page.locator('.job-total')).toHaveText(total);
});

shopTest('a job that fails says which product, and what to do', async ({ page, shop }) => {
  shop.letAll();
  shop.fail(5);
  await open(page, '/dashboard');
  await press(page, 'Start the job');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'failed');
  await expect(part(page, 'Job').getByRole('alert')).toHaveText(
    'Product 5 did not come: the upstream answered 500. Start it again.',
  );
  await expect(page.locator('.job-count')).toHaveText('4');
  shop.repair();
  await press(page, 'Start the job');
  await expect(status(page, 'Job')).toHaveAttribute('data-status', 'done');
});

test('the log tails: few rows are in the page, and the box stays at the end', async ({ page }) => {
  await open(page, '/dashboard');
  await expect(page.locator('.log-empty')).toBeVisible();
  await tail(page, 200, 300);
  expect(await rows(page).count()).toBeLessThan(40);
  await expect.poll(() => distanceToEnd(page)).toBeLessThanOrEqual(2);
  await expect(page.getByRole('button', { name: 'To the end' })).toBeHidden();
  await press(page, 'Stop the log');
  await expect(status(page, 'Log')).toHaveAttribute('data-status', 'stopped');
  // All of it can be reached: by keyboard, too.
  await box(page).focus();
  await page.keyboard.press('Home');
  await expect.poll(() => box(page).evaluate((box) => box.scrollTop)).toBe(0);
  await expect(page.getByRole('button', { name: 'To the end' })).toBeVisible();
  await expect.poll(async () => (await firstSeen(page)).offset).toBe(0);
  await press(page, 'To the end');
  await expect.poll(() => distanceToEnd(page)).toBeLessThanOrEqual(2);
  await press(page, 'Clear');
  await expect(rows(page)).toHaveCount(0);
  await expect(page.locator('.log-empty')).toBeVisible();
});

test('who scrolls up reads undisturbed while more lines come', async ({ page }) => {
  await open(page, '/dashboard');
  await tail(page, 200, 200);
  await box(page).hover();
  await page.mouse.wheel(0, -1_000);
  await expect(page.getByRole('button', { name: 'To the end' })).toBeVisible();
  await expect.poll(() => distanceToEnd(page)).toBeGreaterThan(500);
  // The wheel may still be moving the box.
  let before = await firstSeen(page);
  await expect
    .poll(async () => {
      const now = await firstSeen(page);
      const rests = now.text === before.text && now.offset === before.offset;
      before = now;
      return rests;
    })
    .toBe(true);
  const count = await lines(page);
  await expect.poll(() => lines(page)).toBeGreaterThan(count + 200);
  expect(await firstSeen(page)).toEqual(before);
  await press(page, 'To the end');
  await expect.poll(() => distanceToEnd(page)).toBeLessThanOrEqual(2);
});

test('lines over a limit are marked, by this page alone', async ({ page }) => {
  await open(page, '/dashboard');
  await tail(page, 20, 15);
  await press(page, 'Pause the log');
  await expect(status(page, 'Log')).toHaveAttribute('data-status', 'paused');
  await page.getByLabel('Mark over, ms').fill('1000');
  await expect(page.locator('.log-line.marked')).toHaveCount(0);
  await page.getByLabel('Mark over, ms').fill('0');
  await expect(page.locator('.log-line.marked')).toHaveCount(await rows(page).count());
});

test('a reload in the middle keeps the log and goes on; the HTML has its end', async ({ page }) => {
  await open(page, '/dashboard');
  await tail(page, 200, 100);
  const before = await lines(page);
  const reloaded = await page.reload();
  const html = (await reloaded?.text()) ?? '';
  // A box of rows, not all.
  expect(html.match(/class="log-line/g)).toHaveLength(12);
  await ready(page);
  expect(await lines(page)).toBeGreaterThanOrEqual(before);
  await expect.poll(() => lines(page)).toBeGreaterThan(before + 100);
  await expect.poll(() => distanceToEnd(page)).toBeLessThanOrEqual(2);
  await expectNoLoss(page);
});

test('two tabs: a part that one stops stands still in both', async ({ page, context }) => {
  await open(page, '/dashboard');
  const second = await context.newPage();
  await open(second, '/dashboard');
  await tail(page, 20, 5);
  await expect.poll(() => lines(second)).toBeGreaterThan(5);
  await press(second, 'Stop the log');
  await expect(status(page, 'Log')).toHaveAttribute('data-status', 'stopped');
  await expect.poll(async () => (await lines(page)) - (await lines(second))).toBe(0);
});

test('offline and back: the charts and the log have what came meanwhile', async ({
  page,
  context,
  problems,
}) => {
  await open(page, '/dashboard');
  await tail(page, 20, 5);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(page.locator('.banner')).toContainText(/offline/i);
  const before = await lines(page);
  await context.setOffline(false);
  await expect(page.locator('.banner')).toHaveCount(0);
  await expect.poll(() => lines(page)).toBeGreaterThan(before + 20);
  await expectNoLoss(page);
});
