//! What `#[event]` does not know.
//~ `#[event]` knows `timeout`
//~ an event over `&mut` state has no `timeout`
//~ a span of time is a number and a unit
//~ an argument of a handler begins with no `_`
//~ a handler has six arguments at most
//~ the name of a handler is a part of its path
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

#[event]
pub fn d(feed: &mut Feed, _n: u32) {}

#[event]
pub fn e(feed: &mut Feed, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {}

#[event]
pub fn größe(feed: &mut Feed) {}

fn main() {}
