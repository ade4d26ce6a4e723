//! A scope that is no word of ours names a state, in whose scopes the new one lives.
//~ E0425
//~ E0277
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
#[state(scope = everyone)]
pub struct Unknown {
    pub text: Text,
}

/// It is no state.
pub struct Plain;

#[derive(State, Clone, Debug, Default)]
#[state(scope = Plain)]
pub struct OfPlain {
    pub text: Text,
}

fn main() {}
