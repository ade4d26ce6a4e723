//! `use_task` follows tasks.
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

fn main() {
    let _ = use_task(clear);
}
