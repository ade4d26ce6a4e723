// What a change of one row costs a box of a long list, layout and script: about the same at 100 rows,
// at 10,000 and at 100,000. What Chromium counts is compared with itself, so that a build that is not
// optimised says as much.

import type { CDPSession } from '@playwright/test';
import { note } from './support/figures';
import { expect, test } from './support/gallery';
import { open } from './support/page';
import { sendEvents } from './support/raw';

/** Layout at many rows takes so many times that at few, at most; and so does script. */
const LAYOUT_BOUND = 2;
const SCRIPT_BOUND = 3;
const SIZES = [100, 10_000, 100_000];
const CHANGES = 30;
/** What is slow is slow every time; a busy machine is not. */
const TRIES = 5;
/** For the benchmark's table each is measured so often at least. */
const TURNS = process.env.FIGURES ? TRIES : 1;
/** What the events of the page are in that table, and at how many rows. */
const NOTED: Record<string, string> = {
  push: 'applying an append in Chromium, with layout, windowed rows',
  change: 'changing a row in Chromium, with layout, windowed rows',
};
const NOTED_AT = 10_000;
/** So many rows an event brings at most. */
const FILL = 10_000;

interface Cost {
  layout: number;
  script: number;
}

async function spent(cdp: CDPSession): Promise<Cost> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name: string) => metrics.find((one) => one.name === name)?.value ?? NaN;
  return { layout: of('LayoutDuration') + of('RecalcStyleDuration'), script: of('ScriptDuration') };
}

test.use({ notesSights: false });

test('a change of one row costs a window of a long list about what it costs one of a short list', async ({ page, context, server }) => {
  test.setTimeout(300_000);
  await open(page, '/lab/window');
  const [cookie] = await context.cookies();
  const session = `${cookie.name}=${cookie.value}`;
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  let n = 0;
  const change = async (op: string, a: number, b = 1) => {
    const answer = await sendEvents(server, session, [[++n, 'lab_rows/change_list', { op, a, b }]]);
    expect(answer.body).toContain('queued');
  };
  const len = page.locator('#len');
  const fill = async (to: number) => {
    for (let have = Number(await len.textContent()); have < to; have = Number(await len.textContent())) {
      const more = Math.min(FILL, to - have);
      await change('fill', more);
      await expect(len).toHaveText(`${have + more}`, { timeout: 60_000 });
    }
  };
  /** Milliseconds of a change and its way back. */
  const cost = async (there: string, back: string): Promise<Cost> => {
    const size = Number(await len.textContent());
    const before = await spent(cdp);
    for (let nth = 0; nth < CHANGES; nth++) {
      for (const op of [there, back]) {
        await change(op, size - 5);
        // Painted: what is arranged in a frame is counted, too.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      }
    }
    await expect(len).toHaveText(`${size}`);
    const after = await spent(cdp);
    const each = (name: keyof Cost) => ((after[name] - before[name]) * 1000) / CHANGES;
    return { layout: each('layout'), script: each('script') };
  };
  const kinds = [['push', 'pop'], ['change', 'change'], ['remove', 'insert']];
  const few = new Map<string, Cost[]>();
  const least = (tries: Cost[]): Cost => ({
    layout: Math.min(...tries.map((one) => one.layout)),
    script: Math.min(...tries.map((one) => one.script)),
  });
  for (const size of SIZES) {
    await fill(size);
    await expect(page.locator('.windowed p').first()).toBeVisible();
    // Of a hundred thousand rows a few are in the page.
    expect(await page.locator('.windowed p').count()).toBeLessThan(60);
    for (const [there, back] of kinds) {
      if (size === SIZES[0]) {
        await cost(there, back);
        const tries: Cost[] = [];
        while (tries.length < Math.max(2, TURNS)) tries.push(await cost(there, back));
        few.set(there, tries);
        continue;
      }
      const triesAtFew = few.get(there) ?? [];
      const triesAtMany: Cost[] = [];
      const [atFew, atMany] = [least(triesAtFew), { layout: Infinity, script: Infinity }];
      const isSlow = () => atMany.layout > LAYOUT_BOUND * atFew.layout || atMany.script > SCRIPT_BOUND * atFew.script;
      while (triesAtMany.length < TURNS || (triesAtMany.length < TRIES && isSlow())) {
        triesAtMany.push(await cost(there, back));
        Object.assign(atMany, least(triesAtMany));
      }
      if (size === NOTED_AT && NOTED[there]) {
        const all = (tries: Cost[]) => tries.map(({ layout, script }) => layout + script);
        note({
          what: NOTED[there],
          against: `at ${SIZES[0]} rows`,
          unit: 'ms',
          ours: all(triesAtMany),
          theirs: all(triesAtFew),
          atMost: { times: LAYOUT_BOUND },
          remark: `at ${size.toLocaleString('en')} rows, and back`,
        });
      }
      const told = (cost: Cost) => `layout ${cost.layout.toFixed(3)} ms, script ${cost.script.toFixed(3)} ms`;
      const both = `${there}, ${back}: at ${SIZES[0]} ${told(atFew)}; at ${size} ${told(atMany)}`;
      console.log(both);
      expect(atMany.layout / atFew.layout, both).toBeLessThan(LAYOUT_BOUND);
      expect(atMany.script / atFew.script, both).toBeLessThan(SCRIPT_BOUND);
    }
  }
});
