//! How a scope lies in the file: rows, each with a checksum of its own.
//!
//! ```text
//! rows    <scope> h                      the head, as JSON
//!         <scope> s <state>              offset, turn, snapshot
//!         <scope> e <state> 0 <offset>   length of the public ops, turn, offset of the entry before,
//!                                        public ops, all ops or nothing
//!         <scope> n <visitor> <client>   the highest number
//! queue   <scope> <id>                   an event, as JSON
//! busy    <scope>                        tasks had not ended
//! aside   <row> <its checksum>           what could not be read, until its scope goes or others fill
//!                                        the room for it; aside-order has their order
//! journal <number> <scope>               a commit that is in none of these yet
//! touched <number>                       of which scopes it is, and those written with it
//! meta    layout, run, clean, keeps-first, fresh, lives
//! ```
//!
//! redb looks at its own checksums after a crash only. Ours are looked at whenever a row is read.
//! A row that is lost with what leads to it has no checksum: entries name the one before them. One
//! that comes back later is known by the epoch that it was written in: by its turn, or by its life.

use super::super::{
    Head, Lost, StateId, StoreError, Stored, StoredEntry, StoredEvent, StoredState, hex,
};
use crate::{Visitor, core::position::Epoch, server::scopes::ScopeKey};
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
pub(super) fn written_id(id: &StateId) -> String {
    match id.visitor {
        None => id.name.clone().into_owned(),
        Some(visitor) => format!("{}@{}", id.name, hex::write(visitor)),
    }
}

pub(super) fn read_id(text: &str) -> Option<StateId> {
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
    sealed(key, &[&json(value)])
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // The runtime's own types are plain data.
    serde_json::to_vec(value).unwrap_or_default()
}

/// Set in the first number of a row that has a turn. Those of the first layout have none.
const HAS_TURN: u32 = 1 << 31;
/// Set, too, where that is an epoch. Those before the fourth layout have its turn alone.
const HAS_EPOCH: u32 = 1 << 30;
const HAS_BOTH: u32 = HAS_TURN | HAS_EPOCH;

/// In which epoch a row was written that has this number.
fn written_in(flags: u32, number: u64) -> Epoch {
    match flags & HAS_EPOCH {
        0 => Epoch::NONE.in_turn(number),
        _ => Epoch::from_bits(number),
    }
}

/// Whether it is known.
pub(super) fn has_life(epoch: Epoch) -> bool {
    epoch.life() != Epoch::NONE
}

pub(super) fn entry_row(
    key: &[u8],
    (epoch, since): (Epoch, u64),
    public: &str,
    all: Option<&str>,
) -> Vec<u8> {
    let len = u32::try_from(public.len()).unwrap_or(u32::MAX) | HAS_BOTH;
    let [epoch, since] = [epoch.to_bits(), since].map(u64::to_be_bytes);
    let all = all.unwrap_or_default();
    sealed(
        key,
        &[
            &len.to_be_bytes(),
            &epoch,
            &since,
            public.as_bytes(),
            all.as_bytes(),
        ],
    )
}

pub(super) fn snapshot_row(key: &[u8], offset: u64, epoch: Epoch, json: &str) -> Vec<u8> {
    let offset = offset | u64::from(HAS_BOTH) << 32;
    let [offset, epoch] = [offset, epoch.to_bits()].map(u64::to_be_bytes);
    sealed(key, &[&offset, &epoch, json.as_bytes()])
}

/// The epoch and the offset of a snapshot: that of a later turn, or further on in it, counts.
pub(super) fn snapshot_at(key: &[u8], value: &[u8]) -> Option<(Epoch, u64)> {
    let (offset, epoch, _) = read_snapshot(unsealed(key, value).ok()?)?;
    Some((epoch, offset))
}

fn read_snapshot(value: &[u8]) -> Option<(u64, Epoch, &[u8])> {
    let (first, rest) = number(value)?;
    let flags = (first >> 32) as u32;
    let offset = first & !(u64::from(HAS_BOTH) << 32);
    match flags & HAS_TURN {
        0 => Some((first, Epoch::NONE, rest)),
        _ => number(rest).map(|(epoch, json)| (offset, written_in(flags, epoch), json)),
    }
}

// === Reading a scope ===

/// Puts a scope together from its rows.
#[derive(Default)]
pub(super) struct Gathered {
    head: Option<Head>,
    states: BTreeMap<String, GatheredState>,
    numbers: Vec<(Visitor, String, u64)>,
}

/// What is found of a state.
struct GatheredState {
    id: StateId,
    /// With the epoch, the offset.
    snapshot: Option<(Epoch, u64, String)>,
    entries: Vec<GatheredEntry>,
}

