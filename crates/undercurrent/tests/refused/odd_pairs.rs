//! An event over two states changes two, and beside a context there is none.
//~ the two states of an event are different ones
//~ the state is changed by `cx.update(…)`
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Cart {
    pub items: List<String>,
}

#[event]
pub fn pay(cart: &mut Cart, orders: &mut Cart) {}

#[event]
pub async fn order(cx: EventContext<Cart>, cart: &mut Cart) {}

fn main() {}
