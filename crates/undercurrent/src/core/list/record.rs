//! What a list remembers during an update: what to send, and how to take it back.

use crate::core::{
    node::{Lost, Node},
    ops::{Code, RecordError, Visibility},
    role::Recording,
    seq::Seq,
    writer::{Flushed, Out, write_json, write_number},
};
use std::collections::BTreeMap;

/// Records lazily. Items from `base` on are new and not written yet; `dirty` ones before it
/// were changed in place and are not written yet. An op that moves items first writes both, so
/// that every index fits the moment it is read: `push(p); list[last].x = …` is one op, and so
/// are twenty pushes.
#[derive(Debug)]
pub(super) struct Recorder<T> {
    pub(super) base: usize,
    /// By index: the shadow of an item that was changed in place.
    dirty: BTreeMap<usize, T>,
    flushed: Flushed,
    undo: Vec<Undo<T>>,
    /// Appending needs no further step back.
    covered: bool,
    failed: Option<RecordError>,
}

/// How to take a step back, last step first.
#[derive(Debug)]
pub(super) enum Undo<T> {
    /// Items were put behind this length.
    Appended(usize),
    /// An item was put before this index.
    Inserted(usize),
    /// These items were taken from the index on.
    Removed(usize, Seq<T>),
    /// These items were taken from these indices, which ascend.
    Scattered(Vec<(usize, T)>),
    /// The item at the index was changed in place; its shadow.
    Changed(usize, T),
    /// An item went from one index to another.
    Moved(usize, usize),
    /// Two items changed places.
    Swapped(usize, usize),
    /// From this index on the items were put in this order.
    Ordered(usize, Vec<u32>),
}

/// About the bytes of an op around what it carries.
const OP_BYTES: usize = 24;

impl<T> Recording for Recorder<T> {
    fn new(len: usize) -> Self {
        Recorder {
            base: len,
            dirty: BTreeMap::new(),
            flushed: Flushed::default(),
            undo: Vec::new(),
            covered: false,
            failed: None,
        }
    }

    fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.undo.is_empty() && self.failed.is_none()
    }

    fn reset(&mut self, len: usize) {
        self.base = len;
        self.dirty.clear();
        self.flushed.clear();
        self.undo.clear();
        self.covered = false;
        self.failed = None;
    }
}

impl<T: Node> Recorder<T> {
    // === Before a change ===

    /// An item comes behind the last one, or among those that are not written yet.
    pub(super) fn appending(&mut self) {
        // One step back covers every append until items move: `base` is where they began.
        if !self.covered {
            self.undo.push(Undo::Appended(self.base));
            self.covered = true;
        }
    }

    /// The item at an index is given out to be changed.
    pub(super) fn changing(&mut self, index: usize, item: &mut T) {
        if index < self.base && !self.dirty.contains_key(&index) {
            self.dirty.insert(index, item.arm());
        }
    }

    /// Items are about to move: writes what changed in place and what is new, as the indices
    /// are now.
    pub(super) fn flush(&mut self, items: &mut Seq<T>) {
        while let Some((&index, shadow)) = self.dirty.first_key_value() {
            let Some(item) = items.get_mut(index) else {
                break;
            };
            let out = &mut self.flushed;
            attempt(&mut self.failed, || {
                out.out::<T>().index(index, |out| item.record(shadow, out))
            });
            if let Some((index, mut shadow)) = self.dirty.pop_first() {
                item.park(&mut shadow);
                self.undo.push(Undo::Changed(index, shadow));
            }
        }
        if self.base < items.len() {
            let (out, base) = (&mut self.flushed, self.base);
            attempt(&mut self.failed, || {
                write_append(items, base, &mut out.out::<T>())
            });
            self.base = items.len();
        }
        self.covered = false;
    }

    /// Writes an op whose arguments are numbers.
    pub(super) fn write_numbers(&mut self, code: Code, numbers: &[usize]) {
        let out = &mut self.flushed;
        attempt(&mut self.failed, || {
            out.out::<T>().op(code, |out, _| {
                for (nth, &number) in numbers.iter().enumerate() {
                    if nth > 0 {
                        out.push(b',');
                    }
                    write_number(out, number);
                }
                Ok(0)
            })
        });
    }

    /// Writes an insertion, before it is done.
    pub(super) fn write_insert(&mut self, index: usize, item: &T) {
        let out = &mut self.flushed;
        attempt(&mut self.failed, || {
            out.out::<T>().op(Code::Insert, |out, visibility| {
                write_number(out, index);
                out.push(b',');
                write_json(out, item, visibility).map(inside_of)
            })
        });
    }

    // === After a change that moved items ===

    /// The items moved; this takes it back.
    pub(super) fn moved(&mut self, undo: Undo<T>, len: usize) {
        self.undo.push(undo);
        self.base = len;
    }

    // === The end of the update ===

