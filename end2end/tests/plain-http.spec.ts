// Without https, under a name that is not this machine's, as in a network at home: browsers say less then
// of where a request comes from, and keep locks, for one, from pages.

import { ALL_IDS, PostsPage } from './support/posts-page';
import { expect, test } from './support/gallery';
import { open } from './support/page';
import { ask } from './support/raw';
import { Gallery } from './support/server';

const NAME = 'gallery.example';

test('pages run, in two tabs, and a tab has a state of its own', async ({ playwright, launchOptions, problems }) => {
  const server = await Gallery.start({ delayMs: 20 }, {}, {}, { hosts: [NAME] });
  const args = [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
  const browser = await playwright.chromium.launch({ ...launchOptions, args });
  try {
    const context = await browser.newContext({ baseURL: `http://${NAME}:${server.port}` });
    problems.watch(context);
    const [page, other] = [await context.newPage(), await context.newPage()];
    const [posts, others] = [new PostsPage(page), new PostsPage(other)];
    for (const one of [posts, others]) await one.open();
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    await posts.background.fetch.click();
    for (const one of [posts, others]) {
      await expect.poll(() => one.background.ids()).toEqual(ALL_IDS);
      await expect(one.banner).toHaveCount(0);
    }
    await others.count.click();
    for (const one of [posts, others]) await expect(one.clicks).toHaveText('1');
    for (const one of [page, other]) await open(one, '/lab/sheet');
    await page.close();
    await open(other, '/room');
    await expect(other.locator('.banner')).toHaveCount(0);
    expect(server.log).not.toContain('WARN');
  } finally {
    await browser.close();
    expect(await server.dispose()).toEqual([]);
  }
});

test('the log says once that a name is not among the hosts, and that https is set wrongly', async () => {
  for (const [https, referer, word] of [
    [true, `http://${NAME}/`, 'are reached without https'],
    [false, `https://${NAME}/`, 'are reached by https'],
  ] as const) {
    const server = await Gallery.start({}, {}, {}, { hosts: [NAME], https });
    const told = (word: string) => server.log.split(word).length - 1;
    try {
      for (let times = 0; times < 2; times++) {
        const path = '/api/stream?follow=s.posts';
        expect((await ask(server, { path, headers: { host: NAME, referer } })).status).toBe(200);
        expect((await ask(server, { path, headers: { host: 'another.example', referer } })).status).toBe(421);
        const foreign = { host: NAME, origin: 'http://another.example' };
        expect((await ask(server, { method: 'POST', path: '/api/events', headers: foreign })).status).toBe(403);
      }
      await expect.poll(() => told(word)).toBe(1);
      await expect.poll(() => told('not among `hosts`')).toBe(1);
      await expect.poll(() => told('does not pass `Host` on')).toBe(1);
    } finally {
      expect(await server.dispose()).toEqual([]);
    }
  }
});
