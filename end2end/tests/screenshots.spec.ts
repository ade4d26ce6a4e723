// Pictures: of each state of each page in light and dark, on a phone and a desktop, and those in the
// README. They lie in test-results/screenshots; with UPDATE_SCREENSHOTS=1 the README's are copied to
// docs/.

import { copyFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page, TestInfo } from '@playwright/test';
import { expect, test } from './support/gallery';
import { home } from './support/home-page';
import { Tray, open } from './support/page';
import { test as booksTest } from './support/books';
import { test as modelTest } from './support/model';
import { test as shopTest } from './support/shop';

const docs = resolve(dirname(fileURLToPath(import.meta.url)), '../../docs');
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

// A trace takes a picture of its own at each click, and the page would measure that, too.
test.use({ trace: 'off' });

/** Takes a picture and returns its path. */
async function picture(page: Page, { project }: TestInfo, name: string, fullPage = true) {
  const path = join(project.outputDir, 'screenshots', `${name}.png`);
  await page.screenshot({ path, fullPage, animations: 'disabled' });
  return path;
}

/** A picture of the README has so many bytes at most. */
const README_BYTES = 200_000;

/** As `picture`, and copied to docs/ if that was asked for. */
async function forReadme(page: Page, testInfo: TestInfo, name: string): Promise<void> {
  const path = await picture(page, testInfo, name, false);
  expect(statSync(path).size).toBeLessThanOrEqual(README_BYTES);
  if (process.env.UPDATE_SCREENSHOTS === '1') copyFileSync(path, join(docs, `${name}.png`));
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`for the README, ${colorScheme}`, () => {
    // The built-in upstream, as it comes: the times in the picture are those that it is about. Without
    // motion it begins when it is asked to.
    const contextOptions = { reducedMotion: 'reduce' } as const;
    test.use({ viewport: { width: 1280, height: 736 }, colorScheme, upstream: { delayMs: 400 }, contextOptions });

    test('the first page in the middle of a run', async ({ page }, testInfo) => {
      await open(page, '/');
      const { chained, background, run } = home(page);
      await run.click();
      await chained.expectStatus('done');
      await background.posts.nth(5).waitFor();
      await forReadme(page, testInfo, `home-${colorScheme}`);
      // It was taken in the middle, not after the end.
      await background.expectStatus('running');
    });

  });
}

