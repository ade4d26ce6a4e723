import { expect, test } from '@playwright/test';

test('ten posts arrive by the background task', async ({ page }) => {
  await page.goto('/posts');
  await page.waitForSelector('html[data-hydrated]');
  const region = page.getByRole('region', { name: 'Background task' });
  await region.getByRole('button', { name: 'Fetch ten posts' }).click();
  await expect(region.locator('article')).toHaveCount(10, { timeout: 30_000 });
  await expect(region.locator('.status')).toHaveAttribute('data-status', 'done');
});
