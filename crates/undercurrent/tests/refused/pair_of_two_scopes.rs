//! One update changes states of one scope, whether by an event or by a task.
//~ one update changes states of one scope: these two are shared by different people
use undercurrent::prelude::*;

fn anyone(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
pub struct Cart {
    pub items: List<String>,
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone)]
pub struct Shop {
    pub orders: u32,
}

#[event]
pub fn pay(cart: &mut Cart, shop: &mut Shop) {}

fn main() {}
