// A session gets another cookie, or ends, while its pages are open and wait for something.

import { ends } from './support/ends-page';
import { expect, test } from './support/gallery';
import { open, ready } from './support/page';
import { FROM_HERE, ask, sendEvents } from './support/raw';

test('at a log-in the other tab goes on, and what waits there is taken; the cookie before opens nothing', async ({
  page,
  context,
  newVisitor,
  server,
  problems,
}) => {
  const other = await context.newPage();
  for (const one of [page, other]) await open(one, '/lab/ends');
  const [mine, theirs] = [ends(page), ends(other)];
  await mine.take('let');
  await mine.take('wait');
  await expect(mine.gone).toHaveText('1');
  await mine.take('wait');
  await expect(mine.pending).toHaveText('1');
  const before = await context.cookies();
  const another = page.waitForRequest('**/api/stream?**');
  await theirs.click('enter');
  await ready(other);
  await another;
  const now = await context.cookies();
  expect(now.map(({ value }) => value)).not.toEqual(before.map(({ value }) => value));

  // As of a click that left while the new cookie was on its way.
  problems.expectNoStreams();
  await context.addCookies(before);
  const refused = page.waitForResponse('**/api/events');
  await mine.click('knock');
  expect((await refused).status()).toBe(503);
  await context.addCookies(now);
  for (const { knocks } of [mine, theirs]) await expect(knocks).toHaveText('1');

  // The event that waits goes on, and is told by the new stream.
  await theirs.take('let');
  for (const { gone } of [mine, theirs]) await expect(gone).toHaveText('2');
  await expect(mine.pending).toHaveText('0');
  for (const one of [page, other]) await expect(one.locator('.banner')).toHaveCount(0);

  // Whoever has the old one sees another session, and gets nothing into this.
  const thief = await newVisitor();
  await thief.addCookies(before);
  const stranger = await thief.newPage();
  await open(stranger, '/lab/ends');
  await expect(ends(stranger).gone).toHaveText('0');
  const cookie = before.map(({ name, value }) => `${name}=${value}`).join('; ');
  const send = () => sendEvents(server, cookie, [[1, 'lab_ends/let_one', {}]], 'thief');
  await expect.poll(async () => (await send()).status, { timeout: 20_000 }).toBe(401);
  const { body } = await ask(server, { path: '/api/stream?follow=s.lab_ends', headers: { ...FROM_HERE, cookie } });
  expect(body).toContain('no_session');
  expect(body).not.toContain('gone_on');
  await mine.take('wait');
  await expect(mine.pending).toHaveText('1');
  await theirs.take('let');
  await expect(mine.gone).toHaveText('3');
  await expect(mine.pending).toHaveText('0');
});

test('at a log-out every tab begins another session, and nothing of the one before waits any more', async ({
  page,
  context,
  problems,
}) => {
  problems.expectNoStreams();
  const other = await context.newPage();
  for (const one of [page, other]) await open(one, '/lab/ends');
  const [mine, theirs] = [ends(page), ends(other)];
  await mine.take('let');
  await mine.take('wait');
  await expect(theirs.gone).toHaveText('1');
  await mine.take('wait');
  await expect(mine.pending).toHaveText('1');
  const before = await context.cookies();
  await theirs.click('leave');
  for (const { gone, pending } of [theirs, mine]) {
    await expect(gone).toHaveText('0');
    await expect(pending).toHaveText('0');
  }
  const now = await context.cookies();
  expect(now.map(({ value }) => value)).not.toEqual(before.map(({ value }) => value));
  await ready(other);
  await theirs.take('let');
  await ready(page);
  await mine.take('wait');
  for (const { gone } of [theirs, mine]) await expect(gone).toHaveText('1');
  await expect(mine.pending).toHaveText('0');
});

test('what waits in a tab while another one logs out is done in no other session', async ({ page, context, problems }) => {
  problems.expectNoStreams();
  problems.expectRefusals();
  await page.clock.install();
  const other = await context.newPage();
  for (const one of [page, other]) await open(one, '/lab/ends');
  const [mine, theirs] = [ends(page), ends(other)];
  await mine.take('let');
  await mine.take('wait');
  await expect(mine.gone).toHaveText('1');
  await mine.take('knock');
  await expect(mine.knocks).toHaveText(/^[1-9]/);
  const knocks = await mine.knocks.innerText();
  // As of a server that is not there.
  await page.route('**/api/**', (route) => route.abort('connectionrefused'));
  problems.expectNetworkErrors();
  for (const name of ['let', 'knock', 'wait']) await mine.click(name);
  await theirs.click('leave');
  await expect(theirs.gone).toHaveText('0');
  await ready(other);
  await page.unroute('**/api/**');
  await expect(mine.gone).toHaveText('0', { timeout: 20_000 });
  await expect(mine.pending).toHaveText('0');
  // The first may have reached the server; what is behind it was not sent.
  await expect(mine.toasts).toHaveText([/^It is not known whether this was done/, /^Your session has begun anew/]);
  // Nothing waits any more that the server would not take.
  await page.clock.runFor(5_000);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await expect(page.locator('.banner')).toHaveCount(0);
  await theirs.take('wait');
  await expect(theirs.pending).toHaveText('1');
  for (const one of [mine, theirs]) await expect(one.knocks).toHaveText(knocks);
  await ready(page);
  await mine.take('let');
  for (const { gone } of [mine, theirs]) await expect(gone).toHaveText('1');
  await expect(theirs.pending).toHaveText('0');
});
