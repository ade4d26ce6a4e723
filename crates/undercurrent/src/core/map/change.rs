//! Changing a map. Each method does what its namesake of `BTreeMap` does.

use super::{Entry, Key, Map};
use crate::core::node::Node;
use std::borrow::Borrow;

impl<K: Key, V: Node> Map<K, V> {
    /// Gives a key a value. Returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let index = match self.search(&key) {
            Ok(index) => index,
            Err(index) => {
                self.items.own_around(index..index);
                if let Some(recorder) = self.role.recorder() {
                    recorder.adding(index, &key);
                }
                self.items.insert(index, (key, value));
                return None;
            }
        };
        let (own, place) = self.items.get_mut(index)?;
        match self.role.recorder() {
            Some(recorder) if recorder.keeps(&key) => {
                // Given out is a copy. Kept, to be put back, is the value that was there, with
                // whatever it recorded inside.
                let (own, given) = (own.clone(), place.clone());
                recorder.took(index, own, std::mem::replace(place, value));
                Some(given)
            }
            _ => Some(std::mem::replace(place, value)),
        }
    }

    /// Takes a key and its value away.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let index = self.search(key).ok()?;
        self.remove_at(index).map(|(_, value)| value)
    }

    /// Takes the entry with the lowest key away.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        self.remove_at(0)
    }

    /// Takes the entry with the highest key away.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.remove_at(self.len().checked_sub(1)?)
    }

    /// The value of a key, to be changed in place.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let index = self.search(key).ok()?;
        self.value_at(index)
    }

    /// The place of a key, to be filled or changed.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry::new(self, key)
    }

    /// The entries in the order of their keys, the values to be changed in place. Each that is
    /// visited is copied, to be compared; only those that differ then are sent.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        let mut recorder = self.role.recorder();
        let items = self.items.iter_mut().enumerate();
        items.map(move |(index, (key, value))| {
            if let Some(recorder) = &mut recorder {
                recorder.changing(index, key, value);
            }
            (&*key, value)
        })
    }

    /// The values in the order of their keys, to be changed in place; see
    /// [`iter_mut`](Self::iter_mut).
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        self.retain(|_, _| false);
    }

    /// Keeps the entries for which the closure says yes.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        // Judged first, removed then: a closure that panics leaves the map as it was.
        let gone: Vec<usize> = self
            .iter()
            .enumerate()
            .filter(|(_, (key, value))| !keep(key, value))
            .map(|(index, _)| index)
            .collect();
        let (Some(&first), Some(&last)) = (gone.first(), gone.last()) else {
            return;
        };
        self.items.own_around(first..last + 1);
        let taken = self.items.take_each(&gone);
        if let Some(recorder) = self.role.recorder() {
            recorder.took_all(gone.into_iter().zip(taken));
        }
    }

    pub(super) fn value_at(&mut self, index: usize) -> Option<&mut V> {
        let (key, value) = self.items.get_mut(index)?;
        if let Some(recorder) = self.role.recorder() {
            recorder.changing(index, key, value);
        }
        Some(value)
    }

    fn remove_at(&mut self, index: usize) -> Option<(K, V)> {
        let (key, value) = self.items.get_mut(index)?;
        match self.role.recorder() {
            Some(recorder) if recorder.keeps(key) => {
                let given = (key.clone(), value.clone());
                self.items.own_around(index..index + 1);
                let (key, value) = self.items.remove(index)?;
                recorder.took(index, key, value);
                Some(given)
            }
            _ => self.items.remove(index),
        }
    }
}
