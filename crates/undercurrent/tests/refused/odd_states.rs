//! What a state can't be.
//~ a state has no type parameters or lifetimes
//~ a variant of a state has one content, or named fields
//~ a state has named fields: ops and stores call them by name
//~ a field of a state knows `#[state(server)]` only
//~ a field that is for the server alone needs a name
//~ an enum is inside of a state and has no scope of its own
//~ the keys of a `Map` are texts, whole numbers, enums without content
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

#[derive(State, Clone, Debug, Default)]
pub enum Access {
    #[default]
    None,
    Granted(#[state(server)] String),
}

#[derive(State, Clone, Debug, Default)]
pub enum Door {
    #[default]
    Closed,
    #[state(server)]
    Open { by: String },
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
pub enum Stage {
    #[default]
    Idle,
}

#[derive(State, Clone, Debug, Default)]
pub struct Marks {
    pub by_mark: Map<f64, u32>,
}

fn main() {}
