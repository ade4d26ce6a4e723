//! What a map remembers during an update, by key. Changes of different keys don't touch each
//! other, so that nothing has to be written before the update is over.

use super::Key;
use crate::core::{
    node::{Lost, Node, Write},
    ops::{Code, RecordError, Visibility},
    role::Recording,
    seq::Seq,
    writer::{Flushed, Out, write_json},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{borrow::Borrow, cmp::Ordering, collections::BTreeMap, mem};

#[derive(Debug)]
pub(super) struct Recorder<K, V> {
    dirty: BTreeMap<K, Before<V>>,
    /// A key's own code panicked while this was written: what is here is not all there was.
    broken: bool,
    /// Where the last key stood, or would stand: a search for it need not begin anew.
    pub(super) place: usize,
}

/// What was at a key before the update.
#[derive(Debug)]
pub(super) enum Before<V> {
    /// Nothing.
    Absent,
    /// The value that is there now, armed: its shadow.
    Inside(V),
    /// This value, which was taken out or replaced.
    Taken(V),
    /// This value, which was changed inside before it was taken out: the value and its shadow.
    TakenChanged(V, V),
}

/// About the bytes of an op around what it carries.
const OP_BYTES: usize = 24;

impl<K, V> Recording for Recorder<K, V> {
    fn new(_: usize) -> Self {
        Recorder {
            dirty: BTreeMap::new(),
            broken: false,
            place: 0,
        }
    }

    fn is_clean(&self) -> bool {
        self.dirty.is_empty() && !self.broken
    }

    fn reset(&mut self, _: usize) {
        self.dirty.clear();
        self.broken = false;
    }
}

impl<K: Key, V: Node> Recorder<K, V> {
    /// The value of a key is given out to be changed.
    pub(super) fn changing(&mut self, index: usize, key: &K, value: &mut V) {
        self.place = index;
        self.note(|dirty| {
            if !dirty.contains_key(key) {
                dirty.insert(key.clone(), Before::Inside(value.arm()));
            }
        });
    }

    /// A key gets a value that it had not.
    pub(super) fn adding(&mut self, index: usize, key: &K) {
        self.place = index;
        self.note(|dirty| {
            if !dirty.contains_key(key) {
                dirty.insert(key.clone(), Before::Absent);
            }
        });
    }

    /// A value was taken out or replaced. Whether it was there before the update, and is kept.
    pub(super) fn keeps(&self, key: &K) -> bool {
        matches!(self.dirty.get(key), None | Some(Before::Inside(_)))
    }

    /// Keeps what was taken out.
    pub(super) fn took(&mut self, index: usize, key: K, value: V) {
        self.place = index;
        self.note(|dirty| match dirty.get_mut(&key) {
            None => drop(dirty.insert(key, Before::Taken(value))),
            Some(before) => {
                *before = match mem::replace(before, Before::Absent) {
                    Before::Inside(shadow) => Before::TakenChanged(value, shadow),
                    earlier => earlier,
                };
            }
        });
    }

    /// Several entries were taken out at once.
    pub(super) fn took_all(&mut self, gone: impl Iterator<Item = (usize, (K, V))>) {
        let was_broken = mem::replace(&mut self.broken, true);
        for (index, (key, value)) in gone {
            self.took(index, key, value);
            self.broken = true;
        }
        self.broken = was_broken;
    }

    /// Keys are compared and copied here, which is their own code: where it panics, the update
    /// can't be recorded, and is undone by reading the state anew.
    fn note(&mut self, write: impl FnOnce(&mut BTreeMap<K, Before<V>>)) {
        let was_broken = mem::replace(&mut self.broken, true);
        write(&mut self.dirty);
        self.broken = was_broken;
    }

    pub(super) fn record(
        &mut self,
        items: &mut Seq<(K, V)>,
        out: &mut Out<'_>,
    ) -> Result<(), RecordError> {
        if self.broken {
            return Err(RecordError(
                "a key panicked while it was compared".to_owned(),
            ));
        }
        // An entry takes five bytes at least in the whole: up to that the ops are shorter.
        let about = self.dirty.len() * OP_BYTES;
        if about <= 5 * items.len() || about <= 16 * OP_BYTES {
            return self.write(items, out);
        }
        let mut ops = Flushed::default();
        self.write(items, &mut ops.out::<V>())?;
        let mut whole = Vec::new();
        write_items(items, &mut whole, Visibility::Server)?;
        if whole.len() < ops.bytes() {
            write_whole(items, out)
        } else {
            out.absorb::<V>(&ops)
        }
    }

    fn write(&mut self, items: &mut Seq<(K, V)>, out: &mut Out<'_>) -> Result<(), RecordError> {
        for (key, before) in &self.dirty {
            let now = entry_mut(items, key, self.place);
            let json = match (before, &now) {
                // What the update put and took again needs no word.
                (Before::Absent, None) => continue,
                // Of equal keys the one that is there now: it may be written otherwise.
                (Before::Absent, Some((own, _))) => key_json(*own)?,
                _ => key_json(key)?,
            };
            if let (Before::Taken(_) | Before::TakenChanged(..), Some((own, now))) = (before, &now)
            {
                let own = key_json(*own)?;
                if own != json {
                    out.key(json.as_bytes(), |out| out.op(Code::Remove, |_, _| Ok(0)))?;
                    out.key(own.as_bytes(), |out| out.set(&**now))?;
                    continue;
                }
            }
            let now = now.map(|(_, value)| value);
            out.key(json.as_bytes(), |out| match (before, now) {
                (Before::Inside(shadow), Some(now)) => now.record(shadow, out),
                (Before::Taken(before), Some(now)) if now.same(before) => Ok(()),
                (_, Some(now)) => out.op(Code::Set, |out, visibility| {
                    write_json(out, now, visibility)
                }),
                (_, None) => out.op(Code::Remove, |_, _| Ok(0)),
            })?;
        }
        Ok(())
    }

    pub(super) fn park(&mut self, items: &mut Seq<(K, V)>) -> BTreeMap<K, Before<V>> {
        for (key, before) in &mut self.dirty {
            if let Before::Inside(shadow) = before
                && let Some(value) = value_mut(items, key, self.place)
            {
                value.park(shadow);
            }
        }
        mem::take(&mut self.dirty)
    }

    pub(super) fn settle(&mut self, items: &mut Seq<(K, V)>) {
        for (key, before) in mem::take(&mut self.dirty) {
            if let Before::Inside(mut shadow) = before
                && let Some(value) = value_mut(items, &key, self.place)
            {
                value.settle(&mut shadow);
            }
        }
    }

    pub(super) fn undo(
        &mut self,
        items: &mut Seq<(K, V)>,
        parked: BTreeMap<K, Before<V>>,
    ) -> Result<(), Lost> {
        let live = mem::take(&mut self.dirty);
        let mut undone = if mem::take(&mut self.broken) {
            Err(Lost)
        } else {
            Ok(())
        };
        for (key, before) in live.into_iter().chain(parked) {
            undone = undone.and(put_back(items, key, before, self.place));
        }
        undone
    }
}

fn put_back<K: Key, V: Node>(
    items: &mut Seq<(K, V)>,
    key: K,
    before: Before<V>,
    place: usize,
) -> Result<(), Lost> {
    let value = match before {
        Before::Inside(shadow) => return value_mut(items, &key, place).ok_or(Lost)?.undo(shadow),
        Before::Absent => None,
        Before::Taken(value) => Some(value),
        Before::TakenChanged(mut value, shadow) => {
            value.undo(shadow)?;
            Some(value)
        }
    };
    match (find_near(items, &key, place), value) {
        (Ok(index), Some(value)) => *items.get_mut(index).ok_or(Lost)? = (key, value),
        (Ok(index), None) => drop(items.remove(index)),
        (Err(index), Some(value)) => items.insert(index, (key, value)),
        (Err(_), None) => {}
    }
    Ok(())
}

fn value_mut<'a, K: Key, V: Node>(
    items: &'a mut Seq<(K, V)>,
    key: &K,
    place: usize,
) -> Option<&'a mut V> {
    entry_mut(items, key, place).map(|(_, value)| value)
}

