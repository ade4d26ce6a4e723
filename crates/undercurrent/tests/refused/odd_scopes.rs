//! Who shares a state: what can't be said.
//~ a keyed state says who is let in: `join = rule`
//~ a state knows `#[state(scope = …, join = …, present = …)]`
//~ a session is the visitor's own: nobody else is let in
//~ in a session there is its visitor alone: nobody comes or goes
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

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed)]
pub struct Open {
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

#[derive(State, Clone, Debug, Default)]
#[state(present = note_present)]
pub struct Lonely {
    pub people: usize,
}

fn note_present(lonely: &mut Lonely, here: &[Visitor]) {
    lonely.people = here.len();
}

fn main() {}
