//! How a scope lies in the file: rows, each with a checksum of its own.
//!
//! ```text
//! rows    <scope> h                      the head, as JSON
//!         <scope> s <state>              offset, snapshot
//!         <scope> e <state> 0 <offset>   length of the public ops, public ops, all ops or nothing
//!         <scope> n <visitor> <client>   the highest number
//! queue   <scope> <id>                   an event, as JSON
//! busy    <scope>                        tasks had not ended
//! aside   <row> <its checksum>           what could not be read, until its scope goes
//! meta    layout, run, clean
//! ```
//!
//! redb looks at its own checksums after a crash only. Ours are looked at whenever a row is read.

use super::super::{Head, StateId, StoreError, Stored, StoredEntry, StoredEvent, StoredState, hex};
use crate::{Visitor, server::scopes::ScopeKey};
use std::collections::BTreeMap;

pub(super) const HEAD: u8 = b'h';
pub(super) const SNAPSHOT: u8 = b's';
pub(super) const ENTRY: u8 = b'e';
pub(super) const NUMBER: u8 = b'n';

pub(super) fn row_key(scope: ScopeKey, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(17 + rest.len());
    key.extend_from_slice(&scope.0);
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

pub(super) fn snapshot_key(scope: ScopeKey, id: &StateId) -> Vec<u8> {
    row_key(scope, SNAPSHOT, written_id(id).as_bytes())
}

pub(super) fn entry_key(scope: ScopeKey, id: &StateId, offset: u64) -> Vec<u8> {
    let mut key = row_key(scope, ENTRY, written_id(id).as_bytes());
    key.push(0);
    key.extend_from_slice(&offset.to_be_bytes());
    key
}

pub(super) fn number_key(scope: ScopeKey, visitor: Visitor, client: &str) -> Vec<u8> {
    let mut key = row_key(scope, NUMBER, &visitor.0);
    key.extend_from_slice(client.as_bytes());
    key
}

pub(super) fn event_key(scope: ScopeKey, id: u64) -> Vec<u8> {
    let mut key = scope.0.to_vec();
    key.extend_from_slice(&id.to_be_bytes());
    key
}

/// `name`, or `name@<visitor>`. Names are those of structs, in snake case.
fn written_id(id: &StateId) -> String {
    match id.visitor {
        None => id.name.clone().into_owned(),
        Some(visitor) => format!("{}@{}", id.name, hex::write(visitor)),
    }
}

fn read_id(text: &str) -> Option<StateId> {
    let (name, visitor) = match text.split_once('@') {
        None => (text, None),
        Some((name, visitor)) => (name, Some(hex::read(visitor)?)),
    };
    Some(StateId {
        name: name.to_owned().into(),
        visitor,
    })
}

// === Values ===

/// A value with its checksum, which covers the key as well: a row that stands in another's place is
/// none.
pub(super) fn sealed(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut value = Vec::with_capacity(4 + parts.iter().map(|part| part.len()).sum::<usize>());
    value.extend_from_slice(&[0; 4]);
    parts.iter().for_each(|part| value.extend_from_slice(part));
    let sum = checksum(key, &value[4..]);
    value[..4].copy_from_slice(&sum);
    value
}

pub(super) fn unsealed<'v>(key: &[u8], value: &'v [u8]) -> Result<&'v [u8], StoreError> {
    match value.split_at_checked(4) {
        Some((sum, rest)) if sum == checksum(key, rest) => Ok(rest),
        _ => Err(damaged("a row's checksum is wrong")),
    }
}

fn checksum(key: &[u8], rest: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key);
    sum.update(rest);
    sum.finalize().to_be_bytes()
}

pub(super) fn damaged(why: &str) -> StoreError {
    StoreError::Damaged(why.to_owned())
}

pub(super) fn json_row<T: serde::Serialize>(key: &[u8], value: &T) -> Vec<u8> {
    // The runtime's own types are plain data.
    let json = serde_json::to_vec(value).unwrap_or_default();
    sealed(key, &[&json])
}

