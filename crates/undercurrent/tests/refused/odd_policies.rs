//! What `#[background]` does not know.
//~ `#[background]` knows `key`, `overlap`, `timeout`, `retries`, `on_disconnect`, `on_crash`, `on_end` and `control`
//~ `control` is `anyone`
//~ at least "5s": a page that is reloaded is gone for a moment, too
//~ `on_disconnect` is `keep_going` or `cancel_after("30s")`
//~ `on_crash` is `interrupt` or `resume`
//~ `on_end` names a function, `fn(&mut Feed, &TaskEnd)`
//~ `overlap` is `reject`, `queue`, `replace` or `parallel(n)`
//~ `parallel(n)` takes a number, at least 1
//~ a span of time is a number and a unit
//~ `retries` is the number of attempts after the first
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

#[background(timeout = "10 parsecs")]
pub async fn d(cx: TaskContext<Feed>) {}

#[background(retries = -1)]
pub async fn e(cx: TaskContext<Feed>) {}

#[background(on_disconnect = cancel_after("4s"))]
pub async fn f(cx: TaskContext<Feed>) {}

#[background(on_disconnect = cancel)]
pub async fn g(cx: TaskContext<Feed>) {}

#[background(on_crash = restart)]
pub async fn i(cx: TaskContext<Feed>) {}

#[background(on_end = |feed, end| ())]
pub async fn h(cx: TaskContext<Feed>) {}

#[background(control = everyone)]
pub async fn j(cx: TaskContext<Feed>) {}

fn main() {}
