// What a change of one row costs a page of 10,000 rows: about what it costs one of 100.
// Measured is the script, from the bytes of an event to the changed DOM, without layout.

import type { Page } from '@playwright/test';
import { median, note } from './support/figures';
import { expect, test } from './support/gallery';
import { sendEvents } from './support/raw';
import type { Gallery } from './support/server';

/** The script of a change at 10,000 rows takes so many times that at 100, at most. */
const BOUND = 3;
const FEW = 100;
const MANY = 10_000;
/** Changes of a kind in a batch, of which the mean is taken: the page's clock has steps of 0.1 ms, and
 * a change may take less. Batches of a kind at a size. */
const CHANGES = 20;
const BATCHES = 7;
/** What is slow is slow every time; a busy machine is not. */
const TRIES = 3;
/** Events of the page, and what they are in the benchmark's table. */
const KINDS = {
  push: 'applying an append in Chromium, script',
  change: 'changing a row in Chromium, script',
  remove: 'removing a row in Chromium, script',
};

type Event = [number, string, unknown];

/** Notes for each message of the stream how long it took until the DOM was changed. */
function watch(): void {
  const times: number[] = [];
  let finish = () => {};
  Object.assign(window, { times });
  const dispatch = EventTarget.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (name: string, listener: unknown, ...more: unknown[]) {
    const own = listener as (event: globalThis.Event) => void;
    const timed = (event: globalThis.Event) => {
      if (!`${(event as MessageEvent).data}`.startsWith('["lab_rows"')) return own.call(this, event);
      // What the next message changes is no part of the last one's, whose timer may be behind a layout.
      finish();
      const begin = performance.now();
      let end: number | undefined;
      const rows = document.querySelector('#list');
      const observer = new MutationObserver(() => (end = performance.now()));
      if (rows) observer.observe(rows, { childList: true, subtree: true, characterData: true });
      own.call(this, event);
      // All that the handler queued has run before the next task begins.
      const ended = () => {
        observer.disconnect();
        if (end !== undefined) times.push(end - begin);
        end = undefined;
      };
      finish = ended;
      setTimeout(ended);
    };
    return dispatch.call(this, name, timed as EventListener, ...(more as []));
  };
  const property = Object.getOwnPropertyDescriptor(EventSource.prototype, 'onmessage');
  Object.defineProperty(EventSource.prototype, 'onmessage', {
    ...property,
    set(listener) {
      this.addEventListener('message', listener);
    },
  });
}

class Rows {
  private n = 0;
  constructor(
    private readonly page: Page,
    private readonly server: Gallery,
    private readonly session: string,
  ) {}

  private async send(ops: [string, number, number][]): Promise<void> {
    const events = ops.map(([op, a, b]): Event => [++this.n, 'lab_rows/change_list', { op, a, b }]);
    const answer = await sendEvents(this.server, this.session, events);
    expect(answer.status).toBe(202);
    expect(answer.body).not.toContain('refused');
  }

  private count(): Promise<number> {
    return this.page.locator('#list').evaluate((list) => list.children.length);
  }

  async fill(to: number): Promise<void> {
    for (let have = await this.count(); have < to; have = await this.count()) {
      const missing = Math.min(100, Math.ceil((to - have) / 3));
      await this.send(Array.from({ length: missing }, () => ['extend', 0, 1]));
      const now = Math.min(have + 3 * missing, have + 300);
      await expect.poll(() => this.count(), { timeout: 30_000 }).toBe(now);
    }
  }

  /** Milliseconds of a change of a kind, batch by batch. */
  async cost(op: string): Promise<number[]> {
    const all: number[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      await this.page.evaluate(() => ((window as unknown as { times: number[] }).times.length = 0));
      for (let change = 0; change < CHANGES; change++) {
        await this.send([[op, 7 + change, 1]]);
      }
      const times = () => this.page.evaluate(() => (window as unknown as { times: number[] }).times);
      await expect.poll(async () => (await times()).length).toBe(CHANGES);
      all.push((await times()).reduce((sum, ms) => sum + ms) / CHANGES);
      // So that the size stays.
      const back = { push: 'pop', remove: 'push' }[op];
      if (back) {
        const before = await this.count();
        await this.send(Array.from({ length: CHANGES }, () => [back, 0, 1]));
        const after = before + (back === 'pop' ? -CHANGES : CHANGES);
        await expect.poll(() => this.count()).toBe(after);
      }
    }
    return all;
  }
}

test('a change of one row costs a long list about what it costs a short one', async ({ page, context, server }) => {
  test.setTimeout(600_000);
  await page.addInitScript(watch);
  await page.goto('/lab/rows');
  await page.waitForSelector('html[data-hydrated]');
  const [cookie] = await context.cookies();
  const rows = new Rows(page, server, `${cookie.name}=${cookie.value}`);
  await rows.fill(FEW);
  const few = new Map<string, number[]>();
  for (const kind of Object.keys(KINDS)) few.set(kind, await rows.cost(kind));
  await rows.fill(MANY);
  for (const [kind, what] of Object.entries(KINDS)) {
    const atFew = few.get(kind) ?? [];
    let atMany = await rows.cost(kind);
    const ratio = () => median(atMany) / median(atFew);
    for (let tries = 1; tries < TRIES && ratio() > BOUND; tries++) {
      const again = await rows.cost(kind);
      if (median(again) < median(atMany)) atMany = again;
    }
    const against = `at ${FEW} rows`;
    const remark = `at ${MANY.toLocaleString('en')} rows`;
    note({ what, against, unit: 'ms', ours: atMany, theirs: atFew, atMost: { times: BOUND }, remark });
    expect(ratio(), `${kind}: ${median(atFew)} ms and ${median(atMany)} ms`).toBeLessThan(BOUND);
  }
});
