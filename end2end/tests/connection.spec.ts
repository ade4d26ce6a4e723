// The connection: it is lost in every way that a network has, and the page comes back by itself, soon
// and without haste. The page's clock is in the hands of the test.

import type { Page, Route } from '@playwright/test';
import { ends } from './support/ends-page';
import { expect, test } from './support/gallery';
import { Holding } from './support/holding';
import { open, ready } from './support/page';
import { PostsPage } from './support/posts-page';

const STREAMS = '**/api/stream?**';
const isStream = (url: string) => url.includes('/api/stream?');

/** Counts the streams that a page asks for. */
function streamsOf(page: Page): () => number {
  let asked = 0;
  page.on('request', (request) => (asked += Number(isStream(request.url()))));
  return () => asked;
}

test('a page out of the back-forward cache opens another stream at once', async ({ page }) => {
  // A page of a visitor is `no-store`, so that most browsers keep none. Those that do tell it so.
  const loaded = page.waitForResponse((response) => response.url().endsWith('/posts'));
  const posts = new PostsPage(page);
  await posts.open();
  expect((await loaded).headers()['cache-control']).toContain('no-store');
  const again = page.waitForRequest((request) => isStream(request.url()));
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await again;
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await expect(posts.banner).toHaveCount(0);
});

test('a stream that is silent for three pings is given up, and not before', async ({ page }) => {
  await page.clock.install();
  const posts = new PostsPage(page);
  await posts.open();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  const asked = streamsOf(page);
  // The server says something every 15 seconds of its own clock, which goes on as ever.
  await page.clock.runFor(40_000);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  expect(asked()).toBe(0);
  const again = page.waitForRequest((request) => isStream(request.url()));
  await page.clock.runFor(10_000);
  await again;
  await posts.count.click();
  await expect(posts.clicks).toHaveText('2');
  await expect(posts.banner).toHaveCount(0);
});

test('a machine that has slept asks for another stream, though the clock of its page stood still', async ({ page }) => {
  const posts = new PostsPage(page);
  await posts.open();
  const asked = streamsOf(page);
  const again = page.waitForRequest((request) => isStream(request.url()), { timeout: 15_000 });
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
  });
  await again;
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await expect(posts.banner).toHaveCount(0);
  // Once.
  expect(asked()).toBe(1);
});

test('a page whose cookies were cleared does in the session of another tab nothing that was clicked before, and says so', async ({
  page,
  context,
  problems,
}) => {
  problems.expectRefusals();
  const posts = new PostsPage(page);
  const other = new PostsPage(await context.newPage());
  await posts.open();
  for (const clicks of ['1', '2', '3']) {
    await posts.count.click();
    await expect(posts.clicks).toHaveText(clicks);
  }
  await context.clearCookies();
  await other.open();
  await expect(other.clicks).toHaveText('0');
  // What this page shows is not what would be counted.
  await posts.count.click();
  await expect(page.locator('.toast')).toHaveText(/^Your session has begun anew\. What you clicked before was not done\./);
  await expect(posts.clicks).toHaveText('0');
  await expect(other.clicks).toHaveText('0');
  await posts.count.click();
  for (const { clicks } of [posts, other]) await expect(clicks).toHaveText('1');
  await other.count.click();
  for (const { clicks } of [posts, other]) await expect(clicks).toHaveText('2');
  for (const { banner } of [posts, other]) await expect(banner).toHaveCount(0);
});

for (const [what, said, prepare] of [
  [
    'a click in a page that no stream has told of its session',
    'Your session has begun anew. What you clicked before was not done.',
    async (page: Page) => {
      await page.route('**/api/stream?**', (route) => route.abort('connectionrefused'));
      await page.reload();
      await ready(page);
    },
  ],
  [
    'a click whose answer was lost',
    'It is not known whether this was done: the server, or your session, has begun anew.',
    async (page: Page) => {
      await page.route('**/api/events', async (route) => {
        await route.fetch();
        await route.fulfill({ status: 503 });
      });
      await new PostsPage(page).count.click();
      await expect(page.locator('.clicks-value')).toHaveText('2');
    },
  ],
] as const) {
  test(`${what} is done in no other session, and what is known of it is told`, async ({ page, context, problems }) => {
    problems.expectRefusals();
    problems.expectNetworkErrors();
    problems.expectNoStreams();
    const posts = new PostsPage(page);
    const other = new PostsPage(await context.newPage());
    await posts.open();
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    await prepare(page);
    await context.clearCookies();
    await other.open();
    await page.unroute('**/api/events');
    if (said.startsWith('Your')) {
      const refused = page.waitForResponse('**/api/events');
      await posts.count.click();
      expect((await refused).status()).toBe(409);
    }
    await page.unroute('**/api/stream?**');
    await expect(page.locator('.toast')).toContainText(said, { timeout: 20_000 });
    await expect(posts.clicks).toHaveText('0');
    await posts.count.click();
    for (const { clicks } of [posts, other]) await expect(clicks).toHaveText('1');
    await expect(posts.banner).toHaveCount(0);
  });
}

