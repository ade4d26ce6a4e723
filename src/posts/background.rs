//! The ten posts by a background task: it runs beside the queue, and the page answers at once.

use super::state::*;
use undercurrent::prelude::*;

// excerpt: get_posts
/// Fetches ten posts. After a crash it goes on where it was.
#[background(overlap = reject, on_crash = resume)]
pub async fn get_posts(cx: TaskContext<Posts>) -> Result<()> {
    let first = cx.cursor()?.unwrap_or(1);
    if first == 1 {
        cx.try_update(|posts| posts.begin()).await?;
    }
    let shop = cx.expect::<upstream::Upstream>();
    for id in first..=POSTS {
        let product = cx.wait_for(shop.product(id)).await?;
        let added = cx.update(|posts| posts.add(id, product));
        added.checkpoint(id + 1).await?;
        cx.progress(id, POSTS);
    }
    Ok(())
}
// end

// excerpt: key
/// Fetches one post again.
#[background(key = id, overlap = reject)]
pub async fn retry_background(cx: TaskContext<Posts>, id: u32) -> Result<()> {
    let shop = cx.expect::<upstream::Upstream>();
    let product = cx.wait_for(shop.product(id)).await?;
    cx.update(|posts| Post::of(id, product).replace_in(&mut posts.background))
        .await?;
    Ok(())
}
// end

/// Drops the posts.
#[event]
pub fn clear_background(posts: &mut Posts) {
    posts.background.clear();
}
