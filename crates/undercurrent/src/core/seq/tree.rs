//! The tree inside a sequence: chunks of items, and branches that know how many there are below.
//!
//! All chunks of a tree are at the same depth. None of its nodes is empty, and two small ones
//! side by side are joined, so that the depth grows with the logarithm of the length whatever
//! was done. Branches are copied without running code of the items' type; chunks are not.

use std::{cmp::Ordering, collections::VecDeque, ops::Range, sync::Arc};

/// Items in a chunk, at most. The first change after a snapshot copies one chunk.
pub(super) const CHUNK: usize = 128;

/// Children of a branch, at most.
pub(super) const WIDTH: usize = 32;

/// A chunk that grows at an end gives so many items to the one that comes beside it, so that a
/// pop after the push does not empty it again.
const ALONG: usize = 8;

/// A node, and how many items it has in it.
#[derive(Clone, Debug)]
pub(super) struct Tree<T> {
    pub(super) len: usize,
    pub(super) node: Arc<Node<T>>,
}

#[derive(Clone, Debug)]
pub(super) enum Node<T> {
    Chunk(VecDeque<T>),
    Branch(Vec<Tree<T>>),
}

// === Reading ===

impl<T> Tree<T> {
    /// The chunk that an index is in, and the place there. `None` beyond the last.
    pub(super) fn find(&self, index: usize) -> Option<(&VecDeque<T>, usize)> {
        let (mut tree, mut at) = (self, index);
        loop {
            match &*tree.node {
                Node::Chunk(items) => return (at < items.len()).then_some((items, at)),
                Node::Branch(children) => {
                    let (nth, rest) = child_of(children, tree.len, at);
                    (tree, at) = (children.get(nth)?, rest);
                }
            }
        }
    }

    /// Where an item stands, or would stand, in a sequence that is in order.
    pub(super) fn search(&self, mut compare: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        let (mut node, mut before) = (&*self.node, 0);
        loop {
            match node {
                Node::Chunk(items) => {
                    let found = items.binary_search_by(compare);
                    return found.map(|at| before + at).map_err(|at| before + at);
                }
                Node::Branch(children) => {
                    // The last child whose first item is not beyond; or the first child.
                    let after = children[1..].partition_point(|child| {
                        let first = child.first();
                        first.is_some_and(|first| compare(first) != Ordering::Greater)
                    });
                    before += children[..after]
                        .iter()
                        .map(|child| child.len)
                        .sum::<usize>();
                    node = &*children[after].node;
                }
            }
        }
    }

    fn first(&self) -> Option<&T> {
        let mut node = &*self.node;
        loop {
            match node {
                Node::Chunk(items) => return items.front(),
                Node::Branch(children) => node = &*children.first()?.node,
            }
        }
    }
}

/// The child that an index is in, and the index there. It is looked for from the nearer end. An
/// index beyond the last item leads beyond that of the last child.
fn child_of<T>(children: &[Tree<T>], len: usize, index: usize) -> (usize, usize) {
    let last = children.len() - 1;
    if index < len / 2 {
        let mut rest = index;
        for (nth, child) in children[..last].iter().enumerate() {
            if rest < child.len {
                return (nth, rest);
            }
            rest -= child.len;
        }
        return (last, rest);
    }
    let mut start = len;
    for (nth, child) in children.iter().enumerate().rev() {
        start -= child.len;
        if start <= index {
            return (nth, index - start);
        }
    }
    (0, index)
}

// === Making ===

impl<T> Tree<T> {
    pub(super) fn chunk(items: VecDeque<T>) -> Self {
        Tree {
            len: items.len(),
            node: Arc::new(Node::Chunk(items)),
        }
    }

    pub(super) fn branch(children: Vec<Tree<T>>) -> Self {
        Tree {
            len: children.iter().map(|child| child.len).sum(),
            node: Arc::new(Node::Branch(children)),
        }
    }

    /// A branch over two trees of the same height.
    pub(super) fn over(left: Self, right: Self) -> Self {
        let mut children = Vec::with_capacity(WIDTH + 1);
        children.extend([left, right]);
        Tree::branch(children)
    }
}

// === Changing ===

