// From an edit to the page, under `cargo leptos watch`: of a style, of a view. `make bench` runs it,
// in a copy of the sources that BENCH_EDIT names, so that nobody's own are touched.

import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { note } from './support/figures';
import { freePort } from './support/server';

const FOLDER = process.env.BENCH_EDIT ?? '';
const LOG = join(FOLDER, 'watch.log');
const STYLES = 5;
const VIEWS = 3;
/** It compiles both halves first, with all that they depend on. */
const START_MS = 2_400_000;
const EDIT_MS = 300_000;

test.skip(!FOLDER, 'make bench makes the copy');

function watch(port: number, reload: number): ChildProcess {
  const log = openSync(LOG, 'w');
  return spawn('cargo', ['leptos', 'watch'], {
    cwd: FOLDER,
    // A group of its own: it starts others.
    detached: true,
    env: {
      ...process.env,
      // As cargo does where nobody has said otherwise.
      CARGO_INCREMENTAL: '1',
      LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
      LEPTOS_RELOAD_PORT: `${reload}`,
      LEPTOS_SITE_ROOT: 'site',
      UNDERCURRENT_STORE: 'memory',
    },
    stdio: ['ignore', log, log],
  });
}

/** Edits a file, and waits for the page to have it. In milliseconds. */
async function takes(file: string, edit: (text: string) => string, shows: () => Promise<boolean>) {
  const path = join(FOLDER, file);
  const before = performance.now();
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
  // The page is loaded anew meanwhile.
  await expect.poll(() => shows().catch(() => false), { timeout: EDIT_MS, intervals: [20] }).toBe(true);
  return performance.now() - before;
}

test('an edit of a style and of a view comes to the page', async ({ page }) => {
  test.setTimeout(START_MS + (STYLES + VIEWS) * EDIT_MS);
  const [port, reload] = [await freePort(), await freePort()];
  const watching = watch(port, reload);
  try {
    const url = `http://127.0.0.1:${port}/posts`;
    const answers = () => {
      if (watching.exitCode !== null) throw new Error(`it has ended: see ${LOG}`);
      return fetch(url).then(({ ok }) => ok, () => false);
    };
    await expect.poll(answers, { timeout: START_MS, intervals: [500] }).toBe(true);
    await page.goto(url);
    await page.waitForSelector('html[data-hydrated]');
    const figure = (what: string, ours: number[], value: number) =>
      note({ what, against: '–', unit: 's', ours: ours.map((ms) => ms / 1_000), theirs: [], atMost: { value } });
    const [style, view]: number[][] = [[], []];
    for (let turn = 1; turn <= STYLES; turn++) {
      const order = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--turn').trim());
      const css = (text: string) => `${text}\nbody { --turn: ${turn}; }\n`;
      style.push(await takes('style/main.css', css, async () => (await order()) === `${turn}`));
    }
    figure('from an edit to the page, a style', style, 1);
    for (let turn = 1; turn <= VIEWS; turn++) {
      const words = /"Background tasks for Leptos\. [^"]*"/;
      const rust = (text: string) => text.replace(words, `"Background tasks for Leptos. Turn ${turn}."`);
      const shown = async () => {
        const alive = (await page.locator('html[data-hydrated]').count()) === 1;
        return alive && (await page.locator('.site-footer').innerText()).includes(`Turn ${turn}.`);
      };
      view.push(await takes('src/app.rs', rust, shown));
    }
    figure('from an edit to the page, a view', view, 15);
  } finally {
    if (watching.pid !== undefined && watching.exitCode === null) process.kill(-watching.pid, 'SIGTERM');
  }
});
