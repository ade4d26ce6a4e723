//! The sequence inside `List` and `Map`: items in chunks that snapshots share.
//!
//! A clone copies the table of chunks, one pointer for [`CHUNK`] items; a change then copies the
//! one chunk that it touches, and only while a clone still holds it. Each entry of the table says
//! where its chunk starts, counted from a place that moves with the front: an index is found by
//! bisecting the table, and neither end ever moves the other's items.

use std::{
    cmp::Ordering,
    collections::{VecDeque, vec_deque},
    iter::FusedIterator,
    ops::Range,
    sync::Arc,
};

/// Items in a chunk, at most. A snapshot of 100,000 items copies 782 pointers, and the first
/// change after it at most this many items.
pub(crate) const CHUNK: usize = 128;

/// Where the count of places begins: so far from both ends of `u64` that it can't run out.
const MIDDLE: u64 = 1 << 63;

/// So many items in a row are moved one by one; more are moved as chunks.
const FEW: usize = 32;

/// A sequence that is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Seq<T> {
    table: VecDeque<Slot<T>>,
    len: usize,
}

/// An entry of the table. No chunk is empty.
#[derive(Clone, Debug)]
struct Slot<T> {
    /// The place of its first item. The index of an item is its place less that of the first.
    start: u64,
    items: Arc<VecDeque<T>>,
}

/// The items in order.
#[derive(Debug)]
pub struct Iter<'a, T> {
    seq: &'a Seq<T>,
    /// What is left of the chunk that the front is in.
    chunk: vec_deque::Iter<'a, T>,
    next_chunk: usize,
    front: usize,
    back: usize,
}

// === impl Seq: reading ===

impl<T> Seq<T> {
    pub(crate) const fn new() -> Self {
        Seq {
            table: VecDeque::new(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        let (chunk, at) = self.find(index);
        self.table[chunk].items.get(at)
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.range(0..self.len)
    }

    /// The items with these indices.
    pub(crate) fn range(&self, range: Range<usize>) -> Iter<'_, T> {
        let Range { start, end } = range;
        assert!(start <= end && end <= self.len, "a range within the items");
        let mut iter = Iter {
            seq: self,
            chunk: vec_deque::Iter::default(),
            next_chunk: 0,
            front: start,
            back: end,
        };
        if start < end {
            let (chunk, at) = self.find(start);
            iter.chunk = self.table[chunk].items.range(at..);
            iter.next_chunk = chunk + 1;
        }
        iter
    }

    /// Where an item stands, or would stand, in a sequence that is in order.
    pub(crate) fn search_by(
        &self,
        mut compare: impl FnMut(&T) -> Ordering,
    ) -> Result<usize, usize> {
        let after = self.table.partition_point(|slot| {
            let first = slot.items.front();
            first.is_some_and(|first| compare(first) != Ordering::Greater)
        });
        let Some(chunk) = after.checked_sub(1) else {
            return Err(0);
        };
        let slot = &self.table[chunk];
        let before = (slot.start - self.origin()) as usize;
        match slot.items.binary_search_by(compare) {
            Ok(at) => Ok(before + at),
            Err(at) => Err(before + at),
        }
    }

    fn origin(&self) -> u64 {
        self.table.front().map_or(MIDDLE, |slot| slot.start)
    }

    /// The chunk of an index that is there, and the place in it.
    fn find(&self, index: usize) -> (usize, usize) {
        let place = self.origin() + index as u64;
        let last = self.table.len() - 1;
        let chunk = if self.table[last].start <= place {
            last
        } else {
            self.table.partition_point(|slot| slot.start <= place) - 1
        };
        (chunk, (place - self.table[chunk].start) as usize)
    }

    /// The items behind a chunk moved by so many places.
    fn shift_behind(&mut self, chunk: usize, by: i64) {
        for slot in self.table.range_mut(chunk + 1..) {
            slot.start = slot.start.wrapping_add_signed(by);
        }
    }
}

// === impl Seq: changing ===

impl<T: Clone> Seq<T> {
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let (chunk, at) = self.find(index);
        own(&mut self.table[chunk].items).get_mut(at)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.table
            .iter_mut()
            .flat_map(|slot| own(&mut slot.items).iter_mut())
    }

