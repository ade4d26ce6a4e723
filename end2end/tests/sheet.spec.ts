// A state of one tab, and inputs that are bound to it.

import type { BrowserContext, Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open } from './support/page';

const PATH = '/lab/sheet';

/** Opens the sheet and waits until its tab is known and its state has come. */
async function openSheet(page: Page): Promise<void> {
  await open(page, PATH);
  await expect(page.locator('#loaded')).toHaveText('true');
}

/** What a browser does to duplicate a tab: another page, with a copy of what the first has kept. */
async function duplicate(context: BrowserContext, page: Page): Promise<Page> {
  const kept = await page.evaluate(() => ({ ...sessionStorage }));
  const copy = await context.newPage();
  await copy.addInitScript((items) => {
    if (!sessionStorage.getItem('copied')) {
      for (const [name, value] of Object.entries(items)) sessionStorage.setItem(name, value);
      sessionStorage.setItem('copied', 'yes');
    }
  }, kept);
  return copy;
}

test('a tab keeps its state over reloads, and another tab has its own', async ({ page, context }) => {
  await openSheet(page);
  await page.locator('#title').fill('Mine');
  await expect(page.locator('#state-title')).toHaveText('Mine');
  for (let time = 0; time < 3; time++) {
    await page.reload();
    await expect(page.locator('#state-title')).toHaveText('Mine');
    await expect(page.locator('#title')).toHaveValue('Mine');
  }
  const other = await context.newPage();
  await openSheet(other);
  await expect(other.locator('#state-title')).toHaveText('');
  await other.locator('#title').fill('Another');
  await expect(other.locator('#state-title')).toHaveText('Another');
  await page.reload();
  await expect(page.locator('#state-title')).toHaveText('Mine');
});

test('a duplicated tab becomes its own', async ({ page, context }) => {
  await openSheet(page);
  await page.locator('#title').fill('The first');
  await expect(page.locator('#state-title')).toHaveText('The first');
  const copy = await duplicate(context, page);
  await openSheet(copy);
  await expect(copy.locator('#state-title')).toHaveText('');
  await copy.locator('#title').fill('The copy');
  await expect(copy.locator('#state-title')).toHaveText('The copy');
  // Each keeps its own from now on.
  for (const [tab, title] of [[page, 'The first'], [copy, 'The copy']] as const) {
    await tab.reload();
    await expect(tab.locator('#state-title')).toHaveText(title);
  }
});

test('what is typed before the tab is known is not lost', async ({ page }) => {
  await open(page, PATH);
  await page.locator('#title').fill('Early');
  await expect(page.locator('#state-title')).toHaveText('Early');
  await expect(page.locator('#pending')).toHaveText('false');
});

test('a browser that can give up nothing after a time knows its tab', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(AbortSignal, 'timeout'));
  await openSheet(page);
  await page.locator('#title').fill('Mine');
  await expect(page.locator('#state-title')).toHaveText('Mine');
  await page.reload();
  await expect(page.locator('#state-title')).toHaveText('Mine');
});

test('typing is sent when it rests, as one event, and the server writes over nothing in use', async ({
  page,
}) => {
  await openSheet(page);
  const title = page.locator('#title');
  await title.focus();
  await page.keyboard.type('Undercurrent', { delay: 20 });
  await expect(title).toHaveValue('Undercurrent');
  await expect(page.locator('#state-title')).toHaveText('Undercurrent');
  await expect(page.locator('#renamed')).toHaveText('1');
  // The state changes from elsewhere while the input has the focus.
  await page.locator('#shout').dispatchEvent('click');
  await expect(page.locator('#state-title')).toHaveText('SHOUTED BY THE SERVER');
  await expect(title).toHaveValue('Undercurrent');
  await title.blur();
  await expect(title).toHaveValue('SHOUTED BY THE SERVER');
});

test('Enter and leaving send at once', async ({ page }) => {
  await openSheet(page);
  const title = page.locator('#title');
  await title.fill('One');
  await title.press('Enter');
  await expect(page.locator('#renamed')).toHaveText('1');
  await title.fill('Two');
  await title.blur();
  await expect(page.locator('#state-title')).toHaveText('Two');
  await expect(page.locator('#renamed')).toHaveText('2');
});

test('what was typed a moment before a reload is sent', async ({ page }) => {
  await page.clock.install();
  await openSheet(page);
  // No time passes in which it could rest.
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.locator('#title').fill('Just now');
  await page.reload({ waitUntil: 'commit' });
  await page.clock.resume();
  await expect(page.locator('#state-title')).toHaveText('Just now');
});

test('what is refused stays, to be mended, and can be taken back', async ({ page }) => {
  await openSheet(page);
  const title = page.locator('#title');
  await title.fill('Fine');
  await expect(page.locator('#state-title')).toHaveText('Fine');
  await title.fill('Too loud!');
  await title.blur();
  await expect(page.locator('#error')).toHaveText('No exclamation marks.');
  await expect(title).toHaveValue('Too loud!');
  await expect(page.locator('#state-title')).toHaveText('Fine');
  await title.fill('Too loud');
  await title.blur();
  await expect(page.locator('#state-title')).toHaveText('Too loud');
  await expect(page.locator('#error')).toHaveText('');
  await title.fill('Again!');
  await title.blur();
  await expect(page.locator('#error')).toHaveText('No exclamation marks.');
  await page.locator('#reset').click();
  await expect(title).toHaveValue('Too loud');
  await expect(page.locator('#error')).toHaveText('');
});

test('a slider sends while it is dragged, not at each step, and the last value arrives', async ({
  page,
}) => {
  await openSheet(page);
  const volume = page.locator('#volume');
  await volume.focus();
  for (let step = 1; step <= 60; step++) await page.keyboard.press('ArrowRight');
  await volume.blur();
  await expect(page.locator('#state-volume')).toHaveText(await volume.inputValue());
  const sent = Number(await page.locator('#turned').textContent());
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(60);
});
