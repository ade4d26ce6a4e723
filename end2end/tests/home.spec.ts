// The first page: the demonstration, the lines that run, the other pages as they are now.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { test as gallery } from './support/gallery';
import { expectBoth, home } from './support/home-page';
import { expectNoLoss, open, ready } from './support/page';
import { POSTS } from './support/posts-page';
import { forget } from './support/record';
import { expect, test } from './support/shop';

const PAGES = ['/posts', '/assistant', '/report', '/room', '/import', '/random', '/lorem', '/monitor', '/dashboard'];
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };

test('on a first visit it runs by itself, once', async ({ page, context, shop }) => {
  shop.letAll();
  await open(page, '/');
  await expectBoth(page);
  expect(shop.asked).toHaveLength(2 * POSTS);
  await page.reload();
  await ready(page);
  const later = await context.newPage();
  await open(later, '/');
  await expectBoth(later);
  // Whatever began by itself would have begun before this does.
  await home(later).run.click();
  await shop.expectAsked(4 * POSTS);
  await expectBoth(later);
});

test('the first event of a visitor does not fail for being answered before the stream is', async ({
  page,
  shop,
}) => {
  let answered = () => {};
  const isAnswered = new Promise<void>((resolve) => (answered = resolve));
  await page.route('**/api/events', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response });
    answered();
  });
  // The stream is asked for, and hears nothing before the event has its answer.
  await page.route('**/api/stream*', async (route) => {
    await isAnswered;
    await route.continue();
  });
  shop.letUpTo(2);
  await open(page, '/');
  await expect(home(page).chained.posts).toHaveCount(2);
  await expect(page.locator('.first .fault')).toHaveText('');
  shop.letAll();
  await expectBoth(page);
  await expect(page.locator('.first .fault')).toHaveText('');
});

test('who comes from another page finds what has run, and nothing begins by itself', async ({
  page,
  context,
  posts,
  shop,
}) => {
  await posts.open();
  shop.letAll();
  await posts.chained.run();
  // From now on a run would not get far.
  shop.letUpTo(0);
  const other = await context.newPage();
  await open(other, '/random');
  await page.close();
  await other.getByRole('link', { name: 'Undercurrent' }).click();
  const { chained, background } = home(other);
  await expect(chained.posts).toHaveCount(POSTS);
  await chained.expectStatus('done');
  await background.expectStatus('none');
  // A click that is answered: whatever began before it has begun.
  await home(other).run.click();
  await chained.expectStatus('running');
  await shop.expectAsked(POSTS + 1);
});

test.describe('where motion is not wanted', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('it runs when it is told to', async ({ page, shop }) => {
    shop.letAll();
    await open(page, '/');
    const { chained, run } = home(page);
    await chained.expectStatus('none');
    await run.click();
    await expectBoth(page);
    expect(shop.asked).toHaveLength(2 * POSTS);
  });
});

test('the lines on the page are those of the file that runs', async ({ page }) => {
  await page.goto('/');
  const file = readFileSync(new URL('../../src/posts/background.rs', import.meta.url), 'utf8');
  const [, lines] = /\/\/ excerpt: get_posts\n([\s\S]*?)\/\/ end\n/.exec(file) ?? [];
  expect(await page.locator('.code code').textContent()).toBe(lines);
});

test('the line that waits for a post is marked while it does', async ({ page, shop }) => {
  await open(page, '/');
  shop.letUpTo(3);
  const marked = page.locator('.code-line.runs');
  await shop.expectAsked(4);
  await expect(marked).toHaveCount(0);
  shop.letAll();
  await home(page).chained.expectStatus('done');
  await expect(home(page).background.status).toHaveAttribute('data-status', 'done');
  await expect(marked).toHaveCount(0);
  shop.letUpTo(0);
  await page.goto('/posts');
  await ready(page);
  await page.getByRole('button', { name: 'Fetch ten posts' }).last().click();
  await page.goto('/');
  await expect(marked).toHaveText(/product\(id\)/);
});

test('a post that does not arrive has its place, and the others go on', async ({ page, shop }) => {
  shop.fail(3);
  shop.letAll();
  await open(page, '/');
  await expectBoth(page);
  const { chained, background } = home(page);
  for (const lane of [chained, background]) {
    await expect(lane.failed).toHaveCount(1);
    await expect(lane.posts.nth(2)).toHaveText(/Post 3 did not arrive: the upstream answered 500/);
  }
});

test('a run that is refused says why', async ({ page, shop }) => {
  shop.letAll();
  await open(page, '/');
  await expectBoth(page);
  await page.route('**/api/events', (route) => {
    const { events } = route.request().postDataJSON() as { events: [number, ...unknown[]][] };
    const refused = events.map(([n]) => ({ n, is: 'refused', kind: 'full', message: 'No room.' }));
    return route.fulfill({ status: 202, json: { epoch: '0', events: refused } });
  });
  await home(page).run.click();
  await expect(page.locator('.first .fault')).toHaveText('No room.');
});