pub(super) fn entry_row(key: &[u8], public: &str, all: Option<&str>) -> Vec<u8> {
    let len = u32::try_from(public.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let all = all.unwrap_or_default();
    sealed(key, &[&len, public.as_bytes(), all.as_bytes()])
}

pub(super) fn snapshot_row(key: &[u8], offset: u64, json: &str) -> Vec<u8> {
    sealed(key, &[&offset.to_be_bytes(), json.as_bytes()])
}

pub(super) fn snapshot_offset(key: &[u8], value: &[u8]) -> Option<u64> {
    let (offset, _) = number(unsealed(key, value).ok()?)?;
    Some(offset)
}

// === Reading a scope ===

/// Puts a scope together from its rows.
#[derive(Default)]
pub(super) struct Gathered {
    head: Option<Head>,
    states: BTreeMap<String, StoredState>,
    numbers: Vec<(Visitor, String, u64)>,
}

impl Gathered {
    pub(super) fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let value = unsealed(key, value)?;
        let odd = || damaged("a row has an odd form");
        let (kind, rest) = key[16..].split_first().ok_or_else(odd)?;
        match *kind {
            HEAD => {
                let head = serde_json::from_slice(value);
                self.head = Some(head.map_err(|_| odd())?);
            }
            SNAPSHOT => {
                let (offset, json) = number(value).ok_or_else(odd)?;
                let json = String::from_utf8(json.to_vec()).map_err(|_| odd())?;
                self.state(rest).ok_or_else(odd)?.snapshot = Some((offset, json));
            }
            ENTRY => {
                let at = rest.len().checked_sub(9).ok_or_else(odd)?;
                let (offset, _) = number(&rest[at + 1..]).ok_or_else(odd)?;
                let entry = read_entry(offset, value).ok_or_else(odd)?;
                self.state(&rest[..at]).ok_or_else(odd)?.entries.push(entry);
            }
            NUMBER => {
                let (visitor, client) = rest.split_first_chunk::<16>().ok_or_else(odd)?;
                let client = String::from_utf8(client.to_vec()).map_err(|_| odd())?;
                let (highest, _) = number(value).ok_or_else(odd)?;
                self.numbers.push((Visitor(*visitor), client, highest));
            }
            _ => return Err(odd()),
        }
        Ok(())
    }

    fn state(&mut self, id: &[u8]) -> Option<&mut StoredState> {
        let id = std::str::from_utf8(id).ok()?;
        let read = read_id(id)?;
        let states = &mut self.states;
        Some(states.entry(id.to_owned()).or_insert(StoredState {
            id: read,
            snapshot: None,
            entries: Vec::new(),
        }))
    }

    pub(super) fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// The whole. Rows without a head belong to nothing.
    pub(super) fn finish(
        self,
        is_whole: impl FnOnce(&Head) -> bool,
        events: Vec<(u64, StoredEvent)>,
    ) -> Option<Stored> {
        let head = self.head?;
        let mut states: Vec<_> = self.states.into_values().collect();
        for state in &mut states {
            // Entries come before snapshots, and what a snapshot has is cut with it.
            if let Some((at, _)) = state.snapshot {
                state.entries.retain(|entry| entry.offset > at);
            }
        }
        Some(Stored {
            is_whole: is_whole(&head),
            head,
            states,
            numbers: self.numbers,
            events,
        })
    }
}

fn read_entry(offset: u64, value: &[u8]) -> Option<StoredEntry> {
    let (len, rest) = value.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (public, all) = rest.split_at_checked(len)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some(StoredEntry {
        offset,
        ops: text(public)?,
        server_ops: match all {
            [] => None,
            all => Some(text(all)?),
        },
    })
}

pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{changed, replay};
    use fastrand::Rng;

    const SCOPE: ScopeKey = ScopeKey([7; 16]);

    fn gather(key: &[u8], value: &[u8]) -> Result<Gathered, String> {
        let mut gathered = Gathered::default();
        let read = gathered.row(key, value);
        read.map_err(|error| error.to_string())?;
        Ok(gathered)
    }

    #[test]
    fn rows_of_any_form_are_read_or_refused() {
        replay("rows", 20_000, |bytes| {
            let bar = bytes.iter().position(|byte| *byte == b'|');
            let (rest, value) = bytes.split_at(bar.ok_or("it is no row")?);
            let (kind, rest) = rest.split_first().unwrap_or((&0, rest));
            let key = row_key(SCOPE, *kind, rest);
            let gathered = gather(&key, &sealed(&key, &[&value[1..]]))?;
            let _ = gathered.finish(|_| true, Vec::new());
            Ok(())
        });
    }

    /// Whatever is changed in a row or its key, the row is refused: so it was not written.
    #[test]
    fn a_row_is_read_as_it_was_written_or_not_at_all() {
        let id = StateId {
            name: "trial".into(),
            visitor: Some(Visitor([9; 16])),
        };
        let mut random = Rng::with_seed(1);
        for offset in 0..3_000 {
            let key = entry_key(SCOPE, &id, offset);
            let all = (offset % 2 == 0).then_some(r#"[["+","secrets","é"]]"#);
            let row = entry_row(&key, "[]", all);
            let read = gather(&key, &row).expect("it was written");
            let state = read.states.values().next().expect("it is of one");
            let entry = &state.entries[0];
            assert_eq!((&state.id, entry.offset, &*entry.ops), (&id, offset, "[]"));
            assert_eq!(entry.server_ops.as_deref(), all);
            let other = changed(&mut random, &row);
            assert!(other == row || gather(&key, &other).is_err(), "{other:?}");
            let other = changed(&mut random, &key);
            let is_row = other.len() > 16 && other != key;
            assert!(!is_row || gather(&other, &row).is_err(), "{other:?}");
        }
        let key = snapshot_key(SCOPE, &id);
        let read = gather(&key, &snapshot_row(&key, 9, "{}")).expect("it was written");
        let state = read.states.values().next().expect("it is of one");
        assert_eq!(state.snapshot, Some((9, "{}".to_owned())));
        let key = number_key(SCOPE, Visitor([9; 16]), "c");
        let row = sealed(&key, &[&7_u64.to_be_bytes()]);
        let read = gather(&key, &row).expect("it was written");
        assert_eq!(read.numbers, [(Visitor([9; 16]), "c".to_owned(), 7)]);
    }
}