for (const colorScheme of ['light', 'dark'] as const) {
  booksTest.describe(`for the README, ${colorScheme}`, () => {
    booksTest.use({ viewport: { width: 1280, height: 1040 }, colorScheme });

    booksTest('the report while its products come', async ({ page, books }, testInfo) => {
      await open(page, '/report');
      books.fail(7);
      await page.getByRole('button', { name: 'Make the report' }).click();
      books.let(26);
      await expect(page.locator('.cell[data-stage="done"]')).toHaveCount(25);
      await expect(page.locator('.cell[data-stage="asked"]')).toHaveCount(4);
      await forReadme(page, testInfo, `report-${colorScheme}`);
    });
  });

  for (const [size, viewport] of Object.entries(SIZES)) {
    shopTest.describe(`${colorScheme}, ${size}`, () => {
      shopTest.use({ colorScheme, viewport });

      shopTest('the first page: at first, running, done, with posts that did not come', async ({
        page,
        shop,
      }, testInfo) => {
        const take = (state: string) => picture(page, testInfo, `home-${state}-${colorScheme}-${size}`);
        await page.emulateMedia({ reducedMotion: 'reduce' });
        await open(page, '/');
        await take('first');
        const { chained, background, run } = home(page);
        shop.letUpTo(6);
        await run.click();
        await chained.posts.nth(5).waitFor();
        await take('running');
        shop.letAll();
        await background.expectStatus('done');
        await take('done');
        shop.fail(3, 8);
        await run.click();
        await background.failed.nth(1).waitFor();
        await background.expectStatus('done');
        await take('failed');
      });

      shopTest('random numbers: at first, running with what waits', async ({ page }, testInfo) => {
        const take = (state: string) => picture(page, testInfo, `random-${state}-${colorScheme}-${size}`);
        await open(page, '/random');
        await take('first');
        await page.getByRole('button', { name: '1 s', exact: true }).click();
        const chained = page.getByRole('region', { name: 'Chained events' });
        await chained.getByRole('button', { name: 'Run' }).click();
        await expect(page.locator('.values')).toHaveText(/(, −?\d+){2}/, { timeout: 20_000 });
        await page.getByRole('button', { name: 'Balance' }).click();
        await expect(page.locator('.controls .hint')).not.toBeEmpty();
        await take('waiting');
      });

      shopTest('streams of words: none, running, paused, done', async ({ page }, testInfo) => {
        const take = (state: string) => picture(page, testInfo, `lorem-${state}-${colorScheme}-${size}`);
        await open(page, '/lorem');
        await take('empty');
        for (let stream = 1; stream <= 3; stream++) {
          await page.getByRole('button', { name: 'Add a stream' }).click();
          await expect(page.locator(`.stream[data-id="${stream}"] .stream-steps`)).toHaveText(/^[2-9]/, { timeout: 20_000 });
          if (stream === 2) await page.getByRole('button', { name: 'Pause stream 2' }).click();
        }
        await take('some');
      });

      shopTest('what is on every page: the tray, a toast, the banner; and where no page is', async ({
        page,
        context,
        shop,
        posts,
        problems,
      }, testInfo) => {
        problems.expectMissing();
        const take = (state: string) => picture(page, testInfo, `shell-${state}-${colorScheme}-${size}`, false);
        await open(page, '/nowhere');
        await take('404');
        await open(page, '/lorem');
        const tray = new Tray(page);
        await tray.open();
        await take('tray-empty');
        await page.getByRole('button', { name: 'Add a stream' }).click();
        await posts.open();
        shop.letUpTo(4);
        await posts.background.begin(4);
        await tray.open();
        await expect(tray.row('posts/get_posts')).toContainText('4 of 10');
        await take('tray');
        await page.route('**/api/events', (route) => {
          const { events } = route.request().postDataJSON() as { events: [number, ...unknown[]][] };
          const message = 'There is no room for another event. Try again when some have ended.';
          const refused = events.map(([n]) => ({ n, is: 'refused', kind: 'full', message }));
          return route.fulfill({ status: 202, json: { epoch: '0', events: refused } });
        });
        await tray.row('posts/get_posts').getByRole('button', { name: /^Cancel/ }).click();
        await expect(page.locator('.toast')).toHaveCount(1);
        await take('toast');
        problems.expectNetworkErrors();
        await context.setOffline(true);
        await expect(page.locator('.banner')).toBeVisible();
        await take('offline');
      });

      shopTest('every state of the posts', async ({ posts, page, shop }, testInfo) => {
        const take = (state: string) => picture(page, testInfo, `${state}-${colorScheme}-${size}`);
        await posts.open();
        await take('empty');
        shop.fail(2, 5);
        shop.letUpTo(4);
        await posts.background.begin(4);
        await expect(posts.background.progress).toHaveText('4 of 10');
        await take('running');
        shop.letAll();
        await posts.background.expectStatus('done');
        await expect(posts.background.failed).toHaveCount(2);
        await take('failed');
        await posts.background.clear.click();
        shop.repair();
        shop.letUpTo(2);
        await posts.chained.begin(2);
        await posts.chained.stop.click();
        await posts.chained.expectStatus('stopping');
        await take('stopping');
        shop.letAll();
        await posts.chained.expectStatus('stopped');
        await posts.chained.run();
        await take('done');
      });

      shopTest('the monitor: empty, and with endpoints in each state', async ({
        page,
        shop,
      }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `monitor-${state}-${colorScheme}-${size}`);
        shop.letAll();
        shop.fail(3);
        await open(page, '/monitor');
        await take('empty');
        for (const id of [1, 2, 3]) {
          await page.getByRole('button', { name: 'Watch', exact: true }).click();
          await expect(page.locator(`article[data-id="${id}"]`)).toBeVisible();
        }
        const calls = page.locator('.endpoint-calls');
        for (const id of [0, 1, 2]) await expect(calls.nth(id)).toHaveText(/^[3-9]/);
        await page.getByRole('button', { name: 'Pause product 2' }).click();
        await expect(page.locator('article[data-id="2"] .status')).toHaveText('Paused');
        await take('watched');
      });

      shopTest('a room: the lobby, the door, and with two in it', async ({
        page,
        newVisitor,
      }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `room-${state}-${colorScheme}-${size}`);
        await open(page, '/room');
        await take('lobby');
        await open(page, '/room/vault~0bad');
        await take('door');
        const other = await (await newVisitor()).newPage();
        for (const [one, name] of [[page, 'Ada'], [other, 'Bob']] as const) {
          await open(one, '/room/tea');
          await one.getByLabel('Your name').fill(name);
          await one.getByRole('button', { name: 'Enter' }).click();
          await one.getByLabel('Say something').fill(`${name} is here, and has a few words to say.`);
          await one.getByRole('button', { name: 'Say', exact: true }).click();
          await one.locator('.vote-choice').nth(1).click();
        }
        await other.locator('.vote-choice').nth(2).click();
        await other.getByRole('button', { name: 'Start a timer of 5 min' }).click();
        await expect(page.locator('.timer-left')).toHaveText(/^4:/);
        await expect(page.locator('.room-here')).toHaveText('2 people are here');
        await take('inside');
        await other.close();
        await expect(page.locator('.member.away')).toHaveCount(1, { timeout: 20_000 });
        await take('away');
        await open(page, '/room');
        await page.getByLabel('Room', { exact: true }).fill('vault');
        await page.getByLabel('Passphrase, if any').fill('open sesame');
        await page.getByRole('button', { name: 'Open the room' }).click();
        await expect(page).toHaveURL(/\/room\/vault~/);
        const locked = page.url();
        const stranger = await (await newVisitor()).newPage();
        await stranger.setViewportSize(viewport);
        await stranger.emulateMedia({ colorScheme });
        await open(stranger, locked);
        await stranger.getByLabel('Your name').fill('Eve');
        await stranger.getByLabel('Passphrase').fill('wrong');
        await stranger.getByRole('button', { name: 'Enter' }).click();
        await expect(stranger.locator('.fault').first()).not.toBeEmpty();
        await picture(stranger, testInfo, `room-refused-${colorScheme}-${size}`);
      });

      shopTest('an import: at first, asking, in the middle, done, failed', async ({ page }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `import-${state}-${colorScheme}-${size}`);
        const button = (name: string) => page.getByRole('button', { name, exact: true });
        await open(page, '/import');
        await take('empty');
        await button('20,000 rows').click();
        await expect(page.locator('.import-question')).toBeVisible();
        await take('asks');
        await button('e-mail').click();
        await expect(page.locator('.import-facts dd').first()).toHaveText(/^[2-9],/);
        await button('Pause the import').click();
        await expect(page.locator('.import-run header .status')).toHaveText('Paused');
        await expect(page.locator('.paged-rows [role=row]').first()).toBeVisible();
        await take('paused');
        await button('Full speed').click();
        await button('Resume the import').click();
        await expect(page.locator('.import-run header .status')).toHaveText('Done', { timeout: 30_000 });
        await take('done');
        await button('Try: One line of 40 MB').click();
        await expect(page.locator('.import-run header .status')).toHaveText('Failed');
        await take('failed');
      });

      shopTest('the dashboard: at first, moving, with a job that failed', async ({
        page,
        shop,
      }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `dashboard-${state}-${colorScheme}-${size}`);
        await open(page, '/dashboard');
        await take('first');
        shop.fail(14);
        shop.letUpTo(13);
        await page.getByRole('button', { name: 'Start the job' }).click();
        await page.getByRole('button', { name: '200 lines a second' }).click();
        await page.getByRole('button', { name: 'Start the log' }).click();
        await expect(page.locator('.log-count b')).toHaveText(/,/, { timeout: 20_000 });
        await take('moving');
        shop.letAll();
        await expect(page.getByRole('article', { name: 'Job' }).getByRole('alert')).not.toBeEmpty();
        await page.getByRole('button', { name: 'Pause processor' }).click();
        await page.getByRole('button', { name: 'Stop queue' }).click();
        await take('failed');
      });
    });

    booksTest.describe(`the report, ${colorScheme}, ${size}`, () => {
      booksTest.use({ colorScheme, viewport });

      booksTest('at first, filling, being written, with two that did not come, on the first page', async ({
        page,
        books,
      }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `report-${state}-${colorScheme}-${size}`);
        await open(page, '/report');
        await take('empty');
        books.fail(7, 23);
        await page.getByRole('button', { name: 'Make the report' }).click();
        books.let(17);
        await books.expectAsked(21);
        await expect(page.locator('.cell[data-stage="done"]')).toHaveCount(16);
        await take('filling');
        books.letAll();
        await expect(page.getByRole('article', { name: 'Problems' })).toContainText('came back');
        await page.getByRole('button', { name: 'Pause' }).click();
        await expect(page.locator('.report-controls .status')).toHaveText('Paused');
        await take('writing');
        await page.getByRole('button', { name: 'Resume' }).click();
        await expect(page.locator('#report-notes')).toContainText('Retry asks', { timeout: 20_000 });
        await take('whole');
        await open(page, '/');
        await page.locator('.page-row', { hasText: 'Report' }).scrollIntoViewIfNeeded();
        await take('home');
      });
    });

    modelTest.describe(`the assistant, ${colorScheme}, ${size}`, () => {
      modelTest.use({ colorScheme, viewport });

      modelTest('at first, asking for approval, with an answer on its way, failed', async ({
        page,
        fake,
      }, testInfo) => {
        const take = (state: string) =>
          picture(page, testInfo, `assistant-${state}-${colorScheme}-${size}`);
        const ask = async (question: string) => {
          await page.getByLabel('Your question').fill(question);
          await page.getByRole('button', { name: 'Ask', exact: true }).click();
        };
        const last = page.locator('.message.model').last();
        await open(page, '/assistant');
        await take('empty');
        await ask('Fetch the ten posts, and look up product 7');
        const first = await fake.question(0);
        first.say('I do both at once.');
        first.call(['look_up_product', { id: 7 }], ['fetch_posts', {}]);
        await expect(page.locator('.tool[data-tool="look_up_product"] .status')).toHaveText('Done');
        await take('asks');
        await page.getByRole('button', { name: 'Decline: fetch the ten posts' }).click();
        const second = await fake.question(1);
        second.say('**Product 7** is a mug.\n\n| what | how much |\n|---|---|\n| price | 9.50 |\n| stock | 3 |\n\n```rust\nlet mug = upstream.product(7).await?;\n');
        await expect(last).toContainText('let mug');
        await take('answering');
        second.cut();
        await expect(last).toHaveAttribute('data-end', 'failed');
        await take('failed');
        await ask('What is a background task?');
        const third = await fake.question(2);
        third.say('A task runs beside the queue, and ');
        await expect(last).toContainText('beside the queue');
        await page.getByRole('button', { name: /^Stop/ }).click();
        await expect(last).toHaveAttribute('data-end', 'stopped');
        await take('stopped');
      });
    });
  }
}