struct GatheredEntry {
    /// The epoch, and the offset of the entry before.
    after: Option<(Epoch, u64)>,
    entry: StoredEntry,
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
                let (offset, epoch, json) = read_snapshot(value).ok_or_else(odd)?;
                let json = String::from_utf8(json.to_vec()).map_err(|_| odd())?;
                self.state(rest).ok_or_else(odd)?.snapshot = Some((epoch, offset, json));
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

    fn state(&mut self, id: &[u8]) -> Option<&mut GatheredState> {
        let id = std::str::from_utf8(id).ok()?;
        let read = read_id(id)?;
        let states = &mut self.states;
        Some(states.entry(id.to_owned()).or_insert(GatheredState {
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
        lost: impl FnOnce(&Head) -> Lost,
        events: Vec<(u64, StoredEvent)>,
    ) -> Option<Stored> {
        let head = self.head?;
        let states = self.states.into_values();
        let life = Epoch::from_bits(head.epoch).life();
        let states = states.map(|state| state.finish(life)).collect();
        Some(Stored {
            lost: lost(&head),
            head,
            states,
            numbers: self.numbers,
            events,
        })
    }
}

impl GatheredState {
    /// From where it begins, by all that is after it, in a scope of this life.
    fn finish(mut self, life: Epoch) -> StoredState {
        self.entries.sort_by_key(|found| found.entry.offset);
        // A state that began anew says so: its first entry comes after nothing.
        let begins = self.entries.iter().enumerate().filter_map(|(nth, found)| {
            let (epoch, since) = found.after?;
            let is_own = epoch.life() == life;
            (since == 0).then_some((is_own, epoch.turn(), found.entry.offset, nth))
        });
        let begin = begins.max();
        let snapshot = self.snapshot.filter(|(epoch, offset, _)| {
            let at = (epoch.turn(), *offset);
            begin.is_none_or(|(is_own, since, first, _)| {
                let is_other = is_own && has_life(*epoch) && epoch.life() != life;
                // What stands at 0 is what the first entry came after.
                !is_other && ((since, first) <= at || at == (since, 0))
            })
        });
        let (mut turn, mut last, first) = match (&snapshot, begin) {
            (Some((epoch, offset, _)), _) => (epoch.turn(), *offset, 0),
            (None, Some((_, turn, _, nth))) => (turn, 0, nth),
            (None, None) => (0, 0, 0),
        };
        // A life that began later in the scope goes on to its end.
        let mut is_own = false;
        let is_base = snapshot.is_some();
        let mut is_torn = false;
        let mut entries = Vec::with_capacity(self.entries.len() - first);
        for found in self.entries.into_iter().skip(first) {
            // What a snapshot has is cut with it, and what is of an earlier turn came back.
            let (epoch, since) = found.after.unwrap_or((Epoch::NONE.in_turn(turn), last));
            let written = epoch.turn();
            let came_back = is_own && has_life(epoch) && epoch.life() != life;
            if found.entry.offset <= last || written < turn || came_back {
                continue;
            }
            is_own |= epoch.life() == life;
            let is_first = entries.is_empty() && is_base;
            is_torn |= since != last && !(is_first && since < last);
            (turn, last) = (written, found.entry.offset);
            entries.push(found.entry);
        }
        StoredState {
            id: self.id,
            is_torn,
            snapshot: snapshot.map(|(_, offset, json)| (offset, json)),
            entries,
        }
    }
}

fn read_entry(offset: u64, value: &[u8]) -> Option<GatheredEntry> {
    let (first, rest) = value.split_first_chunk::<4>()?;
    let first = u32::from_be_bytes(*first);
    let (after, rest) = match first & HAS_TURN {
        0 => (None, rest),
        _ => {
            let (epoch, rest) = number(rest)?;
            let (since, rest) = number(rest)?;
            (Some((written_in(first, epoch), since)), rest)
        }
    };
    let len = usize::try_from(first & !HAS_BOTH).ok()?;
    let (public, all) = rest.split_at_checked(len)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let entry = StoredEntry {
        offset,
        ops: text(public)?,
        server_ops: match all {
            [] => None,
            all => Some(text(all)?),
        },
    };
    Some(GatheredEntry { after, entry })
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
            let _ = gathered.finish(|_| Lost::Nothing, Vec::new());
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
        let epoch = Epoch::from_random(7).in_turn(3);
        for offset in 0..3_000 {
            let key = entry_key(SCOPE, &id, offset);
            let all = (offset % 2 == 0).then_some(r#"[["+","secrets","é"]]"#);
            let row = entry_row(&key, (epoch, offset / 2), "[]", all);
            let read = gather(&key, &row).expect("it was written");
            let state = read.states.values().next().expect("it is of one");
            let GatheredEntry { after, entry } = &state.entries[0];
            assert_eq!((&state.id, entry.offset, &*entry.ops), (&id, offset, "[]"));
            assert_eq!(*after, Some((epoch, offset / 2)));
            assert_eq!(entry.server_ops.as_deref(), all);
            let other = changed(&mut random, &row);
            assert!(other == row || gather(&key, &other).is_err(), "{other:?}");
            let other = changed(&mut random, &key);
            let is_row = other.len() > 16 && other != key;
            assert!(!is_row || gather(&other, &row).is_err(), "{other:?}");
        }
        let key = snapshot_key(SCOPE, &id);
        let read = gather(&key, &snapshot_row(&key, 9, epoch, "{}")).expect("it was written");
        let state = read.states.values().next().expect("it is of one");
        assert_eq!(state.snapshot, Some((epoch, 9, "{}".to_owned())));
        // As the first layout had it.
        let row = sealed(&key, &[&9_u64.to_be_bytes(), b"{}"]);
        let read = gather(&key, &row).expect("it was written");
        let state = read.states.values().next().expect("it is of one");
        assert_eq!(state.snapshot, Some((Epoch::NONE, 9, "{}".to_owned())));
        let key = number_key(SCOPE, Visitor([9; 16]), "c");
        let row = sealed(&key, &[&7_u64.to_be_bytes()]);
        let read = gather(&key, &row).expect("it was written");
        assert_eq!(read.numbers, [(Visitor([9; 16]), "c".to_owned(), 7)]);
    }

    fn found(turn: u64, since: u64, offset: u64) -> GatheredEntry {
        found_of(LIFE, turn, since, offset)
    }

    /// The life of the scope.
    const LIFE: u64 = 7;

    fn found_of(life: u64, turn: u64, since: u64, offset: u64) -> GatheredEntry {
        let entry = StoredEntry {
            offset,
            ops: "[]".to_owned(),
            server_ops: None,
        };
        let after = Some((Epoch::from_bits(life).in_turn(turn), since));
        GatheredEntry { after, entry }
    }

    fn finished(
        snapshot: Option<(u64, u64)>,
        entries: Vec<GatheredEntry>,
    ) -> (bool, Option<u64>, Vec<u64>) {
        let state = GatheredState {
            id: StateId::shared("trial"),
            snapshot: snapshot.map(|(turn, offset)| {
                let epoch = Epoch::from_random(LIFE).in_turn(turn);
                (epoch, offset, "{}".to_owned())
            }),
            entries,
        };
        let state = state.finish(Epoch::from_random(LIFE));
        let offsets = state.entries.iter().map(|entry| entry.offset).collect();
        (state.is_torn, state.snapshot.map(|(at, _)| at), offsets)
    }

    #[test]
    fn a_row_that_is_missing_is_noticed_and_one_that_comes_back_is_not_taken() {
        let whole = vec![found(1, 0, 1), found(1, 1, 3), found(2, 3, 4)];
        assert_eq!(finished(None, whole), (false, None, vec![1, 3, 4]));
        let gap = vec![found(1, 0, 1), found(1, 3, 4)];
        assert_eq!(finished(None, gap), (true, None, vec![1, 4]));
        let headless = vec![found(1, 3, 4)];
        assert_eq!(finished(None, headless), (true, None, vec![4]));
        // What the snapshot has stands beside it until the next one.
        let beside = vec![found(1, 0, 1), found(1, 1, 3), found(1, 3, 4)];
        assert_eq!(finished(Some((1, 3)), beside), (false, Some(3), vec![4]));
        let before = vec![found(1, 2, 4), found(1, 4, 5)];
        assert_eq!(finished(Some((1, 3)), before), (false, Some(3), vec![4, 5]));
        let gap = vec![found(1, 4, 5)];
        assert_eq!(finished(Some((1, 3)), gap), (true, Some(3), vec![5]));
        // It began anew while all of this could not be found.
        let old = || vec![found(2, 0, 1), found(1, 4, 5), found(1, 5, 6)];
        assert_eq!(finished(None, old()), (false, None, vec![1]));
        assert_eq!(finished(Some((1, 4)), old()), (false, None, vec![1]));
        // The scope began anew in the same turn, and could not find what it had been before.
        let of_another = vec![found(2, 0, 1), found_of(8, 2, 1, 2), found(2, 1, 3)];
        assert_eq!(finished(None, of_another), (false, None, vec![1, 3]));
        let begun_later = vec![found(2, 0, 1), found_of(8, 2, 0, 2), found_of(8, 2, 2, 3)];
        assert_eq!(finished(None, begun_later), (false, None, vec![1]));
        // What it had of another life before, it has.
        let two_lives = vec![found_of(8, 2, 0, 1), found_of(8, 2, 1, 2), found(2, 2, 3)];
        assert_eq!(finished(None, two_lives), (false, None, vec![1, 2, 3]));
        // Before rows had a life.
        let of_none = vec![found_of(0, 1, 0, 1), found(2, 1, 3), found_of(0, 2, 3, 4)];
        assert_eq!(finished(None, of_none), (false, None, vec![1, 3, 4]));
    }
}
