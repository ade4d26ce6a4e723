// What a change of one row costs a box of a long list, layout and script: about the same at 100 rows,
// at 10,000 and at 100,000. What Chromium counts is compared with itself, so that a build that is not
// optimised says as much.

import type { CDPSession } from '@playwright/test';
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
  const few = new Map<string, Cost>();
  for (const size of SIZES) {
    await fill(size);
    await expect(page.locator('.windowed p').first()).toBeVisible();
    // Of a hundred thousand rows a few are in the page.
    expect(await page.locator('.windowed p').count()).toBeLessThan(60);
    for (const [there, back] of kinds) {
      if (size === SIZES[0]) {
        await cost(there, back);
        const tries = [await cost(there, back), await cost(there, back)];
        few.set(there, {
          layout: Math.min(...tries.map((one) => one.layout)),
          script: Math.min(...tries.map((one) => one.script)),
        });
        continue;
      }
      const atFew = few.get(there) ?? { layout: 0, script: 0 };
      const atMany = { layout: Infinity, script: Infinity };
      const isSlow = () => atMany.layout > LAYOUT_BOUND * atFew.layout || atMany.script > SCRIPT_BOUND * atFew.script;
      for (let tries = 0; tries < TRIES && isSlow(); tries++) {
        const now = await cost(there, back);
        atMany.layout = Math.min(atMany.layout, now.layout);
        atMany.script = Math.min(atMany.script, now.script);
      }
      const told = (cost: Cost) => `layout ${cost.layout.toFixed(3)} ms, script ${cost.script.toFixed(3)} ms`;
      const both = `${there}, ${back}: at ${SIZES[0]} ${told(atFew)}; at ${size} ${told(atMany)}`;
      console.log(both);
      expect(atMany.layout / atFew.layout, both).toBeLessThan(LAYOUT_BOUND);
      expect(atMany.script / atFew.script, both).toBeLessThan(SCRIPT_BOUND);
    }
  }
});
