// By keyboard alone: Tab, Enter, Space. Nothing here clicks, and nothing is given the focus. What is
// pressed keeps it, or what takes its place has it.

import type { Locator, Page, Response } from '@playwright/test';
import { expect, test as gallery } from './support/gallery';
import { open } from './support/page';
import { test } from './support/shop';

/** Goes on by Tab until it is there. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  const isThere = () => target.evaluate((element) => element === document.activeElement);
  for (let steps = 0; steps < 120; steps++) {
    if (await isThere()) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${target}`);
}

async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const card = (page: Page, id: number) => page.getByRole('article', { name: `Product ${id}`, exact: true });
const stream = (page: Page, id: number) => page.getByRole('article', { name: `Stream ${id}` });

gallery('the monitor: hold, go on, stop, start, another interval, remove', async ({ page }) => {
  await open(page, '/monitor');
  for (const id of [1, 2]) {
    await press(page, named(page, 'Watch'));
    await expect(card(page, id)).toBeVisible();
    await expect(named(page, 'Watch')).toBeFocused();
  }
  await press(page, named(page, 'Pause product 1'), 'Space');
  await expect(named(page, 'Resume product 1')).toBeFocused();
  await page.keyboard.press('Space');
  await expect(named(page, 'Pause product 1')).toBeFocused();
  await press(page, named(page, 'Stop product 1'));
  await expect(named(page, 'Start product 1')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(named(page, 'Stop product 1')).toBeFocused();
  await press(page, card(page, 2).getByRole('button', { name: 'Every 5 s' }), 'Space');
  await expect(card(page, 2).getByRole('button', { name: 'Every 5 s' })).toHaveAttribute('aria-pressed', 'true');
  await expect(card(page, 2).getByRole('button', { name: 'Every 5 s' })).toBeFocused();
  // The next card, and where there is none, the heading.
  await press(page, named(page, 'Remove product 1'));
  await expect(card(page, 1)).toHaveCount(0);
  await expect(card(page, 2).getByRole('button').first()).toBeFocused();
  await press(page, named(page, 'Remove product 2'));
  await expect(card(page, 2)).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
});

gallery('the streams: hold, go on, begin anew, remove', async ({ page }) => {
  await open(page, '/lorem');
  const add = named(page, 'Add a stream');
  for (const id of [1, 2]) {
    await press(page, add, 'Space');
    await expect(stream(page, id)).toBeVisible();
    await expect(add).toBeFocused();
  }
  await press(page, named(page, 'Pause stream 2'));
  await expect(named(page, 'Resume stream 2')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(named(page, 'Pause stream 2')).toBeFocused();
  // It ends by itself, and what takes the place of Pause has the focus.
  await expect(named(page, 'Restart stream 2')).toBeFocused({ timeout: 20_000 });
  await press(page, named(page, 'Remove stream 2'));
  await expect(stream(page, 2)).toHaveCount(0);
  await expect
    .poll(() => stream(page, 1).evaluate((card) => card.contains(document.activeElement)))
    .toBe(true);
});

test('the posts: a button that is off keeps the focus, and does nothing', async ({ page, posts, shop }) => {
  await posts.open();
  for (const style of [posts.chained, posts.background]) {
    shop.letUpTo(1);
    const before = shop.asked.length;
    await press(page, style.fetch);
    await shop.expectAsked(before + 2);
    await expect(style.fetch).toBeDisabled();
    await expect(style.fetch).toBeFocused();
    for (const key of ['Enter', 'Space']) await page.keyboard.press(key);
    shop.letAll();
    await style.expectStatus('done');
    // Nothing of what was pressed was sent.
    expect(shop.asked).toHaveLength(before + 10);
    await expect(style.fetch).toBeFocused();
    shop.letUpTo(1);
    await page.keyboard.press('Enter');
    await shop.expectAsked(before + 12);
    const isStop = (answer: Response) => /stop|cancel/.test(answer.request().postData() ?? '');
    const taken = page.waitForResponse(isStop);
    await press(page, style.stop);
    // Until the server has it, what comes is taken.
    await taken;
    shop.letAll();
    await style.expectStatus('stopped');
    await expect(style.stop).toBeFocused();
    await expect(style.stop).toBeDisabled();
  }
});

test('the tray: open, hold, go on, cancel, close', async ({ page, posts, shop }) => {
  await posts.open();
  shop.letUpTo(2);
  await press(page, posts.background.fetch);
  await shop.expectAsked(3);
  const summary = page.locator('.tray summary');
  const row = page.locator('.tray-row');
  await press(page, summary);
  await press(page, row.getByRole('button', { name: /^Pause/ }), 'Space');
  await expect(row.getByRole('button', { name: /^Resume/ })).toBeFocused();
  await page.keyboard.press('Space');
  await expect(row.getByRole('button', { name: /^Pause/ })).toBeFocused();
  await press(page, row.getByRole('button', { name: /^Cancel/ }));
  // What it waits for comes when it has ended: until its cancel is there it would be taken.
  await expect(row.locator('.status')).toHaveAttribute('data-status', 'stopped');
  shop.letAll();
  // Nothing is left to be done there: the row's own link has it.
  await expect(row.getByRole('link')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(row).toBeHidden();
  await expect(summary).toBeFocused();
});

test('a toast that is dismissed leaves the focus to the page', async ({ page, posts }) => {
  await posts.open();
  await press(page, named(page, 'Save the posts'));
  await expect(page.locator('.toast')).toHaveCount(1);
  await press(page, named(page, 'Dismiss'));
  await expect(page.locator('.toast')).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
});

gallery('the dashboard and the numbers: what is pressed is where it was', async ({ page }) => {
  await open(page, '/dashboard');
  await press(page, named(page, 'Start the log'));
  await expect(named(page, 'Stop the log')).toBeFocused();
  await press(page, named(page, 'Pause memory'));
  await expect(named(page, 'Resume memory')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(named(page, 'Pause memory')).toBeFocused();
  await open(page, '/random');
  const own = page.getByRole('region', { name: 'Background task' });
  const run = own.getByRole('button', { name: 'Run', exact: true });
  await press(page, run);
  await expect(run).toBeDisabled();
  await expect(run).toBeFocused();
  const stop = own.getByRole('button', { name: 'Stop', exact: true });
  await press(page, stop);
  await expect(run).toBeEnabled();
  await expect(stop).toBeFocused();
});

gallery.describe('an answer that takes a while', () => {
  gallery.use({ model: { delayMs: 60 } });

  gallery('the assistant: Ask keeps the focus while the answer comes, and Stop hands it over', async ({ page }) => {
    await open(page, '/assistant');
    await tabTo(page, page.getByLabel('Your question'));
    await page.keyboard.type('Show me the code that streams this answer');
    const ask = named(page, 'Ask');
    await press(page, ask);
    await expect(ask).toBeDisabled();
    await expect(ask).toBeFocused();
    await press(page, named(page, 'Stop'));
    await expect(page.locator('.message.model')).toHaveAttribute('data-end', 'stopped');
    await expect(named(page, 'Stop')).toBeFocused();
    await expect(named(page, 'Stop')).toBeDisabled();
    const suggested = named(page, 'What is a background task?');
    await press(page, suggested, 'Space');
    await expect(suggested).toBeDisabled();
    await expect(suggested).toBeFocused();
  });
});

gallery('the report and the import: a button that is off keeps the focus', async ({ page }) => {
  await open(page, '/report');
  const make = page.locator('.report-buttons .primary');
  await press(page, make);
  await expect(make).toBeDisabled();
  await expect(make).toBeFocused();
  await press(page, named(page, 'Stop'));
  await expect(make).toBeEnabled();
  const clear = named(page, 'Clear');
  await press(page, clear);
  await expect(page.locator('.no-cells')).toBeVisible();
  await expect(clear).toBeDisabled();
  await expect(clear).toBeFocused();
  await open(page, '/import');
  const sample = named(page, '1,000 rows');
  await press(page, sample);
  await expect(sample).toBeDisabled();
  await expect(sample).toBeFocused();
  await press(page, named(page, 'e-mail'));
  await expect(sample).toBeEnabled({ timeout: 30_000 });
  const remove = named(page, 'Remove');
  await press(page, remove);
  await expect(page.getByText('No file yet')).toBeVisible();
  await expect(remove).toBeDisabled();
  await expect(remove).toBeFocused();
});

gallery('a page that is led to: the focus is at its begin, and its title is said', async ({ page }) => {
  await open(page, '/posts');
  // A page that is loaded anew would have forgotten it.
  await page.evaluate(() => document.documentElement.setAttribute('data-same', ''));
  await press(page, page.locator('.tray summary'));
  await press(page, page.getByRole('navigation').getByRole('link', { name: 'Monitor' }));
  await expect(page).toHaveURL('/monitor');
  await expect(page.locator('main')).toBeFocused();
  const said = (title: string) => page.getByRole('status').filter({ hasText: `${title} · Undercurrent` });
  await expect(said('Monitor')).toHaveCount(1);
  // What lay over the page before is gone.
  await expect(page.locator('.tray-panel')).toBeHidden();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Upstream')).toBeFocused();
  await page.goBack();
  await expect(page.locator('main')).toBeFocused();
  await expect(said('Ten posts')).toHaveCount(1);
  await expect(page.locator('html')).toHaveAttribute('data-same', '');
});

gallery('the first Tab leads past the header', async ({ page }) => {
  await open(page, '/lorem');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(named(page, 'Add a stream')).toBeFocused();
});

gallery('an import: a sample, its question, hold, go on, another pace, stop, remove', async ({ page }) => {
  await open(page, '/import');
  const chip = page.locator('.import-run header .status');
  await press(page, named(page, '20,000 rows'));
  await expect(page.locator('.import-question')).toBeVisible();
  await press(page, named(page, 'e-mail'));
  await expect(page.locator('.import-question')).toHaveCount(0);
  await expect(page.locator('.import-facts dd').first()).not.toHaveText('0');
  await press(page, named(page, 'Pause the import'), 'Space');
  await expect(named(page, 'Resume the import')).toBeFocused();
  await expect(chip).toHaveAttribute('data-status', 'paused');
  await page.keyboard.press('Space');
  await expect(named(page, 'Pause the import')).toBeFocused();
  await press(page, named(page, '2 updates/s'));
  await expect(named(page, '2 updates/s')).toHaveAttribute('aria-pressed', 'true');
  await press(page, named(page, 'Stop'));
  await expect(chip).toHaveAttribute('data-status', 'stopped');
  await press(page, named(page, 'Remove'));
  await expect(page.getByRole('heading', { name: 'No file yet' })).toBeVisible();
  await expect(named(page, 'Remove')).toBeFocused();
});

gallery('a room: in by the door, a line, a vote, a timer, out', async ({ page }) => {
  await open(page, '/room/tea');
  await tabTo(page, page.getByLabel('Your name'));
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByLabel('Say something'));
  await page.keyboard.type('Good morning.');
  await page.keyboard.press('Enter');
  await expect(page.locator('.chat-line')).toHaveText('Ada Good morning.');
  await expect(page.getByLabel('Say something')).toBeFocused();
  const vote = page.locator('.vote-choice').nth(2);
  await press(page, vote, 'Space');
  await expect(vote).toHaveAttribute('data-votes', '1');
  await expect(vote).toBeFocused();
  await press(page, named(page, 'Start a timer of 5 min'));
  await expect(page.locator('.timer .status')).toHaveAttribute('data-status', 'running');
  await press(page, named(page, 'Pause'));
  await expect(named(page, 'Resume')).toBeFocused();
  await press(page, named(page, 'Leave tea'));
  await expect(page.getByLabel('Your name')).toBeVisible();
  // The button went with the room: what takes its place has the focus.
  await expect.poll(() => page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
});

gallery('the assistant: a question, a yes, hold, stop, once more, another conversation', async ({ page }) => {
  await open(page, '/assistant');
  await tabTo(page, page.getByLabel('Your question'));
  await page.keyboard.type('Fetch the ten posts, and look up product 7');
  await page.keyboard.press('Enter');
  const last = page.locator('.message.model').last();
  await press(page, named(page, 'Approve: fetch the ten posts'));
  await expect(page.locator('.tool[data-tool="fetch_posts"] .status')).toHaveText('Done');
  await press(page, named(page, 'Stop'));
  await expect(last).toHaveAttribute('data-end', /stopped|done/);
  await press(page, page.getByRole('link', { name: 'New conversation' }));
  await expect(page.locator('.no-messages')).toBeVisible();
  await tabTo(page, page.getByRole('button', { name: /^Remove the conversation/ }));
  await page.keyboard.press('Enter');
  await expect(page.locator('.conversation')).toHaveCount(0);
});
