//! Changing a list. Each method does what its namesake of `Vec` or `VecDeque` does.

use super::{
    List,
    record::{Recorder, Undo, move_item, order_items},
};
use crate::core::{node::Node, ops::Code};
use std::{
    cmp::Ordering,
    ops::{Bound, Range, RangeBounds},
};

impl<T: Node> List<T> {
    // === One item ===

    /// Puts an item behind the last one.
    pub fn push(&mut self, item: T) {
        if let Some(recorder) = self.role.recorder() {
            recorder.appending();
        }
        self.items.push_back(item);
    }

    /// Puts an item before the first one.
    pub fn push_front(&mut self, item: T) {
        self.insert(0, item);
    }

    /// Takes the last item away.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len().checked_sub(1)?;
        Some(self.remove(last))
    }

    /// Takes the first item away.
    pub fn pop_front(&mut self) -> Option<T> {
        (!self.is_empty()).then(|| self.remove(0))
    }

    /// Puts an item before the one at the index, or behind the last.
    ///
    /// # Panics
    ///
    /// When the index is greater than the length.
    pub fn insert(&mut self, index: usize, item: T) {
        let len = self.len();
        assert!(index <= len, "insert at {index} into a list of {len}");
        self.items.own_around(index..index);
        if let Some(recorder) = self.moving(index) {
            recorder.write_insert(index, &item);
            self.items.insert(index, item);
            self.moved(Undo::Inserted(index));
            return;
        }
        if let Some(recorder) = self.role.recorder() {
            recorder.appending();
        }
        self.items.insert(index, item);
    }

    /// Takes the item at the index away.
    ///
    /// # Panics
    ///
    /// When there is no item at the index.
    pub fn remove(&mut self, index: usize) -> T {
        let len = self.len();
        assert!(index < len, "remove {index} from a list of {len}");
        self.take_range(index..index + 1).remove(0)
    }

    /// Takes an item out and puts it back so that it has the index `to`: a page moves the row
    /// and leaves the others alone.
    ///
    /// # Panics
    ///
    /// When there is no item at one of the two.
    ///
    /// ```
    /// use undercurrent::List;
    ///
    /// let mut list = List::from(["a", "b", "c"].map(String::from));
    /// list.move_item(0, 2);
    /// assert_eq!(list, List::from(["b", "c", "a"].map(String::from)));
    /// ```
    pub fn move_item(&mut self, from: usize, to: usize) {
        let len = self.len();
        assert!(
            from < len && to < len,
            "move {from} to {to} in a list of {len}"
        );
        if from == to {
            return;
        }
        self.items.own_around(from..from + 1);
        self.items.own_around(to..to + 1);
        let written = self.moving(from.min(to)).map(|recorder| {
            recorder.write_numbers(Code::Move, &[from, to]);
        });
        move_item(&mut self.items, from, to);
        if written.is_some() {
            self.moved(Undo::Moved(from, to));
        }
    }

    /// Lets two items change places.
    ///
    /// # Panics
    ///
    /// When there is no item at one of the two.
    pub fn swap(&mut self, a: usize, b: usize) {
        let len = self.len();
        assert!(a < len && b < len, "swap {a} and {b} in a list of {len}");
        if a == b {
            return;
        }
        self.items.own_around(a..a + 1);
        self.items.own_around(b..b + 1);
        let written = self.moving(a.min(b)).map(|recorder| {
            recorder.write_numbers(Code::Swap, &[a, b]);
        });
        self.items.swap(a, b);
        if written.is_some() {
            self.moved(Undo::Swapped(a, b));
        }
    }

    // === In place ===

    /// The item at an index, to be changed in place.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let item = self.items.get_mut(index)?;
        if let Some(recorder) = self.role.recorder() {
            recorder.changing(index, item);
        }
        Some(item)
    }

    /// The first item, to be changed in place.
    pub fn first_mut(&mut self) -> Option<&mut T> {
        self.get_mut(0)
    }

    /// The first item of which this is so, to be changed in place. Looking costs what iterating does.
    pub fn find_mut(&mut self, is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let place = self.iter().position(is_it)?;
        self.get_mut(place)
    }

    /// The last item, to be changed in place.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len().checked_sub(1)?)
    }

    /// The items in order, each to be changed in place. Each that is visited is copied, to be
    /// compared; only those that differ then are sent.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let mut recorder = self.role.recorder();
        self.items.iter_mut().enumerate().map(move |(index, item)| {
            if let Some(recorder) = &mut recorder {
                recorder.changing(index, item);
            }
            item
        })
    }

    // === Many items ===

    /// Drops the items from the length on.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.drop_range(len..self.len());
        }
    }

    /// Drops all items.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Takes the items with these indices away.
    ///
    /// # Panics
    ///
    /// When an index of the range is beyond the list.
    ///
    /// ```
    /// use undercurrent::List;
    ///
    /// let mut list: List<u32> = (0..10).collect();
    /// assert_eq!(list.drain(..7).count(), 7);
    /// assert_eq!(list, List::from([7, 8, 9]));
    /// ```
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> std::vec::IntoIter<T> {
        self.take_range(bounds(&range, self.len())).into_iter()
    }

    /// Keeps the items for which the closure says yes.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        // Judged first, removed then: a closure that panics leaves the list as it was.
        let gone: Vec<usize> = self
            .iter()
            .enumerate()
            .filter(|(_, item)| !keep(item))
            .map(|(index, _)| index)
            .collect();
        self.remove_each(gone);
    }

    /// Keeps the items for which the closure says yes, which may change each. Each is copied, to be
    /// compared, as by [`iter_mut`](Self::iter_mut).
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let judged = self.iter_mut().enumerate();
        let gone = judged.filter_map(|(index, item)| (!keep(item)).then_some(index));
        let gone: Vec<usize> = gone.collect();
        self.remove_each(gone);
    }

    /// Takes the items with these indices away, which ascend.
    fn remove_each(&mut self, gone: Vec<usize>) {
        let (Some(&first), Some(&last)) = (gone.first(), gone.last()) else {
            return;
        };
        self.items.own_around(first..last + 1);
        let written = self.moving(first).map(|recorder| {
            recorder.write_numbers(Code::Remove, &runs_from_behind(&gone));
        });
        let taken = self.items.take_each(&gone);
        if written.is_some() {
            self.moved(Undo::Scattered(gone.into_iter().zip(taken).collect()));
        }
    }

    /// Orders the items by a comparison; equal ones keep their order. A page moves its rows.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let items: Vec<&T> = self.iter().collect();
        let mut order: Vec<u32> = (0..items.len() as u32).collect();
        // Compared first, moved then: a closure that panics leaves the list as it was.
        order.sort_by(|&a, &b| compare(items[a as usize], items[b as usize]));
        self.reorder(&order);
    }

    /// Orders the items by a key; equal ones keep their order. A page moves its rows.
    pub fn sort_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    /// Orders the items; equal ones keep their order. A page moves its rows.
    pub fn sort(&mut self)
    where
        T: Ord,
    {
        self.sort_by(T::cmp);
    }

    /// Turns the order round.
    pub fn reverse(&mut self) {
        let order: Vec<u32> = (0..self.len() as u32).rev().collect();
        self.reorder(&order);
    }

    /// Puts the items in another order, and sends the part of it that moves something.
    fn reorder(&mut self, order: &[u32]) {
        let moves = |(to, from): (usize, &u32)| to != *from as usize;
        let Some(start) = order.iter().enumerate().position(moves) else {
            return;
        };
        let end = order.iter().enumerate().rposition(moves).unwrap_or(start) + 1;
        let order: Vec<u32> = order[start..end]
            .iter()
            .map(|from| from - start as u32)
            .collect();
        self.items.own_around(start..end);
        let written = self.moving(start).map(|recorder| {
            let mut numbers = vec![start];
            numbers.extend(order.iter().map(|&from| from as usize));
            recorder.write_numbers(Code::Order, &numbers);
        });
        order_items(&mut self.items, start, &order);
        if written.is_some() {
            self.moved(Undo::Ordered(start, order));
        }
    }

    /// Takes items away and gives them out. What is kept to be put back are the items that were
    /// in the list, with whatever they recorded inside; given out are copies.
    fn take_range(&mut self, range: Range<usize>) -> Vec<T> {
        let (start, count) = (range.start, range.len());
        let recorder = self.role.recorder();
        if recorder.is_none_or(|recorder| start >= recorder.base) {
            self.items.own_around(range);
            return self.items.take_range(start, count).into_items().collect();
        }
        let given = self.items.range(range.clone()).cloned().collect();
        self.drop_range(range);
        given
    }

    fn drop_range(&mut self, range: Range<usize>) {
        let (start, count) = (range.start, range.len());
        if count == 0 {
            return;
        }
        self.items.own_around(range);
        let written = self.moving(start).map(|recorder| {
            recorder.write_numbers(Code::Remove, &[start, count]);
        });
        let taken = self.items.take_range(start, count);
        if written.is_some() {
            self.moved(Undo::Removed(start, taken));
        }
    }

    /// Items from an index on are about to move. The recorder, if pages know them: all that
    /// stands now is written then, and the op comes next, then the change, then its undo. Others
    /// will be written as they are then.
    ///
    /// The chunks that the change touches are this list's own by now, so that none of the
    /// items' own code runs between the op and its undo.
    fn moving(&mut self, from: usize) -> Option<&mut Recorder<T>> {
        let recorder = self.role.recorder()?;
        if from >= recorder.base {
            return None;
        }
        recorder.flush(&mut self.items);
        Some(recorder)
    }

    /// The items moved; this takes it back.
    fn moved(&mut self, undo: Undo<T>) {
        let len = self.len();
        if let Some(recorder) = self.role.recorder() {
            recorder.moved(undo, len);
        }
    }
}

/// The ascending indices as pairs of index and count, from behind, so that each is right when
/// those before it are gone.
fn runs_from_behind(indices: &[usize]) -> Vec<usize> {
    let mut runs: Vec<usize> = Vec::new();
    for &index in indices.iter().rev() {
        match runs.as_mut_slice() {
            [.., start, count] if *start == index + 1 => (*start, *count) = (index, *count + 1),
            _ => runs.extend([index, 1]),
        }
    }
    runs
}

/// The indices that a range means.
pub(in crate::core) fn bounds(range: &impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last + 1,
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    assert!(
        start <= end && end <= len,
        "the range {start}..{end} of a list of {len}"
    );
    start..end
}
