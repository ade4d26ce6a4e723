//! What `#[background]` does not know.
//~ `#[background]` knows `key = …` and `overlap = …`
//~ `overlap` is `reject` or `parallel(n)`
//~ `parallel(n)` takes a number, at least 1
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background(often = yes)]
pub async fn a(cx: TaskContext<Feed>) {}

#[background(overlap = sometimes)]
pub async fn b(cx: TaskContext<Feed>) {}

#[background(overlap = parallel(0))]
pub async fn c(cx: TaskContext<Feed>) {}

fn main() {}
