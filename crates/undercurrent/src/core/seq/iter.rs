//! Going through a sequence.

use super::{
    Seq,
    tree::{Node, Tree, own},
};
use std::{
    collections::{VecDeque, vec_deque},
    iter::FusedIterator,
    ops::Range,
    slice,
    sync::Arc,
    vec,
};

/// The items in order.
#[derive(Debug)]
pub struct Iter<'a, T> {
    seq: &'a Seq<T>,
    /// What is left of the chunk that the front is in.
    chunk: vec_deque::Iter<'a, T>,
    front: usize,
    back: usize,
}

/// The items in order, each to be changed. A chunk is copied when its first item is asked for, if
/// a clone holds it.
pub(super) struct IterMut<'a, T> {
    /// What is left of the branches, from the root on.
    branches: Vec<slice::IterMut<'a, Tree<T>>>,
    chunk: vec_deque::IterMut<'a, T>,
}

/// The items themselves, copied only where a clone holds them.
pub(super) struct IntoItems<T> {
    branches: Vec<vec::IntoIter<Tree<T>>>,
    chunk: vec_deque::IntoIter<T>,
}

// === impl Iter ===

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(seq: &'a Seq<T>, range: Range<usize>) -> Self {
        let Range { start, end } = range;
        assert!(start <= end && end <= seq.len(), "a range within the items");
        Iter {
            seq,
            chunk: vec_deque::Iter::default(),
            front: start,
            back: end,
        }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if self.front == self.back {
            return None;
        }
        let item = match self.chunk.next() {
            Some(item) => item,
            None => {
                let (chunk, at) = self.seq.find(self.front)?;
                self.chunk = chunk.range(at..);
                self.chunk.next()?
            }
        };
        self.front += 1;
        Some(item)
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

// === impl IterMut ===

impl<'a, T> IterMut<'a, T> {
    pub(super) fn new(root: Option<&'a mut Tree<T>>) -> Self {
        IterMut {
            branches: vec![root.map_or(&mut [][..], slice::from_mut).iter_mut()],
            chunk: vec_deque::IterMut::default(),
        }
    }
}

impl<'a, T: Clone> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    fn next(&mut self) -> Option<&'a mut T> {
        loop {
            if let Some(item) = self.chunk.next() {
                return Some(item);
            }
            match self.branches.last_mut()?.next() {
                None => drop(self.branches.pop()),
                Some(tree) => match own(&mut tree.node) {
                    Node::Chunk(items) => self.chunk = items.iter_mut(),
                    Node::Branch(children) => self.branches.push(children.iter_mut()),
                },
            }
        }
    }
}

// === impl IntoItems ===

impl<T> IntoItems<T> {
    pub(super) fn new(root: Option<Tree<T>>) -> Self {
        let root: Vec<_> = root.into_iter().collect();
        IntoItems {
            branches: vec![root.into_iter()],
            chunk: VecDeque::new().into_iter(),
        }
    }
}

impl<T: Clone> Iterator for IntoItems<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.chunk.next() {
                return Some(item);
            }
            match self.branches.last_mut()?.next() {
                None => drop(self.branches.pop()),
                Some(tree) => match Arc::unwrap_or_clone(tree.node) {
                    Node::Chunk(items) => self.chunk = items.into_iter(),
                    Node::Branch(children) => self.branches.push(children.into_iter()),
                },
            }
        }
    }
}
