//! The closure of an update can't wait: it holds the state.
//~ E0728
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) -> Result<()> {
    cx.update(|feed| feed.posts.push(std::future::ready(String::new()).await)).await?;
    Ok(())
}

fn main() {}
