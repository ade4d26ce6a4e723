// Pages that are watched: what they show is noted, and what they complain about fails the test.

import { type BrowserContext, expect, test as base } from '@playwright/test';
import { PostsPage } from './posts-page';
import { Problems } from './problems';
import { record } from './record';

interface Watched {
  /**
   * Whether pages note all that they show, which looks through them at each change: a test that
   * measures a page would measure that, too (at 10,000 rows 1.2 ms in place of 0.13).
   */
  notesSights: boolean;
  problems: Problems;
  /** Another browser: no cookie in common with the test's own. */
  newVisitor: () => Promise<BrowserContext>;
  posts: PostsPage;
}

export const test = base.extend<Watched>({
  notesSights: [true, { option: true }],

  problems: [
    async ({}, use) => {
      const problems = new Problems();
      await use(problems);
      expect(problems.list(), 'what pages complained about').toEqual([]);
    },
    { auto: true },
  ],

  context: async ({ context, problems, javaScriptEnabled, notesSights }, use) => {
    problems.watch(context);
    if (javaScriptEnabled !== false) await record(context, notesSights);
    await use(context);
  },

  newVisitor: async ({ browser, baseURL, problems, notesSights }, use) => {
    const visitors: BrowserContext[] = [];
    await use(async () => {
      const visitor = await browser.newContext({ baseURL });
      visitors.push(visitor);
      problems.watch(visitor);
      await record(visitor, notesSights);
      return visitor;
    });
    for (const visitor of visitors) await visitor.close();
  },

  posts: async ({ page }, use) => use(new PostsPage(page)),
});

export { expect };
