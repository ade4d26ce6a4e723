//! `List`: a list that records what happens to it.

mod apply;
mod change;
mod observe;
mod patch;
mod record;

pub use super::seq::Iter;
pub(super) use change::bounds;
pub(super) use observe::Observers;
pub use observe::{ListChange, Mailbox};
pub(crate) use patch::longest_rising;

use self::record::{Recorder, Undo, write_items};
use super::{
    node::{Lost, Node, Read, Seen, Tracked, Write},
    ops::{Applied, ApplyError, Code, Op, RecordError, Visibility},
    role::Role,
    schema::Schema,
    seq::Seq,
    writer::{Out, inside},
};
use serde::{
    Deserializer, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeSeq,
};
use std::{fmt, marker::PhantomData, ops::Index, ops::IndexMut};

/// A list in a state. What an update does to it is recorded, so that a page is sent the change
/// and not the list.
///
/// Items are plain data, or themselves recorded: a `List`, a `Map`, a `Text`, or a type with
/// `#[derive(State)]`, and then a change inside of an item is sent as that change.
///
/// Outside of a state it is an ordinary list. Assigning another one to a field, taking it,
/// swapping it: all of it is allowed, and then the field is sent whole.
///
/// Both ends are reached in constant time, any index in a time that grows with the logarithm of
/// the length. A clone shares its items with the original, in chunks, until one of them changes.
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
    items: Seq<T>,
    role: Role<Recorder<T>, Vec<Undo<T>>>,
    /// The views that follow this list, in the browser.
    observers: Option<Box<Observers<T>>>,
}

// === impl List: reading ===

impl<T> List<T> {
    /// An empty list.
    pub const fn new() -> Self {
        List {
            items: Seq::new(),
            role: Role::Idle,
            observers: None,
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at an index.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    /// The first item.
    pub fn first(&self) -> Option<&T> {
        self.items.get(0)
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.items.get(self.len().checked_sub(1)?)
    }

    /// The items in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.items.iter()
    }

    /// The items with these indices, in order.
    ///
    /// # Panics
    ///
    /// When an index of the range is beyond the list.
    ///
    /// ```
    /// use undercurrent::List;
    ///
    /// let numbers: List<u32> = (0..1_000).collect();
    /// assert_eq!(numbers.range(500..503).collect::<Vec<_>>(), [&500, &501, &502]);
    /// ```
    pub fn range(&self, range: impl std::ops::RangeBounds<usize>) -> Iter<'_, T> {
        self.items.range(change::bounds(&range, self.len()))
    }

    /// Whether an item equals this one.
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|own| own == item)
    }
}

// === impl List: as a node ===

impl<T: Node> Node for List<T> {
    fn has_server() -> bool {
        T::has_server()
    }

    fn holds_server(seen: &mut Seen) -> bool {
        T::holds_server(seen)
    }

    fn schema(schema: &mut Schema) {
        T::schema(schema);
    }

    fn arm(&mut self) -> Self {
        let len = self.len();
        List {
            items: Seq::new(),
            role: self.role.arm(len),
            observers: None,
        }
    }

    fn record(&mut self, shadow: &Self, out: &mut Out<'_>) -> Result<(), RecordError> {
        let items = &mut self.items;
        match self.role.seen_by(&shadow.role) {
            Some(recorder) => recorder.record(items, out),
            None => out.op(Code::Set, |out, visibility| {
                write_items(items, out, visibility)
            }),
        }
    }

    fn park(&mut self, shadow: &mut Self) {
        if let Some((recorder, parked)) = self.role.with(&mut shadow.role) {
            parked.extend(recorder.park(&mut self.items));
        }
    }

    fn undo(&mut self, shadow: Self) -> Result<(), Lost> {
        let (recorder, parked) = self.role.back(shadow.role).ok_or(Lost)?;
        recorder.undo(&mut self.items, parked)
    }

    fn settle(&mut self, shadow: &mut Self) {
        match self.role.with(&mut shadow.role) {
            Some((recorder, parked)) => {
                parked.clear();
                recorder.settle(&mut self.items);
            }
            None => *shadow = self.arm(),
        }
    }

    fn apply(&mut self, op: &Op<'_>, at: usize, applied: &mut Applied) -> Result<(), ApplyError> {
        self.apply_op(op, at, applied)
    }

    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool {
        self.patch_to(new.items, applied)
    }

    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a.same(b))
    }

    fn write<S: Serializer>(&self, visibility: Visibility, to: S) -> Result<S::Ok, S::Error> {
        inside::<S>(|| {
            let mut seq = to.serialize_seq(Some(self.len()))?;
            for item in self {
                seq.serialize_element(&Write(item, visibility))?;
            }
            seq.end()
        })
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Items(PhantomData))
    }
}

impl<T: Node> Tracked for List<T> {}

struct Items<T>(PhantomData<fn() -> T>);

impl<'de, T: Node> Visitor<'de> for Items<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut items = Seq::new();
        while let Some(item) = seq.next_element_seed(Read::new())? {
            items.push_back(item);
        }
        Ok(List::from_seq(items))
    }
}

// === impl List: the usual traits ===

impl<T> List<T> {
    fn from_seq(items: Seq<T>) -> Self {
        List {
            items,
            role: Role::Idle,
            observers: None,
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List::new()
    }
}

impl<T: Clone> Clone for List<T> {
    /// A plain list with the same items: nothing is recorded in it, no view follows it.
    fn clone(&self) -> Self {
        List::from_seq(self.items.clone())
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
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        let len = self.len();
        self.get(index)
            .unwrap_or_else(|| panic!("no item {index} in a list of {len}"))
    }
}

impl<T: Node> IndexMut<usize> for List<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        let len = self.len();
        self.get_mut(index)
            .unwrap_or_else(|| panic!("no item {index} in a list of {len}"))
    }
}

impl<T: Clone> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Clone, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Clone> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        List::from_seq(items.into_iter().collect())
    }
}

impl<T: Node> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T: Clone> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_items().collect::<Vec<_>>().into_iter()
    }
}

impl<'a, T: Node> IntoIterator for &'a mut List<T> {
    type Item = &'a mut T;
    type IntoIter = Box<dyn Iterator<Item = &'a mut T> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter_mut())
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
