//! Each event notes that it was there. What an event dispatches enters the queue when it has
//! ended, behind what is queued: a chain runs breadth first.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use undercurrent::prelude::*;

/// The state of the pages.
#[derive(State, Clone, Debug, Default)]
pub struct LabChain {
    /// The events, as they ran.
    pub event_order: List<String>,
    /// What a slow event says in the middle, and at its end.
    pub interim_value: String,
}

/// So many events are dispatched by one.
pub const MANY: u32 = 50;

/// An argument that has a type of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Typed {
    /// A number.
    Int(i64),
    /// A table.
    Dict(BTreeMap<String, i64>),
}

impl std::fmt::Display for Typed {
    /// As Python says it: the expected orders are taken from there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Typed::Int(number) => write!(f, "{number}_int"),
            Typed::Dict(table) => {
                let entries = table.iter().map(|(key, value)| format!("'{key}': {value}"));
                write!(f, "{{{}}}_dict", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Typed {
    /// `{'a': 1}`.
    pub fn dict() -> Self {
        Typed::Dict([("a".to_owned(), 1)].into())
    }
}

/// Notes itself.
#[event]
pub fn event_no_args(chain: &mut LabChain) {
    chain.event_order.push("event_no_args".into());
}

/// Notes its argument.
#[event]
pub fn event_arg(chain: &mut LabChain, arg: String) {
    chain.event_order.push(format!("event_arg:{arg}"));
}

/// Notes its argument and the type of it.
#[event]
pub fn event_arg_repr(chain: &mut LabChain, arg: Typed) {
    chain.event_order.push(format!("event_arg_repr:{arg}"));
}

/// One event.
#[event]
pub async fn click_return_event(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("click_return_event".into()))
        .await?;
    cx.dispatch(event_no_args());
    Ok(())
}

/// Three of them.
#[event]
pub async fn click_return_events(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("click_return_events".into()))
        .await?;
    (7..=9).for_each(|n| cx.dispatch(event_arg(n.to_string())));
    Ok(())
}

/// Three, each in the middle of its work: it ends before they begin.
#[event]
pub async fn click_yield_chain(cx: EventContext<LabChain>) -> Result<()> {
    for n in 0..=3 {
        cx.update(|chain| chain.event_order.push(format!("click_yield_chain:{n}")))
            .await?;
        if n < 3 {
            cx.dispatch(event_arg((10 + n).to_string()));
        }
    }
    Ok(())
}

/// Many.
#[event]
pub async fn click_yield_many_events(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("click_yield_many_events".into()))
        .await?;
    (0..MANY).for_each(|n| cx.dispatch(event_arg(n.to_string())));
    cx.update(|chain| {
        chain
            .event_order
            .push("click_yield_many_events_done".into())
    })
    .await?;
    Ok(())
}

/// Events that dispatch events.
#[event]
pub async fn click_yield_nested(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("click_yield_nested".into()))
        .await?;
    cx.dispatch(event_nested(1));
    cx.dispatch(event_arg("yield_nested".into()));
    Ok(())
}

/// The first, the second and the third of the nested ones.
#[event]
pub async fn event_nested(cx: EventContext<LabChain>, depth: u32) -> Result<()> {
    cx.update(|chain| chain.event_order.push(format!("event_nested_{depth}")))
        .await?;
    match depth {
        1 | 2 => cx.dispatch(event_nested(depth + 1)),
        _ => cx.dispatch(event_no_args()),
    }
    cx.dispatch(event_arg(format!("nested_{depth}")));
    Ok(())
}

/// What two of the pages begin with.
#[event]
pub async fn on_load_return_chain(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("on_load_return_chain".into()))
        .await?;
    (1..=3).for_each(|n| cx.dispatch(event_arg(n.to_string())));
    Ok(())
}

/// What the other two begin with.
#[event]
pub async fn on_load_yield_chain(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("on_load_yield_chain".into()))
        .await?;
    (4..=6).for_each(|n| cx.dispatch(event_arg(n.to_string())));
    Ok(())
}

/// Leads to a page that begins with a chain.
#[event]
pub async fn redirect_return_chain(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("redirect_return_chain".into()))
        .await?;
    cx.page().go_to("/lab/chain/on-load-return-chain").await?;
    Ok(())
}

/// Leads to the other one.
#[event]
pub async fn redirect_yield_chain(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.event_order.push("redirect_yield_chain".into()))
        .await?;
    cx.page().go_to("/lab/chain/on-load-yield-chain").await?;
    Ok(())
}

/// Dispatches what has an argument with a type.
#[event]
pub async fn click_return_typed(
    cx: EventContext<LabChain>,
    name: String,
    arg: Typed,
) -> Result<()> {
    cx.update(|chain| chain.event_order.push(name)).await?;
    cx.dispatch(event_arg_repr(arg));
    Ok(())
}

/// Says something, waits for half a second, and says something else.
#[event]
pub async fn click_yield_interim_value_async(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.interim_value = "interim".into())
        .await?;
    cx.sleep(Millis(500)).await?;
    cx.update(|chain| chain.interim_value = "final".into())
        .await?;
    Ok(())
}

/// The same, but it blocks its thread meanwhile, as nobody should: what it said is shown all the
/// same.
#[event]
pub async fn click_yield_interim_value(cx: EventContext<LabChain>) -> Result<()> {
    cx.update(|chain| chain.interim_value = "interim".into())
        .await?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    cx.update(|chain| chain.interim_value = "final".into())
        .await?;
    Ok(())
}
