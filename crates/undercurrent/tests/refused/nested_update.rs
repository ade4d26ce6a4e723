//! An update can't be awaited inside another.
//~ E0728
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) -> Result<()> {
    cx.update(|_| cx.update(|feed| feed.posts.clear()).await).await?;
    Ok(())
}

fn main() {}
