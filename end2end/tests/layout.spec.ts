// What arrives must not push away what is being read.

import { expect, test } from './support/gallery';
import { forget } from './support/record';
import { STYLES } from './support/posts-page';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

for (const [size, viewport] of Object.entries(SIZES)) {
  test.describe(size, () => {
    test.use({ viewport, upstream: { delayMs: 120 } });

    for (const name of STYLES) {
      test(`${name}: nothing jumps while ten posts arrive`, async ({ posts, page }) => {
        await posts.open();
        const [style] = posts.style(name);
        await style.fetch.scrollIntoViewIfNeeded();
        await forget(page);
        await style.run();
        await style.expectAllPosts();
        const shift = await page.evaluate(() => window.layoutShift);
        test.info().annotations.push({ type: 'layout shift', description: `${shift}` });
        expect(shift).toBeLessThanOrEqual(0.02);
      });
    }

    test('nothing jumps while the page comes alive, and nothing is cut off', async ({
      posts,
      page,
    }) => {
      await posts.open();
      await posts.background.run();
      await page.reload();
      await posts.ready();
      expect(await page.evaluate(() => window.layoutShift)).toBeLessThanOrEqual(0.02);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    });
  });
}
