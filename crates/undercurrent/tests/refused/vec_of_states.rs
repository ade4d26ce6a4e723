//! Recorded content in a collection that records nothing.
//~ `Vec<Tag>` cannot be a field of a state, nor an item of a `List`
//~ in place of a `Vec`, `HashMap` or tuple of such use a `List`
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default, PartialEq)]
pub struct Tag {
    pub posts: List<u32>,
}

#[derive(State, Clone, Debug, Default)]
pub struct Shop {
    pub tags: Vec<Tag>,
}

fn main() {}
