//! `Map`: a map that records what happens to it, by key.

mod change;
mod entry;
mod record;

pub use entry::Entry;

use self::record::{Before, Recorder, find_near};
use super::{
    list::{ListChange, Mailbox, Observers},
    node::{Lost, Node, Read, Seen, Tracked, Write},
    ops::{Applied, ApplyError, Code, Op, RecordError, Step, Visibility},
    role::Role,
    schema::Schema,
    seq::{self, Seq},
    writer::{Out, inside},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{borrow::Borrow, collections::BTreeMap, fmt, marker::PhantomData, ops::Index, sync::Arc};

/// A map in a state, ordered by key. What an update does to it is recorded by key.
///
/// Values are plain data, or themselves recorded: a `List`, a `Map`, a `Text`, or a type with
/// `#[derive(State)]`, and then a change inside of a value is sent as that change. Keys are what
/// JSON can have as keys: texts, numbers, enums without content.
///
/// Outside of a state it is an ordinary map. A key is found in a time that grows with the
/// logarithm of the size. A clone shares its content with the original, in chunks, until one of
/// them changes.
///
/// ```
/// use undercurrent::Map;
///
/// let mut counts: Map<String, u32> = Map::new();
/// *counts.entry("rust".into()).or_insert(0) += 1;
/// assert_eq!(counts.get("rust"), Some(&1));
/// ```
pub struct Map<K, V> {
    /// Ordered by key, each key once.
    items: Seq<(K, V)>,
    role: Role<Recorder<K, V>, BTreeMap<K, Before<V>>>,
    /// The views that follow this map, in the browser.
    observers: Option<Box<Observers<(K, V)>>>,
}

/// What a [`Map`] is ordered by: a text, a whole number, a `char`, a `bool`, an enum without content,
/// or a newtype of such. JSON has no other keys: an update that would record one fails.
///
/// Keys that are equal should be written as one text. Of two that are not, a page may show the one
/// for the other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a `Map`",
    note = "a key is a text, a whole number, an enum without content, or a newtype of such",
    note = "it needs Ord + Clone + Serialize + DeserializeOwned + Send + Sync; floats have no order"
)]
pub trait Key: Ord + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<K> Key for K where K: Ord + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

/// The entries of a map, in the order of their keys.
#[derive(Debug)]
pub struct MapIter<'a, K, V>(seq::Iter<'a, (K, V)>);

// === impl Map: reading ===

impl<K, V> Map<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Map {
            items: Seq::new(),
            role: Role::Idle,
            observers: None,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> MapIter<'_, K, V> {
        MapIter(self.items.iter())
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.items.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.items.iter().map(|(_, value)| value)
    }

    /// The entry with the lowest key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The entry with the highest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }
}

impl<K: Ord, V> Map<K, V> {
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let index = self.search(key).ok()?;
        self.items.get(index).map(|(_, value)| value)
    }

    /// Whether there is a value for the key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.search(key).is_ok()
    }

    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        match &self.role {
            Role::Armed(_, recorder) => find_near(&self.items, key, recorder.place),
            _ => self.items.search_by(|(own, _)| own.borrow().cmp(key)),
        }
    }
}

// === impl Map: as a node ===

impl<K: Key, V: Node> Node for Map<K, V> {
    fn has_server() -> bool {
        V::has_server()
    }

    fn holds_server(seen: &mut Seen) -> bool {
        V::holds_server(seen)
    }

    fn schema(schema: &mut Schema) {
        V::schema(schema);
    }

    fn arm(&mut self) -> Self {
        let len = self.len();
        Map {
            items: Seq::new(),
            role: self.role.arm(len),
            observers: None,
        }
    }

    fn record(&mut self, shadow: &Self, out: &mut Out<'_>) -> Result<(), RecordError> {
        let items = &mut self.items;
        match self.role.seen_by(&shadow.role) {
            Some(recorder) => recorder.record(items, out),
            None => record::write_whole(items, out),
        }
    }

    fn park(&mut self, shadow: &mut Self) {
        if let Some((recorder, parked)) = self.role.with(&mut shadow.role) {
            *parked = recorder.park(&mut self.items);
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
        match (op.code, op.path.get(at..)) {
            (Code::Set, Some([])) => {
                let new: Map<K, V> = Read::from_json(op.raw_arg(0)?)?;
                self.patch(new, applied);
                Ok(())
            }
            (code, Some([Step::Name(key), rest @ ..])) => {
                let key: K = read_key(key).map_err(|error| op.unfit(&error.0))?;
                match (code, rest) {
                    (Code::Set, []) => {
                        self.apply_set(key, Read::from_json(op.raw_arg(0)?)?, applied);
                        Ok(())
                    }
                    (Code::Remove, []) if op.args.is_empty() => match self.search(&key) {
                        Ok(index) => {
                            self.apply_remove(index, applied);
                            Ok(())
                        }
                        Err(_) => Err(op.unfit("there is no such key")),
                    },
                    _ => self.apply_inside(op, &key, at + 1, applied),
                }
            }
            _ => Err(op.unfit("a map has keys")),
        }
    }

    fn patch(&mut self, new: Self, applied: &mut Applied) -> bool {
        let mut differs = false;
        for index in (0..self.len()).rev() {
            let gone = self.items.get(index);
            if gone.is_some_and(|(key, _)| !new.contains_key(key)) {
                differs = true;
                self.apply_remove(index, applied);
            }
        }
        for (key, value) in new.items.into_items() {
            let own = self.get(&key);
            if own.is_none_or(|own| !own.same(&value)) {
                differs = true;
                self.apply_set(key, value, applied);
            }
        }
        differs
    }

    fn same(&self, other: &Self) -> bool {
        let pairs = || self.iter().zip(other.iter());
        self.len() == other.len() && pairs().all(|((k, v), (l, w))| k == l && v.same(w))
    }

    fn write<S: Serializer>(&self, visibility: Visibility, to: S) -> Result<S::Ok, S::Error> {
        inside::<S>(|| {
            let mut map = to.serialize_map(Some(self.len()))?;
            for (key, value) in self {
                map.serialize_entry(key, &Write(value, visibility))?;
            }
            map.end()
        })
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries(PhantomData))
    }
}

