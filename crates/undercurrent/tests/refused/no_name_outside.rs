//! Outside of the closures of its context a task has no name for the state.
//~ E0425
//~ E0609
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) -> Result {
    cx.update(|feed| feed.posts.clear()).await?;
    feed.posts.push("late".into());
    Ok(())
}

#[background]
pub async fn fetch_more(cx: TaskContext<Feed>) -> Result {
    cx.posts.clear();
    Ok(())
}

fn main() {}
