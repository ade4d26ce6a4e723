//! The page: a button for each operation, the list, the map.

use super::state::*;
use crate::pieces::BreakIt;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use undercurrent::prelude::*;

const LIST_OPS: [(ListOp, &str); 14] = [
    (ListOp::Push, "push"),
    (ListOp::PushFront, "push_front"),
    (ListOp::Insert, "insert"),
    (ListOp::Remove, "remove"),
    (ListOp::Pop, "pop"),
    (ListOp::Move, "move"),
    (ListOp::Swap, "swap"),
    (ListOp::Sort, "sort"),
    (ListOp::Reverse, "reverse"),
    (ListOp::Retain, "retain"),
    (ListOp::Truncate, "truncate"),
    (ListOp::Change, "change"),
    (ListOp::Extend, "extend"),
    (ListOp::Mix, "mix"),
];

const MAP_OPS: [(MapOp, &str); 3] = [
    (MapOp::Insert, "map_insert"),
    (MapOp::Change, "map_change"),
    (MapOp::Remove, "map_remove"),
];

/// The page.
#[component]
pub fn RowsPage() -> impl IntoView {
    let rows = use_state::<LabRows>();
    let (a, b) = (RwSignal::new(0), RwSignal::new(0));
    let list_buttons = LIST_OPS.map(|(op, name)| {
        let click = move |_| change_list(op, a.get_untracked(), b.get_untracked()).dispatch();
        view! { <button id=name on:click=click>{name}</button> }
    });
    let map_buttons = MAP_OPS.map(|(op, name)| {
        let click = move |_| change_map(op, a.get_untracked(), b.get_untracked()).dispatch();
        view! { <button id=name on:click=click>{name}</button> }
    });
    view! {
        <Title text="Rows"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Rows"</h1>
        <p class="lead">"A fixture: a list and a map, and everything that can be done to them."</p>
        <p><Place id="a" of=a/> " " <Place id="b" of=b/></p>
        <p>{list_buttons.into_iter().collect_view()}</p>
        <p>{map_buttons.into_iter().collect_view()}</p>
        <ul id="list">
            <ForList each=rows.list() let:row><Row key=None row/></ForList>
        </ul>
        <ul id="map">
            <ForMap each=rows.map() let(key, row)><Row key=Some(key) row/></ForMap>
        </ul>
        <BreakIt<LabRows>/>
    }
    .into_any()
}

/// Where the next operation is to be.
#[component]
fn Place(id: &'static str, of: RwSignal<usize>) -> impl IntoView {
    let input = move |input| of.set(event_target_value(&input).parse().unwrap_or(0));
    view! { <label>{id} " " <input id=id value="0" on:input=input/></label> }
}

/// A row, with something of the visitor's in it.
#[component]
fn Row(key: Option<String>, row: ReadSignal<LabRow>) -> impl IntoView {
    view! {
        <li data-key=key data-id=move || row.read().id>
            <span>{move || row.read().value}</span>
            " "
            <input aria-label="Note"/>
        </li>
    }
}