test('of tabs that were opened at once each has got a session, and the first click is counted in the one that the browser has kept', async ({
  page,
  context,
  problems,
}) => {
  problems.expectRefusals();
  const posts = new PostsPage(page);
  await posts.open();
  await context.clearCookies();
  const other = new PostsPage(await context.newPage());
  await other.open();
  await other.count.click();
  await expect(other.clicks).toHaveText('1');
  await posts.count.click();
  for (const { clicks } of [posts, other]) await expect(clicks).toHaveText('2');
  await expect(page.locator('.toast')).toHaveCount(0);
});

test('a first click that the open stream tells of asks for no other', async ({ page }) => {
  await page.clock.install();
  await open(page, '/lab/pace');
  const asked = streamsOf(page);
  // A task, and nothing but its updates: no event ends.
  await ends(page).take('start');
  await expect(page.locator('#changes')).not.toBeEmpty();
  await expect(page.locator('#changes')).not.toHaveText('0');
  await page.clock.runFor(2_000);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  expect(asked()).toBe(0);
});

test('a server that takes no clicks is told, and they are counted when it does', async ({ page, problems }) => {
  problems.expectNoStreams();
  const posts = new PostsPage(page);
  await posts.open();
  // As of one whose disk is full: the stream goes on.
  await page.route('**/api/events', (route) => route.fulfill({ status: 503, body: 'Nothing can be stored now.' }));
  await posts.count.click();
  await posts.count.click();
  await expect(posts.banner).toContainText('takes no clicks');
  await page.unroute('**/api/events');
  await expect(posts.clicks).toHaveText('2');
  await expect(posts.banner).toHaveCount(0);
});

test('where a proxy holds streams back, the page asks for brief ones, and shows what comes', async ({ page, server }) => {
  const proxy = await Holding.before(server.port);
  try {
    await page.clock.install();
    const isLasting = (url: string) => isStream(url) && !url.includes('brief=1');
    const held = () => page.waitForResponse((response) => isLasting(response.url()));
    const posts = new PostsPage(page);
    let next = held();
    await posts.open(`${proxy.url}/posts`);
    await next;
    await posts.count.click();
    next = held();
    await page.clock.runFor(16_000);
    await next;
    await expect(posts.clicks).toHaveText('0');
    const brief = page.waitForRequest((request) => request.url().includes('brief=1'));
    await page.clock.runFor(16_000);
    await brief;
    await expect(posts.clicks).toHaveText('1');
    await expect(posts.banner).toHaveCount(0);
    await posts.count.click();
    await expect(posts.clicks).toHaveText('2');
    await posts.background.fetch.click();
    await posts.background.expectAllPosts();
    await expect(posts.banner).toHaveCount(0);
  } finally {
    await page.close();
    proxy.close();
  }
});

/** What may stand in the place of a server. */
const ANSWERS: Record<string, (route: Route) => Promise<void>> = {
  'is cut': (route) => route.abort('connectionreset'),
  'is answered 503': (route) => route.fulfill({ status: 503, body: 'maintenance' }),
  'is answered 204': (route) => route.fulfill({ status: 204 }),
  'is a page of HTML': (route) => route.fulfill({ contentType: 'text/html', body: '<p>Log in.</p>' }),
  'leads to another page': (route) =>
    route.fulfill({ status: 302, headers: { location: new URL('/', route.request().url()).href } }),
  'ends at once': (route) => route.fulfill({ contentType: 'text/event-stream', body: '' }),
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  test(`a stream that ${name} is asked for again, less and less often, until it is there`, async ({
    page,
    problems,
  }) => {
    problems.expectNetworkErrors();
    problems.expectNoStreams();
    const posts = new PostsPage(page);
    await page.clock.install();
    await page.route(STREAMS, answer);
    await posts.open();
    await expect(posts.banner).toBeVisible();
    const times: number[] = [];
    page.on('request', (request) => {
      if (isStream(request.url())) times.push(clock);
    });
    // Half a minute of the page's clock, in steps that the network can follow.
    const STEP_MS = 100;
    let clock = 0;
    for (; clock < 30_000; clock += STEP_MS) {
      await page.clock.runFor(STEP_MS);
    }
    const gaps = times.slice(1).map((time, index) => time - times[index]);
    const late = gaps.slice(5);
    expect(times.length, `asked at ${times}`).toBeGreaterThanOrEqual(8);
    expect(times.length, `asked at ${times}`).toBeLessThanOrEqual(30);
    // Two seconds, a quarter more or less, so that pages don't come back all at once.
    expect(Math.min(...late), `asked at ${times}`).toBeGreaterThanOrEqual(1_300);
    expect(new Set(late).size, `asked at ${times}`).toBeGreaterThan(1);
    await page.unroute(STREAMS);
    await page.clock.runFor(3_000);
    await expect(posts.banner).toHaveCount(0);
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
  });
}

