//! What was handed over, as rows to put and to take away. An event that came and went in one batch
//! leaves nothing to be written.

use super::{
    super::{Commit, Record},
    BUSY, QUEUE, ROWS, aside,
    errors::of_redb,
    reading::read_head,
    rows,
};
use crate::{
    State,
    builtin::UcEnds,
    core::position::Epoch,
    server::{
        scopes::ScopeKey,
        store::{StateId, StoreError},
    },
};
use redb::{ReadableTable, Table, WriteTransaction};
use std::collections::{BTreeMap, HashMap};

/// Rows by key: what each is to be. `None` takes it away.
type Puts = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Batch {
    rows: Puts,
    /// Snapshots of states: the key, the offset, the row, and the entries that go with it.
    snapshots: BTreeMap<Vec<u8>, Snapshot>,
    /// Heads that are to stand in the place of others.
    used: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Scopes that begin in the batch, with their lives.
    begun: HashMap<ScopeKey, Epoch>,
    queue: Puts,
    busy: Puts,
    /// Ranges of rows of which nothing from before the batch stays; laid aside, if so.
    gone: Vec<(Range, bool)>,
}

#[cfg_attr(test, derive(Debug, PartialEq))]
struct Snapshot {
    scope: ScopeKey,
    life: Epoch,
    /// The turn, the offset.
    at: (u64, u64),
    row: Vec<u8>,
    entries: Range,
}

/// From a key, before another.
pub(super) type Range = (Vec<u8>, Vec<u8>);

pub(super) type Rows<'t> = Table<'t, &'static [u8], &'static [u8]>;

impl Batch {
    pub(super) fn of<'c>(commits: impl IntoIterator<Item = &'c Commit>) -> Self {
        let mut batch = Batch::default();
        for commit in commits {
            for record in &commit.records {
                batch.add(commit, record);
            }
        }
        batch
    }

    fn add(&mut self, commit: &Commit, record: &Record) {
        let scope = commit.key;
        match record {
            Record::Head(head) => {
                let key = rows::row_key(scope, rows::HEAD, &[]);
                let row = rows::json_row(&key, head);
                self.used.remove(&key);
                self.begun.insert(scope, commit.epoch.life());
                self.rows.insert(key, Some(row));
            }
            Record::Used(head) => {
                let key = rows::row_key(scope, rows::HEAD, &[]);
                let row = rows::json_row(&key, head);
                self.used.insert(key, row);
            }
            Record::Entry(id, entry) => {
                let key = rows::entry_key(scope, id, entry.offset);
                let all = entry.server_ops.as_ref().map(|_| entry.all_ops());
                let after = (commit.epoch, entry.since);
                let row = rows::entry_row(&key, after, entry.public_ops(), all);
                self.rows.insert(key, Some(row));
            }
            Record::Snapshot(id, offset, json) => {
                let key = rows::snapshot_key(scope, id);
                // A large one is written by another thread, and may be late: for a later one, or
                // for another scope of the key.
                let life = commit.epoch.life();
                let known = self.snapshots.get(&key);
                let is_late = known.is_some_and(|known| known.at.1 > *offset);
                let begun = self.begun.get(&scope);
                if is_late || begun.is_some_and(|begun| *begun != life) {
                    return;
                }
                let row = rows::snapshot_row(&key, *offset, commit.epoch, json);
                let first = rows::entry_key(scope, id, 0);
                let entries = (first, rows::entry_key(scope, id, offset.saturating_add(1)));
                remove_range(&mut self.rows, &entries);
                let snapshot = Snapshot {
                    scope,
                    life,
                    at: (commit.epoch.turn(), *offset),
                    row,
                    entries,
                };
                self.snapshots.insert(key, snapshot);
            }
            Record::NoVisitor(visitor) => {
                let numbers = rows::row_key(scope, rows::NUMBER, &visitor.0);
                self.drop_rows(below(numbers), false);
                let ends = StateId::of_visitor(UcEnds::NAME, *visitor);
                self.drop_state(scope, &ends, false);
            }
            Record::Number(visitor, client, highest) => {
                let key = rows::number_key(scope, *visitor, client);
                let row = rows::sealed(&key, &[&highest.to_be_bytes()]);
                self.rows.insert(key, Some(row));
            }
            Record::NoNumber(visitor, client) => {
                let key = rows::number_key(scope, *visitor, client);
                self.rows.insert(key, None);
            }
            Record::Event(id, event) => {
                let key = rows::event_key(scope, *id);
                let row = rows::json_row(&key, event);
                self.queue.insert(key, Some(row));
            }
            Record::Ended(id) => {
                self.queue.insert(rows::event_key(scope, *id), None);
            }
            Record::Busy(is_busy) => {
                let row = is_busy.then(Vec::new);
                self.busy.insert(scope.0.to_vec(), row);
            }
            Record::Gone => self.drop_rows(below(scope.0.to_vec()), false),
            Record::Aside(None) => self.drop_rows(below(scope.0.to_vec()), true),
            Record::Aside(Some(id)) => self.drop_state(scope, id, true),
        }
    }

    fn drop_state(&mut self, scope: ScopeKey, id: &StateId, is_aside: bool) {
        for range in ranges_of(scope, id) {
            self.drop_rows(range, is_aside);
        }
    }

    fn drop_rows(&mut self, range: Range, is_aside: bool) {
        for puts in [&mut self.rows, &mut self.queue, &mut self.busy] {
            remove_range(puts, &range);
        }
        let is_outside = |key: &Vec<u8>| !(range.0 <= *key && *key < range.1);
        self.snapshots.retain(|key, _| is_outside(key));
        self.used.retain(|key, _| is_outside(key));
        self.gone.push((range, is_aside));
    }

    /// Does it all. Of what is laid aside so many bytes stay.
    pub(super) fn write(&self, to: &WriteTransaction, aside_bytes: u64) -> Result<(), StoreError> {
        if !self.gone.is_empty() {
            self.clear(to, aside_bytes)?;
        }
        let mut rows = to.open_table(ROWS).map_err(of_redb)?;
        put(&mut rows, &self.rows)?;
        for (key, row) in &self.used {
            let is_there = rows.get(key.as_slice()).map_err(of_redb)?.is_some();
            if is_there {
                rows.insert(key.as_slice(), row.as_slice())
                    .map_err(of_redb)?;
            }
        }
        for (key, snapshot) in &self.snapshots {
            put_snapshot(&mut rows, key, snapshot)?;
        }
        for (definition, puts) in [(QUEUE, &self.queue), (BUSY, &self.busy)] {
            // Most batches have nothing for these.
            if !puts.is_empty() {
                put(&mut to.open_table(definition).map_err(of_redb)?, puts)?;
            }
        }
        Ok(())
    }

    /// Lays aside and takes away what was there before.
    fn clear(&self, to: &WriteTransaction, aside_bytes: u64) -> Result<(), StoreError> {
        let mut rows = to.open_table(ROWS).map_err(of_redb)?;
        let mut queue = to.open_table(QUEUE).map_err(of_redb)?;
        let mut busy = to.open_table(BUSY).map_err(of_redb)?;
        for (range, is_aside) in &self.gone {
            if *is_aside {
                aside::lay(to, range, [&rows, &queue], aside_bytes)?;
            }
            for table in [&mut rows, &mut queue, &mut busy] {
                remove(table, range)?;
            }
            if !*is_aside {
                // What was laid aside goes with what it was of.
                let mut aside = to.open_table(aside::ASIDE).map_err(of_redb)?;
                remove(&mut aside, range)?;
            }
        }
        Ok(())
    }
}

