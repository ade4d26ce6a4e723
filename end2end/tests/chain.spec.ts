// The orders in which chains of events run: those of Reflex's own test.

import { type Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open } from './support/page';

const args = (...args: (number | string)[]) => args.map((arg) => `event_arg:${arg}`);

/** The events that the page shows to have run. */
const order = (page: Page) => page.locator('#event_order li');

const CLICKS: [button: string, order: string[]][] = [
  ['return_event', ['click_return_event', 'event_no_args']],
  ['return_events', ['click_return_events', ...args(7, 8, 9)]],
  // It ends before what it dispatched begins.
  ['yield_chain', [...[0, 1, 2, 3].map((n) => `click_yield_chain:${n}`), ...args(10, 11, 12)]],
  [
    'yield_many_events',
    [
      'click_yield_many_events',
      'click_yield_many_events_done',
      ...args(...Array.from({ length: 50 }, (_, n) => n)),
    ],
  ],
  // Breadth first.
  [
    'yield_nested',
    [
      'click_yield_nested',
      'event_nested_1',
      ...args('yield_nested'),
      'event_nested_2',
      ...args('nested_1'),
      'event_nested_3',
      ...args('nested_2'),
      'event_no_args',
      ...args('nested_3'),
    ],
  ],
  ['redirect_return_chain', ['redirect_return_chain', 'on_load_return_chain', ...args(1, 2, 3)]],
  ['redirect_yield_chain', ['redirect_yield_chain', 'on_load_yield_chain', ...args(4, 5, 6)]],
  ['click_int_type', ['event_arg_repr:1_int']],
  ['click_dict_type', ["event_arg_repr:{'a': 1}_dict"]],
  ['return_int_type', ['click_return_int_type', 'event_arg_repr:1_int']],
  ['return_dict_type', ['click_return_dict_type', "event_arg_repr:{'a': 1}_dict"]],
];

for (const [button, expected] of CLICKS) {
  test(`click ${button}`, async ({ page }) => {
    await open(page, '/lab/chain');
    await page.locator(`#${button}`).click();
    await expect(order(page)).toHaveText(expected);
    if (button.startsWith('redirect')) await expect(page).toHaveURL(/\/lab\/chain\/on-load-/);
    await expectNoMore(page, expected);
  });
}

const LOADS: [path: string, order: string[]][] = [
  ['on-load-return-chain', ['on_load_return_chain', ...args(1, 2, 3)]],
  ['on-load-yield-chain', ['on_load_yield_chain', ...args(4, 5, 6)]],
];

for (const [path, expected] of LOADS) {
  test(`load ${path}`, async ({ page }) => {
    await open(page, `/lab/chain/${path}`);
    await expect(order(page)).toHaveText(expected);
    await expect(page.locator('#is_hydrated')).toHaveText('true');
    await expectNoMore(page, expected);
  });
}

const MOUNTS: [path: string, mounted: string[], left: string][] = [
  ['on-mount-return-chain', ['on_load_return_chain', ...args(1, 2, 3)], 'event_arg:unmount'],
  ['on-mount-yield-chain', ['on_load_yield_chain', ...args('mount', 4, 5, 6)], 'event_no_args'],
];

for (const [path, mounted, left] of MOUNTS) {
  test(`mount and unmount ${path}: each once`, async ({ page }) => {
    await open(page, `/lab/chain/${path}`);
    // Two events of one page may be taken before or after what the first of them dispatches.
    await expect(order(page)).toHaveCount(mounted.length);
    const seen = await order(page).allTextContents();
    expect([...seen].sort()).toEqual([...mounted].sort());
    expect(seen[0]).toBe(mounted[0]);
    await page.locator('#unmount').click();
    await expect(page.locator('#return_event')).toBeVisible();
    await expect(order(page)).toHaveText([...seen, left]);
    await expectNoMore(page, [...seen, left]);
  });
}

for (const id of ['click_yield_interim_value_async', 'click_yield_interim_value']) {
  test(`${id}: the value in the middle is shown, and then the last`, async ({ page }) => {
    await open(page, '/lab/chain');
    const value = page.locator('#interim_value');
    // Noted as they are shown, since the one in the middle is there for half a second.
    const shown = await page.evaluateHandle(() => {
      const input = document.querySelector<HTMLInputElement>('#interim_value')!;
      const shown = [input.value];
      const look = () => {
        if (input.value !== shown.at(-1)) shown.push(input.value);
        requestAnimationFrame(look);
      };
      look();
      return shown;
    });
    await page.locator(`#${id}`).click();
    await expect(value).toHaveValue('final');
    expect(await shown.jsonValue()).toEqual(['', 'interim', 'final']);
  });
}

/** One more event, which runs behind all that is queued, is the only one more. */
async function expectNoMore(page: Page, expected: string[]): Promise<void> {
  await open(page, '/lab/chain');
  await page.locator('#click_int_type').click();
  await expect(order(page)).toHaveText([...expected, 'event_arg_repr:1_int']);
}