/// A node as this tree's alone: copied, with room to grow, where a clone holds it.
///
/// Whether one does is read from the count, since no node has weak pointers and whoever asks has the
/// node to himself. To ask `Arc::get_mut` first was a second locked instruction at each level: a swap
/// of the ends of a hundred thousand items took 612 ns with it and takes 551.
pub(super) fn own<T: Clone>(node: &mut Arc<Node<T>>) -> &mut Node<T> {
    if Arc::strong_count(node) > 1 {
        *node = Arc::new(match &**node {
            Node::Chunk(items) => {
                let room = (items.len() + 1).next_power_of_two().min(CHUNK);
                let mut copy = VecDeque::with_capacity(room);
                copy.extend(items.iter().cloned());
                Node::Chunk(copy)
            }
            Node::Branch(children) => {
                let mut copy = Vec::with_capacity(WIDTH + 1);
                copy.extend(children.iter().cloned());
                Node::Branch(copy)
            }
        });
    }
    // `make_mut` would do the same, and have the code of a further copy in it.
    Arc::get_mut(node).unwrap_or_else(|| unreachable!("it was copied where it was shared"))
}

impl<T: Clone> Tree<T> {
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match own(&mut self.node) {
            Node::Chunk(items) => items.get_mut(index),
            Node::Branch(children) => {
                let (nth, at) = child_of(children, self.len, index);
                children[nth].get_mut(at)
            }
        }
    }

    /// The items at two indices that are there, the first of which is lower.
    pub(super) fn two_mut(&mut self, low: usize, high: usize) -> Option<(&mut T, &mut T)> {
        match own(&mut self.node) {
            Node::Chunk(items) => {
                let mut both = items.range_mut(low..=high);
                let low = both.next()?;
                Some((low, both.next_back()?))
            }
            Node::Branch(children) => {
                let (one, low) = child_of(children, self.len, low);
                let (other, high) = child_of(children, self.len, high);
                if one == other {
                    return children[one].two_mut(low, high);
                }
                let [one, other] = children.get_disjoint_mut([one, other]).ok()?;
                Some((one.get_mut(low)?, other.get_mut(high)?))
            }
        }
    }

    /// Copies the chunks of a range where a clone holds them.
    pub(super) fn own_range(&mut self, range: Range<usize>) {
        if let Node::Branch(children) = own(&mut self.node) {
            let (nth, mut at) = child_of(children, self.len, range.start);
            let mut left = range.len();
            for child in &mut children[nth..] {
                let here = left.min(child.len - at);
                child.own_range(at..at + here);
                (left, at) = (left - here, 0);
                if left == 0 {
                    return;
                }
            }
        }
    }

    /// Puts an item before the one at the index, or behind the last. What does not fit any more
    /// comes back, as a tree of the same height that stands behind this one.
    pub(super) fn insert(&mut self, index: usize, item: T) -> Option<Tree<T>> {
        match own(&mut self.node) {
            Node::Chunk(items) if items.len() < CHUNK => {
                items.insert(index, item);
                self.len += 1;
                None
            }
            Node::Chunk(items) => {
                let behind = insert_into_full(items, index, item);
                self.len = items.len();
                Some(Tree::chunk(behind))
            }
            Node::Branch(children) => {
                let (nth, at) = child_of(children, self.len, index);
                let more = children[nth].insert(at, item);
                self.len += 1;
                let more = more?;
                children.insert(nth + 1, more);
                self.overflow(nth + 1)
            }
        }
    }

    /// What a branch can't hold, after a child came to this place.
    fn overflow(&mut self, place: usize) -> Option<Tree<T>> {
        let Node::Branch(children) = own(&mut self.node) else {
            return None;
        };
        if children.len() <= WIDTH {
            return None;
        }
        // One that grows at an end stays full.
        let at = match place {
            place if place + 1 == children.len() => place,
            0 | 1 => 1,
            _ => children.len() / 2,
        };
        let mut behind = children.split_off(at);
        behind.reserve(WIDTH + 1 - behind.len());
        let behind = Tree::branch(behind);
        self.len -= behind.len;
        Some(behind)
    }

    /// Takes the item at an index that is there. The tree may be empty then.
    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        let item = match own(&mut self.node) {
            Node::Chunk(items) => items.remove(index)?,
            Node::Branch(children) => {
                let (nth, at) = child_of(children, self.len, index);
                let item = children[nth].remove(at)?;
                if children[nth].len == 0 {
                    children.remove(nth);
                } else if (nth + 1 == children.len() || !join_with_next(children, nth))
                    && let Some(before) = nth.checked_sub(1)
                {
                    join_with_next(children, before);
                }
                item
            }
        };
        self.len -= 1;
        Some(item)
    }

    /// Cuts off what is behind an index that is neither the first nor behind the last. Both parts
    /// have the same height.
    pub(super) fn split(&mut self, index: usize) -> Tree<T> {
        let behind = match own(&mut self.node) {
            Node::Chunk(items) => Tree::chunk(items.split_off(index)),
            Node::Branch(children) => {
                let (nth, at) = child_of(children, self.len, index);
                // Below first: a chunk that is copied there runs code that may panic.
                let piece = (at > 0).then(|| children[nth].split(at));
                let from = nth + usize::from(at > 0);
                let mut behind = Vec::with_capacity(WIDTH + 1);
                behind.extend(piece);
                behind.extend(children.drain(from..));
                // What is left on either side of the cut may be small.
                join_last(children);
                join_with_next(&mut behind, 0);
                Tree::branch(behind)
            }
        };
        self.len -= behind.len;
        behind
    }
}

