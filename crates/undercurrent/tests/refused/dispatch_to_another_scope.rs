//! A handler dispatches what works on its own scope.
//~ a handler dispatches and starts what works on states of its own scope
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
pub fn order(shop: &mut Shop) {
    shop.orders += 1;
}

#[event]
pub async fn pay(cx: EventContext<Cart>) {
    cx.dispatch(order());
}

fn main() {}
