//! `List`: a list that records what happens to it.

mod observe;
mod record;

pub use observe::{ListChange, Mailbox};

use self::{observe::Observers, record::Recorder};
use super::{
    ops::{Applied, ApplyError, Code, FieldOps, Op, RecordError, Step},
    state::{Lost, Plain, Tracked},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, ops::Index, ops::IndexMut, sync::Arc};

/// A list in a state. What an update does to it is recorded, so that a page is sent the change
/// and not the list.
///
/// Outside of a state it is an ordinary list. Assigning another one to a field, taking it,
/// swapping it: all of it is allowed, and then the field is sent whole.
///
/// ```
/// use undercurrent::List;
///
/// let mut posts: List<String> = List::new();
/// posts.push("first".into());
/// posts[0].push_str(" post");
/// assert_eq!(posts.iter().collect::<Vec<_>>(), ["first post"]);
/// ```
pub struct List<T> {
    items: Vec<T>,
    /// Present while the list is part of a state that is recorded. A clone has none.
    recorder: Option<Box<Recorder<T>>>,
    /// The views that follow this list, in the browser.
    observers: Option<Box<Observers<T>>>,
}

/// So many removals are sent one by one; more are sent as the list that is left.
const FEW: usize = 16;

// === impl List: reading ===

impl<T> List<T> {
    /// An empty list.
    pub const fn new() -> Self {
        List {
            items: Vec::new(),
            recorder: None,
            observers: None,
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item at an index.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    /// The first item.
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.items.last()
    }

    /// The items in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
}

// === impl List: changing ===

impl<T: Plain> List<T> {
    /// Puts an item behind the last one.
    pub fn push(&mut self, item: T) {
        if let Some(recorder) = &mut self.recorder {
            recorder.appending();
        }
        self.items.push(item);
    }

    /// Takes the last item away.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len().checked_sub(1)?;
        Some(self.remove(last))
    }

    /// Puts an item before the one at the index.
    ///
    /// # Panics
    ///
    /// When the index is greater than the length.
    pub fn insert(&mut self, index: usize, item: T) {
        assert!(
            index <= self.len(),
            "insert at {index} into a list of {}",
            self.len()
        );
        if let Some(recorder) = &mut self.recorder {
            recorder.inserting(&self.items, index, &item);
        }
        self.items.insert(index, item);
        self.settle_base();
    }

    /// Takes the item at the index away.
    ///
    /// # Panics
    ///
    /// When there is no item at the index.
    pub fn remove(&mut self, index: usize) -> T {
        assert!(
            index < self.len(),
            "remove {index} from a list of {}",
            self.len()
        );
        if let Some(recorder) = &mut self.recorder {
            recorder.removing(&self.items, index);
        }
        let item = self.items.remove(index);
        self.settle_base();
        item
    }

    /// Drops the items from the length on.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.truncating(&mut self.items, len);
        }
        self.items.truncate(len);
        self.settle_base();
    }

    /// Drops all items.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Keeps the items for which the closure says yes.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        // Judged first, removed then: a closure that panics leaves the list as it was.
        let gone: Vec<usize> = (0..self.len())
            .filter(|&index| !keep(&self.items[index]))
            .collect();
        if gone.len() <= FEW {
            for index in gone.into_iter().rev() {
                self.remove(index);
            }
            return;
        }
        // One op for all of them: the list as it is then.
        if let Some(recorder) = &mut self.recorder {
            recorder.replacing(&self.items);
        }
        let mut gone = gone.into_iter().peekable();
        let mut index = 0;
        self.items.retain(|_| {
            let goes = gone.next_if_eq(&index).is_some();
            index += 1;
            !goes
        });
    }

    /// Orders the items by a key; equal ones keep their order. The list is then sent whole.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K) {
        if let Some(recorder) = &mut self.recorder {
            recorder.replacing(&self.items);
        }
        self.items.sort_by_key(key);
    }

    /// The item at an index, to be changed in place.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let item = self.items.get(index)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.changing(index, item);
        }
        self.items.get_mut(index)
    }

    /// The last item, to be changed in place.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len().checked_sub(1)?)
    }

    /// The items in order, each to be changed in place.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        if let Some(recorder) = &mut self.recorder {
            for (index, item) in self.items.iter().enumerate() {
                recorder.changing(index, item);
            }
        }
        self.items.iter_mut()
    }

    fn settle_base(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.settle_base(self.items.len());
        }
    }
}

// === impl List: recorded in a state ===

impl<T: Plain> Tracked for List<T> {
    fn arm(&mut self) -> Self {
        let recorder = Recorder::new(self.len());
        let identity = recorder.identity();
        self.recorder = Some(Box::new(recorder));
        // The shadow holds no items, only the identity to compare with.
        List {
            items: Vec::new(),
            recorder: Some(Box::new(identity)),
            observers: None,
        }
    }

