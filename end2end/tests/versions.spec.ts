// A page and a server of different versions: the page loads itself again, and not again and again.

import type { Page, Route } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open } from './support/page';
import { PostsPage } from './support/posts-page';

/** What stands behind the name of a state or an event, and what no version has. */
const SCHEMA = /(posts(?:%2F|\/\w+)?)!([0-9a-f]{8})/g;
const OTHER = '$1!00000000';

/** What a stream may bring that a page of another version can't take. */
const STREAMS: Record<string, (route: Route) => Promise<void>> = {
  'of another version': (route) =>
    route.continue({ url: route.request().url().replace(SCHEMA, OTHER) }),
  'whose state the server does not know': (route) =>
    route.continue({ url: route.request().url().replace('s.posts!', 's.elsewhere!') }),
  'that is given a snapshot which does not fit': (route) =>
    route.fulfill(stream('id: s-zz-9\ndata: ["posts",null,{"clicks":"many"}]')),
};

/** A stream that says this and ends. */
function stream(...events: string[]) {
  const hello = 'data: {"hello":{"ping_s":15,"epoch":"zz","later":[1]}}';
  return { contentType: 'text/event-stream', body: [hello, ...events, ''].join('\n\n') };
}

/** The page is loaded again once, says what is wrong, and asks for nothing any more. */
async function expectOneMoreLoad(page: Page, loads: () => number): Promise<void> {
  const banner = page.locator('.banner');
  // The first page says so, too, until it is gone.
  await expect.poll(loads).toBe(2);
  await expect(banner).toContainText('This page is out of date.');
  // Whatever timers the page has set.
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().includes('/api/stream'))));
  await page.clock.fastForward(120_000);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  expect(asked).toBe(0);
  expect(loads()).toBe(2);
  await expect(banner.getByRole('link', { name: 'Reload' })).toBeVisible();
}

for (const [name, answer] of Object.entries(STREAMS)) {
  test(`a page ${name} loads itself again once, and then says what is wrong`, async ({
    page,
    problems,
  }) => {
    problems.expectNoStreams();
    let loads = 0;
    page.on('load', () => (loads += 1));
    await page.clock.install();
    await page.route('**/api/stream?**', answer);
    await page.goto('/posts');
    await expectOneMoreLoad(page, () => loads);
  });
}

test('what a newer server says besides is left out, and the page goes on', async ({
  page,
  posts,
  problems,
}) => {
  problems.expectNoStreams();
  let loads = 0;
  page.on('load', () => (loads += 1));
  let streams = 0;
  await page.route('**/api/stream?**', (route) => {
    streams += 1;
    if (streams > 1) return route.continue();
    return route.fulfill(
      stream(
        'data: {"farewell":{"reason":"tired"}}',
        'id: s-zz-9\ndata: ["elsewhere",null,{"a":1}]',
        'id: s-zz-9\nevent: later\ndata: {"more":1}',
        'data: {"ping":1,"later":2}',
      ),
    );
  });
  await posts.open();
  await expect.poll(() => streams).toBeGreaterThan(1);
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await expect(posts.banner).toHaveCount(0);
  expect(loads).toBe(1);
});

test('a page that is loaded again is of the version of the server', async ({ page }) => {
  let streams = 0;
  await page.route('**/api/stream?**', (route) => {
    streams += 1;
    const url = route.request().url();
    return route.continue({ url: streams === 1 ? url.replace(SCHEMA, OTHER) : url });
  });
  const reloaded = page.waitForEvent('load').then(() => page.waitForEvent('load'));
  const posts = new PostsPage(page);
  await page.goto('/posts');
  await reloaded;
  await posts.ready();
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  await expect(posts.banner).toBeHidden();
});

const EVENTS: Record<string, (body: string) => string> = {
  'of another version': (body) => body.replace(SCHEMA, OTHER),
  'that the server does not know': (body) => body.replace(/posts\/\w+!/, 'posts/elsewhere!'),
};

for (const [name, other] of Object.entries(EVENTS)) {
  test(`an event ${name} is not run, and the page loads itself again`, async ({ page, posts }) => {
    await posts.open();
    await page.route('**/api/events', (route) =>
      route.continue({ postData: other(route.request().postData() ?? '') }),
    );
    const reloaded = page.waitForEvent('load');
    await posts.count.click();
    await reloaded;
    await page.unroute('**/api/events');
    await posts.ready();
    await expect(posts.clicks).toHaveText('0');
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
  });
}

test('a page loads itself again though its clock was set back since it last did', async ({ page, posts }) => {
  await posts.open();
  await page.evaluate((later) => sessionStorage.setItem('undercurrent-reloaded', `${later}`), Date.now() + 86_400_000);
  await page.route('**/api/events', (route) =>
    route.continue({ postData: (route.request().postData() ?? '').replace(SCHEMA, OTHER) }),
  );
  const reloaded = page.waitForEvent('load');
  await posts.count.click();
  await reloaded;
  await posts.ready();
});

test('a page in which something is written does not throw it away', async ({ page }) => {
  let loads = 0;
  page.on('load', () => (loads += 1));
  await open(page, '/lab/sheet');
  await expect(page.locator('#loaded')).toHaveText('true');
  await page.locator('#title').fill('Half a sentence!');
  await expect(page.locator('#error')).toHaveText('No exclamation marks.');
  await page.route('**/api/stream?**', (route) =>
    route.continue({ url: route.request().url().replace(/!([0-9a-f]{8})/g, '!00000000') }),
  );
  // The browser says that the network is back: the page opens another stream.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await expect(page.locator('.banner')).toContainText('This page is out of date.');
  await expect(page.locator('#title')).toHaveValue('Half a sentence!');
  expect(loads).toBe(1);
});
