//! An event over the state itself can't wait.
//~ an event over `&mut` state can't wait: the state is held while it runs
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[event]
pub async fn clear(feed: &mut Feed) {
    feed.posts.clear();
}

fn main() {}