    pub(crate) fn push_back(&mut self, item: T) {
        match self.table.back_mut() {
            Some(slot) if slot.items.len() < CHUNK => own(&mut slot.items).push_back(item),
            last => {
                // The first chunk grows as it fills; a further one will fill.
                let (start, capacity) = match last {
                    Some(slot) => (slot.start + slot.items.len() as u64, CHUNK),
                    None => (MIDDLE, 0),
                };
                let mut items = VecDeque::with_capacity(capacity);
                items.push_back(item);
                let items = Arc::new(items);
                self.table.push_back(Slot { start, items });
            }
        }
        self.len += 1;
    }

    pub(crate) fn push_front(&mut self, item: T) {
        match self.table.front_mut() {
            Some(slot) if slot.items.len() < CHUNK => {
                own(&mut slot.items).push_front(item);
                slot.start -= 1;
            }
            first => {
                let (start, capacity) = match first {
                    Some(slot) => (slot.start - 1, CHUNK),
                    None => (MIDDLE, 0),
                };
                let mut items = VecDeque::with_capacity(capacity);
                items.push_front(item);
                let items = Arc::new(items);
                self.table.push_front(Slot { start, items });
            }
        }
        self.len += 1;
    }

    /// Copies the chunks of a range, and those beside it, where a clone holds them. A change there
    /// runs no code of the items' type after that, so that it happens whole or not at all.
    pub(crate) fn own_around(&mut self, range: Range<usize>) {
        if self.len == 0 {
            return;
        }
        let (first, last) = (range.start.saturating_sub(1), range.end + 1);
        let (first, _) = self.find(first.min(self.len - 1));
        let (last, _) = self.find(last.min(self.len - 1));
        for slot in self.table.range_mut(first..=last) {
            own(&mut slot.items);
        }
    }

    /// Puts an item before the one at the index, or behind the last.
    pub(crate) fn insert(&mut self, index: usize, item: T) {
        if index == self.len {
            return self.push_back(item);
        }
        if index == 0 {
            return self.push_front(item);
        }
        let (mut chunk, mut at) = self.find(index);
        if self.table[chunk].items.len() == CHUNK {
            self.split_chunk(chunk, CHUNK / 2);
            if at >= CHUNK / 2 {
                (chunk, at) = (chunk + 1, at - CHUNK / 2);
            }
        }
        own(&mut self.table[chunk].items).insert(at, item);
        self.shift_behind(chunk, 1);
        self.len += 1;
    }

