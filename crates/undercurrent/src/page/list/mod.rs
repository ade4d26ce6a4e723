//! `ForList` and `ForMap`: a collection as rows that follow its changes.
//!
//! leptos' `<For>` compares all keys at each change; these views are told the changes, so that an
//! append costs one row. Each row has its own owner and its own signal: a change of an item
//! touches what that row shows of it, and nothing else.

mod rows;
mod view;

use self::view::ListView;
use crate::core::{
    list::List,
    map::{Key, Map},
    node::Node,
};
use leptos::prelude::*;
use reactive_graph::signal::ArcTrigger;
use reactive_stores::StoreField;
use std::marker::PhantomData;

/// Shows a `List` of a state, a row for each item. `children` gets the item's signal.
///
/// A row lives as long as its item: what others do leaves its DOM, its focus and its scroll
/// alone.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Feed { posts: List<String> }
///
/// #[component]
/// fn Posts() -> impl IntoView {
///     let feed = use_state::<Feed>();
///     view! { <ForList each=feed.posts() let:post> <p>{post}</p> </ForList> }
/// }
/// ```
#[component]
pub fn ForList<E, T, C, V>(
    /// The list: a field of what `use_state` returns.
    each: E,
    /// Makes a row from the signal of its item.
    children: C,
) -> impl IntoView
where
    E: StoreField<Value = List<T>>,
    T: Node,
    C: Fn(ReadSignal<T>) -> V + Send + 'static,
    V: IntoView + 'static,
{
    // The type of the rows' view is forgotten: what follows is compiled once for a type of items.
    let make = move |item| {
        let item = RwSignal::new(item);
        (item, children(item.read_only()).into_any())
    };
    let changed = ArcTrigger::new();
    // The items and the mailbox under one lock: no change falls between.
    let (items, mailbox) = match each.writer() {
        None => (Vec::new(), None),
        Some(mut list) => {
            list.untrack();
            let wake = changed.clone();
            let mailbox = list.observe(move || wake.notify());
            (list.iter().cloned().collect(), Some(mailbox))
        }
    };
    ListView::<OfList<T>, _>::new(items, mailbox, changed, Box::new(make))
}

/// Shows a `Map` of a state, a row for each entry, in the order of the keys. `children` gets the
/// key and the signal of the value.
///
/// A row lives as long as its key is in the map.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Poll { votes: Map<String, u32> }
///
/// #[component]
/// fn Votes() -> impl IntoView {
///     let poll = use_state::<Poll>();
///     view! { <ForMap each=poll.votes() let(name, votes)> <p>{name} ": " {votes}</p> </ForMap> }
/// }
/// ```
#[component]
pub fn ForMap<E, K, T, C, V>(
    /// The map: a field of what `use_state` returns.
    each: E,
    /// Makes a row from a key and the signal of its value.
    children: C,
) -> impl IntoView
where
    E: StoreField<Value = Map<K, T>>,
    K: Key,
    T: Node,
    C: Fn(K, ReadSignal<T>) -> V + Send + 'static,
    V: IntoView + 'static,
{
    let make = move |(key, value)| {
        let value = RwSignal::new(value);
        (value, children(key, value.read_only()).into_any())
    };
    let changed = ArcTrigger::new();
    let (items, mailbox) = match each.writer() {
        None => (Vec::new(), None),
        Some(mut map) => {
            map.untrack();
            let wake = changed.clone();
            let mailbox = map.observe(move || wake.notify());
            let entries = map.iter().map(|(key, value)| (key.clone(), value.clone()));
            (entries.collect(), Some(mailbox))
        }
    };
    ListView::<OfMap<K, T>, _>::new(items, mailbox, changed, Box::new(make))
}

/// A collection, as rows see it.
pub trait Shape: 'static {
    /// What its changes tell of.
    type Item: Clone + Send + 'static;
    /// What a row's signal holds of it.
    type Value: Send + Sync + 'static;

    /// The signal's part of an item.
    fn value(item: Self::Item) -> Self::Value;
}

/// The shape of a [`List`].
#[derive(Debug)]
pub struct OfList<T>(PhantomData<fn() -> T>);

/// The shape of a [`Map`].
#[derive(Debug)]
pub struct OfMap<K, V>(PhantomData<fn() -> (K, V)>);

impl<T: Node> Shape for OfList<T> {
    type Item = T;
    type Value = T;

    fn value(item: T) -> T {
        item
    }
}

impl<K: Key, V: Node> Shape for OfMap<K, V> {
    type Item = (K, V);
    type Value = V;

    fn value((_, value): (K, V)) -> V {
        value
    }
}
