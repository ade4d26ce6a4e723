// How soon a page is there on a slow network and a slow processor: `make speed` builds a release
// and measures it. Not among the other tests: a debug build says nothing of it.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open } from './support/page';

const PAGES = [
  '/',
  '/posts',
  '/random',
  '/lorem',
  '/monitor',
  '/dashboard',
  '/assistant',
  '/report',
  '/import',
  '/room',
  '/room/tea',
];
const LCP_MS = 2_000;
const CLS = 0.02;
/** A machine that is busy with something else measures that: one of these must do. */
const TRIES = 3;

interface Figures {
  lcpMs: number;
  aliveMs: number;
  shift: number;
  kilobytes: number;
}

test.use({ contextOptions: { reducedMotion: 'reduce' } });

/** The first page begins by itself where motion is wanted: it must be there as soon while it runs. */
const VISITS = [...PAGES.map((path) => ({ path, motion: 'reduce' as const })), { path: '/', motion: 'no-preference' as const }];

for (const { path, motion } of VISITS) {
  test(`${path}, ${motion === 'reduce' ? 'still' : 'moving'}: 1.6 Mbit/s, 150 ms, a processor four times slower`, async ({ newVisitor }) => {
    const measure = async (): Promise<Figures> => {
      // Nothing is in its cache.
      const context = await newVisitor();
      const page = await context.newPage();
      await page.emulateMedia({ reducedMotion: motion });
      // Whoever has been in the room is led into it, not to its door.
      if (path.startsWith('/room/')) await enter(page, path);
      const session = await context.newCDPSession(page);
      await session.send('Network.enable');
      await session.send('Network.clearBrowserCache');
      await session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 150,
        downloadThroughput: 1.6e6 / 8,
        uploadThroughput: 0.75e6 / 8,
      });
      await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
      let bytes = 0;
      session.on('Network.dataReceived', ({ encodedDataLength }) => (bytes += encodedDataLength));
      await page.addInitScript(() => {
        const noted = window as unknown as { lcp: number; alive: number };
        new PerformanceObserver((entries) => {
          for (const entry of entries.getEntries()) noted.lcp = entry.startTime;
        }).observe({ type: 'largest-contentful-paint', buffered: true });
        new MutationObserver((_, observer) => {
          if (!document.documentElement?.hasAttribute('data-hydrated')) return;
          noted.alive = performance.now();
          observer.disconnect();
        }).observe(document, { subtree: true, attributeFilter: ['data-hydrated'] });
      });
      await page.goto(path, { waitUntil: 'commit' });
      await expect(page.locator('html')).toHaveAttribute('data-hydrated', '', { timeout: 30_000 });
      // It runs, and what comes of it moves nothing.
      if (motion === 'no-preference') await expect(page.locator('.thumb.here').nth(2)).toBeVisible({ timeout: 30_000 });
      const { lcp, alive, shift } = await page.evaluate(() => {
        const noted = window as unknown as { lcp: number; alive: number };
        return { lcp: noted.lcp, alive: noted.alive, shift: window.layoutShift };
      });
      await context.close();
      return { lcpMs: lcp, aliveMs: alive, shift, kilobytes: bytes / 1024 };
    };
    const tries: Figures[] = [];
    while (tries.length < TRIES && !tries.some(({ lcpMs }) => lcpMs <= LCP_MS)) {
      tries.push(await measure());
    }
    const best = tries.reduce((best, one) => (one.lcpMs < best.lcpMs ? one : best));
    const { lcpMs, aliveMs, shift, kilobytes } = best;
    console.log(
      `${path}, ${motion}: LCP ${lcpMs.toFixed(0)} ms, alive after ${aliveMs.toFixed(0)} ms, ` +
        `CLS ${shift.toFixed(4)}, ${kilobytes.toFixed(0)} KB`,
    );
    expect(lcpMs).toBeGreaterThan(0);
    expect(lcpMs).toBeLessThanOrEqual(LCP_MS);
    expect(shift).toBeLessThanOrEqual(CLS);
  });
}

async function enter(page: Page, path: string): Promise<void> {
  await open(page, path);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Enter' }).click();
  await expect(page.locator('.member')).toContainText('here');
  await page.goto('about:blank');
}

const LONG_TASK_MS = 50;
const LETTER_MS = 100;
const SPAN_MS = 30_000;

test('the log: 10,000 lines and 200 more a second for 30 s, a processor four times slower', async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  await open(page, '/dashboard');
  await page.getByRole('button', { name: '200 lines a second' }).click();
  await page.getByRole('button', { name: 'Start the log' }).click();
  await expect(page.locator('.log-count b')).toHaveText('10,000', { timeout: 90_000 });
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.evaluate(() => {
    const noted = window as unknown as { long: number[]; letters: number[] };
    [noted.long, noted.letters] = [[], []];
    new PerformanceObserver((entries) => {
      noted.long.push(...entries.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
    // From the key to the frame in which the box shows what was typed, whatever a browser reports of it.
    document.addEventListener(
      'keydown',
      ({ timeStamp, target }) => {
        const box = target as HTMLInputElement;
        const before = box.value;
        const look = (now: number) => {
          if (box.value === before) return void requestAnimationFrame(look);
          // The frame is painted after what runs in it.
          setTimeout(() => noted.letters.push(Math.max(now, performance.now()) - timeStamp));
        };
        requestAnimationFrame(look);
      },
      true,
    );
  });
  const box = page.locator('.log-box');
  const last = async () => seconds(await box.locator('.log-line').last().innerText());
  const toEnd = () =>
    box.locator('[role=log]').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  await page.getByLabel('Mark over, ms').focus();
  const [first, since] = [await last(), Date.now()];
  let typed = 0;
  // A person types about as fast. It is the span that is measured over, not a wait for something.
  while (Date.now() < since + SPAN_MS) {
    await page.keyboard.press('5', { delay: 100 });
    await page.keyboard.press('Backspace', { delay: 300 });
    typed += 2;
  }
  // Lines have come all the while: the count stands at its bound, but the newest line is of now.
  const [later, spanS] = [await last(), (Date.now() - since) / 1e3];
  expect(Math.abs(later - first - spanS)).toBeLessThan(2);
  await expect(page.locator('.log-count b')).toHaveText('10,000');
  expect(await toEnd()).toBeLessThanOrEqual(2);
  const { long, letters } = await page.evaluate(() => {
    const { long, letters } = window as unknown as { long: number[]; letters: number[] };
    return { long, letters };
  });
  expect(letters.length).toBe(typed);
  const rate = await linesASecond(page);
  const worst = { longMs: Math.max(0, ...long), letterMs: Math.max(...letters) };
  console.log(
    `the log: ${rate.toFixed(0)} lines a second, ${long.length} long tasks, the longest ${worst.longMs} ms; ` +
      `${letters.length} letters, the slowest ${worst.letterMs.toFixed(0)} ms`,
  );
  expect(rate).toBeGreaterThan(150);
  expect(rate).toBeLessThan(250);
  expect(worst.longMs).toBeLessThanOrEqual(LONG_TASK_MS);
  expect(worst.letterMs).toBeLessThanOrEqual(LETTER_MS);
});

/** When a line was written, in seconds of the day. */
function seconds(line: string): number {
  const [hours, minutes, rest] = line.trim().split(' ')[0].split(':').map(Number);
  return hours * 3_600 + minutes * 60 + rest;
}

/** By the times of the lines that stand in the box. */
async function linesASecond(page: Page): Promise<number> {
  const times = (await page.locator('.log-box .log-line').allInnerTexts()).map(seconds);
  return (times.length - 1) / (times.at(-1)! - times[0]);
}
