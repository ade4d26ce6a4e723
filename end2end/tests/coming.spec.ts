// A page that is led to before its state has come: outlines of what may be there, and never a word
// that there is nothing. And a page that is not connected.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open } from './support/page';

/** Leads to a page within the app; what its stream brings waits until it is let through. */
async function led(page: Page, name: string): Promise<() => void> {
  let letThrough = () => {};
  const isLet = new Promise<void>((resolve) => (letThrough = resolve));
  await page.route('**/api/stream*', async (route) => {
    await isLet;
    await route.continue();
  });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  return letThrough;
}

test('the monitor has an outline in place of cards that have not come', async ({ page }) => {
  await open(page, '/monitor');
  for (const id of [1, 2]) {
    await page.getByRole('button', { name: 'Watch', exact: true }).click();
    await expect(page.getByRole('article', { name: `Product ${id}` })).toContainText(/\d ms/);
  }
  const high = (await page.getByRole('article').first().boundingBox())?.height;
  await open(page, '/posts');
  const letThrough = await led(page, 'Monitor');
  const outline = page.locator('.no-endpoints.coming');
  await expect(outline).toBeVisible();
  expect((await outline.boundingBox())?.height).toBe(high);
  await expect(page.getByText('Nothing is watched.')).toHaveCount(0);
  letThrough();
  await expect(page.getByRole('article')).toHaveCount(2);
  await expect(outline).toHaveCount(0);
  await expect(page.getByText('Nothing is watched.')).toHaveCount(0);
});

test('where nothing is, it is said once that is known', async ({ page }) => {
  await open(page, '/posts');
  const letThrough = await led(page, 'Lorem');
  await expect(page.locator('.no-streams.coming')).toBeVisible();
  await expect(page.getByText('The streams will stand here')).toHaveCount(0);
  letThrough();
  await expect(page.getByText('The streams will stand here')).toBeVisible();
  await expect(page.locator('.no-streams.coming')).toHaveCount(0);
});

test('the dashboard has its parts, and its readings come', async ({ page }) => {
  await open(page, '/posts');
  const letThrough = await led(page, 'Dashboard');
  await expect(page.locator('.parts.coming')).toBeVisible();
  await expect(page.getByText('No line yet.')).toHaveCount(0);
  const memory = page.getByRole('article', { name: 'Memory' });
  const place = await memory.boundingBox();
  letThrough();
  await expect(page.locator('.parts.coming')).toHaveCount(0);
  await expect(memory.locator('.meter-now')).toHaveText(/^[1-9]\d*\.\d MB$/);
  await expect(page.getByText('No line yet.')).toBeVisible();
  expect(await memory.boundingBox()).toEqual(place);
});

test('offline: what was clicked is marked and counted, and the page looks it', async ({
  page,
  context,
  problems,
}) => {
  await open(page, '/monitor');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  const card = page.getByRole('article', { name: 'Product 1' });
  await expect(card).toContainText(/\d ms/);
  problems.expectNetworkErrors();
  await context.setOffline(true);
  const banner = page.locator('.banner');
  await expect(banner).toContainText('You are offline.');
  await expect(banner.locator('.banner-waits')).toHaveText('');
  await expect(page.locator('main')).toHaveClass('offline');
  await expect(page.locator('form.waits')).toHaveCount(0);
  const form = (name: string) => card.locator('form', { has: page.getByRole('button', { name, exact: true }) });
  await card.getByRole('button', { name: 'Pause product 1' }).click();
  await expect(form('Pause product 1')).toHaveClass('waits');
  await expect(banner.locator('.banner-waits')).toHaveText('1 click waits.');
  await card.getByRole('button', { name: 'Every 5 s' }).click();
  await expect(form('Every 5 s')).toHaveClass('waits');
  await expect(form('Every 2 s')).not.toHaveClass('waits');
  await expect(banner.locator('.banner-waits')).toHaveText('2 clicks wait.');
  await context.setOffline(false);
  await expect(card.locator('.status')).toHaveAttribute('data-status', 'paused');
  await expect(card.getByRole('button', { name: 'Every 5 s' })).toHaveAttribute('aria-pressed', 'true');
  await expect(banner).toHaveCount(0);
  await expect(page.locator('form.waits')).toHaveCount(0);
  await expect(page.locator('main')).not.toHaveClass('offline');
});

test('a break of less than 1.5 s shows nothing, not even to who listens; a longer one does', async ({
  page,
  context,
  problems,
}) => {
  await page.clock.install();
  await open(page, '/monitor');
  // Its stream is there.
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await expect(page.getByRole('article', { name: 'Product 1' })).toContainText(/\d ms/);
  problems.expectNetworkErrors();
  const notices = page.locator('.notices');
  const calls = page.getByRole('article', { name: 'Product 1' }).locator('.endpoint-calls');
  const stop = async () => page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
  await stop();
  await context.setOffline(true);
  await page.clock.runFor(1_400);
  await expect(notices).toHaveText('');
  const back = page.waitForResponse(/\/api\/stream/);
  await context.setOffline(false);
  await back;
  // Its new stream brings something.
  const before = await calls.innerText();
  await expect(calls).not.toHaveText(before);
  await page.clock.runFor(3_000);
  await expect(notices).toHaveText('');
  await expect(page.locator('main')).not.toHaveClass('offline');
  await context.setOffline(true);
  await page.clock.runFor(1_600);
  await expect(notices).toContainText('You are offline.');
  await expect(page.locator('main')).toHaveClass('offline');
  await page.clock.resume();
  await context.setOffline(false);
  await expect(notices).toHaveText('');
});
