// The HTML of the first response holds the current state; the stream goes on from there.

import { ALL_IDS, STYLES } from './support/posts-page';
import { postsInHtml } from './support/raw';
import { expect, test } from './support/shop';

for (const name of STYLES) {
  test(`${name}: a reload midway shows the posts so far, then the rest, none twice`, async ({
    posts,
    page,
    shop,
  }) => {
    await posts.open();
    const [style, other] = posts.style(name);
    shop.letUpTo(4);
    await style.begin(4);

    const apart = await page.request.get('/posts');
    expect(postsInHtml(await apart.text(), name)).toEqual([1, 2, 3, 4]);
    const reloaded = await page.reload();
    expect(postsInHtml((await reloaded?.text()) ?? '', name)).toEqual([1, 2, 3, 4]);
    await posts.ready();
    await style.expectStatus('running');
    await expect(style.progress).toHaveText('4 of 10');
    await expect(style.fetch).toBeDisabled();
    await expect(other.fetch).toBeDisabled();

    shop.letAll();
    await style.expectStatus('done');
    await style.expectAllPosts();
    for (const { ids } of await style.sights()) expect(ids).toEqual(ALL_IDS.slice(0, ids.length));
  });

  test(`${name}: what comes while the page is loading is not lost`, async ({
    posts,
    page,
    shop,
  }) => {
    await posts.open();
    const [style] = posts.style(name);
    shop.letUpTo(1);
    await style.begin(1);
    for (const arrived of [3, 5, 7]) {
      // The HTML is there, the page is not alive yet.
      await page.reload({ waitUntil: 'commit' });
      shop.letUpTo(arrived);
      await shop.expectAsked(arrived + 1);
    }
    await posts.ready();
    await expect(style.posts).toHaveCount(7);
    shop.letAll();
    await style.expectStatus('done');
    await style.expectAllPosts();
    for (const { ids } of await style.sights()) expect(ids).toEqual(ALL_IDS.slice(0, ids.length));
  });

  test(`${name}: after the end a reload shows the same`, async ({ posts, page, shop }) => {
    await posts.open();
    const [style] = posts.style(name);
    shop.letAll();
    await style.run();
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    const shown = await style.posts.allInnerTexts();
    const reloaded = await page.reload();
    expect(postsInHtml((await reloaded?.text()) ?? '', name)).toEqual(ALL_IDS);
    await posts.ready();
    await style.expectStatus('done');
    await expect(style.progress).toHaveText('10 of 10');
    expect(await style.posts.allInnerTexts()).toEqual(shown);
    await expect(posts.clicks).toHaveText('1');
    // And the page answers.
    await posts.count.click();
    await expect(posts.clicks).toHaveText('2');
  });
}

test('away and back: the page shows what came meanwhile', async ({ posts, page, shop }) => {
  await posts.open();
  const { background } = posts;
  shop.letUpTo(1);
  await background.begin(1);
  await page.goto('about:blank');
  shop.letAll();
  await shop.expectAsked(10);
  await page.goBack();
  await posts.ready();
  await background.expectStatus('done');
  await background.expectAllPosts();
});
