// The server goes down and comes back with the page open.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { ALL_IDS, type PostsPage, STYLES } from './support/posts-page';
import { test as shopTest } from './support/shop';

/** A page says so within this time after the server has gone. */
const BANNER_MS = 3_000;
/** A page is current within this time after the server is back. */
const CURRENT_MS = 5_000;

/** The banner is there, and no longer waits to be seen. */
async function expectBanner(posts: PostsPage, options?: { timeout: number }): Promise<void> {
  const isSeen = () =>
    posts.banner.evaluateAll((banners) =>
      banners.some((banner) => {
        const style = getComputedStyle(banner);
        return style.visibility === 'visible' && Number(style.opacity) > 0.9;
      }),
    );
  await expect.poll(isSeen, { intervals: [50], ...options }).toBe(true);
}

/** Notes on the page that it is this one: a reload would lose it. */
async function mark(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => Object.assign(window, { marked: true }));
  return async () => {
    expect(await page.evaluate(() => 'marked' in window), 'the page was reloaded').toBe(true);
    await expect(page.locator('html')).not.toHaveAttribute('data-panicked');
  };
}

test('killed and started again: a banner, then everything as it was, without a reload', async ({
  posts,
  page,
  server,
  problems,
}) => {
  await posts.open();
  await posts.background.run();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  const expectSamePage = await mark(page);

  problems.expectNetworkErrors();
  await server.kill();
  await expectBanner(posts, { timeout: BANNER_MS });
  // What was shown stays readable meanwhile.
  await posts.background.expectAllPosts();

  await server.start();
  const deadline = Date.now() + CURRENT_MS;
  const left = () => ({ timeout: Math.max(1, deadline - Date.now()) });
  await expect(posts.banner).toHaveCount(0, left());
  await posts.background.expectAllPosts();
  await expect(posts.clicks).toHaveText('1', left());
  await posts.background.expectStatus('done', left());
  await expectSamePage();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('2', left());

  await posts.background.run();
  await posts.background.expectAllPosts();
  await posts.chained.run();
  await posts.chained.expectAllPosts();
  await expectSamePage();
});

test('clicks made while the server is down are sent when it is back, each once', async ({
  posts,
  page,
  server,
  problems,
}) => {
  await posts.open();
  const expectSamePage = await mark(page);
  problems.expectNetworkErrors();
  await server.kill();
  for (let click = 0; click < 3; click++) await posts.count.click();
  await expectBanner(posts, { timeout: BANNER_MS });
  await posts.background.fetch.click();
  await server.start();
  await expect(posts.clicks).toHaveText('3', { timeout: CURRENT_MS });
  await posts.background.expectStatus('done');
  await posts.background.expectAllPosts();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('4');
  await expectSamePage();
});

test('three restarts in a row, and the page still heals', async ({
  posts,
  page,
  server,
  problems,
}) => {
  await posts.open();
  const expectSamePage = await mark(page);
  problems.expectNetworkErrors();
  for (let round = 0; round < 3; round++) {
    await posts.count.click();
    await expect(posts.clicks).toHaveText(`${round + 1}`, { timeout: CURRENT_MS });
    await server.restart();
  }
  await expect(posts.banner).toHaveCount(0, { timeout: CURRENT_MS });
  await expect(posts.clicks).toHaveText('3', { timeout: CURRENT_MS });
  await expectSamePage();
});

for (const name of STYLES) {
  shopTest(`${name}: killed in the middle of a run, it ends with each post once`, async ({
    posts,
    page,
    server,
    problems,
    shop,
  }) => {
    await posts.open();
    const [style] = posts.style(name);
    const expectSamePage = await mark(page);
    shop.letUpTo(3);
    await style.begin(3);
    await shop.expectAsked(4);
    problems.expectNetworkErrors();
    await server.restart();
    shop.letAll();
    await style.expectStatus('done');
    await style.expectAllPosts();
    await expect(style.fetch).toBeEnabled();
    for (const { ids } of await style.sights()) {
      expect(ids).toEqual(ALL_IDS.slice(0, ids.length));
    }
    await expectSamePage();
  });
}

shopTest('a Stop that waited when the server was killed is done when it is back', async ({
  posts,
  server,
  problems,
  shop,
}) => {
  await posts.open();
  shop.letUpTo(1);
  await posts.chained.begin(1);
  await posts.chained.stop.click();
  await posts.chained.expectStatus('stopping');
  problems.expectNetworkErrors();
  await server.restart();
  shop.letAll();
  await posts.chained.expectStatus('stopped');
  await expect(posts.chained.hint).not.toContainText(/wait/i);
  await posts.chained.run();
  await posts.chained.expectAllPosts();
});

test.describe('told to stop', () => {
  test('SIGTERM with open pages ends the server within 5 s, and they come back', async ({
    posts,
    context,
    page,
    server,
    problems,
  }) => {
    await posts.open();
    const other = await context.newPage();
    await other.goto('/posts');
    await expect(other.locator('html')).toHaveAttribute('data-hydrated', '');
    const expectSamePage = await mark(page);
    problems.expectNetworkErrors();
    const exit = await server.stop();
    expect(exit).toMatchObject({ code: 0, signal: null });
    expect(exit.ms).toBeLessThan(5_000);
    await expectBanner(posts, { timeout: BANNER_MS });
    await server.start();
    await expect(posts.banner).toHaveCount(0, { timeout: CURRENT_MS });
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1', { timeout: CURRENT_MS });
    await expect(other.locator('.clicks-value')).toHaveText('1', { timeout: CURRENT_MS });
    await expectSamePage();
  });

  shopTest('SIGTERM in the middle of a run that hangs ends the server within 10 s', async ({
    posts,
    server,
    problems,
    shop,
  }) => {
    await posts.open();
    shop.letUpTo(2);
    await posts.background.begin(2);
    await shop.expectAsked(3);
    problems.expectNetworkErrors();
    const exit = await server.stop();
    expect(exit).toMatchObject({ code: 0, signal: null });
    // Its end is recorded before the time, `shutdown-ms`, is over: nothing is cut off.
    expect(exit.ms).toBeLessThan(10_000);
    expect(server.log).not.toContain('cut off');
  });
});
