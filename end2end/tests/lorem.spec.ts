// Streams of words: each a task of its own.

import { expect, test } from './support/gallery';
import { Tray, expectNoLoss, open, ready } from './support/page';
import type { Page } from '@playwright/test';

const stream = (page: Page, id: number) => page.getByRole('article', { name: `Stream ${id}` });
const add = (page: Page) => page.getByRole('button', { name: 'Add a stream' });
const words = async (page: Page, id: number) =>
  (await stream(page, id).locator('.stream-text').innerText()).split(/\s+/).filter(Boolean).length;
const steps = async (page: Page, id: number) =>
  Number((await stream(page, id).locator('.stream-steps').innerText()).split(' ')[0]);
const status = (page: Page, id: number) => stream(page, id).locator('.status');
const button = (page: Page, id: number, verb: string) =>
  stream(page, id).getByRole('button', { name: `${verb} stream ${id}`, exact: true });

test('a stream comes three words at a time and ends; begun anew, it comes again', async ({
  page,
}) => {
  await open(page, '/lorem');
  await add(page).click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  const of = await steps(page, 1);
  expect(of).toBeGreaterThanOrEqual(7);
  expect(of).toBeLessThanOrEqual(12);
  expect(await words(page, 1)).toBe(3 * of);
  await button(page, 1, 'Restart').click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'running');
  await expect.poll(() => words(page, 1)).toBeLessThan(3 * of);
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  expect(await words(page, 1)).toBe(3 * (await steps(page, 1)));
});

test('the newest words are seen where a card has room for few', async ({ page }) => {
  await open(page, '/lorem');
  await add(page).click();
  const box = stream(page, 1).locator('.stream-text');
  await box.evaluate((box) => (box.style.height = '2.5em'));
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  const seen = await box.evaluate((box) => {
    const words = document.createRange();
    words.selectNodeContents(box);
    const [all, shown] = [words.getBoundingClientRect(), box.getBoundingClientRect()];
    return { times: all.height / shown.height, below: all.bottom - shown.bottom };
  });
  expect(seen.times).toBeGreaterThan(1);
  expect(seen.below).toBeLessThan(1);
});

test('paused it stands still while others go on, over a reload; resumed it goes on alone', async ({
  page,
}) => {
  await open(page, '/lorem');
  await add(page).click();
  await expect.poll(() => steps(page, 1)).toBeGreaterThan(0);
  await button(page, 1, 'Pause').click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'paused');
  const then = await words(page, 1);
  await add(page).click();
  await expect.poll(() => steps(page, 2)).toBeGreaterThan(2);
  expect(await words(page, 1)).toBe(then);
  await page.reload();
  await ready(page);
  await expect(status(page, 1)).toHaveAttribute('data-status', 'paused');
  expect(await words(page, 1)).toBe(then);
  // Resumed and paused and resumed within a step: one loop all the same.
  for (const verb of ['Resume', 'Pause', 'Resume']) await button(page, 1, verb).click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  expect(await words(page, 1)).toBe(3 * (await steps(page, 1)));
  await expectNoLoss(page);
});

test('removed it is gone, in a second tab too, and so is its task', async ({ page, context }) => {
  await open(page, '/lorem');
  const second = await context.newPage();
  await open(second, '/lorem');
  await add(page).click();
  await add(page).click();
  await expect(stream(second, 2)).toBeVisible();
  await button(second, 1, 'Remove').click();
  await expect(stream(page, 1)).toHaveCount(0);
  await expect(stream(page, 2)).toBeVisible();
  await button(page, 2, 'Remove').click();
  await expect(second.locator('.no-streams')).toBeVisible();
  await expect(new Tray(page).count).toContainText('0');
  // Ids are not used again.
  await add(page).click();
  await expect(stream(page, 3)).toBeVisible();
});

test('cancelled in the tray it stands still, and goes on from there', async ({ page }) => {
  await open(page, '/lorem');
  await add(page).click();
  await expect.poll(() => steps(page, 1)).toBeGreaterThan(0);
  const tray = new Tray(page);
  await tray.open();
  await tray.row('lorem/stream_text').getByRole('button', { name: /^Cancel/ }).click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'stopped');
  const then = await steps(page, 1);
  await button(page, 1, 'Go on with').click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  expect(await words(page, 1)).toBe(3 * (await steps(page, 1)));
  expect(await steps(page, 1)).toBeGreaterThan(then);
});

test('at most twenty, and the page says so', async ({ page }) => {
  await open(page, '/lorem');
  for (let id = 1; id <= 20; id++) {
    await add(page).click();
    await expect(stream(page, id)).toBeVisible();
  }
  await expect(add(page)).toBeDisabled();
  await expect(page.locator('#lorem-notes')).toContainText('20 streams are enough');
});

test('the server refuses one more than twenty, whoever asks', async ({ page, context }) => {
  await open(page, '/lorem');
  for (let id = 1; id <= 19; id++) {
    await add(page).click();
    await expect(stream(page, id)).toBeVisible();
  }
  // This page does not hear of the twentieth.
  const second = await context.newPage();
  await open(second, '/lorem');
  await second.getByRole('button', { name: 'Cut my stream for 5 s' }).click();
  await expect(second.locator('.banner')).toBeVisible();
  await add(page).click();
  await expect(stream(page, 20)).toBeVisible();
  await add(second).click();
  await expect(second.getByRole('alert').filter({ hasText: '20 streams are enough' })).toHaveCount(1, {
    timeout: 20_000,
  });
  await expect(stream(second, 20)).toBeVisible();
  await expect(stream(page, 21)).toHaveCount(0);
});

test('offline and back: a pause that was clicked holds, and what came meanwhile is here', async ({
  page,
  context,
  problems,
}) => {
  await open(page, '/lorem');
  await add(page).click();
  await add(page).click();
  await expect.poll(() => steps(page, 2)).toBeGreaterThan(0);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(page.locator('.banner')).toContainText(/offline/i);
  const before = await steps(page, 1);
  await button(page, 2, 'Pause').click();
  await context.setOffline(false);
  await expect(page.locator('.banner')).toHaveCount(0);
  await expect.poll(() => steps(page, 1)).toBeGreaterThan(before);
  await expect(status(page, 1)).toHaveAttribute('data-status', 'done');
  expect(await words(page, 1)).toBe(3 * (await steps(page, 1)));
  await expect(status(page, 2)).toHaveAttribute('data-status', /^(paused|done)$/);
  await expectNoLoss(page);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('add, pause, resume and remove are forms', async ({ page }) => {
    await page.goto('/lorem');
    await add(page).click();
    await expect(stream(page, 1)).toBeVisible();
    const is = (wanted: string) => async () => {
      await page.reload();
      return (await status(page, 1).getAttribute('data-status')) === wanted;
    };
    await button(page, 1, 'Pause').click();
    await expect.poll(is('paused')).toBe(true);
    await button(page, 1, 'Resume').click();
    await expect.poll(is('done'), { timeout: 20_000 }).toBe(true);
    await button(page, 1, 'Remove').click();
    await expect(page.locator('.no-streams')).toBeVisible();
  });
});
