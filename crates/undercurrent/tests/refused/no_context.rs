//! A handler begins with the state or with its context.
//~ an event begins with the state, `feed: &mut Feed`
//~ a background task begins with its context, `cx: TaskContext<Feed>`
use undercurrent::prelude::*;

#[event]
pub fn count(by: u32) {}

#[background]
pub async fn fetch(id: u32) {}

fn main() {}
