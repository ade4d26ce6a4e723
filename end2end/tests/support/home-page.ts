// The first page, by what a person sees.

import { type Locator, type Page, expect } from '@playwright/test';
import { POSTS, STYLES, type StyleName } from './posts-page';

export class Lane {
  readonly posts: Locator;
  readonly failed: Locator;
  readonly status: Locator;
  readonly strip: Locator;

  constructor(page: Page, name: StyleName) {
    const lane = page.getByRole('region', { name, exact: true });
    this.posts = lane.locator('.thumb.here');
    this.failed = lane.locator('.thumb .missing');
    this.status = lane.locator('.status');
    this.strip = lane.locator('.strip');
  }

  async expectStatus(status: string): Promise<void> {
    await expect(this.status).toHaveAttribute('data-status', status, { timeout: 20_000 });
  }

  /** What its strip has measured. */
  async measured() {
    const read = async (name: string) => Number(await this.strip.getAttribute(`data-${name}`));
    return { events: await read('events'), worstMs: await read('worst-ms'), sumMs: await read('sum-ms') };
  }
}

export function home(page: Page) {
  const [chained, background] = STYLES.map((name) => new Lane(page, name));
  return { chained, background, run: page.getByRole('button', { name: 'Run it' }) };
}

/** Both styles have run to their ends. */
export async function expectBoth(page: Page): Promise<void> {
  for (const name of STYLES) {
    const lane = new Lane(page, name);
    await lane.expectStatus('done');
    await expect(lane.posts).toHaveCount(POSTS);
  }
}
