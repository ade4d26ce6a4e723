//! The rows of a collection's view, and how they follow its changes.

use super::Shape;
use crate::core::list::{ListChange, longest_rising};
use leptos::{
    prelude::*,
    tachys::{
        renderer::types::Placeholder,
        view::{Mountable, Render},
    },
};

pub(super) type MakeRow<S, V> =
    Box<dyn Fn(<S as Shape>::Item) -> (RwSignal<<S as Shape>::Value>, V) + Send>;

/// A row: its view, or that view's state in the page.
pub(super) struct Row<S: Shape, V> {
    // Dropped in this order: first what shows the item, then the item's signal.
    pub(super) view: V,
    value: RwSignal<S::Value>,
    // Disposes of the signal, and of what the row's view has made.
    owner: Owner,
}

/// The rows in the page.
pub(super) struct Rows<S: Shape, V: Render> {
    pub(super) rows: Vec<Row<S, V::State>>,
    /// Stands behind the last row.
    pub(super) marker: Placeholder,
    pub(super) make: MakeRow<S, V>,
    pub(super) owner: Owner,
}

// === impl Row ===

impl<S: Shape, V> Row<S, V> {
    pub(super) fn new(item: S::Item, owner: &Owner, make: &MakeRow<S, V>) -> Self {
        let owner = owner.child();
        let (value, view) = owner.with(|| make(item));
        Row { view, value, owner }
    }

    pub(super) fn map<W>(self, change: impl FnOnce(V) -> W) -> Row<S, W> {
        let Row { view, value, owner } = self;
        let view = owner.with(|| change(view));
        Row { view, value, owner }
    }
}

// === impl Rows ===

impl<S: Shape, V: Render> Rows<S, V> {
    pub(super) fn apply(&mut self, change: ListChange<S::Item>) {
        match change {
            ListChange::Set(index, item) => self.rows[index].value.set(S::value(item)),
            ListChange::Insert(index, items) => {
                let count = items.len();
                let make = |item| Row::new(item, &self.owner, &self.make).map(Render::build);
                let added: Vec<_> = items.into_iter().map(make).collect();
                self.rows.splice(index..index, added);
                (index..index + count)
                    .rev()
                    .for_each(|index| self.place(index));
            }
            ListChange::Remove(index, count) => {
                for mut row in self.rows.drain(index..index + count) {
                    row.view.unmount();
                }
            }
            ListChange::Move(from, to) => self.move_row(from, to),
            ListChange::Swap(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                self.move_row(high, low);
                self.move_row(low + 1, high);
            }
            ListChange::Order(start, order) => self.order(start, &order),
        }
    }

    fn move_row(&mut self, from: usize, to: usize) {
        let row = self.rows.remove(from);
        self.rows.insert(to, row);
        self.place(to);
    }

    /// Moves the rows that have to move: those of the longest run that keeps its order stay where
    /// they are, with their focus and their scroll.
    fn order(&mut self, start: usize, order: &[u32]) {
        let range = start..start + order.len();
        let mut old: Vec<_> = self.rows.drain(range).map(Some).collect();
        let new = order.iter().filter_map(|&from| old[from as usize].take());
        self.rows.splice(start..start, new.collect::<Vec<_>>());
        for (index, stays) in (start..)
            .zip(rising(order))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            if !stays {
                self.place(index);
            }
        }
    }

    /// Puts the row at an index where it belongs in the page; those behind it are there already.
    /// A row that shows nothing has no place, so the next that has one is taken, or the marker.
    fn place(&mut self, index: usize) {
        let (ahead, behind) = self.rows.split_at_mut(index + 1);
        let Some(row) = ahead.last_mut() else { return };
        let mut behind = behind.iter();
        if !behind.any(|next| next.view.insert_before_this(&mut row.view)) {
            self.marker.insert_before_this(&mut row.view);
        }
    }
}

/// Which places of an order belong to its longest rising run.
fn rising(order: &[u32]) -> Vec<bool> {
    let pairs: Vec<(usize, usize)> = (order.iter().map(|&from| from as usize).zip(0..)).collect();
    let mut stays = vec![false; order.len()];
    for (_, place) in longest_rising(&pairs) {
        stays[place] = true;
    }
    stays
}
