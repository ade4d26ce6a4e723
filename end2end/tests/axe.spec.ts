// axe finds nothing to complain about: on no page, in no state, in light and dark, on a phone and
// a desktop.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { Tray, open } from './support/page';
import { expect, test } from './support/shop';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };
const PAGES = ['/', '/posts', '/random', '/lorem', '/monitor', '/dashboard', '/assistant', '/report', '/room', '/room/tea', '/import', '/lab', '/lab/rows', '/nowhere'];

/** Dark differs from light in colours, and in nothing else: of all rules these look at them. */
const COLOURS = ['color-contrast', 'link-in-text-block'];

async function expectNothing(page: Page, state: string): Promise<void> {
  // What fades in is looked at when it is there.
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
  const axe = new AxeBuilder({ page });
  const isDark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
  const { violations } = await (isDark ? axe.withRules(COLOURS) : axe).analyze();
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
  );
  expect(found, state).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test.describe(`${colorScheme}, ${size}`, () => {
      // Without motion nothing begins by itself, and nothing moves while axe looks.
      const sales = { delayMs: 5, failureRate: 0, faults: '7=500' };
      test.use({ colorScheme, viewport, sales, contextOptions: { reducedMotion: 'reduce' } });

      test('every page as it comes', async ({ page, problems }) => {
        // The browser says that a page is not there.
        problems.expectMissing();
        for (const path of PAGES) {
          await open(page, path);
          await expectNothing(page, path);
        }
      });

      test('a run, its failures, what waits, the tray, a toast', async ({ page, posts, shop }) => {
        shop.fail(2);
        shop.letUpTo(3);
        await open(page, '/');
        await page.getByRole('button', { name: 'Run it' }).click();
        await expect(page.locator('.thumb.here')).toHaveCount(3);
        await expectNothing(page, 'home, running');
        await posts.open();
        await posts.count.click();
        await posts.chained.stop.click();
        await expect(posts.chained.hint).toContainText('Stop waits');
        await new Tray(page).open();
        await expectNothing(page, 'posts, waiting, with an open tray');
        shop.letAll();
        await posts.chained.expectStatus('stopped');
        await posts.background.run();
        await expectNothing(page, 'posts, with a failure');
        await page.route('**/api/events', (route) => {
          const { events } = route.request().postDataJSON() as { events: [number, ...unknown[]][] };
          const refused = events.map(([n]) => ({ n, is: 'refused', kind: 'full', message: 'No room.' }));
          return route.fulfill({ status: 202, json: { epoch: '0', events: refused } });
        });
        await posts.count.click();
        await expect(page.locator('.toast')).toHaveCount(1);
        await expectNothing(page, 'posts, with a toast');
        await page.unroute('**/api/events');
        await open(page, '/lorem');
        await page.getByRole('button', { name: 'Add a stream' }).click();
        await expect(page.getByRole('button', { name: 'Pause stream 1' })).toBeVisible();
        await page.getByRole('button', { name: 'Pause stream 1' }).click();
        await expect(page.getByRole('button', { name: 'Resume stream 1' })).toBeVisible();
        await expectNothing(page, 'a paused stream');
      });

      test('what is watched, drawn, counted and logged; offline', async ({ page, shop, context, problems }) => {
        shop.fail(14);
        shop.letAll();
        await open(page, '/monitor');
        for (const id of [1, 999]) {
          await page.getByLabel('Product', { exact: true }).fill(`${id}`);
          await page.getByRole('button', { name: 'Watch', exact: true }).click();
          await expect(page.locator(`article[data-id="${id}"] .endpoint-calls`)).toHaveText(/^[2-9]/);
        }
        await page.getByRole('button', { name: 'Pause product 1' }).click();
        await expect(page.locator('article[data-id="1"] .status')).toHaveText('Paused');
        await expect(page.locator('.endpoint-error').last()).not.toBeEmpty();
        await expectNothing(page, 'the monitor, with a failure and a pause');

        await open(page, '/dashboard');
        await page.getByRole('button', { name: 'Start the job' }).click();
        // Each line is later than that.
        await page.getByLabel('Mark over, ms').fill('0');
        await page.getByRole('button', { name: 'Start the log' }).click();
        await expect(page.locator('.log-line.marked').nth(4)).toBeVisible();
        await expect(page.getByRole('article', { name: 'Job' }).getByRole('alert')).not.toBeEmpty();
        await expectNothing(page, 'the dashboard, moving, with a job that failed');

        await open(page, '/random');
        await page.getByRole('region', { name: 'Background task' }).getByRole('button', { name: 'Run' }).click();
        await expect(page.locator('.values')).not.toHaveText('none yet', { timeout: 20_000 });
        await expect(page.locator('.values')).toHaveClass(/coming/);
        await expectNothing(page, 'random numbers, while one is drawn');

        problems.expectNetworkErrors();
        await open(page, '/monitor');
        await page.getByLabel('Product', { exact: true }).fill('2');
        await context.setOffline(true);
        await expect(page.locator('.banner')).toBeVisible();
        await page.getByRole('button', { name: 'Watch', exact: true }).click();
        await expect(page.locator('.waits button.primary, button.primary.waits')).toBeVisible();
        await expectNothing(page, 'offline, with a click that waits');
        await context.setOffline(false);
      });

      test('an answer, its question and its failure; a report; a room; home with all of it', async ({ page, shop }) => {
        shop.letAll();
        await open(page, '/assistant');
        for (const question of ['Fetch the ten posts, and look up product 7', 'Show me the code that streams this answer']) {
          await page.getByRole('button', { name: question }).click();
          if (question.startsWith('Fetch')) {
            await expect(page.getByRole('button', { name: /^Approve/ })).toBeVisible();
            await expectNothing(page, 'the assistant asks');
            await page.getByRole('button', { name: /^Decline/ }).click();
          }
          await expect(page.locator('.message.model').last()).toHaveAttribute('data-end', 'done', { timeout: 20_000 });
        }
        await page.getByRole('button', { name: 'a 500' }).click();
        await expect(page.getByRole('button', { name: 'Retry' })).toBeVisible();
        await expectNothing(page, 'the assistant, with code and a failure');
        await open(page, '/report');
        await page.getByRole('button', { name: 'Make the report' }).click();
        await expect(page.locator('#report-notes')).toContainText('Retry asks', { timeout: 20_000 });
        await expectNothing(page, 'the report, with a product that did not come');
        await open(page, '/room/tea');
        await page.getByLabel('Your name').fill('Ada');
        await page.getByRole('button', { name: 'Enter' }).click();
        await page.getByLabel('Say something').fill('Good morning.');
        await page.getByRole('button', { name: 'Say', exact: true }).click();
        await expect(page.locator('.chat-line')).toHaveCount(1);
        await page.getByRole('button', { name: 'Start a timer of 5 min' }).click();
        await page.locator('.vote-choice').first().click();
        await expect(page.locator('.member')).toContainText('here');
        await expectNothing(page, 'a room');
        await open(page, '/');
        await expectNothing(page, 'home, with all of it');
      });

      test('an import that asks, is done, fails', async ({ page }) => {
        await open(page, '/import');
        await page.getByRole('button', { name: '1,000 rows', exact: true }).click();
        await expect(page.locator('.import-question')).toBeVisible();
        await expectNothing(page, 'an import that asks');
        await page.getByRole('button', { name: 'e-mail', exact: true }).click();
        await expect(page.locator('.import-run header .status')).toHaveText('Done');
        await expect(page.locator('.paged-rows [role=row]').first()).toBeVisible();
        await expectNothing(page, 'an import that is done');
        await page.getByRole('button', { name: 'Try: Nothing in it' }).click();
        await expect(page.locator('.import-told .fault')).toHaveText('The file is empty.');
        await expectNothing(page, 'an import that failed');
      });
    });
  }
}
