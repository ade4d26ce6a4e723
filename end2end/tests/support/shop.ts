// An upstream that waits for the test.

import { readFileSync } from 'node:fs';
import { expect, test as gallery } from './gallery';
import { Held } from './held';

// The same products as those of the built-in upstream.
const file = new URL('../../../crates/upstream/src/products.json', import.meta.url);
const products = JSON.parse(readFileSync(file, 'utf8')) as { id: number }[];

export class Shop extends Held {
  private last = 0;

  static open(): Promise<Shop> {
    return new Shop('/products', products).listen();
  }

  /** Answers for the products up to this one, now and from now on; those behind it wait. */
  letUpTo(id: number): void {
    this.last = id;
    this.answer();
  }

  letAll(): void {
    this.letUpTo(Infinity);
  }

  protected answer(): void {
    for (const [response, id] of this.waiting) {
      if (id <= this.last) this.reply(response, id);
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
