// What it is all for: a click during the background run is answered at once, a click during the
// chained run waits for the running step. The page measures, from the click to its effect.

import { expect, test } from './support/gallery';
import { expectBoth, home } from './support/home-page';
import { open } from './support/page';
import { type ClickTimes, type PostsPage, STYLES, type StyleName } from './support/posts-page';

test.use({ upstream: { delayMs: 400 }, notesSights: false });

const WORST_MS = {
  'Chained events': { atLeast: 300, atMost: 3_000 },
  'Background task': { atLeast: 0, atMost: 50 },
};
/** A run on a machine that is busy with something else measures that: one of these must do. */
const RUNS = 3;

for (const name of STYLES) {
  const { atLeast, atMost } = WORST_MS[name];
  const isWithin = ({ worstMs }: ClickTimes) => worstMs >= atLeast && worstMs <= atMost;

  test(`${name}: the worst click of a run takes ${atLeast} to ${atMost} ms`, async ({ posts }) => {
    await posts.open();
    let times = await runWithClicks(posts, name);
    for (let run = 2; run <= RUNS && !isWithin(times); run++) {
      times = await runWithClicks(posts, name);
    }
    expect(times.worstMs).toBeGreaterThanOrEqual(atLeast);
    expect(times.worstMs).toBeLessThanOrEqual(atMost);
    expect(times.medianMs).toBeLessThanOrEqual(times.worstMs);
    expect(times.medianMs).toBeGreaterThan(0);
    expect(times.sumMs).toBeGreaterThanOrEqual(times.worstMs);
    expect(times.sumMs).toBeLessThanOrEqual(times.worstMs * times.clicks + 0.1);
    // A click counts for the style that is running.
    const [, other] = posts.style(name);
    expect((await other.clickTimes()).clicks).toBe(0);
  });

  test(`${name}: fast clicks are all counted, in a run and out of it`, async ({ posts }) => {
    await posts.open();
    const [style] = posts.style(name);
    await posts.count.click();
    await expect(posts.clicks).toHaveText('1');
    await style.begin(1);
    await posts.count.dblclick();
    await posts.count.dblclick();
    await expect(posts.clicks).toHaveText('5');
    // The one before the run belongs to none.
    await expect.poll(async () => (await style.clickTimes()).clicks).toBe(4);
    await style.stop.click();
    await style.expectStatus('stopped');
    await posts.count.click();
    await expect(posts.clicks).toHaveText('6');
    expect((await style.clickTimes()).clicks).toBe(4);
    // In words, and beside them the strip of this run.
    const time = String.raw`[\d.]+ m?s`;
    const words = new RegExp(`^your clicks 4\\s*waited in all ${time}\\s*worst click ${time}$`);
    await expect(style.region.locator('.click-times')).toHaveText(words);
    const strip = style.region.locator('.strip');
    await expect(strip).toHaveAttribute('data-events', /^[1-9]/);
    await expect(strip.locator('figcaption')).toHaveText(/^\d+ events? waited [\d.]+ m?s/);
    await expect(strip.locator('.strip-line')).toHaveAttribute('d', /^M\d/);
    // The other style's is as it was.
    const [, other] = posts.style(name);
    await expect(other.region.locator('.strip')).toHaveAttribute('data-events', '0');
  });
}

test('the metronome: events wait for the chained steps, and not for the task', async ({ page }) => {
  await open(page, '/');
  const { chained, background, run } = home(page);
  const measure = async () => {
    await expectBoth(page);
    // The last beats are told when the run is over.
    await expect.poll(async () => (await background.measured()).events).toBeGreaterThan(8);
    return { slow: await chained.measured(), quick: await background.measured() };
  };
  const mean = ({ sumMs, events }: { sumMs: number; events: number }) => sumMs / events;
  // On a first visit it has begun by itself.
  let { slow, quick } = await measure();
  for (let again = 2; again <= RUNS && mean(quick) * 3 > mean(slow); again++) {
    await run.click();
    await chained.expectStatus('running');
    await background.expectStatus('running');
    ({ slow, quick } = await measure());
  }
  console.log(`metronome: ${mean(slow).toFixed(1)} and ${mean(quick).toFixed(1)} ms in the mean`);
  expect(slow.events).toBeGreaterThan(8);
  expect(slow.worstMs).toBeGreaterThan(200);
  expect(mean(quick)).toBeLessThan(mean(slow) / 3);
  // What was measured is there after a reload.
  await page.reload();
  expect((await chained.measured()).events).toBeGreaterThanOrEqual(slow.events);
});

/** Runs a style to its end and clicks right after some posts, while the next one is fetched. */
async function runWithClicks(posts: PostsPage, name: StyleName): Promise<ClickTimes> {
  const [style] = posts.style(name);
  const before = Number(await posts.clicks.innerText());
  await style.fetch.click();
  await style.expectStatus('running');
  let clicks = 0;
  for (const arrived of [1, 2, 4, 6, 7]) {
    await style.expectAtLeast(arrived);
    if ((await style.status.getAttribute('data-status')) !== 'running') break;
    await posts.count.click();
    clicks++;
  }
  await style.expectStatus('done', { timeout: 20_000 });
  // Each of them has its effect.
  await expect(posts.clicks).toHaveText(`${before + clicks}`);
  const times = await style.clickTimes();
  console.log(`${name}: ${times.clicks} clicks, median ${times.medianMs}, worst ${times.worstMs} ms`);
  expect(times.clicks).toBeGreaterThanOrEqual(3);
  return times;
}
