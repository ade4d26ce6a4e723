// The page Import: a file is chosen, taken in, and read again.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Locator, type Page, expect } from '@playwright/test';
import { open } from './page';
import type { Gallery } from './server';

export const HEADER = 'order,date,email,product,quantity,price';

/** Orders, all of them good, from a number on. */
export function orders(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, at) => `A-${from + at},2024-05-02,ada@example.com,"Tray, oak",2,12.50`);
}

export class ImportPage {
  readonly run: Locator;
  readonly chip: Locator;
  readonly words: Locator;
  readonly fault: Locator;
  readonly notes: Locator;
  readonly question: Locator;
  readonly table: Locator;
  readonly last: Locator;
  readonly errors: Locator;

  constructor(readonly page: Page) {
    this.run = page.locator('.import-run');
    this.chip = this.run.locator('header .status');
    this.words = this.run.locator('.import-words');
    this.fault = this.run.locator('.import-told .fault');
    this.notes = page.locator('.import-start .fault');
    this.question = page.locator('.import-question');
    this.table = page.locator('.paged');
    this.last = page.getByRole('log', { name: 'The last rows' });
    this.errors = page.getByRole('log', { name: 'Rejected rows' });
  }

  async open(): Promise<void> {
    await open(this.page, '/import');
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  async choose(content: string | Buffer, name = 'orders.csv'): Promise<void> {
    const buffer = typeof content === 'string' ? Buffer.from(content) : content;
    await this.page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/csv', buffer });
  }

  async import(content: string | Buffer, name?: string): Promise<void> {
    await this.choose(content, name);
    await this.button('Import').click();
  }

  async pace(name: '2 updates/s' | '10 updates/s' | 'Full speed'): Promise<void> {
    await this.button(name).click();
    await expect(this.button(name)).toHaveAttribute('aria-pressed', 'true');
  }

  async expectStatus(status: string, options?: { timeout: number }): Promise<void> {
    await expect(this.chip).toHaveAttribute('data-status', status, options);
  }

  // All thousand rows of the file that the tests hold back have come.
  async expectAll(): Promise<void> {
    await this.expectStatus('done', { timeout: 30_000 });
    await this.expectCounts('1,000', '0');
  }

  fact(name: string): Locator {
    return this.run.locator('.import-facts div', { hasText: name }).locator('dd');
  }

  async expectCounts(imported: string, rejected: string): Promise<void> {
    await expect(this.fact('rows imported')).toHaveText(imported);
    await expect(this.fact('rows rejected')).toHaveText(rejected);
  }

  /** How many rows were imported so far. */
  async imported(): Promise<number> {
    return Number((await this.fact('rows imported').innerText()).replaceAll(',', ''));
  }

  /** What the link Download of a part gives. */
  async download(part: 'All rows' | 'Rejected rows'): Promise<string[]> {
    const link = this.page.getByRole('region', { name: part, exact: true }).getByRole('link', { name: 'Download' });
    const [download] = await Promise.all([this.page.waitForEvent('download'), link.click()]);
    return readFileSync(await download.path(), 'utf8').trimEnd().split('\n');
  }
}

/** What the server keeps of visitors' files: their parts that have something in them. */
export function keptFiles(server: Gallery): string[] {
  return readdirSync(server.uploads, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size)
    .map((entry) => entry.name)
    .sort();
}
