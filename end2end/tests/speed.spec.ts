// How soon a page is there on a slow network and a slow processor: `make speed` builds a release
// and measures it. Not among the other tests: a debug build says nothing of it.

import { expect, test } from './support/gallery';

const PAGES = ['/', '/posts', '/random', '/lorem', '/monitor', '/dashboard'];
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
