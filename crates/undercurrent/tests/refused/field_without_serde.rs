//! A field that can't be sent, recorded or applied.
//~ `Price` cannot be a field of a state, nor an item of a `List`
use undercurrent::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Price(u32);

#[derive(State, Clone, Debug, Default)]
pub struct Shop {
    pub price: Price,
}

fn main() {}
