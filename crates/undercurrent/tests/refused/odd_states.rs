//! What a state can't be.
//~ a state has no type parameters or lifetimes
//~ a variant of a state has one content, or named fields
//~ a state has named fields: ops and stores call them by name
//~ a field of a state knows `#[state(server)]` only
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Generic<T> {
    pub of: T,
}

#[derive(State, Clone, Debug, Default)]
pub enum Choice {
    #[default]
    None,
    Two(u32, u32),
}

#[derive(State, Clone, Debug, Default)]
pub struct Tuple(u32);

#[derive(State, Clone, Debug, Default)]
pub struct Odd {
    #[state(private)]
    pub field: u32,
}

fn main() {}
