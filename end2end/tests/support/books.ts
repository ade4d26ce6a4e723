// The books of a shop that waits for the test. "Not asked for twice" is what the shop saw, not what
// a page says.

import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { expect, test as gallery } from './gallery';
import { Held } from './held';

/** A product's year, as the shop tells it. */
export interface SalesRecord {
  id: number;
  name: string;
  category: string;
  price: number;
  months: number[];
  returned: number;
  stars: number[];
}

// The same as those of the built-in shop.
const file = new URL('../../../crates/upstream/src/sales/sales.json', import.meta.url);
export const records = JSON.parse(readFileSync(file, 'utf8')) as SalesRecord[];

const PATH = '/sales';

export class Books extends Held {
  /** How often the list was asked for. */
  lists = 0;
  /** The most requests that ever waited at once. */
  most = 0;
  private allowed = 0;
  private isOpen = true;

  static open(): Promise<Books> {
    return new Books(PATH, records).listen();
  }

  /** Answers so many requests more, those that have waited the longest first. */
  let(more: number): void {
    this.allowed += more;
    this.answer();
  }

  letAll(): void {
    this.let(Infinity);
  }

  /** Answers the request for this product, once it waits: those begun at once come in any order. */
  async letOne(id: number): Promise<void> {
    const find = () => [...this.waiting].find(([, waiting]) => waiting === id);
    await expect.poll(() => find() !== undefined, { timeout: 20_000 }).toBe(true);
    const [response] = find()!;
    this.reply(response, id);
  }

  /** The list is refused from now on, or given again. */
  closeList(isClosed: boolean): void {
    this.isOpen = !isClosed;
  }

  /** How often a product was asked for. */
  times(id: number): number {
    return this.asked.filter((one) => one === id).length;
  }

  protected override hear(path: string, response: ServerResponse): void {
    if (path === PATH) {
      this.lists += 1;
      const list = records.map(({ id, name }) => ({ id, name }));
      return this.say(response, this.isOpen ? list : undefined);
    }
    super.hear(path, response);
  }

  protected answer(): void {
    this.most = Math.max(this.most, this.waiting.size);
    for (const [response, id] of this.waiting) {
      if (this.allowed <= 0) return;
      this.allowed -= 1;
      this.reply(response, id);
    }
  }
}

/** As `gallery`'s, but the report's shop is one that the test holds. */
export const test = gallery.extend<{ books: Books }>({
  books: async ({}, use) => {
    const books = await Books.open();
    await use(books);
    books.close();
  },
  sales: async ({ books }, use) => use({ url: books.url, timeoutMs: 60_000 }),
});

export { expect };
