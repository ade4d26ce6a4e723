// What is said to who listens: what matters is, and nothing that changes by itself is said without a
// rest between.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { expectBoth, home } from './support/home-page';
import { open, ready } from './support/page';
import { test as shopTest } from './support/shop';

interface Change {
  region: number;
  words: string;
  at: number;
}

declare global {
  interface Window {
    changes: Change[];
  }
}

/** Notes each change of each live region, from now on. An alert is there to interrupt. */
async function listen(page: Page): Promise<void> {
  await page.evaluate(() => {
    const live =
      '[aria-live]:not([aria-live=off]), [role=status], [role=log]:not([aria-live=off]), [role=timer][aria-live], output';
    const known = new Map<Element, { number: number; words: string }>();
    window.changes = [];
    const look = () => {
      for (const region of document.querySelectorAll(live)) {
        const words = region.textContent?.trim() ?? '';
        const before = known.get(region);
        known.set(region, { number: before?.number ?? known.size, words });
        if (before && before.words !== words) {
          window.changes.push({ region: before.number, words, at: performance.now() });
        }
      }
    };
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

/** No region says more than a person can follow: not each step, each second, each line. */
async function expectCalm(page: Page): Promise<void> {
  const changes = await page.evaluate(() => window.changes);
  for (const { region, at } of changes) {
    const close = changes.filter((one) => one.region === region && one.at >= at && one.at < at + 2_500);
    expect(close.length, JSON.stringify(close)).toBeLessThanOrEqual(4);
  }
}

const said = (page: Page, words: RegExp) => page.getByRole('status').filter({ hasText: words });
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

test.describe('a run that takes a while', () => {
  test.use({ upstream: { delayMs: 100 } });

  test('the posts, on their page and on the first', async ({ page }) => {
    await open(page, '/');
    await listen(page);
    await expectBoth(page);
    await home(page).run.click();
    await expect(home(page).chained.status).toHaveAttribute('data-status', 'running');
    await expectBoth(page);
    await expectCalm(page);
    await open(page, '/posts');
    await listen(page);
    const background = page.getByRole('region', { name: 'Background task', exact: true });
    await background.getByRole('button', { name: 'Fetch ten posts' }).click();
    await expect(said(page, /^Background task: Done, 10 of 10$/)).toHaveCount(1, { timeout: 20_000 });
    await expectCalm(page);
  });
});

test('streams that come to their end', async ({ page }) => {
  await open(page, '/lorem');
  await listen(page);
  for (let count = 0; count < 4; count++) await press(page, 'Add a stream');
  await expect(said(page, /^4 of 4 streams have come to their end\.$/)).toHaveCount(1, { timeout: 30_000 });
  await expectCalm(page);
});

test('numbers that are drawn', async ({ page }) => {
  await open(page, '/random');
  await listen(page);
  await page.getByRole('region', { name: 'Background task' }).getByRole('button', { name: 'Run' }).click();
  const values = page.locator('.values');
  await expect(values).toHaveText(/(.+, ){4}/, { timeout: 20_000 });
  await expect(said(page, /^−?\d+ was drawn, −?\d+ in all\.$/)).toHaveCount(1);
  await expectCalm(page);
  expect((await page.evaluate(() => window.changes)).length).toBeGreaterThan(0);
});

test('a dashboard of which all parts move', async ({ page }) => {
  await open(page, '/dashboard');
  await listen(page);
  await press(page, '200 lines a second');
  await press(page, 'Start the log');
  await press(page, 'Start the job');
  await expect(said(page, /^The job: Done, 40 of 40\.$/)).toHaveCount(1, { timeout: 20_000 });
  await expect(page.locator('.log-count b')).toHaveText(/^[1-9],\d\d\d$/, { timeout: 20_000 });
  await expectCalm(page);
});

shopTest('an endpoint that fails, and that it answers again', async ({ page, shop }) => {
  shop.letAll();
  await open(page, '/monitor');
  await listen(page);
  for (const id of [1, 2]) {
    await press(page, 'Watch');
    await expect(page.getByRole('article', { name: `Product ${id}`, exact: true })).toContainText(/ms/);
  }
  shop.fail(2);
  await expect(said(page, /^Product 2 fails: the upstream answered 500\.$/)).toHaveCount(1);
  shop.repair();
  await expect(said(page, /^All endpoints answer\.$/)).toHaveCount(1);
  await expectCalm(page);
});

test('an import and a report', async ({ page }) => {
  await open(page, '/import');
  await listen(page);
  await press(page, '1,000 rows');
  await press(page, 'e-mail');
  await expect(page.locator('.status').first()).toHaveAttribute('data-status', 'done', { timeout: 30_000 });
  await expectCalm(page);
  await open(page, '/report');
  await listen(page);
  await press(page, 'Make the report');
  await expect(said(page, /^The report: Done, 40 of 40$/)).toHaveCount(1, { timeout: 30_000 });
  await expectCalm(page);
});

test('a room in which much is said, and a timer runs', async ({ page, newVisitor }) => {
  const other = await (await newVisitor()).newPage();
  for (const [tab, name] of [[page, 'Ada'], [other, 'Bob']] as const) {
    await open(tab, '/room/loud');
    await tab.getByLabel('Your name').fill(name);
    await press(tab, 'Enter');
    await expect(tab.getByRole('region', { name: 'Chat' })).toBeVisible();
  }
  await listen(page);
  await press(other, 'Start a timer of 1 min');
  for (let line = 1; line <= 12; line++) {
    await other.getByLabel('Say something').fill(`Line ${line}`);
    await other.getByLabel('Say something').press('Enter');
  }
  await expect(page.locator('.chat-line')).toHaveCount(12);
  await expect(said(page, /^Bob: Line 12$/)).toHaveCount(1);
  await expect(said(page, /^The timer: Running, 1 min left\.$/)).toHaveCount(1);
  await expect(page.locator('.timer-left')).toHaveText(/^0:5[0-5]$/);
  await expectCalm(page);
  const changes = await page.evaluate(() => window.changes);
  expect(changes.filter(({ words }) => /\d:\d\d/.test(words))).toEqual([]);
  expect(changes.filter(({ words }) => words.startsWith('Bob: ')).length).toBeLessThan(12);
});

test('nothing is said of what a page begins with', async ({ page }) => {
  await open(page, '/lorem');
  await press(page, 'Add a stream');
  await expect(said(page, /come to its end/)).toHaveCount(1, { timeout: 20_000 });
  await page.reload();
  await ready(page);
  await expect(page.getByRole('article')).toHaveCount(1);
  await expect(said(page, /come to its end/)).toHaveCount(0);
});
