//! What a list remembers during an update: what to send, and how to take it back.

use crate::core::{
    ops::{Code, FieldOps, RecordError, write_json},
    state::Plain,
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

/// Records lazily. Items from `base` on are new and not written yet; `dirty` ones before it
/// were changed in place and are not written yet. An op that moves items first writes both, so
/// that every index fits the moment it is read: `push(p); list[last].x = …` is one op, and so
/// are twenty pushes.
#[derive(Debug)]
pub(super) struct Recorder<T> {
    /// Which list this is. Another one in its place (assigned, swapped in) has another.
    pub(super) id: u64,
    base: usize,
    dirty: BTreeSet<usize>,
    written: Vec<Written>,
    undo: Vec<Undo<T>>,
    /// Appending needs no further step back.
    covered: bool,
    /// The list is sent whole, and its old items are kept whole: no need to record more.
    whole: bool,
    failed: Option<String>,
}

#[derive(Debug)]
struct Written {
    code: Code,
    index: Option<usize>,
    args: Vec<u8>,
}

/// How to take a step back, last step first.
#[derive(Debug)]
enum Undo<T> {
    /// Items were put behind this length.
    Appended(usize),
    /// An item was put at this index.
    Inserted(usize),
    /// This item was taken from the index.
    Removed(usize, T),
    /// The item at the index was this.
    Changed(usize, T),
    /// These items were cut off the end.
    Truncated(Vec<T>),
    /// The whole list was this.
    Replaced(Vec<T>),
}

/// Identities are given out once in a process; they never leave it.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl<T> Recorder<T> {
    pub(super) fn new(len: usize) -> Self {
        Self::with_id(NEXT_ID.fetch_add(1, Ordering::Relaxed), len)
    }

    /// The same identity, for a shadow to hold.
    pub(super) fn identity(&self) -> Self {
        Self::with_id(self.id, 0)
    }

    fn with_id(id: u64, base: usize) -> Self {
        Recorder {
            id,
            base,
            dirty: BTreeSet::new(),
            written: Vec::new(),
            undo: Vec::new(),
            covered: false,
            whole: false,
            failed: None,
        }
    }

    /// Forgets what was recorded: it is committed.
    pub(super) fn reset(&mut self, len: usize) {
        self.base = len;
        self.dirty.clear();
        self.written.clear();
        self.undo.clear();
        self.covered = false;
        self.whole = false;
        self.failed = None;
    }
}

impl<T: Plain> Recorder<T> {
    pub(super) fn appending(&mut self) {
        // One step back covers every append until items move: `base` is where they began.
        if !self.whole && !self.covered {
            self.undo.push(Undo::Appended(self.base));
            self.covered = true;
        }
    }

    pub(super) fn changing(&mut self, index: usize, item: &T) {
        if !self.whole && index < self.base && !self.dirty.contains(&index) {
            self.undo.push(Undo::Changed(index, item.clone()));
            self.dirty.insert(index);
        }
    }

    pub(super) fn inserting(&mut self, items: &[T], index: usize, item: &T) {
        if self.whole {
            return;
        }
        if index >= self.base {
            // Among items that are not written yet: one of them.
            self.appending();
            return;
        }
        self.write_pending(items);
        let mut args = format!("{index},").into_bytes();
        self.write_json(&mut args, item);
        self.written.push(Written {
            code: Code::Insert,
            index: None,
            args,
        });
        self.undo.push(Undo::Inserted(index));
        self.base = usize::MAX; // set by settle_base, once the item is in
    }

    pub(super) fn removing(&mut self, items: &[T], index: usize) {
        if self.whole || index >= self.base {
            return;
        }
        // User code first: where it panics, nothing is noted of what then does not happen.
        let kept = items[index].clone();
        self.write_pending(items);
        self.write_removal(index, 1);
        self.undo.push(Undo::Removed(index, kept));
        self.base = usize::MAX;
    }

    /// Takes the items that go, so that they need no clone.
    pub(super) fn truncating(&mut self, items: &mut Vec<T>, len: usize) {
        if self.whole || len >= self.base {
            return;
        }
        self.write_pending(items);
        self.write_removal(len, items.len() - len);
        self.undo.push(Undo::Truncated(items.split_off(len)));
        self.base = usize::MAX;
    }

    pub(super) fn replacing(&mut self, items: &[T]) {
        if !self.whole {
            self.undo.push(Undo::Replaced(items.to_vec()));
            self.whole = true;
        }
    }

    /// Called after a change that may have moved items.
    pub(super) fn settle_base(&mut self, len: usize) {
        if self.base == usize::MAX {
            self.base = len;
            self.covered = false;
        }
    }

    pub(super) fn undo(&mut self, items: &mut Vec<T>) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Appended(len) => items.truncate(len),
                Undo::Inserted(index) => drop(items.remove(index)),
                Undo::Removed(index, item) => items.insert(index, item),
                Undo::Changed(index, item) => items[index] = item,
                Undo::Truncated(tail) => items.extend(tail),
                Undo::Replaced(old) => *items = old,
            }
        }
        self.reset(items.len());
    }

    pub(super) fn record(
        &mut self,
        items: &[T],
        out: &mut FieldOps<'_>,
    ) -> Result<(), RecordError> {
        if self.whole {
            return out.set_items(items);
        }
        self.write_pending(items);
        if let Some(failed) = &self.failed {
            return Err(RecordError(failed.clone()));
        }
        for written in &self.written {
            out.raw(written.code, written.index, &written.args);
        }
        Ok(())
    }

    /// Writes what changed in place and what is new, as the indices are now.
    fn write_pending(&mut self, items: &[T]) {
        while let Some(&index) = self.dirty.first() {
            let mut args = Vec::new();
            self.write_json(&mut args, &items[index]);
            self.dirty.remove(&index);
            self.written.push(Written {
                code: Code::Set,
                index: Some(index),
                args,
            });
        }
        if self.base < items.len() {
            let mut args = Vec::new();
            for (nth, item) in items[self.base..].iter().enumerate() {
                if nth > 0 {
                    args.push(b',');
                }
                self.write_json(&mut args, item);
            }
            self.written.push(Written {
                code: Code::Append,
                index: None,
                args,
            });
            self.base = items.len();
        }
    }

    fn write_removal(&mut self, index: usize, count: usize) {
        let args = format!("{index},{count}").into_bytes();
        self.written.push(Written {
            code: Code::Remove,
            index: None,
            args,
        });
    }

    fn write_json(&mut self, out: &mut Vec<u8>, item: &T) {
        // Stays so if user code panics and the closure of the update swallows that.
        let before = self
            .failed
            .replace("it panicked while it was written".to_owned());
        let written = write_json(out, item);
        self.failed = before.or_else(|| written.err().map(|error| error.0));
    }
}