test('a reload in the middle: what was there is there, and it goes on', async ({ page, shop }) => {
  await open(page, '/');
  const { chained, background } = home(page);
  shop.letUpTo(4);
  await expect(chained.posts).toHaveCount(4);
  // In the page's first bytes.
  await page.reload({ waitUntil: 'commit' });
  await expect(chained.posts).toHaveCount(4);
  await ready(page);
  await chained.expectStatus('running');
  shop.letAll();
  await expectBoth(page);
  await expect.poll(async () => (await chained.measured()).events).toBeGreaterThan(0);
  await expect.poll(async () => (await background.measured()).events).toBeGreaterThan(0);
  expect(shop.asked).toHaveLength(2 * POSTS);
});

test('two tabs show one run', async ({ page, context, shop }) => {
  await open(page, '/');
  shop.letUpTo(2);
  const second = await context.newPage();
  await open(second, '/');
  for (const tab of [page, second]) {
    await expect(home(tab).chained.posts).toHaveCount(2);
    await expect(home(tab).run).toBeDisabled();
  }
  shop.letAll();
  for (const tab of [page, second]) {
    await expectBoth(tab);
    await expectNoLoss(tab);
  }
  expect(shop.asked).toHaveLength(2 * POSTS);
});

/** The beats of the metronome that a page has sent in a run: one of none only tells of them. */
function beatsOf(page: Page) {
  const beats = { sent: 0 };
  page.on('request', (request) => {
    if (!request.url().endsWith('/api/events')) return;
    const { events } = request.postDataJSON() as { events: [number, string, { of?: unknown }][] };
    beats.sent += events.filter(([, name, args]) => name.startsWith('metronome/beat!') && args.of).length;
  });
  return beats;
}

/** From now on time passes when it is told to, in all tabs. */
const holdTime = async (page: Page) =>
  page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);

test.describe('the metronome', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('sends five events a second, and the strip counts each', async ({ page, posts, shop }) => {
    const beats = beatsOf(page);
    await page.clock.install();
    await posts.open();
    await holdTime(page);
    await posts.background.fetch.click();
    await expect.poll(() => beats.sent).toBe(1);
    for (let second = 1; second <= 4; second++) {
      await page.clock.runFor(1_000);
      await expect.poll(() => beats.sent).toBe(1 + 5 * second);
    }
    const counted = async () => Number(await page.locator('.strip.background').getAttribute('data-events'));
    const untold = async () => beats.sent - (await counted());
    // Each tells of those that had ended before it.
    const beatOnce = async () => {
      const before = await untold();
      await page.clock.runFor(200);
      return before;
    };
    await expect.poll(beatOnce).toBe(1);
    await expect.poll(untold).toBe(1);
    // The run ends, and no beat of it can tell of the last one.
    shop.letAll();
    await posts.background.expectStatus('done');
    await expect.poll(untold).toBe(0);
  });

  test('two tabs send five a second together, and the one that is left when one is closed', async ({
    page,
    context,
    posts,
    shop,
  }) => {
    const second = await context.newPage();
    const [first, other] = [beatsOf(page), beatsOf(second)];
    // It is the clock of both.
    await page.clock.install();
    await posts.open();
    await open(second, '/posts');
    await holdTime(page);
    await posts.background.fetch.click();
    await expect(second.locator('.status[data-status=running]').last()).toBeVisible();
    // Who came first leads.
    const both = () => [first.sent, other.sent];
    await expect.poll(both).toEqual([1, 0]);
    for (let passed = 1; passed <= 4; passed++) {
      await page.clock.runFor(1_000);
      await expect.poll(both).toEqual([1 + 5 * passed, 0]);
    }
    await page.close();
    await expect.poll(() => other.sent).toBe(1);
    await second.clock.runFor(2_000);
    await expect.poll(() => other.sent).toBe(11);
    await second.clock.resume();
    shop.letAll();
    // The run has one strip, whoever beat.
    const strip = second.locator('.strip.background');
    await expect.poll(async () => Number(await strip.getAttribute('data-events'))).toBeGreaterThan(25);
  });
});

test('offline and back: nothing is lost', async ({ page, context, problems, shop }) => {
  problems.expectNetworkErrors();
  await open(page, '/');
  const { chained } = home(page);
  shop.letUpTo(3);
  await expect(chained.posts).toHaveCount(3);
  await context.setOffline(true);
  await expect(page.locator('.banner')).toBeVisible();
  shop.letAll();
  await shop.expectAsked(2 * POSTS);
  await context.setOffline(false);
  await expectBoth(page);
  await expect(page.locator('.banner')).toHaveCount(0);
  await expectNoLoss(page);
});

