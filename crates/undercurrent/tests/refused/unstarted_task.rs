//! A task that is made and not started.
//~ a task does not run until it is started: `.start()` it
#![deny(unused_must_use)]
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) {}

fn main() {
    fetch();
}
