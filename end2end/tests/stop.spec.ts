// Stop and Clear, in the middle of a run and out of it.

import type { Locator } from '@playwright/test';
import { ALL_IDS, STYLES } from './support/posts-page';
import { expect, test } from './support/shop';

/** Clicks, and waits until the server has taken the event. */
async function clickTaken(button: Locator): Promise<void> {
  // Not one of the metronome, which may be on its way.
  const isOfClick = ([, name]: [number, string]) => !name.startsWith('metronome/');
  const taken = button.page().waitForResponse((response) => {
    const { events } = (response.url().endsWith('/api/events') && response.request().postDataJSON()) || { events: [] };
    return events.some(isOfClick);
  });
  await button.click();
  expect((await taken).status()).toBe(202);
}

test('Chained events: Stop waits for the running step, and shows it; then no post comes', async ({
  posts,
  shop,
}) => {
  await posts.open();
  const { chained, background } = posts;
  shop.letUpTo(3);
  await chained.begin(3);
  await shop.expectAsked(4);

  await clickTaken(chained.stop);
  await chained.expectStatus('stopping');
  await expect(chained.hint).toContainText(/wait/i);
  await expect(chained.posts).toHaveCount(3);

  // The step that ran was not cut off.
  shop.letAll();
  await chained.expectStatus('stopped');
  expect(await chained.ids()).toEqual([1, 2, 3, 4]);
  await expect(chained.hint).toHaveText('');
  // Whatever might still come would come before ten more posts.
  await background.run();
  expect(shop.asked).toEqual([1, 2, 3, 4, ...ALL_IDS]);
  expect(await chained.ids()).toEqual([1, 2, 3, 4]);
  await chained.expectStatus('stopped');
});

test('Background task: Stop ends the run, and what was under way does not come any more', async ({
  posts,
  shop,
}) => {
  await posts.open();
  const { chained, background } = posts;
  shop.letUpTo(3);
  await background.begin(3);
  await shop.expectAsked(4);

  await clickTaken(background.stop);
  // The call is dropped: nobody waits for its answer.
  await background.expectStatus('stopped');
  // After a recorded cancel no update of the run lands.
  shop.letAll();
  expect(await background.ids()).toEqual([1, 2, 3]);
  await chained.run();
  expect(shop.asked).toEqual([1, 2, 3, 4, ...ALL_IDS]);
  expect(await background.ids()).toEqual([1, 2, 3]);
  await background.expectStatus('stopped');
});

test('Background task: Stop ends a run at once whose upstream does not answer', async ({ posts, shop }) => {
  await posts.open();
  const { background } = posts;
  shop.letUpTo(1);
  await background.begin(1);
  await shop.expectAsked(2);
  await background.stop.click();
  // Not after `cancel-grace-ms`, which is five seconds.
  await background.expectStatus('stopped', { timeout: 4_000 });
  await expect(background.fetch).toBeEnabled();
});

for (const name of STYLES) {
  test(`${name}: after Stop a run begins anew`, async ({ posts, shop }) => {
    await posts.open();
    const [style, other] = posts.style(name);
    shop.letUpTo(2);
    await style.begin(2);
    await shop.expectAsked(3);
    await clickTaken(style.stop);
    shop.letAll();
    await style.expectStatus('stopped');
    await expect(other.fetch).toBeEnabled();
    await style.run();
    await style.expectAllPosts();
  });

  test(`${name}: Clear drops the posts, for good`, async ({ posts, shop, page }) => {
    await posts.open();
    const [style] = posts.style(name);
    shop.letAll();
    await style.run();
    await style.clear.click();
    await expect(style.posts).toHaveCount(0);
    await page.reload();
    await posts.ready();
    await expect(style.posts).toHaveCount(0);
  });

  test(`${name}: Stop where nothing runs does nothing`, async ({ posts, shop }) => {
    await posts.open();
    const [style] = posts.style(name);
    // It may be disabled; where it is not, it is harmless.
    if (await style.stop.isEnabled()) await clickTaken(style.stop);
    await clickTaken(posts.count);
    await expect(posts.clicks).toHaveText('1');
    await style.expectStatus('none');
    shop.letAll();
    await style.run();
    await style.expectAllPosts();
  });
}

test('Chained events: Clear in the middle waits for the running step, and the rest comes', async ({
  posts,
  shop,
}) => {
  await posts.open();
  const { chained } = posts;
  shop.letUpTo(3);
  await chained.begin(3);
  await shop.expectAsked(4);
  await clickTaken(chained.clear);
  await expect(chained.hint).toContainText(/wait/i);
  await expect(chained.posts).toHaveCount(3);
  shop.letAll();
  await chained.expectStatus('done');
  expect(await chained.ids()).toEqual([5, 6, 7, 8, 9, 10]);
  await expect(chained.hint).toHaveText('');
});

test('Background task: Clear in the middle is done at once, and the rest comes', async ({
  posts,
  shop,
}) => {
  await posts.open();
  const { background } = posts;
  shop.letUpTo(3);
  await background.begin(3);
  await shop.expectAsked(4);
  await background.clear.click();
  await expect(background.posts).toHaveCount(0);
  await background.expectStatus('running');
  shop.letAll();
  await background.expectStatus('done');
  expect(await background.ids()).toEqual([4, 5, 6, 7, 8, 9, 10]);
});
