// How events end that wait, in a page that is open: cancelled, forgotten by the server, shut out.

import { ends } from './support/ends-page';
import { expect, test } from './support/gallery';
import { open, ready } from './support/page';
import { Gallery } from './support/server';

test('a cancel ends the event that runs and those that wait, and says nothing of it', async ({ page }) => {
  await open(page, '/lab/ends');
  const { take, click, pending, gone, toasts } = ends(page);
  for (let n = 0; n < 3; n++) await take('wait');
  await expect(pending).toHaveText('3');
  await click('cancel');
  await expect(pending).toHaveText('0');
  await expect(toasts).toHaveCount(0);
  // The queue goes on, and none of what was cancelled has run.
  await take('let');
  await click('wait');
  await expect(gone).toHaveText('1');
  await expect(pending).toHaveText('0');
});

test('of two tabs one cancels what the other has sent', async ({ page, context }) => {
  await open(page, '/lab/ends');
  const other = await context.newPage();
  await open(other, '/lab/ends');
  const [one, two] = [ends(page), ends(other)];
  await one.take('wait');
  await two.take('wait');
  await two.click('cancel');
  for (const { pending, toasts } of [one, two]) {
    await expect(pending).toHaveText('0');
    await expect(toasts).toHaveCount(0);
  }
});

test('events that a backup knows nothing of are sent again by the page that waits for them', async ({
  page,
  problems,
}) => {
  const server = await Gallery.start({});
  try {
    await open(page, `${server.url}/lab/ends`);
    const { take, click, pending, gone, toasts } = ends(page);
    // The backup has the visitor's session, and one event that has ended.
    await take('let');
    await take('wait');
    await expect(gone).toHaveText('1');
    problems.expectNetworkErrors();
    await server.stop();
    const putBack = server.backUp();
    await server.start();
    await expect(page.locator('.banner')).toHaveCount(0);
    await take('wait');
    await take('wait');
    await expect(pending).toHaveText('2');
    await server.kill();
    putBack();
    await server.start();
    await expect.poll(() => server.log).toContain('it may be a copy');
    // Each of them is there, once, and in the page that has sent it.
    for (let n = 2; n <= 3; n++) {
      await click('let');
      await expect(gone).toHaveText(`${n}`);
      await expect(pending).toHaveText(`${3 - n}`);
    }
    await click('let');
    await click('wait');
    await expect(gone).toHaveText('4');
    await expect(pending).toHaveText('0');
    await expect(toasts).toHaveCount(0);
  } finally {
    expect(await server.dispose()).toEqual([]);
  }
});

test('what a page has cancelled does not run where a backup knows nothing of it', async ({
  page,
  newVisitor,
  problems,
}) => {
  const server = await Gallery.start({});
  try {
    const other = await (await newVisitor()).newPage();
    for (const one of [page, other]) await open(one, `${server.url}/lab/ends`);
    const [mine, theirs] = [ends(page), ends(other)];
    await theirs.take('knock');
    await expect(mine.knocks).toHaveText('1');
    problems.expectNetworkErrors();
    await server.stop();
    const putBack = server.backUp();
    await server.start();
    for (const one of [page, other]) await expect(one.locator('.banner')).toHaveCount(0);
    // It waits for its turn, to end then, and is cancelled.
    await mine.take('listen');
    await mine.take('knock');
    await mine.take('think');
    // What is clicked behind it is done.
    await mine.take('knock');
    await expect(mine.knocking).toHaveText('2');
    await server.kill();
    putBack();
    await server.start();
    await expect.poll(() => server.log).toContain('it may be a copy');
    await expect(mine.knocking).toHaveText('1');
    await expect(mine.listening).toHaveText('1');
    await theirs.take('knock');
    await expect(mine.listening).toHaveText('0');
    await expect(mine.knocking).toHaveText('0');
    await expect(mine.knocks).toHaveText('3');
    await expect(mine.toasts).toHaveCount(0);
  } finally {
    expect(await server.dispose()).toEqual([]);
  }
});

test('a door that is shut behind somebody tells their page, and what waited there ends', async ({
  page,
  newVisitor,
  problems,
}) => {
  const limits = { 'rule-ms': 1, 'ping-ms': 1_000 };
  const server = await Gallery.start({}, {}, {}, { limits });
  try {
    const other = await (await newVisitor()).newPage();
    for (const one of [page, other]) await open(one, `${server.url}/lab/ends`);
    const [mine, theirs] = [ends(page), ends(other)];
    await mine.take('knock');
    for (const { knocks } of [mine, theirs]) await expect(knocks).toHaveText('1');
    await mine.take('listen');
    await expect(mine.listening).toHaveText('1');
    await mine.take('shut');
    await expect(mine.refused).toHaveText('The door is shut to you.');
    // What is behind the door is told no more: not how what was sent there ends, either.
    await expect(mine.listening).toHaveText('0');
    await expect(mine.toasts).toHaveText(['The door is shut to you.']);
    await theirs.take('knock');
    await expect(theirs.knocks).toHaveText('2');
    await expect(theirs.refused).toBeEmpty();
    await mine.click('knock');
    await expect(mine.toasts).toHaveText(['The door is shut to you.']);
    await expect(mine.knocks).toHaveText('1');
    // The session goes on.
    await mine.take('let');
    await mine.click('wait');
    await expect(mine.gone).toHaveText('1');
    // Who is let in again finds it as it is.
    await theirs.take('shut');
    await expect(theirs.refused).toHaveText('The door is shut to you.');
    await page.reload();
    await expect(mine.refused).toBeEmpty();
    await expect(mine.knocks).toHaveText('2');
    // Else the server goes while the page still loads.
    await ready(page);
    problems.expectNetworkErrors();
  } finally {
    expect(await server.dispose()).toEqual([]);
  }
});

test('behind an event that has not ended what is clicked is sent, though no stream can be opened any more', async ({
  page,
  context,
}) => {
  const other = await context.newPage();
  for (const one of [page, other]) await open(one, '/lab/ends');
  const [mine, theirs] = [ends(page), ends(other)];
  await mine.take('wait');
  // As of a server that has as many streams as it takes.
  const full = 'data: {"bye":{"reason":"full","retry_ms":200}}\n\n';
  await page.route('**/api/stream?**', (route) => route.fulfill({ contentType: 'text/event-stream', body: full }));
  await page.evaluate(() => dispatchEvent(new Event('offline')));
  await expect(page.locator('.banner')).toBeVisible();
  await mine.click('knock');
  await mine.click('let');
  await expect(theirs.knocks).toHaveText('1', { timeout: 15_000 });
  await expect(theirs.gone).toHaveText('1');
  await page.unroute('**/api/stream?**');
  await expect(mine.pending).toHaveText('0');
  await expect(mine.gone).toHaveText('1');
  await expect(page.locator('.banner')).toHaveCount(0);
});

test('that a task runs already is told no longer than it does', async ({ page }) => {
  await open(page, '/lab/pace');
  const { click, toasts } = ends(page);
  for (let n = 0; n < 2; n++) await click('start');
  await expect(toasts).toHaveText('This task runs already.');
  // It does, and goes on changing rows.
  const changes = page.locator('#changes');
  const before = await changes.innerText();
  await expect(changes).not.toHaveText(before);
  await expect(toasts).toHaveCount(1);
  await click('stop');
  await expect(toasts).toHaveCount(0);
});
