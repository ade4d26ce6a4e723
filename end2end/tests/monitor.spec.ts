// The monitor: a task for each endpoint, by its key.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { Tray, expectNoLoss, open, ready } from './support/page';
import { test as shopTest } from './support/shop';

const card = (page: Page, id: number) => page.getByRole('article', { name: `Product ${id}`, exact: true });
const status = (page: Page, id: number) => card(page, id).locator('.status');
const button = (page: Page, id: number, verb: string) =>
  card(page, id).getByRole('button', { name: `${verb} product ${id}`, exact: true });
const every = (page: Page, id: number, seconds: number) =>
  card(page, id).getByRole('button', { name: `Every ${seconds} s`, exact: true });
const calls = async (page: Page, id: number) =>
  Number((await card(page, id).locator('.endpoint-calls').innerText()).split(' ')[0]);

async function watch(page: Page, id: number): Promise<void> {
  await page.getByLabel('Product', { exact: true }).fill(`${id}`);
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await expect(card(page, id)).toBeVisible();
}

test('each endpoint is asked by a task of its own: one is paused, one stopped, one goes on', async ({
  page,
}) => {
  await open(page, '/monitor');
  await expect(page.locator('.no-endpoints')).toBeVisible();
  for (const id of [1, 2, 3]) await watch(page, id);
  await expect(page.locator('.no-endpoints')).toHaveCount(0);
  for (const id of [1, 2, 3]) await expect.poll(() => calls(page, id)).toBeGreaterThan(0);
  await expect(card(page, 1)).toContainText('Walnut Serving Board');
  await expect(card(page, 1).locator('.endpoint-now')).toHaveText(/^\d+ ms$/);
  await button(page, 1, 'Pause').click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'paused');
  await button(page, 2, 'Stop').click();
  await expect(status(page, 2)).toHaveAttribute('data-status', 'stopped');
  const [paused, stopped, before] = [await calls(page, 1), await calls(page, 2), await calls(page, 3)];
  await expect.poll(() => calls(page, 3)).toBeGreaterThan(before + 1);
  expect(await calls(page, 1)).toBe(paused);
  expect(await calls(page, 2)).toBe(stopped);
  await button(page, 1, 'Resume').click();
  await button(page, 2, 'Start').click();
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(paused);
  await expect.poll(() => calls(page, 2)).toBeGreaterThan(stopped);
  await expectNoLoss(page);
});

test('what a shop has sold is watched beside the products, by a task of its own', async ({ page }) => {
  await open(page, '/monitor');
  await watch(page, 1);
  await page.getByLabel('Upstream').selectOption('Sales');
  await page.getByLabel('Product', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  const sales = page.getByRole('article', { name: 'Sales of product 1' });
  await expect(sales.locator('.endpoint-calls')).toContainText(/^[2-9] calls/);
  await expect(sales.getByRole('heading')).toHaveText('/sales/1');
  await expect(card(page, 1)).toContainText('Walnut Serving Board');
  await sales.getByRole('button', { name: 'Pause sales of product 1' }).click();
  await expect(sales.locator('.status')).toHaveAttribute('data-status', 'paused');
  await expect(status(page, 1)).toHaveAttribute('data-status', 'running');
  await page.getByRole('button', { name: 'Remove sales of product 1' }).click();
  await expect(sales).toHaveCount(0);
  await expect(card(page, 1)).toBeVisible();
});

test('an interval is of one endpoint, and counts at once', async ({ page }) => {
  await open(page, '/monitor');
  await watch(page, 1);
  await every(page, 1, 10).click();
  await expect(every(page, 1, 10)).toHaveAttribute('aria-pressed', 'true');
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(0);
  await watch(page, 2);
  await expect.poll(() => calls(page, 2)).toBeGreaterThan(2);
  expect(await calls(page, 1)).toBeLessThanOrEqual(2);
  // Ten seconds are not waited for.
  await every(page, 1, 1).click();
  await expect.poll(() => calls(page, 1), { timeout: 4_000 }).toBeGreaterThan(2);
});

shopTest('a call that fails is told, and the next one is made', async ({ page, shop }) => {
  shop.letAll();
  shop.fail(7);
  await open(page, '/monitor');
  await watch(page, 7);
  await expect(card(page, 7).locator('.endpoint-now')).toHaveText('failed');
  await expect(card(page, 7)).toContainText('Last error: the upstream answered 500');
  await expect(status(page, 7)).toHaveAttribute('data-status', 'running');
  shop.repair();
  await expect(card(page, 7).locator('.endpoint-now')).toHaveText(/^\d+ ms$/);
  // It stays to be read.
  await expect(card(page, 7)).toContainText('Last error: the upstream answered 500');
  await expect(card(page, 7).locator('.endpoint-calls')).toContainText('failed');
});

shopTest('an upstream that does not answer holds up no Stop, no Pause and no Remove', async ({ page, shop }) => {
  await open(page, '/monitor');
  for (const id of [1, 2, 3]) await watch(page, id);
  await shop.expectAsked(3);
  // Sooner than a task that does not leave by itself is dropped.
  const soon = { timeout: 3_000 };
  await button(page, 1, 'Stop').click();
  await expect(status(page, 1)).toHaveAttribute('data-status', 'stopped', soon);
  await expect.poll(() => shop.open, soon).toBe(2);
  await button(page, 2, 'Pause').click();
  await expect(status(page, 2)).toHaveAttribute('data-status', 'paused', soon);
  await button(page, 3, 'Remove').click();
  await expect(card(page, 3)).toHaveCount(0, soon);
  await expect.poll(() => shop.open, soon).toBe(1);
  // What came in the pause is taken after it, and the pause is none of its time.
  shop.letAll();
  await expect.poll(() => shop.open).toBe(0);
  await button(page, 2, 'Resume').click();
  await expect(card(page, 2).locator('.endpoint-calls')).toContainText(/^[1-9]/);
  await expectNoLoss(page);
});

shopTest('the sparkline has a mark for each call, and a cross for each that failed', async ({ page, shop }) => {
  shop.letAll();
  await open(page, '/monitor');
  await watch(page, 3);
  const marks = async (name: string) => {
    const path = (await card(page, 3).locator(`.spark-${name}`).getAttribute('d')) ?? '';
    return path.match(/M/g)?.length ?? 0;
  };
  await expect.poll(() => marks('well')).toBeGreaterThan(1);
  expect(await marks('failed')).toBe(0);
  shop.fail(3);
  await expect.poll(() => marks('failed')).toBeGreaterThan(0);
  shop.repair();
  // Held, so that all of it is of one moment.
  await button(page, 3, 'Pause').click();
  await expect(status(page, 3)).toHaveAttribute('data-status', 'paused');
  const said = await card(page, 3).locator('.endpoint-calls').innerText();
  const [calls, failed] = (said.match(/\d+/g) ?? []).map(Number);
  expect([await marks('well'), await marks('failed')]).toEqual([calls - failed, failed]);
  await expect(card(page, 3).getByRole('img')).toHaveAccessibleName(
    new RegExp(`^Product 3: the last ${calls} calls took \\d+ ms at most$`),
  );
});

test('what is watched already is refused in words, and so is more than there is room for', async ({
  page,
}) => {
  await open(page, '/monitor');
  // The field offers the next number that is free.
  const field = page.getByLabel('Product', { exact: true });
  for (let id = 1; id <= 12; id++) {
    await expect(field).toHaveValue(`${id}`);
    await watch(page, id);
    if (id > 1) continue;
    await field.fill('1');
    await page.getByRole('button', { name: 'Watch', exact: true }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'Product 1 is watched already.' })).toBeVisible();
    // What was refused stands there, to be mended.
    await expect(field).toHaveValue('1');
    await field.fill('2');
  }
  await expect(page.getByRole('button', { name: 'Watch', exact: true })).toBeDisabled();
  await expect(page.locator('#watch-notes')).toContainText('12 endpoints are enough');
  await button(page, 5, 'Remove').click();
  await expect(card(page, 5)).toHaveCount(0);
  await expect(field).toHaveValue('5');
  await expect(page.getByRole('button', { name: 'Watch', exact: true })).toBeEnabled();
});

