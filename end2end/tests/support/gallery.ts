// Watched pages with a server of their own: what every test but the smoke test begins from.

import { Gallery, type Model, type Sales, type Upstream } from './server';
import { expect, test as watched } from './watched';

interface Own {
  /** Set by `test.use({ upstream: { delayMs: 400 } })`. */
  upstream: Upstream;
  /** Set by `test.use({ model: { delayMs: 5 } })`. */
  model: Model;
  /** Set by `test.use({ sales: { delayMs: 5 } })`. */
  sales: Sales;
  server: Gallery;
}

/** Quick, where the delay isn't the point. */
const QUICK: Upstream = { delayMs: 20 };

export const test = watched.extend<Own>({
  upstream: [QUICK, { option: true }],
  model: [{ delayMs: 2 }, { option: true }],
  sales: [{ delayMs: 20, failureRate: 0 }, { option: true }],

  server: async ({ upstream, model, sales }, use, testInfo) => {
    const server = await Gallery.start({ ...QUICK, ...upstream }, model, sales);
    await use(server);
    const complaints = await server.dispose();
    if (testInfo.status !== testInfo.expectedStatus || complaints.length > 0) {
      await testInfo.attach('server.log', { body: server.log, contentType: 'text/plain' });
    }
    expect(complaints, 'what the server complained about').toEqual([]);
  },

  baseURL: async ({ server }, use) => use(server.url),
});

export { expect };