/// A full chunk takes one more. What stands behind then is another chunk.
fn insert_into_full<T>(items: &mut VecDeque<T>, index: usize, item: T) -> VecDeque<T> {
    let at = match index {
        0 => ALONG,
        index if index == items.len() => index - ALONG,
        _ => CHUNK / 2,
    };
    let mut behind = items.split_off(at);
    behind.reserve(CHUNK - behind.len());
    match index.checked_sub(at) {
        Some(place) => behind.insert(place, item),
        None => items.insert(index, item),
    }
    behind
}

/// Joins a child with the one behind it where both are small, or says that it did not. Chunks are
/// joined only where no clone holds them: that runs no code of the items' type.
fn join_with_next<T: Clone>(children: &mut Vec<Tree<T>>, nth: usize) -> bool {
    let Some([left, right]) = children.get_mut(nth..nth + 2) else {
        return false;
    };
    let joined = join_small(left, right);
    if joined {
        children.remove(nth + 1);
    }
    joined
}

/// Joins the last child with the one before it where both are small.
fn join_last<T: Clone>(children: &mut Vec<Tree<T>>) {
    if let Some(before) = children.len().checked_sub(2) {
        join_with_next(children, before);
    }
}

/// Puts all of the right one into the left one, if both are small.
fn join_small<T: Clone>(left: &mut Tree<T>, right: &mut Tree<T>) -> bool {
    let joined = match (&*left.node, &*right.node) {
        (Node::Chunk(one), Node::Chunk(other)) => {
            one.len() + other.len() <= CHUNK / 2
                && Arc::get_mut(&mut left.node).is_some()
                && Arc::get_mut(&mut right.node).is_some()
        }
        (Node::Branch(one), Node::Branch(other)) => one.len() + other.len() <= WIDTH / 2,
        _ => false,
    };
    if joined {
        match (own(&mut left.node), own(&mut right.node)) {
            (Node::Chunk(one), Node::Chunk(other)) => {
                while let Some(item) = other.pop_front() {
                    one.push_back(item);
                }
            }
            (Node::Branch(one), Node::Branch(other)) => one.append(other),
            _ => {}
        }
        left.len += right.len;
    }
    joined
}

/// Two trees side by side as one, or as two, of the greater height.
pub(super) fn join<T: Clone>(
    (mut left, left_height): (Tree<T>, usize),
    (mut right, right_height): (Tree<T>, usize),
) -> (Tree<T>, Option<Tree<T>>) {
    match left_height.cmp(&right_height) {
        Ordering::Equal => {
            join_seam(&mut left, &mut right, left_height);
            if right.len == 0 || join_small(&mut left, &mut right) {
                (left, None)
            } else {
                (left, Some(right))
            }
        }
        Ordering::Greater => {
            let added = right.len;
            let mut place = 0;
            if let Node::Branch(children) = own(&mut left.node)
                && let Some(last) = children.pop()
            {
                let (last, more) = join((last, left_height - 1), (right, right_height));
                children.push(last);
                join_last(children);
                children.extend(more);
                place = children.len() - 1;
            }
            left.len += added;
            let behind = left.overflow(place);
            (left, behind)
        }
        Ordering::Less => {
            let added = left.len;
            if let Node::Branch(children) = own(&mut right.node) {
                let first = children.remove(0);
                let (first, more) = join((left, left_height), (first, right_height - 1));
                let seam = usize::from(more.is_some());
                children.splice(0..0, std::iter::once(first).chain(more));
                join_with_next(children, seam);
            }
            right.len += added;
            let behind = right.overflow(0);
            (right, behind)
        }
    }
}

/// Where two branches of one height meet, their children are joined where they are small.
fn join_seam<T: Clone>(left: &mut Tree<T>, right: &mut Tree<T>, height: usize) {
    if height == 0 {
        return;
    }
    if let (Node::Branch(before), Node::Branch(behind)) =
        (own(&mut left.node), own(&mut right.node))
        && let Some(last) = before.pop()
    {
        let first = behind.remove(0);
        let had = last.len;
        let (last, first) = join((last, height - 1), (first, height - 1));
        let gained = last.len - had;
        before.push(last);
        join_last(before);
        behind.splice(0..0, first);
        join_with_next(behind, 0);
        left.len += gained;
        right.len -= gained;
    }
}
