//! The sequence inside `List` and `Map`: items in a tree whose chunks snapshots share.
//!
//! A clone copies one pointer. A change then copies the chunk that it touches and the branches
//! above it, and only while a clone still holds them; without a clone it copies nothing. A branch
//! knows how many items each child has, so that an item that comes or goes in the middle changes
//! a number at each level, and what stands behind it stays as it is.

mod iter;
#[cfg(test)]
mod tests;
mod tree;

pub use iter::Iter;

use self::{
    iter::{IntoItems, IterMut},
    tree::{Node, Tree, join, own},
};
use std::{cmp::Ordering, collections::VecDeque, mem, ops::Range};

/// So many items in a row are moved one by one; more are moved as chunks.
const FEW: usize = 32;

/// A sequence that is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Seq<T> {
    /// `None` when it is empty.
    root: Option<Tree<T>>,
    /// Branches above a chunk.
    height: usize,
}

// === impl Seq: reading ===

impl<T> Seq<T> {
    pub(crate) const fn new() -> Self {
        Seq {
            root: None,
            height: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.len)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (chunk, at) = self.find(index)?;
        chunk.get(at)
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.range(0..self.len())
    }

    /// The items with these indices.
    pub(crate) fn range(&self, range: Range<usize>) -> Iter<'_, T> {
        Iter::new(self, range)
    }

    /// Where an item stands, or would stand, in a sequence that is in order.
    pub(crate) fn search_by(&self, compare: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        self.root
            .as_ref()
            .map_or(Err(0), |root| root.search(compare))
    }

    /// The chunk of an index, and the place in it.
    fn find(&self, index: usize) -> Option<(&VecDeque<T>, usize)> {
        self.root.as_ref()?.find(index)
    }
}

// === impl Seq: changing ===

impl<T: Clone> Seq<T> {
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let root = self.root.as_mut().filter(|root| index < root.len)?;
        root.get_mut(index)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        IterMut::new(self.root.as_mut())
    }

    pub(crate) fn push_back(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Copies the chunks of a range, and those beside it, where a clone holds them. A change there
    /// runs no code of the items' type after that, so that it happens whole or not at all.
    pub(crate) fn own_around(&mut self, range: Range<usize>) {
        if let Some(root) = &mut self.root {
            let last = root.len - 1;
            let (start, end) = (range.start.saturating_sub(1), range.end + 1);
            root.own_range(start.min(last)..end.min(last) + 1);
        }
    }

    /// Puts an item before the one at the index, or behind the last.
    pub(crate) fn insert(&mut self, index: usize, item: T) {
        match &mut self.root {
            None => self.root = Some(Tree::chunk(VecDeque::from_iter([item]))),
            Some(root) => {
                if let Some(behind) = root.insert(index, item) {
                    self.grow(behind);
                }
            }
        }
    }

    /// Takes the item at an index that is there.
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        let root = self.root.as_mut().filter(|root| index < root.len)?;
        let item = root.remove(index);
        self.shrink();
        item
    }

    /// Lets two items that are there change places.
    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        let (low, high) = (a.min(b), a.max(b));
        if low != high
            && high < self.len()
            && let Some(root) = &mut self.root
            && let Some((low, high)) = root.two_mut(low, high)
        {
            mem::swap(low, high);
        }
    }

    /// Cuts the items from an index on off.
    pub(crate) fn split_off(&mut self, index: usize) -> Seq<T> {
        if index >= self.len() {
            return Seq::new();
        }
        if index == 0 {
            return mem::take(self);
        }
        let mut behind = Seq {
            root: self.root.as_mut().map(|root| root.split(index)),
            height: self.height,
        };
        behind.shrink();
        self.shrink();
        behind
    }

    /// Drops the items from an index on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if self.len().saturating_sub(len) > FEW {
            drop(self.split_off(len));
        }
        while let Some(last) = self.len().checked_sub(1).filter(|last| *last >= len) {
            drop(self.remove(last));
        }
    }

    /// Puts the items of another behind the last.
    pub(crate) fn append(&mut self, other: Seq<T>) {
        let Some(right) = other.root else { return };
        let Some(left) = self.root.take() else {
            *self = Seq {
                root: Some(right),
                ..other
            };
            return;
        };
        let (root, behind) = join((left, self.height), (right, other.height));
        self.root = Some(root);
        self.height = self.height.max(other.height);
        if let Some(behind) = behind {
            self.grow(behind);
        }
        self.shrink();
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
        if items.len() <= FEW {
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
        self.own_around(0..self.len());
        let mut others = mem::take(self).into_items();
        for (index, item) in items {
            while self.len() < index {
                let Some(other) = others.next() else { break };
                self.push_back(other);
            }
            self.push_back(item);
        }
        others.for_each(|other| self.push_back(other));
    }

    /// Puts the items in another order: at each place comes the item that was at that index.
    pub(crate) fn permute(&mut self, order: &[u32]) {
        self.own_around(0..self.len());
        let mut items: Vec<Option<T>> = mem::take(self).into_items().map(Some).collect();
        *self = order
            .iter()
            .filter_map(|&from| items[from as usize].take())
            .collect();
    }

    /// The items in order, copied only where a clone holds them.
    pub(crate) fn into_items(self) -> impl Iterator<Item = T> {
        IntoItems::new(self.root)
    }

    /// What does not fit below the root any more stands behind it.
    fn grow(&mut self, behind: Tree<T>) {
        if let Some(root) = self.root.take() {
            self.root = Some(Tree::over(root, behind));
            self.height += 1;
        }
    }

    /// A root that is not needed any more goes.
    fn shrink(&mut self) {
        while let Some(root) = &mut self.root {
            if root.len == 0 {
                *self = Seq::new();
                return;
            }
            if !matches!(&*root.node, Node::Branch(children) if children.len() == 1) {
                return;
            }
            if let Node::Branch(children) = own(&mut root.node) {
                self.root = children.pop();
                self.height -= 1;
            }
        }
    }
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
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Seq<T> {}
