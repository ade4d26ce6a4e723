//! Who shares a state: what can't be said.
//~ E0412
//~ E0277
//~ a state knows `#[state(scope = …, join = …)]`
//~ a session is the visitor's own: nobody else is let in
//~ the rule of a scope stands at the state that declares it: at `Room`
use undercurrent::prelude::*;

fn anyone(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone)]
pub struct Room {
    pub said: List<String>,
}

/// There is no such scope, and no such state.
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

#[derive(State, Clone, Debug, Default)]
#[state(shared = yes)]
pub struct Shared {
    pub text: Text,
}

#[derive(State, Clone, Debug, Default)]
#[state(join = anyone)]
pub struct Own {
    pub text: Text,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = Room, join = anyone)]
pub struct Board {
    pub lines: u32,
}

fn main() {}
