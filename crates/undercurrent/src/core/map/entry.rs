//! The place of a key in a map.

use super::{Key, Map};
use crate::core::node::Node;
use std::fmt;

/// The place of a key in a [`Map`], filled or not.
///
/// ```
/// use undercurrent::{List, Map};
///
/// let mut logs: Map<String, List<String>> = Map::new();
/// logs.entry("api".into()).or_default().push("started".into());
/// assert_eq!(logs["api"].len(), 1);
/// ```
pub struct Entry<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
}

impl<'a, K: Key, V: Node> Entry<'a, K, V> {
    pub(super) fn new(map: &'a mut Map<K, V>, key: K) -> Self {
        Entry { map, key }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The value, after this one was put in where there was none.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, after that of the closure was put in where there was none.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        let Entry { map, key } = self;
        let index = map.search(&key).unwrap_or_else(|index| {
            map.insert(key, value());
            index
        });
        map.value_at(index)
            .unwrap_or_else(|| unreachable!("it was found, or put in"))
    }

    /// The value, after the default was put in where there was none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Changes the value where there is one.
    #[must_use = "what is to be done where there is none follows"]
    pub fn and_modify(self, change: impl FnOnce(&mut V)) -> Self {
        if let Some(value) = self.map.get_mut(&self.key) {
            change(value);
        }
        self
    }
}

impl<K: fmt::Debug, V> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.key).finish()
    }
}
