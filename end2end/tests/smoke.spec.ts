// Against a server that is there: `cargo leptos end-to-end` starts one.

import { test } from './support/watched';

test('the page opens, comes alive, and ten posts arrive by the background task', async ({
  posts,
}) => {
  await posts.open();
  await posts.background.run();
  await posts.background.expectAllPosts();
});