impl<K: Key, V: Node> Tracked for Map<K, V> {}

impl<K: Key, V: Node> Map<K, V> {
    fn apply_set(&mut self, key: K, value: V, applied: &mut Applied) {
        applied.touch();
        let item = (key, value);
        match self.search(&item.0) {
            Ok(index) => self.tell(|| ListChange::Set(index, item.clone()), applied),
            Err(index) => self.tell(|| ListChange::Insert(index, vec![item.clone()]), applied),
        }
        self.put(item);
    }

    /// Puts an entry where its key belongs, and records nothing.
    fn put(&mut self, item: (K, V)) {
        match self.search(&item.0) {
            Ok(index) => {
                if let Some(place) = self.items.get_mut(index) {
                    *place = item;
                }
            }
            Err(index) => self.items.insert(index, item),
        }
    }

    fn apply_remove(&mut self, index: usize, applied: &mut Applied) {
        applied.touch();
        self.tell(|| ListChange::Remove(index, 1), applied);
        self.items.remove(index);
    }

    fn apply_inside(
        &mut self,
        op: &Op<'_>,
        key: &K,
        at: usize,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        let found = self.search(key).ok();
        let Some((index, item)) = found.and_then(|at| Some((at, self.items.get_mut(at)?))) else {
            return Err(op.unfit("there is no such key"));
        };
        applied.touch();
        applied.item(|applied| item.1.apply(op, at, applied))?;
        let item = self.observers.is_some().then(|| item.clone());
        if let Some(item) = item {
            self.tell(|| ListChange::Set(index, item.clone()), applied);
        }
        Ok(())
    }

    fn tell(&mut self, change: impl FnOnce() -> ListChange<(K, V)>, applied: &mut Applied) {
        if let Some(observers) = &mut self.observers {
            observers.tell(&change(), applied);
        }
    }

    /// A mailbox that is told of every change from now on, with indices in the order of the
    /// keys. `wake` runs after a change, when no lock is held.
    pub fn observe(&mut self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Mailbox<(K, V)>> {
        self.observers.get_or_insert_default().add(wake)
    }
}

/// Reads a key as it stands in a path.
fn read_key<K: Key>(text: &str) -> Result<K, ApplyError> {
    // As a map's key, so that numbers are read from texts just as they are in a whole map.
    struct OneKey<K>(K);

    impl<'de, K: Key> Deserialize<'de> for OneKey<K> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct First<K>(PhantomData<fn() -> K>);

            impl<'de, K: Key> Visitor<'de> for First<K> {
                type Value = OneKey<K>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a key")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OneKey<K>, A::Error> {
                    let entry = map.next_entry::<K, ()>()?;
                    let (key, ()) = entry.ok_or_else(|| serde::de::Error::custom("no key"))?;
                    Ok(OneKey(key))
                }
            }
            from.deserialize_map(First(PhantomData))
        }
    }
    let json = format!("{{{}:null}}", serde_json::to_string(text)?);
    let OneKey(key) = serde_json::from_str(&json)?;
    Ok(key)
}

struct Entries<K, V>(PhantomData<fn() -> (K, V)>);

impl<'de, K: Key, V: Node> Visitor<'de> for Entries<K, V> {
    type Value = Map<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Map<K, V>, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key()? {
            let value = entries.next_value_seed(Read::new())?;
            map.put((key, value));
        }
        Ok(map)
    }
}

// === impl Map: the usual traits ===

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Map::new()
    }
}

impl<K: Clone, V: Clone> Clone for Map<K, V> {
    /// A plain map with the same entries: nothing is recorded in it, no view follows it.
    fn clone(&self) -> Self {
        Map {
            items: self.items.clone(),
            role: Role::Idle,
            observers: None,
        }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for Map<K, V> {
    type Output = V;

    /// # Panics
    ///
    /// When there is no such key.
    fn index(&self, key: &Q) -> &V {
        self.get(key)
            .unwrap_or_else(|| panic!("the map has no such key"))
    }
}

impl<K: Key, V: Node> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Map::new();
        map.extend(entries);
        map
    }
}

impl<K: Key, V: Node, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Key, V: Node> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Clone, V: Clone> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_items().collect::<Vec<_>>().into_iter()
    }
}

impl<'a, K: Key, V: Node> IntoIterator for &'a mut Map<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = Box<dyn Iterator<Item = (&'a K, &'a mut V)> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter_mut())
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = MapIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> Iterator for MapIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for MapIter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl<K, V> ExactSizeIterator for MapIter<'_, K, V> {}