    /// Takes the item at an index that is there.
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        let (chunk, at) = self.find(index);
        let slot = &mut self.table[chunk];
        let item = own(&mut slot.items).remove(at);
        if index == 0 {
            slot.start += 1;
        } else {
            self.shift_behind(chunk, -1);
        }
        self.len -= 1;
        if self.table[chunk].items.is_empty() {
            self.table.remove(chunk);
        } else if index != 0 && index != self.len {
            self.merge(chunk);
        }
        item
    }

    /// Cuts the items from an index on off.
    pub(crate) fn split_off(&mut self, index: usize) -> Seq<T> {
        if index >= self.len {
            return Seq::new();
        }
        let (chunk, at) = self.find(index);
        let chunk = match at {
            0 => chunk,
            at => {
                self.split_chunk(chunk, at);
                chunk + 1
            }
        };
        let tail = Seq {
            table: self.table.split_off(chunk),
            len: self.len - index,
        };
        self.len = index;
        tail
    }

    /// Puts the items of another behind the last.
    pub(crate) fn append(&mut self, other: Seq<T>) {
        let seam = self.table.len();
        let mut start = match self.table.back() {
            Some(slot) => slot.start + slot.items.len() as u64,
            None => MIDDLE,
        };
        for slot in other.table {
            let items = slot.items;
            let next = start + items.len() as u64;
            self.table.push_back(Slot { start, items });
            start = next;
        }
        self.len += other.len;
        if seam > 0 && seam < self.table.len() {
            self.merge(seam);
        }
    }

    /// Takes so many items from an index on.
    pub(crate) fn take_range(&mut self, index: usize, count: usize) -> Seq<T> {
        if count <= FEW {
            return (0..count).filter_map(|_| self.remove(index)).collect();
        }
        let mut middle = self.split_off(index);
        let tail = middle.split_off(count);
        self.append(tail);
        middle
    }

    /// Puts items before the one at the index, or behind the last.
    pub(crate) fn insert_all(&mut self, index: usize, items: Seq<T>) {
        if items.len <= FEW {
            for (nth, item) in items.into_items().enumerate() {
                self.insert(index + nth, item);
            }
            return;
        }
        let tail = self.split_off(index);
        self.append(items);
        self.append(tail);
    }

    /// Takes the items at these indices, which ascend.
    pub(crate) fn take_each(&mut self, indices: &[usize]) -> Vec<T> {
        if indices.len() <= FEW {
            let mut taken: Vec<T> = indices
                .iter()
                .rev()
                .filter_map(|&index| self.remove(index))
                .collect();
            taken.reverse();
            return taken;
        }
        let mut taken = Vec::with_capacity(indices.len());
        let mut wanted = indices.iter().copied().peekable();
        // From the first on: what is before and behind stays as it is.
        let first = indices[0];
        let tail = self.split_off(indices[indices.len() - 1] + 1);
        for (nth, item) in self.split_off(first).into_items().enumerate() {
            if wanted.next_if_eq(&(first + nth)).is_some() {
                taken.push(item);
            } else {
                self.push_back(item);
            }
        }
        self.append(tail);
        taken
    }

    /// Puts items back, so that each has the index it comes with. The indices ascend.
    pub(crate) fn put_each(&mut self, items: Vec<(usize, T)>) {
        if items.len() <= FEW {
            for (index, item) in items {
                self.insert(index, item);
            }
            return;
        }
        self.own_around(0..self.len);
        let mut others = std::mem::take(self).into_items();
        for (index, item) in items {
            while self.len < index {
                let Some(other) = others.next() else { break };
                self.push_back(other);
            }
            self.push_back(item);
        }
        others.for_each(|other| self.push_back(other));
    }

    /// Puts the items in another order: at each place comes the item that was at that index.
    pub(crate) fn permute(&mut self, order: &[u32]) {
        self.own_around(0..self.len);
        let mut items: Vec<Option<T>> = std::mem::take(self).into_items().map(Some).collect();
        *self = order
            .iter()
            .filter_map(|&from| items[from as usize].take())
            .collect();
    }

    /// The items in order, copied only where a clone holds them.
    pub(crate) fn into_items(self) -> impl Iterator<Item = T> {
        self.table
            .into_iter()
            .flat_map(|slot| Arc::try_unwrap(slot.items).unwrap_or_else(|shared| (*shared).clone()))
    }

    fn split_chunk(&mut self, chunk: usize, at: usize) {
        let slot = &mut self.table[chunk];
        let start = slot.start + at as u64;
        let items = Arc::new(own(&mut slot.items).split_off(at));
        self.table.insert(chunk + 1, Slot { start, items });
    }

    /// Joins a chunk with a neighbour where both are small, so that the table stays short
    /// whatever is removed from the middle.
    fn merge(&mut self, chunk: usize) {
        // Only what is this sequence's alone: joining runs no code of the items' type.
        let alone = |slot: &Slot<T>| Arc::strong_count(&slot.items) == 1;
        let small = |this: &Self, left: usize| {
            let (left, right) = (this.table.get(left), this.table.get(left + 1));
            matches!((left, right), (Some(left), Some(right))
                if left.items.len() + right.items.len() <= CHUNK / 2
                    && alone(left) && alone(right))
        };
        let left = match chunk {
            chunk if small(self, chunk) => chunk,
            chunk if chunk > 0 && small(self, chunk - 1) => chunk - 1,
            _ => return,
        };
        if let Some(right) = self.table.remove(left + 1) {
            let items = Arc::try_unwrap(right.items).unwrap_or_else(|shared| (*shared).clone());
            own(&mut self.table[left].items).extend(items);
        }
    }
}

/// The chunk as this sequence's alone: copied, with room to grow, where a clone holds it.
fn own<T: Clone>(items: &mut Arc<VecDeque<T>>) -> &mut VecDeque<T> {
    if Arc::get_mut(items).is_none() {
        let room = (items.len() + 1).next_power_of_two().min(CHUNK);
        let mut copy = VecDeque::with_capacity(room);
        copy.extend(items.iter().cloned());
        *items = Arc::new(copy);
    }
    // It is not shared now: `make_mut` copies nothing.
    Arc::make_mut(items)
}

// === impl Seq: the usual traits ===

impl<T> Default for Seq<T> {
    fn default() -> Self {
        Seq::new()
    }
}

impl<T: Clone> FromIterator<T> for Seq<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut seq = Seq::new();
        items.into_iter().for_each(|item| seq.push_back(item));
        seq
    }
}

impl<T: PartialEq> PartialEq for Seq<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Seq<T> {}