test('offline a hundred clicks wait, one more is refused, and all run once and in order', async ({
  posts,
  page,
  context,
  problems,
}) => {
  const WAITING = 100;
  problems.expectNetworkErrors();
  await posts.open();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  const taken: number[] = [];
  page.on('response', (response) => {
    if (!response.url().endsWith('/api/events') || response.status() !== 202) return;
    const { events } = response.request().postDataJSON() as { events: [number, string, unknown][] };
    taken.push(...events.map(([number]) => number));
  });
  await context.setOffline(true);
  await expect(posts.banner).toContainText(/offline/i);
  const click = (times: number) =>
    posts.count.evaluate((button: HTMLButtonElement, left) => {
      for (; left > 0; left--) button.click();
    }, times);
  await click(WAITING);
  await expect(page.locator('.toast')).toHaveCount(0);
  await click(1);
  await expect(page.locator('.toast')).toContainText(`${WAITING} clicks wait`);
  await context.setOffline(false);
  await expect(posts.clicks).toHaveText(`${WAITING + 1}`);
  await expect(posts.banner).toHaveCount(0);
  // The first was taken before; what was refused has had its number, and it never comes.
  const expected = Array.from({ length: WAITING }, (_, index) => index + 2);
  await expect.poll(() => taken.length).toBeGreaterThanOrEqual(WAITING);
  expect([...new Set(taken)]).toEqual(expected);
  // One more comes behind all of them.
  await posts.count.click();
  await expect(posts.clicks).toHaveText(`${WAITING + 2}`);
});

test('what is typed into a form and refused since a hundred clicks wait stays in it, the second time, too', async ({
  posts,
  page,
  context,
  problems,
}) => {
  problems.expectNetworkErrors();
  await posts.open();
  await context.setOffline(true);
  await expect(posts.banner).toContainText(/offline/i);
  await posts.count.evaluate((button: HTMLButtonElement) => {
    for (let click = 0; click < 100; click++) button.click();
  });
  // The app leads there by itself.
  await page.getByRole('navigation').getByRole('link', { name: 'Room' }).click();
  const name = page.getByLabel('Your name');
  const open = page.getByRole('button', { name: 'Open the room' });
  await expect(open).toBeVisible();
  for (const typed of ['Grace', 'Grace Hopper', 'Grace Hopper']) {
    await name.fill(typed);
    await open.click();
    await expect(page.locator('.lobby .fault')).toContainText('100 clicks wait');
    // What it was at first it is for a moment.
    await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
    await expect(name).toHaveValue(typed, { timeout: 1_000 });
  }
});

test('what was chosen in a form that is refused is chosen again', async ({ page }) => {
  await page.goto('/room');
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', '');
  const form = page.getByRole('region', { name: 'Open a room' }).locator('form');
  // An app may ask by a list, or by buttons.
  await form.evaluate((form: HTMLFormElement) => {
    const choice = (value: string, more = '') => `<input type="radio" name="passphrase" value="${value}"${more}>`;
    form.insertAdjacentHTML('afterbegin', choice('', ' checked') + choice('sesame'));
    const list = Object.assign(document.createElement('select'), { name: 'name', innerHTML: '<option>Ada<option>Grace' });
    form.querySelector('[name=name]')?.replaceWith(list);
    form.querySelector('input[name=passphrase][maxlength]')?.remove();
  });
  await form.getByLabel('Room').fill('???');
  await form.locator('select').selectOption('Grace');
  await form.locator('input[value=sesame]').check();
  await form.getByRole('button', { name: 'Open the room' }).click();
  await expect(page.locator('.lobby .fault')).not.toBeEmpty();
  await expect(form.getByLabel('Room')).toHaveValue('???');
  await expect(form.locator('select')).toHaveValue('Grace');
  await expect(form.locator('input[value=sesame]')).toBeChecked();
});

test('a page whose program does not come is a page of forms', async ({ posts, page, problems }) => {
  problems.expectNoProgram();
  await page.route('**/*.wasm', (route) => route.abort());
  await page.goto('/posts');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await posts.count.click();
  await expect(posts.clicks).toHaveText('2');
  await expect(page.locator('html')).not.toHaveAttribute('data-hydrated', '');
});
