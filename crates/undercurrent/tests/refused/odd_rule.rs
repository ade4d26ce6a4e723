//! A rule is a function of the visitor and the key, in the browser's build, too.
//~ E0308
//~ E0061
use undercurrent::prelude::*;

fn by_number(_visitor: &Visitor, _number: u32) -> Result<(), ForVisitor> {
    Ok(())
}

fn by_nothing() -> Result<(), ForVisitor> {
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = by_number)]
pub struct Room {
    pub said: List<String>,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process, join = by_nothing)]
pub struct House {
    pub said: List<String>,
}

fn main() {}
