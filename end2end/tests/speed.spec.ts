// How soon a page is there on a slow network and a slow processor: `make speed` builds a release
// and measures it. Not among the other tests: a debug build says nothing of it.

import { expect, test } from './support/gallery';
import { open } from './support/page';

const PAGES = ['/', '/posts', '/random', '/lorem', '/monitor', '/dashboard', '/assistant', '/report', '/room'];
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

test.use({ trace: 'off', contextOptions: { reducedMotion: 'reduce' } });

for (const path of PAGES) {
  test(`${path}: 1.6 Mbit/s, 150 ms, a processor four times slower`, async ({ newVisitor }) => {
    const measure = async (): Promise<Figures> => {
      // Nothing is in its cache.
      const context = await newVisitor();
      const page = await context.newPage();
      const session = await context.newCDPSession(page);
      await session.send('Network.enable');
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
      `${path}: LCP ${lcpMs.toFixed(0)} ms, alive after ${aliveMs.toFixed(0)} ms, ` +
        `CLS ${shift.toFixed(4)}, ${kilobytes.toFixed(0)} KB`,
    );
    expect(lcpMs).toBeGreaterThan(0);
    expect(lcpMs).toBeLessThanOrEqual(LCP_MS);
    expect(shift).toBeLessThanOrEqual(CLS);
  });
}

const LONG_TASK_MS = 50;
const LETTER_MS = 100;

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
    new PerformanceObserver((entries) => {
      const keys = entries.getEntries().filter(({ name }) => name.startsWith('key'));
      noted.letters.push(...keys.map(({ duration }) => duration));
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  await page.getByLabel('Mark over, ms').focus();
  const until = Date.now() + 30_000;
  // A person types about as fast. It is the span that is measured over, not a wait for something.
  while (Date.now() < until) {
    await page.keyboard.press('5', { delay: 100 });
    await page.keyboard.press('Backspace', { delay: 300 });
  }
  const { long, letters } = await page.evaluate(() => {
    const { long, letters } = window as unknown as { long: number[]; letters: number[] };
    return { long, letters };
  });
  const worst = { longMs: Math.max(0, ...long), letterMs: Math.max(0, ...letters) };
  console.log(`the log: ${long.length} long tasks, the longest ${worst.longMs} ms; a letter ${worst.letterMs} ms`);
  expect(worst.longMs).toBeLessThanOrEqual(LONG_TASK_MS);
  expect(worst.letterMs).toBeLessThanOrEqual(LETTER_MS);
});
