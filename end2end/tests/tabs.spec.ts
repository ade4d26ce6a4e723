// A visitor is a browser: all its tabs show the same, and no other browser sees any of it.

import type { Page, Request } from '@playwright/test';
import { answerTo } from './support/page';
import { ALL_IDS, PostsPage, STYLES } from './support/posts-page';
import { expect, test } from './support/shop';

const isRest = (url: string) => url.includes('hidden=1');
const isStream = (url: string) => url.includes('/api/stream') && !isRest(url);

for (const name of STYLES) {
  test(`${name}: two tabs show the same, another visitor nothing of it`, async ({
    posts,
    context,
    newVisitor,
    shop,
  }) => {
    const second = new PostsPage(await context.newPage());
    const stranger = new PostsPage(await (await newVisitor()).newPage());
    await posts.open();
    await second.open();
    await stranger.open();
    const [style] = posts.style(name);
    const [style2, other2] = second.style(name);

    shop.letUpTo(3);
    await style.begin(3);
    await expect(style2.posts).toHaveCount(3);
    await style2.expectStatus('running');
    await expect(style2.fetch).toBeDisabled();
    await expect(other2.fetch).toBeDisabled();
    shop.letAll();
    await style.expectStatus('done');
    await style2.expectStatus('done');
    await style2.expectAllPosts();
    expect(await style2.posts.allInnerTexts()).toEqual(await style.posts.allInnerTexts());
    await posts.count.click();
    await expect(second.clicks).toHaveText('1');
    await expect(posts.clicks).toHaveText('1');

    // Had the stranger's page got anything, it would be there before the answer to its own click.
    await stranger.count.click();
    await expect(stranger.clicks).toHaveText('1');
    for (const own of stranger.style(name)) {
      await own.expectStatus('none');
      expect((await own.sights()).flatMap((sight) => sight.ids)).toEqual([]);
      await expect(own.fetch).toBeEnabled();
    }
  });

  test(`${name}: what one tab begins the other stops and clears`, async ({
    posts,
    context,
    shop,
  }) => {
    const second = new PostsPage(await context.newPage());
    await posts.open();
    await second.open();
    const [style] = posts.style(name);
    const [style2] = second.style(name);
    shop.letUpTo(2);
    await style.begin(2);
    await expect(style2.posts).toHaveCount(2);
    const taken = answerTo(second.page, /^(posts\/stop_chained|uc_tasks\/cancel)!/);
    await style2.stop.click();
    await taken;
    shop.letAll();
    await style.expectStatus('stopped');
    await style2.expectStatus('stopped');
    expect(await style2.ids()).toEqual(await style.ids());
    await style2.clear.click();
    await expect(style.posts).toHaveCount(0);
    await expect(style2.posts).toHaveCount(0);
  });
}

test('two visitors fetch at once, and neither waits for the other', async ({
  posts,
  newVisitor,
  shop,
}) => {
  const stranger = new PostsPage(await (await newVisitor()).newPage());
  await posts.open();
  await stranger.open();
  shop.letUpTo(1);
  await posts.chained.begin(1);
  await stranger.chained.begin(1);
  await posts.chained.expectStatus('running');
  // The other's step keeps nobody's click waiting but its own visitor's.
  await stranger.chained.stop.click();
  await expect(stranger.chained.hint).toContainText(/wait/i);
  shop.letAll();
  await posts.chained.expectStatus('done');
  await posts.chained.expectAllPosts();
  await stranger.chained.expectStatus('stopped');
});

for (const number of [4, 8]) {
  test(`${number} tabs of one browser all live`, async ({ posts, context }) => {
    // A browser opens six connections to a host over HTTP/1.1, and a stream holds one for as long
    // as it is open. All but the first few get finite answers and come back.
    const tabs = [posts];
    while (tabs.length < number) tabs.push(new PostsPage(await context.newPage()));
    for (const tab of tabs) await tab.open();
    // A click in the last is answered, and all see it.
    await tabs[number - 1].count.click();
    for (const tab of tabs) await expect(tab.clicks).toHaveText('1');
    for (const tab of tabs) await expect(tab.page.locator('.banner')).toHaveCount(0);
  });
}

/** From here on a tab notes when it first shows each post of a region. */
const notePosts = (page: Page, region: string) =>
  page.evaluate((region) => {
    const seen: Record<string, number> = ((window as any).seenAt = {});
    const look = () => {
      for (const one of document.querySelectorAll('section')) {
        const label = document.getElementById(one.getAttribute('aria-labelledby') ?? '');
        if ((one.getAttribute('aria-label') ?? label?.textContent?.trim()) !== region) continue;
        for (const post of one.querySelectorAll('article')) seen[post.dataset.id ?? ''] ??= Date.now();
      }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true });
  }, region);
const seenAt = (page: Page) => page.evaluate(() => (window as any).seenAt as Record<string, number>);

/** Clicks, and waits until the page shows it. Milliseconds, by the page's clock. */
const clickTime = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((shown) => {
        const value = () => document.querySelector('.clicks-value')?.textContent;
        const buttons = [...document.querySelectorAll('button')];
        const [before, since] = [value(), performance.now()];
        new MutationObserver((_, observer) => {
          if (value() === before) return;
          observer.disconnect();
          shown(performance.now() - since);
        }).observe(document, { subtree: true, childList: true, characterData: true });
        buttons.find((button) => button.textContent?.trim().startsWith('Count'))?.click();
      }),
  );

