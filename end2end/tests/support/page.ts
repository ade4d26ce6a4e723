// What every page has: it comes alive, it has a tray, it can be broken.

import { type Locator, type Page, type Response, expect } from '@playwright/test';

/** Opens a page and waits until it answers. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await ready(page);
}

/** The page is alive: what is clicked now is sent by it, not by the browser. */
export async function ready(page: Page): Promise<void> {
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', '');
}

/** The answer to the next request with such an event, and not to one of a metronome, say. */
export function answerTo(page: Page, event: RegExp): Promise<Response> {
  return page.waitForResponse((response) => {
    if (!response.url().endsWith('/api/events')) return false;
    const { events } = response.request().postDataJSON() as { events: [number, string, unknown][] };
    return events.some(([, name]) => event.test(name));
  });
}

/** Every task of the visitor. */
export class Tray {
  readonly count: Locator;
  readonly rows: Locator;

  constructor(readonly page: Page) {
    this.count = page.locator('.tray-count');
    this.rows = page.locator('.tray-row');
  }

  async open(): Promise<void> {
    await this.page.locator('.tray summary').click();
  }

  row(task: string): Locator {
    return this.page.locator(`.tray-row[data-task="${task}"]`);
  }
}

/** What a strip says: nothing was lost or applied twice, of changes that it has counted. Where nothing
 * was counted, that nothing is lost says nothing. */
export async function expectNoLoss(page: Page): Promise<void> {
  const facts = page.locator('.break-facts');
  await expect(facts.locator('.break-applied')).toHaveText(/^[1-9]\d*$/);
  await expect(facts).toHaveAttribute('data-lost', '0');
  await expect(facts).toHaveAttribute('data-twice', '0');
}
