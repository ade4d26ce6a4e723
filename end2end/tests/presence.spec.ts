// Who is here, as others see it.

import type { Page } from '@playwright/test';
import { expect, test } from './support/gallery';
import { open, ready } from './support/page';

const enter = async (page: Page, name: string) => {
  await open(page, '/room/tea');
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Chat' })).toBeVisible();
};

test('a reload does not show, however slow; who closes the page is away within ten seconds', async ({
  page,
  newVisitor,
}) => {
  test.setTimeout(120_000);
  const other = await (await newVisitor()).newPage();
  await enter(page, 'Ada');
  await enter(other, 'Bob');
  const bob = page.locator('.member', { hasText: 'Bob' });
  await expect(bob).toContainText('here');
  // What Ada is shown of Bob, from now on.
  await page.evaluate(() => {
    const seen: string[] = ((window as any).bob = []);
    const look = () => {
      const members = [...document.querySelectorAll('.member')];
      const text = members.find((member) => member.textContent?.includes('Bob'))?.textContent ?? '';
      if (seen.at(-1) !== text) seen.push(text);
    };
    look();
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  const seen = () => page.evaluate(() => (window as any).bob as string[]);
  await other.route('**/*.wasm', async (route) => {
    await new Promise((passed) => setTimeout(passed, 3_000));
    await route.continue();
  });
  for (let reload = 0; reload < 3; reload++) {
    await other.reload();
    await ready(other);
  }
  expect(await seen()).toHaveLength(1);
  const closed = performance.now();
  await other.close();
  await expect(bob).toContainText('away', { timeout: 15_000 });
  expect(performance.now() - closed).toBeLessThan(10_000);
  expect(await seen()).toHaveLength(2);
});
