// What is touched can be hit by a finger: on a phone each control has 44 by 44 pixels to itself.

import type { Page } from '@playwright/test';
import { DEMOS, begin } from './support/demos';
import { expect, test } from './support/gallery';
import { Tray, open } from './support/page';

const sales = { delayMs: 5, failureRate: 0, faults: '7=500' };
test.use({ viewport: { width: 360, height: 780 }, sales, contextOptions: { reducedMotion: 'reduce' } });

/** What is too small, and by how much. A link among words is as high as they are; whoever can't hit
 * that one zooms. */
function tooSmall(): string[] {
  // A pixel is left to rounding.
  const HALF = 44 / 2 - 1;
  const shown = (element: Element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const isAmongWords = (link: Element) => {
    const own = link.textContent?.trim() ?? '';
    const all = link.parentElement?.textContent?.trim() ?? '';
    return link.tagName === 'A' && getComputedStyle(link).display === 'inline' && all.length > own.length;
  };
  /** Where it is touched: of a slider its thumb, whose whole line moves it or not. */
  const middle = (element: Element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    if (!(element instanceof HTMLInputElement) || element.type !== 'range') {
      return [left + width / 2, top + height / 2];
    }
    const [min, max] = [Number(element.min || 0), Number(element.max || 100)];
    const share = (Number(element.value) - min) / (max - min);
    // A thumb stays inside of its line.
    const thumb = getComputedStyle(element).pointerEvents === 'none' ? 44 : 16;
    return [left + thumb / 2 + share * (width - thumb), top + height / 2];
  };
  const hits = (element: Element, x: number, y: number) => {
    const found = document.elementFromPoint(x, y);
    if (!found) return false;
    const label = element instanceof HTMLInputElement ? element.labels?.[0] : undefined;
    // Two thumbs on one line may lie over each other.
    const isPair = found.matches('.span input') && found.closest('.span') === element.closest('.span');
    return element.contains(found) || !!label?.contains(found) || isPair;
  };
  const controls = document.querySelectorAll('button, a[href], input:not([type=hidden]), select, summary, [role=slider]');
  const found: string[] = [];
  for (const element of controls) {
    if (!shown(element) || element.matches('.skip') || isAmongWords(element)) continue;
    element.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
    const [x, y] = middle(element);
    const misses = [
      [-HALF, 0],
      [HALF, 0],
      [0, -HALF],
      [0, HALF],
    ].filter(([right, down]) => !hits(element, x + right, y + down));
    if (misses.length > 0) {
      const { width, height } = element.getBoundingClientRect();
      const name = element.getAttribute('aria-label') ?? element.textContent?.trim();
      found.push(`${element.tagName} ${name}: ${width.toFixed(0)} × ${height.toFixed(0)}, ${JSON.stringify(misses)}`);
    }
  }
  return found;
}

async function expectLarge(page: Page, state: string): Promise<void> {
  // What fades in is touched when it is there.
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
  expect(await page.evaluate(tooSmall), state).toEqual([]);
}

for (const demo of DEMOS) {
  const { path } = demo;
  test(`${path}: 44 by 44 pixels each, at first and with something there`, async ({ page }) => {
    await open(page, path);
    await expectLarge(page, `${path}, at first`);
    // A report whose product 7 fails ends with a button to try again.
    if (path === '/report') {
      await page.getByRole('button', { name: 'Make the report' }).click();
      await expect(page.getByRole('button', { name: /^Retry / })).toBeVisible();
    } else {
      await begin(page, demo);
    }
    await expectLarge(page, path);
  });
}

test('the lobby with rooms, the door of one, an address that leads to nothing', async ({ page, problems }) => {
  problems.expectMissing();
  await open(page, '/room/tea');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Enter' }).click();
  await expect(page.locator('.member')).toBeVisible();
  for (const path of ['/room', '/room/vault~0bad', '/nowhere']) {
    await open(page, path);
    await expectLarge(page, path);
  }
});

test('the tray, the banner, a toast', async ({ page, context, problems }) => {
  await open(page, '/lorem');
  await page.getByRole('button', { name: 'Add a stream' }).click();
  await page.getByRole('button', { name: 'Pause stream 1' }).click();
  await page.route('**/api/events', (route) => {
    const { events } = route.request().postDataJSON() as { events: [number, ...unknown[]][] };
    const refused = events.map(([n]) => ({ n, is: 'refused', kind: 'full', message: 'No room.' }));
    return route.fulfill({ status: 202, json: { epoch: '0', events: refused } });
  });
  await new Tray(page).open();
  await page.locator('.tray-row').getByRole('button', { name: /^Cancel/ }).click();
  await expect(page.locator('.toast')).toBeVisible();
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(page.locator('.banner')).toBeVisible();
  // What lies over the page covers what is below, and is touched itself; so does the tray.
  const over = ['.tray', '.notices'];
  const small = await page.evaluate(tooSmall);
  const inside = await page.evaluate(
    (over) => over.flatMap((one) => [...document.querySelectorAll(`${one} :is(button, a, summary)`)].map((each) => each.getAttribute('aria-label') ?? each.textContent?.trim() ?? '')),
    over,
  );
  expect(inside.length).toBeGreaterThan(3);
  expect(small.filter((each) => inside.some((name) => each.includes(` ${name}:`)))).toEqual([]);
});
