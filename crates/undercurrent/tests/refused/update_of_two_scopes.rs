//! As a pair in an event: `update_both` over states of two scopes, or over one state twice.
//~ one update changes states of one scope: these two are shared by different people
//~ the two states of an update are different ones
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

#[background]
pub async fn pay(cx: TaskContext<Cart>) -> Result {
    cx.update_both(|cart, shop: &mut Shop| {
        cart.items.clear();
        shop.orders += 1;
    })
    .await?;
    Ok(())
}

#[event]
pub async fn pay_twice(cx: EventContext<Cart>) -> Result {
    cx.update_both(|one, other: &mut Cart| {
        one.items.clear();
        other.items.clear();
    })
    .await?;
    Ok(())
}

fn main() {}