    pub(super) fn record(
        &mut self,
        items: &mut Seq<T>,
        out: &mut Out<'_>,
    ) -> Result<(), RecordError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        // At least two bytes an item is what the whole takes: up to that the ops are shorter.
        let about = self.flushed.bytes() + self.dirty.len() * OP_BYTES;
        if about <= 2 * items.len() || about <= 16 * OP_BYTES {
            return self.write(items, out);
        }
        let mut ops = Flushed::default();
        self.write(items, &mut ops.out::<T>())?;
        let mut whole = Vec::new();
        write_items(items, &mut whole, Visibility::Server)?;
        if whole.len() < ops.bytes() {
            out.op(Code::Set, |out, visibility| {
                write_items(items, out, visibility)
            })
        } else {
            out.absorb::<T>(&ops)
        }
    }

    fn write(&mut self, items: &mut Seq<T>, out: &mut Out<'_>) -> Result<(), RecordError> {
        out.absorb::<T>(&self.flushed)?;
        for (&index, shadow) in &self.dirty {
            if let Some(item) = items.get_mut(index) {
                out.index(index, |out| item.record(shadow, out))?;
            }
        }
        if self.base < items.len() {
            write_append(items, self.base, out)?;
        }
        Ok(())
    }

    /// What was recorded stays; the steps back go to the shadow.
    pub(super) fn park(&mut self, items: &mut Seq<T>) -> Vec<Undo<T>> {
        for (index, mut shadow) in std::mem::take(&mut self.dirty) {
            if let Some(item) = items.get_mut(index) {
                item.park(&mut shadow);
            }
            self.undo.push(Undo::Changed(index, shadow));
        }
        let undo = std::mem::take(&mut self.undo);
        self.reset(items.len());
        undo
    }

    pub(super) fn settle(&mut self, items: &mut Seq<T>) {
        for (index, shadow) in std::mem::take(&mut self.dirty) {
            if let Some(item) = items.get_mut(index) {
                item.release(shadow);
            }
        }
        self.reset(items.len());
    }

    pub(super) fn undo(&mut self, items: &mut Seq<T>, parked: Vec<Undo<T>>) -> Result<(), Lost> {
        let mut undone = Ok(());
        for (index, shadow) in std::mem::take(&mut self.dirty) {
            let item = items.get_mut(index).ok_or(Lost);
            undone = undone.and(item.and_then(|item| item.undo(shadow)));
        }
        let live = std::mem::take(&mut self.undo);
        for step in parked.into_iter().chain(live).rev() {
            undone = undone.and(step.take(items));
        }
        self.reset(items.len());
        undone
    }
}

impl<T: Node> Undo<T> {
    /// Takes the step back.
    fn take(self, items: &mut Seq<T>) -> Result<(), Lost> {
        match self {
            Undo::Appended(len) => items.truncate(len),
            Undo::Inserted(index) => drop(items.remove(index)),
            Undo::Removed(index, taken) => items.insert_all(index, taken),
            Undo::Scattered(taken) => items.put_each(taken),
            Undo::Changed(index, shadow) => items.get_mut(index).ok_or(Lost)?.undo(shadow)?,
            Undo::Moved(from, to) => move_item(items, to, from),
            Undo::Swapped(a, b) => items.swap(a, b),
            Undo::Ordered(start, order) => order_items(items, start, &invert(&order)),
        }
        Ok(())
    }
}

// === Moving items ===

pub(super) fn move_item<T: Clone>(items: &mut Seq<T>, from: usize, to: usize) {
    if let Some(item) = items.remove(from) {
        items.insert(to, item);
    }
}

pub(super) fn order_items<T: Clone>(items: &mut Seq<T>, start: usize, order: &[u32]) {
    let mut moved = items.take_range(start, order.len());
    moved.permute(order);
    items.insert_all(start, moved);
}

fn invert(order: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from as usize] = to as u32;
    }
    inverse
}

// === Writing items ===

fn write_append<T: Node>(
    items: &Seq<T>,
    base: usize,
    out: &mut Out<'_>,
) -> Result<(), RecordError> {
    out.op(Code::Append, |out, visibility| {
        write_separated(items.range(base..items.len()), out, visibility)
    })
}

/// Returns how deep they are, in their list.
pub(super) fn write_items<T: Node>(
    items: &Seq<T>,
    out: &mut Vec<u8>,
    visibility: Visibility,
) -> Result<usize, RecordError> {
    out.push(b'[');
    let depth = write_separated(items.iter(), out, visibility)?;
    out.push(b']');
    Ok(depth)
}

fn write_separated<'a, T: Node>(
    items: impl Iterator<Item = &'a T>,
    out: &mut Vec<u8>,
    visibility: Visibility,
) -> Result<usize, RecordError> {
    let mut depth = 0;
    for (nth, item) in items.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        depth = depth.max(write_json(out, item, visibility)?);
    }
    Ok(inside_of(depth))
}

/// How deep a list is whose items are so deep.
fn inside_of(depth: usize) -> usize {
    depth + 1
}

/// Writes early. A failure is kept until the end of the update, which then fails; so is a panic
/// of user code that the update's closure swallows.
fn attempt(failed: &mut Option<RecordError>, write: impl FnOnce() -> Result<(), RecordError>) {
    let panicked = RecordError("it panicked while it was written".to_owned());
    let before = failed.replace(panicked);
    let written = write();
    *failed = before.or_else(|| written.err());
}