// === impl Iter ===

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if self.front == self.back {
            return None;
        }
        self.front += 1;
        loop {
            if let Some(item) = self.chunk.next() {
                return Some(item);
            }
            self.chunk = self.seq.table.get(self.next_chunk)?.items.iter();
            self.next_chunk += 1;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.back - self.front;
        (left, Some(left))
    }

    fn nth(&mut self, n: usize) -> Option<&'a T> {
        let skip = n.min(self.back - self.front);
        *self = self.seq.range(self.front + skip..self.back);
        self.next()
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        self.seq.get(self.back)
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Iter {
            chunk: self.chunk.clone(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table says where each chunk starts, no chunk is empty or too full.
    fn assert_whole(seq: &Seq<u32>, model: &VecDeque<u32>) {
        assert_eq!(seq.len(), model.len());
        assert!(seq.iter().eq(model), "{seq:?}\nis not {model:?}");
        assert!(seq.iter().rev().eq(model.iter().rev()));
        let mut place = seq.origin();
        for slot in &seq.table {
            assert_eq!(slot.start, place);
            assert!((1..=CHUNK).contains(&slot.items.len()));
            place += slot.items.len() as u64;
        }
        for index in (0..model.len()).step_by(37) {
            assert_eq!(seq.get(index), model.get(index));
        }
    }

    #[test]
    fn it_does_what_a_deque_does_and_leaves_its_clones_alone() {
        let mut seed = 7_u64;
        let mut below = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % n.max(1)
        };
        let (mut seq, mut model) = (Seq::new(), VecDeque::new());
        let (mut kept, mut kept_model) = (seq.clone(), model.clone());
        for step in 0..6_000_u32 {
            let (len, at) = (model.len(), below(model.len() + 1));
            match below(14) {
                0..=2 => {
                    seq.push_back(step);
                    model.push_back(step);
                }
                3 | 4 => {
                    seq.push_front(step);
                    model.push_front(step);
                }
                5 | 6 => {
                    seq.insert(at, step);
                    model.insert(at, step);
                }
                7 => assert_eq!(seq.remove(at), model.remove(at)),
                8 => assert_eq!(seq.remove(0), model.pop_front()),
                9 => {
                    let more: Vec<u32> = (0..below(300) as u32).collect();
                    seq.insert_all(at, more.iter().copied().collect());
                    let tail = model.split_off(at);
                    model.extend(more.into_iter().chain(tail));
                }
                10 => {
                    let count = below(len - at + 1);
                    let taken = seq.take_range(at, count);
                    assert!(
                        taken
                            .iter()
                            .eq(&model.drain(at..at + count).collect::<Vec<_>>())
                    );
                }
                11 => {
                    let every = 1 + below(40);
                    let gone: Vec<usize> = (0..len).filter(|index| index % every == 0).collect();
                    if !gone.is_empty() && below(4) == 0 {
                        let taken = seq.take_each(&gone);
                        let expected: Vec<u32> = gone.iter().map(|&index| model[index]).collect();
                        assert_eq!(taken, expected);
                        seq.put_each(gone.into_iter().zip(taken).collect());
                    }
                }
                12 => {
                    if let (Some(own), Some(item)) = (seq.get_mut(at), model.get_mut(at)) {
                        (*own, *item) = (step, step);
                    }
                }
                _ => {
                    assert_whole(&kept, &kept_model);
                    (kept, kept_model) = (seq.clone(), model.clone());
                }
            }
            if step % 50 == 0 {
                assert_whole(&seq, &model);
            }
        }
        assert_whole(&seq, &model);
        assert_whole(&kept, &kept_model);
    }

    #[test]
    fn a_change_copies_one_chunk_while_a_clone_holds_it_and_none_after() {
        let mut seq: Seq<u32> = (0..100 * CHUNK as u32).collect();
        let kept = seq.clone();
        let shared = |seq: &Seq<u32>| {
            let both = seq.table.iter().zip(&kept.table);
            both.filter(|(a, b)| Arc::ptr_eq(&a.items, &b.items))
                .count()
        };
        if let Some(item) = seq.get_mut(50 * CHUNK) {
            *item = 1;
        }
        assert_eq!(shared(&seq), 99);
        let own = Arc::as_ptr(&seq.table[50].items);
        if let Some(item) = seq.get_mut(50 * CHUNK + 1) {
            *item = 1;
        }
        assert_eq!(
            Arc::as_ptr(&seq.table[50].items),
            own,
            "it was copied already"
        );
        assert_eq!(kept.get(50 * CHUNK), Some(&(50 * CHUNK as u32)));
    }
}
