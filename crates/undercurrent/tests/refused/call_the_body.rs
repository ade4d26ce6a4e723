//! Calling a task makes a message; its body can't be called.
//~ E0061
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) {}

#[background]
pub async fn other(cx: TaskContext<Feed>) {
    fetch(cx).await;
}

fn main() {}
