//! A type that is no state.
//~ `Price` is no state
use undercurrent::prelude::*;

#[derive(Clone, Debug, Default)]
pub struct Price(u32);

#[event]
pub fn raise(price: &mut Price) {
    price.0 += 1;
}

fn main() {}