test('eight tabs: each post in all within a second, a click in the eighth within 200 ms', async ({
  posts,
  context,
  shop,
}) => {
  test.setTimeout(120_000);
  const tabs = [posts];
  while (tabs.length < 8) tabs.push(new PostsPage(await context.newPage()));
  for (const tab of tabs) await tab.open();
  const clicks: number[] = [];
  for (let click = 1; click <= 7; click++) {
    clicks.push(await clickTime(tabs[7].page));
    for (const tab of tabs) await expect(tab.clicks).toHaveText(`${click}`);
  }
  clicks.sort((one, other) => one - other);
  console.log(`a click in the eighth tab: ${clicks.map(Math.round).join(', ')} ms`);
  // Most of them, since other things run on the machine.
  expect(clicks[4]).toBeLessThan(200);

  for (const tab of tabs) await notePosts(tab.page, 'Background task');
  shop.letUpTo(1);
  await posts.background.begin(1);
  for (const id of ALL_IDS) {
    shop.letUpTo(id);
    await posts.background.expectAtLeast(id);
    // One that has a stream of its own goes in the middle of the run.
    if (id === 5) await tabs.splice(2, 1)[0].page.close();
  }
  for (const tab of tabs) await tab.background.expectAllPosts();
  const times = await Promise.all(tabs.map((tab) => seenAt(tab.page)));
  const late = ALL_IDS.map((id) => {
    const of = times.map((seen) => seen[id]);
    return Math.max(...of) - Math.min(...of);
  });
  console.log(`each post in the last of the tabs: ${late.join(', ')} ms behind the first`);
  expect(Math.max(...late)).toBeLessThan(1_000);
  for (const tab of tabs) {
    for (const { ids } of await tab.background.sights()) {
      expect(ids).toEqual(ALL_IDS.slice(0, ids.length));
    }
  }
});

const setHidden = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);

/** Lets time pass in the page, a second at a time, until it asks for this. How many it takes depends
 * on when it heard its last stream end. */
const passUntil = async (page: Page, isWanted: (url: string) => boolean) => {
  let asked: Request | undefined;
  const note = (request: Request) => {
    if (isWanted(request.url())) asked ??= request;
  };
  page.on('request', note);
  const passed = async () => {
    await page.clock.runFor(1_000);
    return asked !== undefined;
  };
  await expect.poll(passed, { intervals: [20], timeout: 30_000 }).toBe(true);
  page.off('request', note);
  return asked!;
};

test('a tab without a stream looks as soon as another hears of something', async ({
  posts,
  context,
}) => {
  const tabs = [posts];
  while (tabs.length < 4) tabs.push(new PostsPage(await context.newPage()));
  for (const tab of tabs) await tab.open();
  const fifth = new PostsPage(await context.newPage());
  const streams = { begun: 0, ended: 0 };
  const ended = (request: Request) => (streams.ended += Number(isStream(request.url())));
  fifth.page.on('request', (request) => (streams.begun += Number(isStream(request.url()))));
  fifth.page.on('requestfinished', ended);
  // The page ends it, too, when it has heard that it is to.
  fifth.page.on('requestfailed', ended);
  // Playwright's clock is that of all tabs.
  await fifth.page.addInitScript(() => {
    const wait = window.setTimeout;
    const isStopped = () => document.documentElement.hasAttribute('data-stopped');
    window.setTimeout = ((act: () => void, ms: number) =>
      wait(() => isStopped() || act(), ms)) as typeof wait;
  });
  await fifth.open();
  // It takes turns: its streams end.
  await expect.poll(() => streams.ended).toBeGreaterThan(1);
  // From here on it looks no more by itself.
  await fifth.page.evaluate(() => document.documentElement.setAttribute('data-stopped', ''));
  for (let click = 1; click <= 3; click++) {
    // What is told while it looks it does not hear.
    await expect.poll(() => streams.begun - streams.ended).toBe(0);
    const looked = streams.begun;
    await posts.count.click();
    await expect(fifth.clicks).toHaveText(`${click}`);
    expect(streams.begun).toBeGreaterThan(looked);
  }
});

test('a tab that is hidden gives its stream back, says that it is there, and that it goes', async ({
  posts,
  page,
}) => {
  await page.clock.install();
  await posts.open();
  const ended = new Set<Request>();
  // The page ends a stream, too, when it has heard that it is to.
  const ends = (request: Request) => void ended.add(request);
  page.on('requestfinished', ends);
  page.on('requestfailed', ends);
  await setHidden(page, true);
  const first = await passUntil(page, isRest);
  await expect.poll(() => ended.has(first)).toBe(true);
  // It says so again, and is current when it is looked at.
  await passUntil(page, isRest);
  const looked = page.waitForRequest((request) => isStream(request.url()));
  await setHidden(page, false);
  await looked;
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');

  await setHidden(page, true);
  await passUntil(page, isRest);
  const closed = page.context().waitForEvent('request', (request) => request.url().includes('/api/closed'));
  await page.goto('about:blank');
  expect((await closed).method()).toBe('POST');
});

test('a tab that was hidden for ten minutes is current a second after it is looked at', async ({
  posts,
  page,
  context,
}) => {
  await page.clock.install();
  await posts.open();
  const other = new PostsPage(await context.newPage());
  await other.open();
  await setHidden(page, true);
  await passUntil(page, isRest);
  await page.clock.fastForward('10:00');
  await other.count.click();
  await other.count.click();
  await expect(other.clicks).toHaveText('2');
  await setHidden(page, false);
  await expect(posts.clicks).toHaveText('2', { timeout: 1_000 });
  await expect(posts.banner).toHaveCount(0);
});
