// The browser loses its network and gets it back.

import { expect, test } from './support/gallery';

test('offline: a banner; clicks wait and are sent; what came meanwhile is shown', async ({
  posts,
  page,
  context,
  problems,
}) => {
  await posts.open();
  problems.expectNetworkErrors();
  await context.setOffline(true);
  await expect(posts.banner).toBeVisible();
  await expect(posts.banner).toContainText(/offline/i);
  await posts.count.click();
  await posts.count.click();
  await context.setOffline(false);
  await expect(posts.banner).toHaveCount(0);
  await expect(posts.clicks).toHaveText('2');
  await posts.background.run();
  await posts.background.expectAllPosts();
  await expect(page.locator('html')).not.toHaveAttribute('data-panicked');
});
