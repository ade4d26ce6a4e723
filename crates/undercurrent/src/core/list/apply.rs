//! Ops as a page's list applies them.

use super::{
    List,
    observe::{ListChange, Mailbox},
    record::move_item,
};
use crate::core::{
    node::{Node, Read},
    ops::{Applied, ApplyError, Code, Op, Step},
    seq::Seq,
};
use std::sync::Arc;

/// What an op does to a list of whatever items. Its indices fit.
enum Told<'a> {
    /// The list is this now.
    Set(&'a str),
    /// The op's arguments from the second number on come before this index.
    Insert(usize, usize),
    Remove(Vec<(usize, usize)>),
    Move(usize, usize),
    Swap(usize, usize),
    Order(usize, Vec<u32>),
}

impl<T: Node> List<T> {
    pub(super) fn apply_op(
        &mut self,
        op: &Op<'_>,
        at: usize,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        match op.path.get(at..) {
            Some([]) => self.apply_here(op, applied),
            Some([Step::Index(index), rest @ ..]) => {
                self.apply_inside(op, *index, at + 1, rest.is_empty(), applied)
            }
            _ => Err(op.unfit("a list has indices")),
        }
    }

    fn apply_here(&mut self, op: &Op<'_>, applied: &mut Applied) -> Result<(), ApplyError> {
        match Told::of(op, self.len())? {
            Told::Set(json) => {
                let new: List<T> = Read::from_json(json)?;
                self.patch(new, applied);
            }
            Told::Insert(index, from) => {
                let items = op.raw_args_from(from).map(Read::from_json);
                let items = items.collect::<Result<_, _>>()?;
                self.change(ListChange::Insert(index, items), applied);
            }
            Told::Remove(runs) => {
                for (index, count) in runs {
                    self.change(ListChange::Remove(index, count), applied);
                }
            }
            Told::Move(from, to) => self.change(ListChange::Move(from, to), applied),
            Told::Swap(a, b) if a == b => {}
            Told::Swap(a, b) => self.change(ListChange::Swap(a, b), applied),
            Told::Order(start, order) => self.change(ListChange::Order(start, order), applied),
        }
        Ok(())
    }

    fn apply_inside(
        &mut self,
        op: &Op<'_>,
        index: usize,
        at: usize,
        is_item: bool,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        let Some(item) = self.items.get_mut(index) else {
            return Err(op.unfit("there is no such item"));
        };
        if is_item && op.code == Code::Set {
            let item = Read::from_json(op.raw_arg(0)?)?;
            self.change(ListChange::Set(index, item), applied);
            return Ok(());
        }
        applied.touch();
        applied.item(|applied| item.apply(op, at, applied))?;
        if let Some(observers) = &mut self.observers {
            observers.tell(&ListChange::Set(index, item.clone()), applied);
        }
        Ok(())
    }

    /// Applies a change whose indices fit, and tells the views.
    pub(super) fn change(&mut self, change: ListChange<T>, applied: &mut Applied) {
        applied.touch();
        if let Some(observers) = &mut self.observers {
            observers.tell(&change, applied);
        }
        let items = &mut self.items;
        // One by one: what joins and splits trees is not loaded by a page, which would have a copy
        // of it for each type of items.
        match change {
            ListChange::Set(index, item) => {
                if let Some(place) = items.get_mut(index) {
                    *place = item;
                }
            }
            ListChange::Insert(index, new) => {
                for (place, item) in (index..).zip(new) {
                    items.insert(place, item);
                }
            }
            ListChange::Remove(0, count) if count == items.len() => *items = Seq::new(),
            ListChange::Remove(index, count) => {
                for place in (index..index + count).rev() {
                    drop(items.remove(place));
                }
            }
            ListChange::Move(from, to) => move_item(items, from, to),
            ListChange::Swap(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                move_item(items, high, low);
                move_item(items, low + 1, high);
            }
            ListChange::Order(start, order) => {
                let taken = (0..order.len()).map(|_| items.remove(start));
                let mut taken: Vec<Option<T>> = taken.collect();
                for (place, from) in (start..).zip(order) {
                    if let Some(item) = taken[from as usize].take() {
                        items.insert(place, item);
                    }
                }
            }
        }
    }

    /// A mailbox that is told of every change from now on. `wake` runs after a change, when no
    /// lock is held.
    pub fn observe(&mut self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Mailbox<T>> {
        self.observers.get_or_insert_default().add(wake)
    }
}

impl<'a> Told<'a> {
    fn of(op: &Op<'a>, len: usize) -> Result<Self, ApplyError> {
        Ok(match op.code {
            Code::Set => Told::Set(op.raw_arg(0)?),
            Code::Append => Told::Insert(len, 0),
            Code::Insert => match op.arg(0)? {
                index if index <= len => Told::Insert(index, 1),
                _ => return Err(op.unfit("the index is beyond the list")),
            },
            Code::Remove => Told::Remove(op.removals(len)?),
            Code::Move => {
                let (from, to) = op.two_indices(len)?;
                Told::Move(from, to)
            }
            Code::Swap => {
                let (a, b) = op.two_indices(len)?;
                Told::Swap(a, b)
            }
            Code::Order => {
                let (start, order) = op.order(len)?;
                Told::Order(start, order)
            }
        })
    }
}
