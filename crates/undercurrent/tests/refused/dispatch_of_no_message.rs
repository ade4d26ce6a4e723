//! What is dispatched is a message; what is started is a task's.
//~ E0308
//~ this is an event, not a background task
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[event]
pub fn clear(feed: &mut Feed) {
    feed.posts.clear();
}

#[event]
pub async fn begin(cx: EventContext<Feed>) -> Result {
    cx.dispatch(5);
    cx.start(clear()).await?;
    Ok(())
}

fn main() {}
