//! A message that is made and not sent.
//~ an event does nothing until it is sent: `.dispatch()` it
#![deny(unused_must_use)]
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
    clear();
}