/// The rows of a state: its snapshot, its entries.
fn ranges_of(scope: ScopeKey, id: &StateId) -> [Range; 2] {
    let snapshot = rows::snapshot_key(scope, id);
    let behind = [snapshot.as_slice(), &[0]].concat();
    let first = rows::entry_key(scope, id, 0);
    let last = rows::entry_key(scope, id, u64::MAX);
    [(snapshot, behind), (first, last)]
}

fn put(table: &mut Rows<'_>, puts: &Puts) -> Result<(), StoreError> {
    for (key, value) in puts {
        match value {
            Some(value) => drop(
                table
                    .insert(key.as_slice(), value.as_slice())
                    .map_err(of_redb)?,
            ),
            None => drop(table.remove(key.as_slice()).map_err(of_redb)?),
        }
    }
    Ok(())
}

/// Unless a later one is there, or the scope has gone meanwhile.
fn put_snapshot(rows: &mut Rows<'_>, key: &[u8], new: &Snapshot) -> Result<(), StoreError> {
    let head = rows::row_key(new.scope, rows::HEAD, &[]);
    let found = rows.get(head.as_slice()).map_err(of_redb)?;
    let found = found.and_then(|found| read_head(&head, found.value()));
    let is_there = found.is_some_and(|head| Epoch::from_bits(head.epoch).life() == new.life);
    let known = rows.get(key).map_err(of_redb)?;
    let known = known.and_then(|known| rows::snapshot_at(key, known.value()));
    // One that came back is of another life, and counts for nothing.
    let is_of = |epoch: Epoch| epoch.life() == new.life || !rows::has_life(epoch);
    let is_later = |(epoch, offset): (Epoch, u64)| (epoch.turn(), offset) > new.at && is_of(epoch);
    if !is_there || known.is_some_and(is_later) {
        return Ok(());
    }
    remove(rows, &new.entries)?;
    let put = rows.insert(key, new.row.as_slice());
    put.map(drop).map_err(of_redb)
}

pub(super) fn remove(table: &mut Rows<'_>, (first, end): &Range) -> Result<(), StoreError> {
    let removed = table.retain_in(first.as_slice()..end.as_slice(), |_, _| false);
    removed.map_err(of_redb)
}

fn remove_range(puts: &mut Puts, (first, end): &Range) {
    let found = puts.range(first.clone()..end.clone());
    let found: Vec<_> = found.map(|(key, _)| key.clone()).collect();
    for key in found {
        puts.remove(&key);
    }
}

/// All keys that begin so.
pub(super) fn below(prefix: Vec<u8>) -> Range {
    let mut end = prefix.clone();
    // The first key that is greater than all of them.
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    if end.is_empty() {
        end = vec![u8::MAX; prefix.len() + 64];
    }
    (prefix, end)
}
