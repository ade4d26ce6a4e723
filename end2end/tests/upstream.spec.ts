// An upstream that fails: each post that did not come says why and can be tried again, and the
// others go on.

import { expect, test } from './support/gallery';
import { ALL_IDS, POSTS, STYLES } from './support/posts-page';
import { freePort } from './support/server';
import { test as shopTest } from './support/shop';

/** What the upstream does wrong with each post, and what the page says then. */
const REASONS: Record<number, [fault: string, reason: string]> = {
  1: ['404', 'the upstream answered 404'],
  2: ['500', 'the upstream answered 500'],
  3: ['notjson', 'the answer is not JSON'],
  4: ['huge', 'the answer is over 1 MiB'],
  6: ['close', 'the upstream closed the connection'],
  7: ['timeout', 'the upstream did not answer within 3 s'],
  8: ['notproduct', 'the answer is not a product'],
  9: ['redirect', 'the upstream redirects'],
};
const FAILING = Object.keys(REASONS).map(Number);
const COMING = ALL_IDS.filter((id) => !FAILING.includes(id));
const faults = FAILING.map((id) => `${id}=${REASONS[id][0]}`).join();

for (const name of STYLES) {
  test.describe(name, () => {
    test.describe('every fault', () => {
      // Long enough for a megabyte on a busy machine.
      test.use({ upstream: { faults, timeoutMs: 3_000 } });

      test('each failed post says why, and the others go on', async ({ posts, page }) => {
        await posts.open();
        const [style] = posts.style(name);
        await style.run();
        await style.expectAllPosts();
        await expect(style.failed).toHaveCount(FAILING.length);
        for (const id of FAILING) {
          await expect(style.post(id)).toContainText(REASONS[id][1], { ignoreCase: true });
          await expect(style.retry(id)).toBeEnabled();
        }
        for (const id of COMING) {
          await expect(style.post(id)).toHaveAttribute('data-state', 'here');
          await expect(style.retry(id)).toHaveCount(0);
        }
        // The address of the upstream is nobody's business.
        await expect(style.region).not.toContainText(/127\.0\.0\.1|http:/);
        await page.reload();
        await posts.ready();
        await expect(style.failed).toHaveCount(FAILING.length);
      });
    });

    test.describe('one that recovers', () => {
      test.use({ upstream: { faults: '3=500*1,8=notjson*2' } });

      test('Retry fetches that post again, in its place', async ({ posts }) => {
        await posts.open();
        const [style] = posts.style(name);
        await style.run();
        await expect(style.failed).toHaveCount(2);

        await style.retry(3).click();
        await expect(style.post(3)).toHaveAttribute('data-state', 'here');
        await expect(style.retry(3)).toHaveCount(0);
        await expect(style.failed).toHaveCount(1);

        // The first new try fails, too; the second works. The counter's click waits in the queue
        // behind a chained Retry; a background one may still be under way, and is refused then.
        await style.retry(8).click();
        await expect(async () => {
          await style.retry(8).click({ timeout: 1_000 });
          await expect(style.failed).toHaveCount(0, { timeout: 1_000 });
        }).toPass();
        await style.expectAllPosts();
      });
    });

    shopTest('Retry in the middle of the run works', async ({ posts, shop }) => {
      await posts.open();
      const [style] = posts.style(name);
      shop.fail(1);
      shop.letUpTo(2);
      await style.begin(2);
      await shop.expectAsked(3);
      shop.repair();
      await style.retry(1).click();
      // A background Retry is beside the run; a chained one waits for the step under way.
      if (name === 'Background task') await expect(style.failed).toHaveCount(0);
      shop.letAll();
      await expect(style.failed).toHaveCount(0);
      await style.expectStatus('done');
      await style.expectAllPosts();
    });

    test.describe('one that is not there', () => {
      test.use({
        upstream: async ({}, use) => use({ url: `http://127.0.0.1:${await freePort()}/products` }),
      });

      test('all ten say so', async ({ posts }) => {
        await posts.open();
        const [style] = posts.style(name);
        await style.run();
        await style.expectAllPosts();
        await expect(style.failed).toHaveCount(POSTS);
        for (const id of ALL_IDS) {
          await expect(style.post(id)).toContainText(/the upstream refused the connection/i);
          await expect(style.retry(id)).toBeEnabled();
        }
      });
    });
  });
}