fn entry_mut<'a, K: Key, V: Node>(
    items: &'a mut Seq<(K, V)>,
    key: &K,
    place: usize,
) -> Option<(&'a K, &'a mut V)> {
    let index = find_near(items, key, place).ok()?;
    items.get_mut(index).map(|(own, value)| (&*own, value))
}

/// Where a key stands, or would stand. Looks at the place first: most updates are about one key,
/// often that of the update before, and a search compares with one key for each doubling of the
/// size (at 100,000 keys it takes 0.2 µs, a fifth of what the rest of an update takes).
pub(super) fn find_near<K, V, Q>(items: &Seq<(K, V)>, key: &Q, place: usize) -> Result<usize, usize>
where
    K: Borrow<Q>,
    Q: Ord + ?Sized,
{
    let at = |index: usize| items.get(index).map(|(own, _)| own.borrow().cmp(key));
    let here = at(place);
    if here == Some(Ordering::Equal) {
        return Ok(place);
    }
    let is_behind = here == Some(Ordering::Greater) || place == items.len();
    if is_behind
        && place
            .checked_sub(1)
            .is_none_or(|before| at(before) == Some(Ordering::Less))
    {
        return Err(place);
    }
    items.search_by(|(own, _)| own.borrow().cmp(key))
}

pub(super) fn write_whole<K: Key, V: Node>(
    items: &Seq<(K, V)>,
    out: &mut Out<'_>,
) -> Result<(), RecordError> {
    out.op(Code::Set, |out, visibility| {
        write_items(items, out, visibility)
    })
}

/// Returns how deep they are, in their map.
fn write_items<K: Key, V: Node>(
    items: &Seq<(K, V)>,
    out: &mut Vec<u8>,
    visibility: Visibility,
) -> Result<usize, RecordError> {
    let mut depth = 0;
    out.push(b'{');
    for (nth, (key, value)) in items.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key_json(key)?.as_bytes());
        out.push(b':');
        depth = depth.max(write_json(out, value, visibility)?);
    }
    out.push(b'}');
    Ok(depth + 1)
}

/// A key as JSON has it in an object: a text, whatever its type.
///
/// # Errors
///
/// The key is neither a text nor a number, nor an enum without content.
fn key_json<K: Key>(key: &K) -> Result<String, RecordError> {
    struct OneKey<'a, K>(&'a K);

    impl<K: Key> Serialize for OneKey<'_, K> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut map = to.serialize_map(Some(1))?;
            map.serialize_entry(self.0, &Write(&(), Visibility::Public))?;
            map.end()
        }
    }
    // `{"key":null}`
    let json = serde_json::to_string(&OneKey(key)).map_err(RecordError::new)?;
    let end = json.len().saturating_sub(":null}".len());
    Ok(json[1..end].to_owned())
}
