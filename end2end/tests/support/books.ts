// The books of a shop that waits for the test: an answer goes out when the test lets it, and each
// request is counted. So "not asked for twice" is what the shop saw, not what a page says.

import { readFileSync } from 'node:fs';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test as gallery } from './gallery';

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

export class Books {
  /** The ids that were asked for, in order. */
  readonly asked: number[] = [];
  /** How often the list was asked for. */
  lists = 0;
  /** The most requests that ever waited at once. */
  most = 0;
  private readonly failing = new Set<number>();
  private readonly waiting = new Map<ServerResponse, number>();
  private allowed = 0;
  private isOpen = true;

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Books> {
    const server = createServer();
    const books = new Books(server);
    server.on('request', (request, response) => books.hear(request.url ?? '', response));
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    return books;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/sales`;
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

  /** Answers 500 for these, once it answers. */
  fail(...ids: number[]): void {
    ids.forEach((id) => this.failing.add(id));
  }

  repair(): void {
    this.failing.clear();
  }

  /** The list is refused from now on, or given again. */
  closeList(isClosed: boolean): void {
    this.isOpen = !isClosed;
  }

  /** How many requests wait. */
  get open(): number {
    return this.waiting.size;
  }

  /** How often a product was asked for. */
  times(id: number): number {
    return this.asked.filter((one) => one === id).length;
  }

  /** Waits until so many products were asked for. */
  async expectAsked(times: number): Promise<void> {
    await expect.poll(() => this.asked.length, { timeout: 20_000 }).toBe(times);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private hear(path: string, response: ServerResponse): void {
    if (path === '/sales') {
      this.lists += 1;
      const list = records.map(({ id, name }) => ({ id, name }));
      return this.say(response, this.isOpen ? list : undefined);
    }
    const id = Number(path.split('/').at(-1));
    this.asked.push(id);
    this.waiting.set(response, id);
    // Whoever has hung up waits for nothing.
    response.on('close', () => this.waiting.delete(response));
    this.most = Math.max(this.most, this.waiting.size);
    this.answer();
  }

  private answer(): void {
    for (const [response, id] of this.waiting) {
      if (this.allowed <= 0) return;
      this.allowed -= 1;
      this.reply(response, id);
    }
  }

  private reply(response: ServerResponse, id: number): void {
    this.waiting.delete(response);
    const record = records.find((one) => one.id === id);
    this.say(response, this.failing.has(id) ? undefined : record);
  }

  private say(response: ServerResponse, body?: object): void {
    response.writeHead(body ? 200 : 500, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: 'The books are being balanced' }));
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
