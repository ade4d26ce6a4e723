// The posts page, by what a person sees.

import { type Locator, type Page, expect } from '@playwright/test';
import { type Sight, sights } from './record';

export const POSTS = 10;
export const ALL_IDS = Array.from({ length: POSTS }, (_, index) => index + 1);

/** A status, as the chip of a region has it. */
export type Status = 'none' | 'running' | 'stopping' | 'done' | 'stopped' | 'failed';

export const STYLES = ['Chained events', 'Background task'] as const;
export type StyleName = (typeof STYLES)[number];

/** The counter's times, as a region has them. */
export interface ClickTimes {
  clicks: number;
  medianMs: number;
  worstMs: number;
  sumMs: number;
}

export class PostsPage {
  readonly chained: Style;
  readonly background: Style;
  readonly count: Locator;
  readonly clicks: Locator;
  readonly banner: Locator;

  constructor(readonly page: Page) {
    this.chained = new Style(page, 'Chained events');
    this.background = new Style(page, 'Background task');
    this.count = page.getByRole('button', { name: /^Count/ });
    this.clicks = page.locator('.clicks-value');
    this.banner = page.locator('.banner');
  }

  /** Opens the page and waits until it answers. */
  async open(path = '/posts'): Promise<void> {
    await this.page.goto(path);
    await this.ready();
  }

  /** The page is alive: what is clicked now is sent by it, not by the browser. */
  async ready(): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-hydrated', '');
  }

  /** A region by its name, and the other one. */
  style(name: StyleName): [Style, Style] {
    const both: [Style, Style] = [this.chained, this.background];
    return name === 'Chained events' ? both : [both[1], both[0]];
  }
}

/** One of the two regions. */
export class Style {
  readonly region: Locator;
  readonly fetch: Locator;
  readonly stop: Locator;
  readonly clear: Locator;
  readonly status: Locator;
  readonly progress: Locator;
  readonly posts: Locator;
  readonly failed: Locator;
  readonly hint: Locator;

  constructor(
    readonly page: Page,
    readonly name: StyleName,
  ) {
    this.region = page.getByRole('region', { name, exact: true });
    this.fetch = this.region.getByRole('button', { name: /^Fetch ten posts/ });
    this.stop = this.region.getByRole('button', { name: /^Stop/ });
    this.clear = this.region.getByRole('button', { name: /^Clear/ });
    this.status = this.region.locator('.status');
    this.progress = this.region.locator('.progress-text');
    this.posts = this.region.getByRole('article');
    this.failed = this.region.locator('article[data-state=failed]');
    this.hint = this.region.locator('.hint');
  }

  post(id: number): Locator {
    return this.region.locator(`article[data-id="${id}"]`);
  }

  retry(id: number): Locator {
    return this.post(id).getByRole('button', { name: /^Retry/ });
  }

  async expectStatus(status: Status, options?: { timeout?: number }): Promise<void> {
    await expect(this.status).toHaveAttribute('data-status', status, options);
  }

  /** Presses Fetch and waits until at least so many posts are there. */
  async begin(posts: number): Promise<void> {
    await this.fetch.click();
    await this.expectAtLeast(posts);
  }

  /** Presses Fetch and waits for the end of that run. */
  async run(): Promise<void> {
    const before = (await this.sights()).length;
    await this.fetch.click();
    const hasRun = async () => {
      const since = (await this.sights()).slice(before).map(({ status }) => status);
      return since.includes('running') && since.at(-1) === 'done';
    };
    await expect.poll(hasRun, { timeout: 20_000 }).toBe(true);
  }

  async expectAtLeast(posts: number): Promise<void> {
    await this.posts.nth(posts - 1).waitFor({ timeout: 20_000 });
  }

  /** The posts' ids, in the order of the page. */
  ids(): Promise<number[]> {
    return this.posts.evaluateAll((posts) =>
      posts.map((post) => Number((post as HTMLElement).dataset.id)),
    );
  }

  async expectAllPosts(): Promise<void> {
    await expect(this.posts).toHaveCount(POSTS, { timeout: 20_000 });
    expect(await this.ids()).toEqual(ALL_IDS);
  }

  /** What the region has shown since the page was loaded. */
  sights(): Promise<Sight[]> {
    return sights(this.page, this.name);
  }

  /** What the page has measured. */
  async clickTimes(): Promise<ClickTimes> {
    const times = this.region.locator('.click-times');
    const read = async (name: string) => Number(await times.getAttribute(`data-${name}`));
    return {
      clicks: await read('clicks'),
      medianMs: await read('median-ms'),
      worstMs: await read('worst-ms'),
      sumMs: await read('sum-ms'),
    };
  }
}
