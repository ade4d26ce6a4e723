//! What `#[event]` does not know.
//~ `#[event]` knows `timeout`
//~ an event over `&mut` state has no `timeout`
//~ a span of time is a number and a unit
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[event(often = yes)]
pub async fn a(cx: EventContext<Feed>) {}

#[event(timeout = "10s")]
pub fn b(feed: &mut Feed) {}

#[event(timeout = 10)]
pub async fn c(cx: EventContext<Feed>) {}

fn main() {}
