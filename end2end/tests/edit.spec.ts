// From an edit to the page, under `cargo leptos watch`: of a style, of a view. `make bench` runs it,
// in a copy of the sources that BENCH_EDIT names, so that nobody's own are touched.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page, expect, test } from '@playwright/test';
import { note } from './support/figures';
import { freePort } from './support/server';

const FOLDER = process.env.BENCH_EDIT ?? '';
const TURNS = 5;
/** It compiles both halves first. */
const START_MS = 900_000;

test.use({ trace: 'off' });
test.skip(!FOLDER, 'make bench makes the copy');

function watch(port: number, reload: number): ChildProcess {
  return spawn('cargo', ['leptos', 'watch'], {
    cwd: FOLDER,
    // A group of its own: it starts others.
    detached: true,
    env: {
      ...process.env,
      LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
      LEPTOS_RELOAD_PORT: `${reload}`,
      LEPTOS_SITE_ROOT: 'site',
      UNDERCURRENT_STORE: 'memory',
    },
    stdio: 'ignore',
  });
}

/** Edits a file, and waits for the page to have it. In milliseconds. */
async function takes(page: Page, file: string, edit: (text: string) => string, shows: () => Promise<boolean>) {
  const path = join(FOLDER, file);
  const before = performance.now();
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
  // The page is loaded anew meanwhile.
  await expect.poll(() => shows().catch(() => false), { timeout: 120_000, intervals: [20] }).toBe(true);
  return performance.now() - before;
}

test('an edit of a style and of a view comes to the page', async ({ page }) => {
  test.setTimeout(START_MS + 600_000);
  const [port, reload] = [await freePort(), await freePort()];
  const watching = watch(port, reload);
  try {
    const url = `http://127.0.0.1:${port}/posts`;
    const answers = () => fetch(url).then(({ ok }) => ok, () => false);
    await expect.poll(answers, { timeout: START_MS, intervals: [500] }).toBe(true);
    await page.goto(url);
    await page.waitForSelector('html[data-hydrated]');
    const [style, view]: number[][] = [[], []];
    for (let turn = 1; turn <= TURNS; turn++) {
      const order = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--turn').trim());
      const css = (text: string) => `${text}\nbody { --turn: ${turn}; }\n`;
      style.push(await takes(page, 'style/main.css', css, async () => (await order()) === `${turn}`));
      const words = /"Background tasks for Leptos\. [^"]*"/;
      const rust = (text: string) => text.replace(words, `"Background tasks for Leptos. Turn ${turn}."`);
      const shown = async () => {
        const alive = (await page.locator('html[data-hydrated]').count()) === 1;
        return alive && (await page.locator('.site-footer').innerText()).includes(`Turn ${turn}.`);
      };
      view.push(await takes(page, 'src/app.rs', rust, shown));
    }
    const figure = (what: string, ours: number[], value: number) =>
      note({ what, against: '–', unit: 's', ours: ours.map((ms) => ms / 1_000), theirs: [], atMost: { value } });
    figure('from an edit to the page, a style', style, 1);
    figure('from an edit to the page, a view', view, 15);
  } finally {
    if (watching.pid !== undefined && watching.exitCode === null) process.kill(-watching.pid, 'SIGTERM');
  }
});
