//! Ops as a page's list applies them.

use super::{
    List,
    observe::{ListChange, Mailbox},
    record::{move_item, order_items},
};
use crate::core::{
    node::{Node, Read},
    ops::{Applied, ApplyError, Code, Op, Step},
};
use std::sync::Arc;

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
        let len = self.len();
        match op.code {
            Code::Set => {
                let new: List<T> = Read::from_json(op.raw_arg(0)?)?;
                self.patch(new, applied);
            }
            Code::Append => {
                let items = read_items(op, 0)?;
                self.change(ListChange::Insert(len, items), applied);
            }
            Code::Insert => {
                let index: usize = op.arg(0)?;
                if index > len {
                    return Err(op.unfit("the index is beyond the list"));
                }
                self.change(ListChange::Insert(index, read_items(op, 1)?), applied);
            }
            Code::Remove => {
                for (index, count) in op.removals(len)? {
                    self.change(ListChange::Remove(index, count), applied);
                }
            }
            Code::Move => {
                let (from, to) = op.two_indices(len)?;
                self.change(ListChange::Move(from, to), applied);
            }
            Code::Swap => {
                let (a, b) = op.two_indices(len)?;
                self.change(ListChange::Swap(a, b), applied);
            }
            Code::Order => {
                let (start, order) = op.order(len)?;
                self.change(ListChange::Order(start, order), applied);
            }
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
        match change {
            ListChange::Set(index, item) => {
                if let Some(place) = items.get_mut(index) {
                    *place = item;
                }
            }
            ListChange::Insert(index, new) => items.insert_all(index, new.into_iter().collect()),
            ListChange::Remove(index, count) => drop(items.take_range(index, count)),
            ListChange::Move(from, to) => move_item(items, from, to),
            ListChange::Swap(a, b) => items.swap(a, b),
            ListChange::Order(start, order) => order_items(items, start, &order),
        }
    }

    /// A mailbox that is told of every change from now on. `wake` runs after a change, when no
    /// lock is held.
    pub fn observe(&mut self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Mailbox<T>> {
        self.observers.get_or_insert_default().add(wake)
    }
}

fn read_items<T: Node>(op: &Op<'_>, from: usize) -> Result<Vec<T>, ApplyError> {
    op.raw_args_from(from).map(Read::from_json).collect()
}
