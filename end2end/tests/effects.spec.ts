// What handlers ask of the page that sent the event: go to a path, show a toast, download.

import { readFileSync } from 'node:fs';
import { ask } from './support/raw';
import { open, ready } from './support/page';
import { ALL_IDS } from './support/posts-page';
import { expect, test } from './support/shop';

test.use({ contextOptions: { reducedMotion: 'reduce' } });

test('an event leads its page elsewhere, and the task that it starts goes on there', async ({
  page,
  context,
  posts,
  shop,
}) => {
  await open(page, '/');
  const other = await context.newPage();
  await open(other, '/random');
  // A page that is loaded anew would have forgotten it.
  await page.evaluate(() => document.documentElement.setAttribute('data-same', ''));
  shop.letUpTo(2);
  await page.getByRole('button', { name: 'Fetch and watch' }).click();
  await expect(page).toHaveURL('/posts');
  await expect(page.locator('html')).toHaveAttribute('data-same', '');
  await expect(posts.background.posts).toHaveCount(2);
  shop.letAll();
  await posts.background.expectStatus('done');
  await posts.background.expectAllPosts();
  // The other tab was not asked.
  await expect(other).toHaveURL('/random');
});

test('Save downloads the posts as a file, once, and says so in this tab alone', async ({
  page,
  context,
  posts,
  server,
  shop,
}) => {
  shop.fail(3);
  shop.letAll();
  await posts.open();
  await posts.background.run();
  const other = await context.newPage();
  await open(other, '/posts');
  const downloads: string[] = [];
  for (const tab of [page, other]) tab.on('download', (file) => downloads.push(file.url()));
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save the posts' }).click();
  const file = await downloading;
  expect(file.suggestedFilename()).toBe('posts.json');
  const saved = JSON.parse(readFileSync(await file.path(), 'utf8')) as { id: number }[];
  expect(saved.map(({ id }) => id)).toEqual(ALL_IDS.filter((id) => id !== 3));
  await expect(page.locator('.toast')).toHaveText(/9 posts go into posts\.json/);
  await expect(other.locator('.toast')).toHaveCount(0);
  // A page that is loaded anew does not do again what was asked of the one before.
  await page.reload();
  await ready(page);
  await posts.count.click();
  await expect(posts.clicks).toHaveText('1');
  expect(downloads).toHaveLength(1);
  // Whoever guesses an address gets nothing.
  const { status } = await ask(server, { path: `/files/${'0'.repeat(32)}` });
  expect(status).toBe(404);
});

test('where there is nothing to save, a toast says so', async ({ page, posts }) => {
  await posts.open();
  await page.getByRole('button', { name: 'Save the posts' }).click();
  const toast = page.locator('.toast');
  await expect(toast).toHaveText(/no posts to save yet/);
  await toast.getByRole('button', { name: 'Dismiss' }).click();
  await expect(toast).toHaveCount(0);
});

test('no visitor keeps a file at the server', async ({ page, posts, problems }) => {
  problems.expectRefusals();
  problems.expectMissing();
  await posts.open();
  const status = await page.evaluate(async () => {
    const file = { token: 'mine', name: 'a.html', text: '<script></script>' };
    const body = JSON.stringify({ file });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch('/api/files/keep', { method: 'POST', headers, body });
    const got = await fetch('/files/mine');
    return [answer.ok, got.status];
  });
  expect(status).toEqual([false, 404]);
});
