// What the server keeps for itself is in no byte of what leaves it: on the gallery's own routes.
// Each of its states that has such a field is changed, and everything is read that a visitor can
// read: the pages' HTML, the answers to events, the streams. (In an app of its own, with a word in
// every kind of such field, crates/undercurrent/tests/canary.rs does the same.)

import { expect, test } from './support/gallery';
import { ask, FROM_HERE, newCookie, sendEvents } from './support/raw';

/** The fields of the gallery's states that are the server's, and one beside each that is not. */
const STATES = [
  { path: '/lorem', state: 'lorem', event: 'lorem/add_stream', own: 'last_id', seen: 'streams' },
  { path: '/lab', state: 'lab', event: 'lab/delayed_increment', own: 'loops', seen: 'iterations' },
  {
    path: '/import',
    state: 'import',
    event: 'import/start_sample',
    given: { sample: 'empty' },
    own: 'on_disk',
    seen: 'begun',
  },
];

test('what is the server’s own leaves it in no answer, no page and no stream', async ({ server }) => {
  const cookie = await newCookie(server);
  let number = 0;
  for (const { path, state, event, given, own, seen } of STATES) {
    const send = () => sendEvents(server, cookie, [[(number += 1), event, given ?? {}]]);
    const sent = await send();
    expect(sent.status, sent.body).toBe(202);
    const page = await ask(server, { path, headers: { cookie } });
    let isHeard = false;
    const hearing = ask(server, {
      path: `/api/stream?follow=s.${state}`,
      headers: { ...FROM_HERE, cookie },
      // The snapshot, and what comes after it.
      until: (body) => (body.match(/^data: \[/gm) ?? []).length > 1,
    }).finally(() => (isHeard = true));
    while (!isHeard) await send();
    const stream = await hearing;
    for (const { body } of [page, stream]) expect(body, `${path} shows its state`).toContain(seen);
    // The name of the field stands for it: a state travels by names, an update by their places.
    for (const { body } of [sent, page, stream]) expect(body).not.toContain(own);
  }
});

test('a file is read at its address and nowhere else', async ({ server, posts, page }) => {
  await posts.open();
  await posts.background.run();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save the posts' }).click();
  const path = new URL((await download).url()).pathname;
  const token = path.split('/').pop() ?? '';
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  const cookie = await newCookie(server);
  for (const state of ['files', 'posts']) {
    for (const scope of ['s', 'p']) {
      const stream = await ask(server, {
        path: `/api/stream?follow=${scope}.${state}`,
        headers: { ...FROM_HERE, cookie },
        until: (body) => /^data: /m.test(body),
      });
      expect(stream.body).not.toContain(token);
      expect(stream.body).not.toContain('kept');
    }
  }
});
