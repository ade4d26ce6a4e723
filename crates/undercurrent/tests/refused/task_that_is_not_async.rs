//! A background task waits; what does not is an event.
//~ a background task is async
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub fn fetch(cx: TaskContext<Feed>) {}

fn main() {}