    fn record(&mut self, shadow: &Self, out: &mut FieldOps<'_>) -> Result<(), RecordError> {
        match &mut self.recorder {
            Some(recorder) if shadow.is_same(recorder) => recorder.record(&self.items, out),
            _ => out.set_items(&self.items),
        }
    }

    fn settle(&mut self, shadow: &mut Self) {
        match &mut self.recorder {
            Some(recorder) if shadow.is_same(recorder) => recorder.reset(self.items.len()),
            _ => *shadow = self.arm(),
        }
    }

    fn undo(&mut self, shadow: &Self) -> Result<(), Lost> {
        match &mut self.recorder {
            Some(recorder) if shadow.is_same(recorder) => {
                recorder.undo(&mut self.items);
                Ok(())
            }
            _ => Err(Lost),
        }
    }

    fn apply(&mut self, op: &Op<'_>, applied: &mut Applied) -> Result<(), ApplyError> {
        let change = match (op.code, op.rest.as_slice()) {
            (Code::Set, []) => {
                let items: Vec<T> = op.arg(0)?;
                self.patch(List::from(items), applied);
                return Ok(());
            }
            (Code::Set, [Step::Index(index)]) if *index < self.len() => {
                ListChange::Set(*index, op.arg(0)?)
            }
            (Code::Append, []) => ListChange::Insert(self.len(), op.args_from(0)?),
            (Code::Insert, []) => {
                let index: usize = op.arg(0)?;
                if index > self.len() {
                    return Err(op.unfit("the index is beyond the list"));
                }
                ListChange::Insert(index, op.args_from(1)?)
            }
            (Code::Remove, []) => {
                let (index, count): (usize, usize) = (op.arg(0)?, op.arg(1)?);
                match index.checked_add(count) {
                    Some(end) if end <= self.len() => ListChange::Remove(index, count),
                    _ => return Err(op.unfit("the items are not there")),
                }
            }
            _ => return Err(op.unfit("a list can't do this")),
        };
        self.change(change, applied);
        Ok(())
    }

    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool {
        let new = new.items;
        let same_ahead = self
            .items
            .iter()
            .zip(&new)
            .take_while(|(a, b)| a == b)
            .count();
        let behind = self.items[same_ahead..]
            .iter()
            .rev()
            .zip(new[same_ahead..].iter().rev());
        let same_behind = behind.take_while(|(a, b)| a == b).count();
        let old_end = self.len() - same_behind;
        let new_end = new.len() - same_behind;
        if same_ahead == old_end && same_ahead == new_end {
            return false;
        }
        // Between what is the same at either end: change in place what pairs up, so that rows
        // keep their DOM, then insert or remove the rest.
        let mut between = new.into_iter().skip(same_ahead).take(new_end - same_ahead);
        let paired_end = old_end.min(new_end);
        for index in same_ahead..paired_end {
            if let Some(item) = between.next().filter(|item| *item != self.items[index]) {
                self.change(ListChange::Set(index, item), applied);
            }
        }
        if paired_end < old_end {
            self.change(
                ListChange::Remove(paired_end, old_end - paired_end),
                applied,
            );
        } else if paired_end < new_end {
            self.change(ListChange::Insert(paired_end, between.collect()), applied);
        }
        true
    }
}

impl<T: Plain> List<T> {
    /// Applies a change whose indices fit, and tells the views.
    fn change(&mut self, change: ListChange<T>, applied: &mut Applied) {
        if let Some(observers) = &mut self.observers {
            observers.tell(&change, applied);
        }
        match change {
            ListChange::Set(index, item) => self.items[index] = item,
            ListChange::Insert(index, items) if index == self.items.len() => {
                self.items.extend(items);
            }
            ListChange::Insert(index, items) => {
                self.items.splice(index..index, items);
            }
            ListChange::Remove(index, count) => {
                self.items.drain(index..index + count);
            }
        }
    }

    /// A mailbox that is told of every change from now on. `wake` runs after a change, when no
    /// lock is held.
    pub fn observe(&mut self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Mailbox<T>> {
        self.observers.get_or_insert_default().add(wake)
    }

    fn is_same(&self, recorder: &Recorder<T>) -> bool {
        self.recorder
            .as_ref()
            .is_some_and(|own| own.id == recorder.id)
    }
}

// === impl List: the usual traits ===

impl<T> Default for List<T> {
    fn default() -> Self {
        List::new()
    }
}

impl<T: Clone> Clone for List<T> {
    /// A plain list with the same items: nothing is recorded in it, no view follows it.
    fn clone(&self) -> Self {
        List {
            items: self.items.clone(),
            recorder: None,
            observers: None,
        }
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.items).finish()
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.items[index]
    }
}

impl<T: Plain> IndexMut<usize> for List<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        let len = self.len();
        self.get_mut(index)
            .unwrap_or_else(|| panic!("no item {index} in a list of {len}"))
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        List {
            items,
            recorder: None,
            observers: None,
        }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        List::from(Vec::from_iter(items))
    }
}

impl<T: Plain> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(List::from)
    }
}