test('a reload in the middle keeps everything, and the HTML has it', async ({ page }) => {
  await open(page, '/monitor');
  await watch(page, 1);
  await watch(page, 2);
  await button(page, 2, 'Pause').click();
  await expect(status(page, 2)).toHaveAttribute('data-status', 'paused');
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(1);
  const [first, second] = [await calls(page, 1), await calls(page, 2)];
  const reloaded = await page.reload();
  const html = (await reloaded?.text()) ?? '';
  expect(html).toContain('Walnut Serving Board');
  expect(html).toContain('data-status="paused"');
  await ready(page);
  expect(await calls(page, 1)).toBeGreaterThanOrEqual(first);
  expect(await calls(page, 2)).toBe(second);
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(first);
  await expect(status(page, 2)).toHaveAttribute('data-status', 'paused');
  await expectNoLoss(page);
});

test('two tabs watch the same; a stranger sees nothing of it', async ({
  page,
  context,
  newVisitor,
}) => {
  await open(page, '/monitor');
  const second = await context.newPage();
  await open(second, '/monitor');
  const stranger = await (await newVisitor()).newPage();
  await open(stranger, '/monitor');
  await watch(page, 4);
  await expect(card(second, 4)).toBeVisible();
  await button(second, 4, 'Pause').click();
  await expect(status(page, 4)).toHaveAttribute('data-status', 'paused');
  await button(second, 4, 'Remove').click();
  await expect(card(page, 4)).toHaveCount(0);
  await expect(new Tray(page).count).toContainText('0');
  await expect(stranger.locator('.no-endpoints')).toBeVisible();
});

test('offline: what is clicked waits; back, it is done, and what came meanwhile is shown', async ({
  page,
  context,
  problems,
}) => {
  await open(page, '/monitor');
  await watch(page, 1);
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(0);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(page.locator('.banner')).toContainText(/offline/i);
  const before = await calls(page, 1);
  await button(page, 1, 'Pause').click();
  await context.setOffline(false);
  await expect(status(page, 1)).toHaveAttribute('data-status', 'paused');
  await expect(page.locator('.banner')).toHaveCount(0);
  // It was asked while nobody looked.
  expect(await calls(page, 1)).toBeGreaterThanOrEqual(before);
  await button(page, 1, 'Resume').click();
  await expect.poll(() => calls(page, 1)).toBeGreaterThan(before + 1);
  await expectNoLoss(page);
});
