// A click during the ten posts, in one Chromium: here and in Reflex, in both styles. The same
// script measures both pages, from the click to the changed number. `make bench` runs it, and sets
// up Reflex: BENCH_REFLEX names its environment, BENCH_NODE the folder of the Node that it needs.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { note, quantile } from './support/figures';
import { expect, test } from './support/gallery';
import { open } from './support/page';
import { freePort } from './support/server';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const CLICK_EVERY_MS = 200;
const RUNS = 3;
/** It fetches what its front end is built of, and builds it. */
const START_MS = 600_000;

test.use({ upstream: { delayMs: 400 } });
test.skip(!process.env.BENCH_REFLEX || !process.env.BENCH_NODE, 'make bench sets Reflex up');

interface Way {
  page: Page;
  /** Selectors. */
  click: string;
  count: string;
  begin: string;
  runs: string;
}

/** Milliseconds of each click that was made during a run. */
async function clicksOfRun({ page, click, count, begin, runs }: Way): Promise<number[]> {
  await page.locator(begin).click();
  await page.locator(runs).waitFor();
  await page.evaluate(
    ([click, count, every]) => {
      const noted = window as unknown as { taken: number[]; waiting: number[]; stop: () => void; leave: () => void };
      [noted.taken, noted.waiting] = [[], []];
      const button = document.querySelector<HTMLElement>(click);
      const number = document.querySelector<HTMLElement>(count);
      if (!button || !number) throw new Error('there is nothing to click');
      let last = Number(number.innerText);
      const observer = new MutationObserver(() => {
        const now = Number(number.innerText);
        for (; last < now; last++) noted.taken.push(performance.now() - (noted.waiting.shift() ?? NaN));
      });
      observer.observe(number, { characterData: true, childList: true, subtree: true });
      const clock = setInterval(() => {
        noted.waiting.push(performance.now());
        button.click();
      }, every);
      noted.stop = () => clearInterval(clock);
      noted.leave = () => observer.disconnect();
    },
    [click, count, CLICK_EVERY_MS] as const,
  );
  await page.locator(runs).waitFor({ state: 'detached', timeout: 30_000 });
  const waiting = () =>
    page.evaluate(() => {
      const noted = window as unknown as { waiting: number[]; stop: () => void };
      noted.stop();
      return noted.waiting.length;
    });
  await expect.poll(waiting).toBe(0);
  const taken = await page.evaluate(() => {
    const noted = window as unknown as { taken: number[]; leave: () => void };
    noted.leave();
    return noted.taken;
  });
  expect(taken.every(Number.isFinite), `${taken}`).toBe(true);
  return taken;
}

class Reflex {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async start(): Promise<Reflex> {
    const folder = mkdtempSync(join(tmpdir(), 'reflex-'));
    cpSync(join(ROOT, 'bench/reflex-page'), folder, { recursive: true });
    const port = `${await freePort()}`;
    const bin = join(resolve(process.env.BENCH_REFLEX ?? ''), 'bin/reflex');
    const node = resolve(process.env.BENCH_NODE ?? '');
    const args = ['run', '--env', 'prod', '--single-port', '--backend-host', '127.0.0.1'];
    const child = spawn(bin, [...args, '--backend-port', port, '--frontend-port', port], {
      cwd: folder,
      // A group of its own: it starts others.
      detached: true,
      env: {
        ...process.env,
        PATH: [node, process.env.PATH].join(delimiter),
        REFLEX_USE_NPM: '1',
        REFLEX_TELEMETRY_ENABLED: 'false',
        REFLEX_CHECK_LATEST_VERSION: 'false',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    const hear = (text: Buffer) => (log += text.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    // Its page asks for its server by this name.
    const reflex = new Reflex(child, folder, `http://localhost:${port}`);
    const answers = async () => {
      if (child.exitCode !== null) throw new Error(`Reflex did not start: ${log}`);
      return fetch(`${reflex.url}/ping`).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    await expect.poll(answers, { timeout: START_MS }).toBe(true);
    return reflex;
  }

  stop(): void {
    if (this.child.pid !== undefined && this.child.exitCode === null) process.kill(-this.child.pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

test('a click during ten posts, here and in Reflex', async ({ page, browser }) => {
  test.setTimeout(START_MS + 300_000);
  const reflex = await Reflex.start();
  try {
    await open(page, '/posts');
    // Nobody watches what it complains about.
    const other = await browser.newPage();
    await other.goto(reflex.url);
    // It is alive when it knows its server; then a click counts.
    await other.waitForLoadState('networkidle');
    await other.locator('#click').click();
    await expect(other.locator('#count')).toHaveText('1');
    for (const [style, region, button] of [
      ['chained', 'Chained events', '#chained'],
      ['background', 'Background task', '#background'],
    ]) {
      const lane = `section[aria-label="${region}"]`;
      const ours: Way = {
        page,
        click: '.counter form button',
        count: '.clicks-value',
        begin: `${lane} button:has-text("Fetch ten posts")`,
        runs: `${lane} .status[data-status=running]`,
      };
      const theirs: Way = { page: other, click: '#click', count: '#count', begin: button, runs: '#runs' };
      const [here, there]: number[][] = [[], []];
      for (let run = 0; run < RUNS; run++) {
        await page.bringToFront();
        here.push(...(await clicksOfRun(ours)));
        await other.bringToFront();
        there.push(...(await clicksOfRun(theirs)));
      }
      // Twenty a run, or about.
      expect(Math.min(here.length, there.length)).toBeGreaterThan(30);
      const what = `a click during ten posts in Chromium, ${style}`;
      note({ what, against: 'Reflex 0.10.1', unit: 'ms', ours: here, theirs: there });
      const worst = (all: number[]) => [quantile(all, 1)];
      note({ what: `${what}: the worst`, against: 'Reflex 0.10.1', unit: 'ms', ours: worst(here), theirs: worst(there) });
    }
  } finally {
    reflex.stop();
  }
});
