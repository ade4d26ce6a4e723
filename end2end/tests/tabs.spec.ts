// A visitor is a browser: all its tabs show the same, and no other browser sees any of it.

import { PostsPage, STYLES } from './support/posts-page';
import { expect, test } from './support/shop';

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
    const taken = second.page.waitForResponse('**/api/events');
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
