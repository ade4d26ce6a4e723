// A list and a map as rows: whatever is done to them, rows that are not removed keep their node,
// their focus and what was typed there.

import { expect, test } from './support/gallery';
import { expectNoLoss, open, ready } from './support/page';
import { type Step, RowsPage, numbers, randomStep } from './support/rows';

const STEPS = 100;

const FIRST: Step[] = [
  { op: 'extend', a: 0, b: 3 },
  { op: 'extend', a: 0, b: 7 },
  { op: 'map_insert', a: 3, b: 1 },
  { op: 'map_insert', a: 1, b: 2 },
];

for (const seed of [1, 2, 3]) {
  test(`random changes, seed ${seed}`, async ({ page }) => {
    test.setTimeout(120_000);
    await open(page, '/lab/rows');
    const rows = new RowsPage(page);
    const random = numbers(seed);
    for (const step of FIRST) await rows.step(step);
    for (let n = 0; n < STEPS; n++) {
      if (random(4) === 0) await rows.focus(random);
      if (random(40) === 0) {
        // What the server writes is what the page goes on from.
        await page.reload();
        await ready(page);
        await rows.expectModel();
      }
      await rows.step(randomStep(random));
    }
    await expectNoLoss(page);
  });
}

test('each operation, on a list that has some rows', async ({ page }) => {
  await open(page, '/lab/rows');
  const rows = new RowsPage(page);
  for (const step of FIRST) await rows.step(step);
  await page.locator('#list li:nth-child(4) input').focus();
  // None of these touches that row.
  const ops = 'push push_front insert change swap move mix pop remove extend';
  for (const op of ops.split(' ')) await rows.step({ op, a: 1, b: 2 });
  await expect(page.locator('#list input:focus')).toHaveCount(1);
  for (const op of ['sort', 'reverse']) await rows.step({ op, a: 0, b: 0 });
  for (const op of ['map_insert', 'map_change', 'map_remove', 'map_insert']) {
    await rows.step({ op, a: 1, b: 5 });
  }
  await page.locator('#list li:first-child input').focus();
  for (const op of ['truncate', 'retain']) await rows.step({ op, a: 5, b: 0 });
});

test('what comes all at once, after the stream was cut, leaves the rows that stay', async ({ page }) => {
  await open(page, '/lab/rows');
  const rows = new RowsPage(page);
  const random = numbers(4);
  for (const step of FIRST) await rows.step(step);
  const before = await rows.look();
  await page.getByRole('button', { name: 'Cut my stream' }).click();
  const steps = Array.from({ length: 40 }, () => randomStep(random));
  // So that some stay.
  const mild = steps.filter(({ op }) => !['truncate', 'retain', 'pop', 'remove'].includes(op));
  await rows.clickAll(mild);
  expect((await rows.look()).list.length).toBe(before.list.length);
  await rows.expectModel();
  const kept = rows.expectKept(before, await rows.look(), mild);
  expect(kept.length).toBeGreaterThan(0);
  await expectNoLoss(page);
});

test('a copy that is dropped comes back in order, and follows again', async ({ page }) => {
  await open(page, '/lab/rows');
  const rows = new RowsPage(page);
  const random = numbers(5);
  await rows.clickAll(FIRST);
  await rows.expectModel();
  await page.getByRole('button', { name: 'Drop my copy' }).click();
  await rows.expectModel();
  for (let n = 0; n < 20; n++) await rows.step(randomStep(random));
  await expectNoLoss(page);
});
