// Random programs over states, in Chromium: what is recorded, undone and applied agrees there, too, and the
// connection does there what it does in any weather.
// scripts/programs.sh builds them; a browser's numbers are 32 bits wide, and its panics end.

import { existsSync, readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';

const folder = '../target/programs';
const site = 'http://programs.test';
/** PROGRAMS=100000 runs more. */
const SEEDS = Number(process.env.PROGRAMS || 800);
/** So many in one call, so that the page answers in between. */
const STEP = 50;

type Run = (from: number, count: number) => string;
type Programs = { default(): Promise<unknown>; run: Run; run_weather: Run };

/** A page that can load the programs. */
async function open(page: Page) {
  expect(existsSync(`${folder}/programs_bg.wasm`), 'scripts/programs.sh builds it').toBe(true);
  await page.route(`${site}/**`, (route) => {
    const name = new URL(route.request().url()).pathname;
    if (name === '/') return route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html>' });
    const contentType = name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    return route.fulfill({ contentType, body: readFileSync(folder + name) });
  });
  await page.goto(site);
}

test('whatever a program does is recorded rightly or undone', async ({ page }) => {
  test.setTimeout(60_000 + SEEDS * 200);
  await open(page);
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

test('in any weather a page asks for one stream and is live when it is fair', async ({ page }) => {
  await open(page);
  const said = await page.evaluate(async (url) => {
    const programs = (await import(url)) as Programs;
    await programs.default();
    return programs.run_weather(0, 500);
  }, `${site}/programs.js`);
  // `programs::weather(seed)` replays a failure.
  expect(said).toMatch(/^asked \d+, .*, live 4\d\d$/);
});
