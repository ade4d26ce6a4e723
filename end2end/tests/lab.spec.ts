// What Reflex's own tests of background tasks do, on the page that they would find it on. The table
// of all of them is docs/reflex-matrix.md.

import { type Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { answerTo, open } from './support/page';

function lab(page: Page) {
  const id = (id: string) => page.locator(`#${id}`);
  return {
    counter: id('counter'),
    copied: id('counter-async-cv'),
    running: id('running'),
    iterations: id('iterations'),
    rounds: id('rounds'),
    token: id('token'),
    sid: id('sid'),
    click: async (name: string, times = 1) => {
      for (let n = 0; n < times; n++) await id(name).click();
    },
  };
}

test.beforeEach(({ page }) => open(page, '/lab'));

test('T1: tasks, events and pauses by turns, and nothing is lost', async ({ page }) => {
  const { click, counter, copied, running, iterations, rounds } = lab(page);
  await iterations.clear();
  await iterations.pressSequentially('50');
  // A task does not wait for the events before it.
  await expect(rounds).toHaveText('50');
  await click('delayed-increment');
  await click('blocking-pause');
  await click('delayed-increment');
  await click('increment', 10);
  await click('blocking-pause');
  await click('delayed-increment', 2);
  await click('yield-increment');
  await click('racy-increment');
  await click('non-blocking-pause');
  await click('yield-increment');
  await click('blocking-pause');
  await click('yield-increment');
  await click('increment', 10);
  await click('yield-increment');
  await click('blocking-pause');
  await expect(counter).toHaveText('620', { timeout: 40_000 });
  await expect(copied).toHaveText('620');
  await expect(running).toHaveText('0');
  // It stays there: no task and no event is left.
  await click('reset');
  await expect(counter).toHaveText('0');
  await click('increment');
  await expect(counter).toHaveText('1');
});

test('T2: an update in an update is refused, and the next one goes', async ({ page }) => {
  const { click, counter, running } = lab(page);
  await expect(counter).toHaveText('0');
  await click('nested-async-with-self');
  await expect(counter).toHaveText('1');
  await expect(running).toHaveText('0');
  await click('increment');
  await expect(counter).toHaveText('2');
  // The task ended well: what it met inside was the refusal.
  const row = page.locator('.tray-row[data-task="lab/nested_update"] .status');
  await expect(row).toHaveAttribute('data-status', 'done');
});

test('T3: a task changes two states together', async ({ page }) => {
  const { click, counter } = lab(page);
  await click('increment-from-other-state');
  await expect(counter).toHaveText('12');
  await click('increment');
  await expect(counter).toHaveText('13');
});

test('T4: two updates of a task', async ({ page }) => {
  const { click, counter } = lab(page);
  await click('yield-in-async-with-self');
  await expect(counter).toHaveText('2');
});

test('T5: the page loses its stream in the middle of a task and has all of it in the end', async ({
  page,
}) => {
  const { click, counter, sid, token } = lab(page);
  await click('increment');
  await expect(counter).toHaveText('1');
  await click('reset');
  await expect(counter).toHaveText('0');
  const before = { sid: await sid.inputValue(), token: await token.inputValue() };
  await click('disconnect-reconnect-background');
  await expect(counter).toHaveText('1');
  await click('increment');
  await expect(sid).not.toHaveValue(before.sid);
  await expect(counter).toHaveText('3');
  await expect(token).toHaveValue(before.token);
});

test('T6: a thousand events as fast as the queue takes them', async ({ page }) => {
  const { click, counter, running } = lab(page);
  await click('fast-yielding');
  await expect(counter).toHaveText('1000', { timeout: 50_000 });
  await expect(running).toHaveText('0');
  await click('increment');
  await expect(counter).toHaveText('1001');
});

test('A24: what is clicked without a network, while an event is in flight, is done on return', async ({
  page,
  context,
  problems,
}) => {
  const { click, counter, sid } = lab(page);
  const banner = page.locator('.banner');
  await click('increment');
  await expect(counter).toHaveText('1');
  const before = await sid.inputValue();
  const taken = answerTo(page, /^lab\/delay!/);
  await click('delay');
  await taken;
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(banner).toBeVisible();
  await click('increment');
  await expect(counter).toHaveText('1');
  await context.setOffline(false);
  await expect(banner).toHaveCount(0);
  await expect(counter).toHaveText('2');
  await expect(sid).not.toHaveValue(before);
});
