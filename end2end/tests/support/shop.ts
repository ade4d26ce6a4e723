// An upstream that waits for the test: an answer goes out when the test lets it. So a test can
// look at the middle of a run for as long as it likes, on however slow a machine.

import { readFileSync } from 'node:fs';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test as gallery } from './gallery';

interface Product {
  id: number;
}

// The same products as those of the built-in upstream.
const file = new URL('../../../crates/upstream/src/products.json', import.meta.url);
const products = JSON.parse(readFileSync(file, 'utf8')) as Product[];

export class Shop {
  /** The ids that were asked for, in order. */
  readonly asked: number[] = [];
  private readonly failing = new Set<number>();
  private readonly waiting = new Map<ServerResponse, number>();
  private last = 0;

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Shop> {
    const server = createServer();
    const shop = new Shop(server);
    server.on('request', (request, response) => {
      const id = Number(request.url?.split('/').at(-1));
      shop.asked.push(id);
      shop.waiting.set(response, id);
      shop.answer();
    });
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    return shop;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/products`;
  }

  /** Answers for the products up to this one, now and from now on; those behind it wait. */
  letUpTo(id: number): void {
    this.last = id;
    this.answer();
  }

  letAll(): void {
    this.letUpTo(Infinity);
  }

  /** Answers 500 for these, once it answers. */
  fail(...ids: number[]): void {
    ids.forEach((id) => this.failing.add(id));
  }

  repair(): void {
    this.failing.clear();
  }

  /** Waits until so many products were asked for. */
  async expectAsked(times: number): Promise<void> {
    await expect.poll(() => this.asked.length, { timeout: 20_000 }).toBe(times);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(): void {
    for (const [response, id] of this.waiting) {
      if (id > this.last) continue;
      this.waiting.delete(response);
      const product = this.failing.has(id) ? undefined : products.find((one) => one.id === id);
      response.writeHead(product ? 200 : 500, { 'content-type': 'application/json' });
      response.end(JSON.stringify(product ?? { message: 'The shop is out of order' }));
    }
  }
}

/** As `gallery`'s, but the server asks a shop that the test holds. */
export const test = gallery.extend<{ shop: Shop }>({
  shop: async ({}, use) => {
    const shop = await Shop.open();
    await use(shop);
    shop.close();
  },
  upstream: async ({ shop }, use) => use({ url: shop.url, timeoutMs: 60_000 }),
});

export { expect };
