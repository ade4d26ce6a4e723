// Random programs over states, in Chromium: what is recorded, undone and applied agrees there, too.
// scripts/programs.sh builds them; a browser's numbers are 32 bits wide, and its panics end.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';

const folder = '../target/programs';
const site = 'http://programs.test';
/** PROGRAMS=100000 runs more. */
const SEEDS = Number(process.env.PROGRAMS || 800);
/** So many in one call, so that the page answers in between. */
const STEP = 50;

type Programs = { default(): Promise<unknown>; run(from: number, count: number): string };

test('whatever a program does is recorded rightly or undone', async ({ page }) => {
  test.setTimeout(60_000 + SEEDS * 200);
  expect(existsSync(`${folder}/programs_bg.wasm`), 'scripts/programs.sh builds it').toBe(true);
  await page.route(`${site}/**`, (route) => {
    const name = new URL(route.request().url()).pathname;
    if (name === '/') return route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html>' });
    const contentType = name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    return route.fulfill({ contentType, body: readFileSync(folder + name) });
  });
  await page.goto(site);
  const seen = { recorded: 0, undone: 0, 'read anew': 0 };
  for (let from = 0; from < SEEDS; from += STEP) {
    const said = await page.evaluate(
      async ({ from, count, url }) => {
        const programs = (await import(url)) as Programs;
        await programs.default();
        return programs.run(from, count);
      },
      { from, count: Math.min(STEP, SEEDS - from), url: `${site}/programs.js` },
    );
    // A failure begins with its seed; `programs::check(seed)` replays it.
    expect(said).toMatch(/^recorded /);
    for (const name of Object.keys(seen) as (keyof typeof seen)[]) {
      seen[name] += Number(new RegExp(`${name} (\\d+)`).exec(said)?.[1]);
    }
  }
  // A program that does nothing proves nothing.
  expect(seen.recorded).toBeGreaterThan(SEEDS * 5);
  expect(seen.undone).toBeGreaterThan(SEEDS);
  expect(seen['read anew']).toBeGreaterThan(SEEDS / 20);
});
