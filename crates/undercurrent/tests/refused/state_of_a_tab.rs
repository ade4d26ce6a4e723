//! A scope that pages can't be in yet.
//~ a state of one tab can't be followed yet
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
#[state(scope = tab)]
pub struct Draft {
    pub text: Text,
}

fn main() {}