test('Break it leads to what can be broken', async ({ page, shop }) => {
  shop.letAll();
  await open(page, '/');
  await page.getByRole('link', { name: 'Break it' }).click();
  await expect(page).toHaveURL(/#break-it$/);
  await expect(page.getByRole('region', { name: 'Break it' })).toBeInViewport();
});

test('each page has a row that follows what happens there', async ({ page, context, shop }) => {
  shop.letAll();
  await open(page, '/');
  const row = (name: string) => page.locator('.page-row', { hasText: name });
  const fact = (name: string) => row(name).locator('.mini-fact');
  const other = await context.newPage();
  await open(other, '/posts');
  await other.getByRole('button', { name: 'Count' }).click();
  await expect(fact('Ten posts')).toHaveText('1 click');
  await open(other, '/random');
  await other.getByRole('button', { name: 'Single step' }).last().click();
  await expect(row('Random numbers').locator('rect')).toHaveCount(1);
  await open(other, '/lorem');
  await other.getByRole('button', { name: 'Add a stream' }).click();
  await expect(fact('Streams of words')).toHaveText('1 stream');
  await expect(row('Streams of words').getByRole('progressbar')).toHaveCount(1);
  await open(other, '/report');
  await other.getByRole('button', { name: 'Make the report' }).click();
  await expect(row('Report').locator('.mini-cells span[data-stage="done"]')).toHaveCount(40);
  await expect(fact('Report')).toHaveText('40 products');
  await open(other, '/monitor');
  await other.getByRole('button', { name: 'Watch', exact: true }).click();
  await expect(row('Monitor').getByRole('img', { name: /^Product 1: the last \d+ calls? took/ })).toBeVisible();
  await expect(row('Monitor').locator('.spark-well')).toHaveAttribute('d', /^M\d/);
  await expect(fact('Monitor')).toHaveText('1 endpoint');
  // It runs by itself, from the server's start.
  const processor = row('Dashboard').locator('.chart-line');
  await expect(processor).toHaveAttribute('d', /L/);
  const drawn = await processor.getAttribute('d');
  await expect(processor).not.toHaveAttribute('d', drawn!);
  await expect(fact('Dashboard')).toHaveText(/^\d+ % processor$/);
  await open(other, '/assistant');
  await other.getByRole('button', { name: /background task/i }).first().click();
  await expect(fact('Assistant')).toHaveText('1 conversation');
  await expect(row('Assistant').locator('.mini-words')).toHaveText(/^… \w+/);
  await open(other, '/room');
  await other.getByLabel('Your name').fill('Ada');
  await other.getByRole('button', { name: 'Open the room' }).click();
  await expect(row('Room').locator('.mini-words')).toHaveText('tea');
  await expect(fact('Room')).toHaveText('1 room');
  await open(other, '/import');
  await other.getByRole('button', { name: '1,000 rows' }).click();
  await other.getByRole('button', { name: 'e-mail', exact: true }).click();
  await expect(fact('Import')).toHaveText(/^9\d\d rows$/, { timeout: 30_000 });
  await expect(page.locator('.page-row')).toHaveCount(PAGES.length);
  for (const path of PAGES) await expect(page.locator(`.page-row a[href="${path}"]`)).toHaveCount(1);
  await row('Random numbers').getByRole('link').click();
  await expect(page).toHaveURL('/random');
});

for (const [size, viewport] of Object.entries(SIZES)) {
  gallery.describe(size, () => {
    gallery.use({ viewport, upstream: { delayMs: 120 } });

    gallery('nothing jumps, from the first paint to the last post', async ({ page }) => {
      await open(page, '/');
      await expectBoth(page);
      expect(await page.evaluate(() => window.layoutShift)).toBeLessThanOrEqual(0.02);
      await forget(page);
      await home(page).run.click();
      await home(page).background.expectStatus('running');
      await expectBoth(page);
      expect(await page.evaluate(() => window.layoutShift)).toBeLessThanOrEqual(0.02);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    });
  });
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('it is all there, and Run it is a form', async ({ page, shop }) => {
    await page.goto('/');
    const { chained, background, run } = home(page);
    await expect(page.locator('.code')).toBeVisible();
    await chained.expectStatus('none');
    shop.letUpTo(4);
    await run.click();
    const looks = (look: () => Promise<boolean>) =>
      expect
        .poll(async () => (await page.reload(), look()), { timeout: 20_000, intervals: [100] })
        .toBe(true);
    await looks(async () => (await chained.posts.count()) === 4);
    await expect(run).toBeDisabled();
    shop.letAll();
    await looks(async () => (await background.posts.count()) === POSTS);
    await expect(chained.posts).toHaveCount(POSTS);
  });
});
