// Ten posts, in both styles.

import { expect, test } from './support/gallery';
import { home } from './support/home-page';
import { open } from './support/page';
import { ALL_IDS, POSTS, STYLES } from './support/posts-page';
import { test as shopTest } from './support/shop';

for (const name of STYLES) {
  test.describe(name, () => {
    test('ten posts arrive one by one, in order', async ({ posts }) => {
      await posts.open();
      const [style, other] = posts.style(name);
      await style.expectStatus('none');
      await style.run();
      await style.expectAllPosts();
      await expect(style.progress).toHaveText('10 of 10');

      // Each number of posts was seen, none twice, none taken back.
      const sights = await style.sights();
      const counts = sights.map((sight) => sight.ids.length);
      expect(new Set(counts)).toEqual(new Set([0, ...ALL_IDS]));
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      for (const { ids } of sights) expect(ids).toEqual(ALL_IDS.slice(0, ids.length));
      expect(statuses(sights)).toEqual(['none', 'running', 'done']);

      await other.expectStatus('none');
      await expect(other.posts).toHaveCount(0);
    });

    test('a second run begins anew', async ({ posts }) => {
      await posts.open();
      const [style] = posts.style(name);
      await style.run();
      await style.run();
      await style.expectAllPosts();
      const sights = await style.sights();
      expect(statuses(sights)).toEqual(['none', 'running', 'done', 'running', 'done']);
      const again = sights.slice(sights.findIndex(({ status }) => status === 'done'));
      expect(again.map((sight) => sight.ids.length)).toContain(0);
    });

    shopTest('the progress follows the posts', async ({ posts, shop }) => {
      await posts.open();
      const [style] = posts.style(name);
      await style.fetch.click();
      for (const done of [1, 5, 9]) {
        shop.letUpTo(done);
        await expect(style.progress).toHaveText(`${done} of 10`);
        await expect(style.posts).toHaveCount(done);
        await style.expectStatus('running');
      }
      shop.letAll();
      await style.expectStatus('done');
      await expect(style.progress).toHaveText('10 of 10');
    });

    shopTest('while it runs both Fetch buttons are disabled, and the other says why', async ({
      posts,
      shop,
    }) => {
      await posts.open();
      const [style, other] = posts.style(name);
      shop.letUpTo(2);
      await style.begin(2);
      await expect(style.fetch).toBeDisabled();
      await expect(other.fetch).toBeDisabled();
      await expect(other.fetch).toHaveAccessibleDescription(/one style at a time/i);
      await expect(other.hint).toBeVisible();
      shop.letAll();
      await style.expectStatus('done');
      await expect(style.fetch).toBeEnabled();
      await expect(other.fetch).toBeEnabled();
      await expect(other.fetch).toHaveAccessibleDescription('');
      await other.run();
      await other.expectAllPosts();
      await expect(style.posts).toHaveCount(POSTS);
    });

    shopTest('what Clear drops is told of no more, here and on the first page', async ({
      page,
      posts,
      shop,
    }) => {
      await posts.open();
      const [style] = posts.style(name);
      const strip = style.region.locator('.strip');
      shop.letUpTo(2);
      await style.begin(2);
      await posts.count.click();
      // A beat tells of those before it, and in the queue it waits for a step as they did.
      let up = 2;
      await expect(async () => {
        shop.letUpTo((up += 1));
        await expect(strip).toContainText(/\d events? waited/, { timeout: 500 });
      }).toPass();
      shop.letAll();
      await style.expectStatus('done');
      await expect.poll(async () => (await style.clickTimes()).clicks).toBe(1);
      await style.clear.click();
      await style.expectStatus('none');
      await expect(style.progress).toHaveText('0 of 10');
      await expect(strip).toContainText('Five events a second are timed here while it runs.');
      expect((await style.clickTimes()).clicks).toBe(0);
      await open(page, '/');
      const both = home(page);
      const lane = name === 'Chained events' ? both.chained : both.background;
      await lane.expectStatus('none');
      expect((await lane.measured()).events).toBe(0);
    });
  });
}

shopTest('what was cleared stretches the strip of the other style no more', async ({ page, posts, shop }) => {
  let sent = 0;
  page.on('request', (request) => (sent += Number(request.url().endsWith('/api/events'))));
  await posts.open();
  shop.letUpTo(2);
  await posts.chained.begin(2);
  // Five beats a second wait for the step, which waits for the shop.
  const before = sent;
  await expect.poll(() => sent).toBeGreaterThan(before + 5);
  shop.letAll();
  await posts.chained.expectStatus('done');
  const top = posts.background.region.locator('.strip-scale text').first();
  await expect(top).toHaveText(/^\d+ s$/);
  await posts.chained.clear.click();
  await posts.chained.expectStatus('none');
  await expect(top).toHaveText('500 ms');
});

test('a card shows title, description, price, number and a picture', async ({ posts }) => {
  await posts.open();
  await posts.background.run();
  const card = posts.background.post(7);
  await expect(card).toHaveAttribute('data-state', 'here');
  await expect(card.getByRole('heading')).toHaveText(/\w{3}/);
  await expect(card.locator('p').first()).toHaveText(/\w{3}.*\.$/);
  await expect(card).toContainText(/\d\.\d\d/);
  await expect(card).toContainText(/(no\. |#)7\b/);
  await expect(card.locator('svg, img, canvas').first()).toBeVisible();
});

/** The statuses in order; null was the page that was still being read. */
function statuses(sights: { status: string | null }[]): string[] {
  const all = sights.flatMap(({ status }) => status ?? []);
  return all.filter((status, at) => status !== all[at - 1]);
}
