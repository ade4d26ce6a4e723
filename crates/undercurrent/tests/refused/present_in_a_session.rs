//! A state in the scopes of another, which are sessions, has nobody to be told of.
//~ in a session there is its visitor alone: `present` goes with a scope that several share
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Own {
    pub text: Text,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = Own, present = note_guests)]
pub struct Guests {
    pub people: usize,
}

fn note_guests(guests: &mut Guests, here: &[Visitor]) {
    guests.people = here.len();
}

fn main() {}
