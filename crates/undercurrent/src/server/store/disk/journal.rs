//! What was written lately, in the order in which it was written: a commit is one row, behind the
//! one before it. What is known of scopes is written into their own rows later, for many commits
//! at once: scopes lie far from each other, and each would have a page of the file rewritten for
//! each of its clicks. With 50 clients that click a commit wrote 90 pages, and writes 16
//! with what is put in its place later.
//!
//! ```text
//! journal  <number> <scope>   the epoch, and record by record what was handed over
//! touched  <number>           the scopes of this commit and of those written with it
//! ```
//!
//! Where some of the journal can't be read, the other table has what that was of. Such a scope is as it
//! was before then.

use super::{
    super::{Commit, Record, StoreError},
    JOURNAL, TOUCHED,
    batch::Batch,
    errors::{guarded, of_redb},
    rows,
    salvage::Scope,
};
use crate::{
    Visitor,
    core::{log::Entry, position::Epoch},
    server::scopes::ScopeKey,
};
use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use std::{collections::BTreeMap, sync::Arc};

/// What the journal of the file has, as it was handed over.
pub(super) struct Recent {
    commits: Vec<Commit>,
    bytes: usize,
    /// What has more bytes goes to its place at once.
    max: usize,
    /// The number of the next.
    next: u64,
}

/// A commit that would fill a part of so many of the journal is not worth being written twice.
const LARGE: usize = 16;

/// What is not found of a journal.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// The first commit of a scope that is not.
    first: BTreeMap<Scope, u64>,
    /// From this one on nobody knows of which scopes they are.
    of_any: Option<u64>,
}

/// What a row of the journal begins a record with.
mod tag {
    pub(super) const HEAD: u8 = b'h';
    pub(super) const USED: u8 = b'u';
    pub(super) const ENTRY: u8 = b'e';
    pub(super) const SNAPSHOT: u8 = b's';
    pub(super) const NUMBER: u8 = b'n';
    pub(super) const NO_NUMBER: u8 = b'm';
    pub(super) const EVENT: u8 = b'q';
    pub(super) const ENDED: u8 = b'd';
    pub(super) const BUSY: u8 = b'b';
}

// === impl Missing ===

impl Missing {
    fn of(
        commits: &BTreeMap<u64, Commit>,
        is_all: bool,
        scopes: &BTreeMap<u64, Scope>,
        are_scopes_all: bool,
    ) -> Self {
        let end = |last: Option<&u64>| last.map_or(0, |last| last + 1);
        let (known, listed) = (end(commits.keys().last()), end(scopes.keys().last()));
        let mut missing = Missing::default();
        for number in (0..known.max(listed)).filter(|number| !commits.contains_key(number)) {
            match scopes.get(&number) {
                Some(scope) => drop(missing.first.entry(*scope).or_insert(number)),
                None => drop(missing.of_any.get_or_insert(number)),
            }
        }
        // There may have been more.
        let is_end_known = is_all || (are_scopes_all && known <= listed);
        if !is_end_known {
            missing.of_any.get_or_insert(known.max(listed));
        }
        missing
    }

    fn is_nothing(&self) -> bool {
        self.first.is_empty() && self.of_any.is_none()
    }

    /// Nothing of the scope is missing that was written before a commit.
    fn is_before(&self, number: u64, scope: &Scope) -> bool {
        let first = self.first.get(scope).copied();
        [first, self.of_any]
            .iter()
            .flatten()
            .all(|first| number < *first)
    }

    /// Something is missing, or may be, of the scope that a key begins with.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let scope = key.first_chunk();
        self.of_any.is_some() || scope.is_some_and(|scope| self.first.contains_key(scope))
    }

    /// Of these it is known that something is missing.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.first.keys().copied()
    }
}

// === impl Recent ===

impl Recent {
    pub(super) fn new(max: usize) -> Self {
        Recent {
            commits: Vec::new(),
            bytes: 0,
            max,
            next: 0,
        }
    }

    /// The journal has nothing any more.
    pub(super) fn clear(&mut self) {
        *self = Recent::new(self.max);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Whether these go into the journal: not what takes rows away or lays them aside, which needs
    /// all that was before in its place.
    pub(super) fn takes(&self, commits: &[Commit]) -> bool {
        let bytes: usize = commits.iter().map(Commit::weight).sum();
        let fits = |commit: &Commit| {
            commit.weight() <= self.max / LARGE && commit.records.iter().all(is_kept_so)
        };
        !commits.is_empty() && self.bytes + bytes <= self.max && commits.iter().all(fits)
    }

    /// Writes them behind what is there. Of the same number a row is written over: a batch that is
    /// tried again leaves nothing of the first try.
    pub(super) fn append(
        &self,
        commits: &[Commit],
        to: &WriteTransaction,
    ) -> Result<(), StoreError> {
        let mut journal = to.open_table(JOURNAL).map_err(of_redb)?;
        let mut touched = to.open_table(TOUCHED).map_err(of_redb)?;
        let key = self.next.to_be_bytes();
        let scopes = commits.iter().map(|commit| commit.key.0.as_slice());
        let row = rows::sealed(&key, &scopes.collect::<Vec<_>>());
        touched
            .insert(key.as_slice(), row.as_slice())
            .map_err(of_redb)?;
        for (number, commit) in (self.next..).zip(commits) {
            let key = row_key(number, commit.key);
            let row = rows::sealed(&key, &[&written(commit)]);
            journal
                .insert(key.as_slice(), row.as_slice())
                .map_err(of_redb)?;
        }
        Ok(())
    }

    /// They were appended.
    pub(super) fn extend(&mut self, commits: Vec<Commit>) {
        self.bytes += commits.iter().map(Commit::weight).sum::<usize>();
        self.next += commits.len() as u64;
        self.commits.extend(commits);
    }

    /// Puts everything in its place, and leaves nothing in the journal.
    pub(super) fn settle(&self, to: &WriteTransaction, aside_bytes: u64) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        self.all().write(to, aside_bytes)?;
        empty(to)
    }

    /// Puts everything in its place in another file. Says how many commits these are.
    pub(super) fn put(&self, to: &WriteTransaction) -> Result<usize, StoreError> {
        in_their_places(&self.commits, to)?;
        Ok(self.commits.len())
    }

    /// What is to come in its place.
    pub(super) fn all(&self) -> Batch {
        Batch::of(&self.commits)
    }

    /// The same of a scope alone, if there is anything.
    pub(super) fn of(&self, key: ScopeKey) -> Option<Batch> {
        let is_of = |commit: &&Commit| commit.key == key;
        let mut commits = self.commits.iter().filter(is_of).peekable();
        commits.peek()?;
        Some(Batch::of(commits))
    }
}

/// What the last run of the server left in the journal comes in its place. It was killed: redb has
/// looked at every page since, and what can't be read here is a matter of the file.
pub(super) fn settle(to: &WriteTransaction) -> Result<(), StoreError> {
    let mut commits = Vec::new();
    {
        let journal = to.open_table(JOURNAL).map_err(of_redb)?;
        for row in journal.iter().map_err(of_redb)? {
            let (key, value) = row.map_err(of_redb)?;
            let commit = read_row(key.value(), value.value());
            let odd = || StoreError::Broken("a row of the journal can't be read".to_owned());
            commits.push(commit.ok_or_else(odd)?);
        }
    }
    if !commits.is_empty() {
        in_their_places(&commits, to)?;
        empty(to)?;
    }
    Ok(())
}

/// The same with the journal of a file that is damaged, as far as it can be read: each scope is as
/// after one of its commits. Says how many commits these are, and what is missing.
pub(super) fn take_over(
    read: &ReadTransaction,
    to: &WriteTransaction,
) -> Result<(usize, Missing), StoreError> {
    let (commits, is_all) = numbered(read, JOURNAL, read_row)?;
    let (lists, are_lists_all) = numbered(read, TOUCHED, read_list)?;
    let mut scopes = BTreeMap::new();
    for (first, list) in lists {
        scopes.extend((first..).zip(list));
    }
    let missing = Missing::of(&commits, is_all, &scopes, are_lists_all);
    if !missing.is_nothing() {
        tracing::error!(
            ?missing,
            "of what was written last some can't be read: scopes that it is of are as they were before"
        );
    }
    let found = commits.into_iter();
    let found = found.filter(|(number, commit)| missing.is_before(*number, &commit.key.0));
    let commits: Vec<_> = found.map(|(_, commit)| commit).collect();
    in_their_places(&commits, to)?;
    Ok((commits.len(), missing))
}

/// The rows of a table, which have numbers, from both of its ends; says whether each can be read.
fn numbered<T>(
    read: &ReadTransaction,
    definition: TableDefinition<'_, &'static [u8], &'static [u8]>,
    read_row: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<(BTreeMap<u64, T>, bool), StoreError> {
    let mut found = BTreeMap::new();
    let mut is_all = true;
    for is_forward in [true, false] {
        let mut last = None;
        let walked = guarded(|| {
            let table = match read.open_table(definition) {
                // There was nothing in it.
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                table => table.map_err(of_redb)?,
            };
            let mut rows = table.iter().map_err(of_redb)?;
            loop {
                let row = match is_forward {
                    true => rows.next(),
                    false => rows.next_back(),
                };
                let Some(row) = row else {
                    return Ok(());
                };
                let (key, value) = row.map_err(of_redb)?;
                let row = read_row(key.value(), value.value());
                let (Some(row), Some((number, _))) = (row, rows::number(key.value())) else {
                    is_all = false;
                    continue;
                };
                let is_next = last.is_none_or(|last| (last < number) == is_forward);
                if !is_next || last == Some(number) {
                    return Err(rows::damaged("its rows are out of order"));
                }
                last = Some(number);
                if found.insert(number, row).is_some() {
                    // It was met from the other end.
                    return Ok(());
                }
            }
        });
        match walked {
            Ok(()) => break,
            Err(StoreError::Io(error)) => return Err(StoreError::Io(error)),
            Err(_) => is_all = false,
        }
    }
    Ok((found, is_all))
}

/// Leaves nothing in the journal.
fn empty(to: &WriteTransaction) -> Result<(), StoreError> {
    to.delete_table(JOURNAL).map_err(of_redb)?;
    to.delete_table(TOUCHED).map(drop).map_err(of_redb)
}

/// None of these lays anything aside.
fn in_their_places(commits: &[Commit], to: &WriteTransaction) -> Result<(), StoreError> {
    Batch::of(commits).write(to, u64::MAX)
}

/// Whether a record can wait in the journal.
fn is_kept_so(record: &Record) -> bool {
    match record {
        Record::Head(_)
        | Record::Used(_)
        | Record::Entry(..)
        | Record::Snapshot(..)
        | Record::Number(..)
        | Record::NoNumber(..)
        | Record::Event(..)
        | Record::Ended(_)
        | Record::Busy(_) => true,
        Record::NoVisitor(_) | Record::Gone | Record::Aside(_) => false,
    }
}

// === Rows ===

fn row_key(number: u64, scope: ScopeKey) -> Vec<u8> {
    [number.to_be_bytes().as_slice(), &scope.0].concat()
}

/// The scopes of commits that were written together.
fn read_list(key: &[u8], value: &[u8]) -> Option<Vec<Scope>> {
    let (scopes, rest) = rows::unsealed(key, value).ok()?.as_chunks();
    rest.is_empty().then(|| scopes.to_vec())
}

fn written(commit: &Commit) -> Vec<u8> {
    let mut row = Vec::with_capacity(commit.weight());
    row.extend_from_slice(&commit.epoch.to_bits().to_be_bytes());
    for record in &commit.records {
        write(&mut row, record);
    }
    row
}

fn write(row: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Head(head) => {
            row.push(tag::HEAD);
            put_part(row, &rows::json(head));
        }
        Record::Used(head) => {
            row.push(tag::USED);
            put_part(row, &rows::json(head));
        }
        Record::Entry(id, entry) => {
            row.push(tag::ENTRY);
            put_part(row, rows::written_id(id).as_bytes());
            put_number(row, entry.since);
            put_number(row, entry.offset);
            put_part(row, entry.public_ops().as_bytes());
            row.push(u8::from(entry.server_ops.is_some()));
            if entry.server_ops.is_some() {
                put_part(row, entry.all_ops().as_bytes());
            }
        }
        Record::Snapshot(id, offset, json) => {
            row.push(tag::SNAPSHOT);
            put_part(row, rows::written_id(id).as_bytes());
            put_number(row, *offset);
            put_part(row, json.as_bytes());
        }
        Record::Number(visitor, client, highest) => {
            row.push(tag::NUMBER);
            row.extend_from_slice(&visitor.0);
            put_part(row, client.as_bytes());
            put_number(row, *highest);
        }
        Record::NoNumber(visitor, client) => {
            row.push(tag::NO_NUMBER);
            row.extend_from_slice(&visitor.0);
            put_part(row, client.as_bytes());
        }
        Record::Event(id, event) => {
            row.push(tag::EVENT);
            put_number(row, *id);
            put_part(row, &rows::json(event));
        }
        Record::Ended(id) => {
            row.push(tag::ENDED);
            put_number(row, *id);
        }
        Record::Busy(is_busy) => {
            row.push(tag::BUSY);
            row.push(u8::from(*is_busy));
        }
        Record::NoVisitor(_) | Record::Gone | Record::Aside(_) => {
            unreachable!("a batch with these is not appended")
        }
    }
}

fn put_part(row: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    row.extend_from_slice(&len.to_be_bytes());
    row.extend_from_slice(bytes);
}

fn put_number(row: &mut Vec<u8>, number: u64) {
    row.extend_from_slice(&number.to_be_bytes());
}

fn read_row(key: &[u8], value: &[u8]) -> Option<Commit> {
    let row = rows::unsealed(key, value).ok()?;
    let (_, scope) = rows::number(key)?;
    read(ScopeKey(scope.try_into().ok()?), row)
}

fn read(scope: ScopeKey, row: &[u8]) -> Option<Commit> {
    let (epoch, mut rest) = rows::number(row)?;
    let mut records = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        rest = after;
        records.push(read_record(*tag, &mut rest)?);
    }
    Some(Commit::of(scope, Epoch::from_bits(epoch), records))
}

fn read_record(tag: u8, rest: &mut &[u8]) -> Option<Record> {
    Some(match tag {
        tag::HEAD => Record::Head(serde_json::from_slice(part(rest)?).ok()?),
        tag::USED => Record::Used(serde_json::from_slice(part(rest)?).ok()?),
        tag::ENTRY => {
            let id = rows::read_id(&text(rest)?)?;
            let (since, offset) = (number(rest)?, number(rest)?);
            let event = text(rest)?.into_bytes();
            let server_ops = match take::<1>(rest)? {
                [0] => None,
                [1] => Some(text(rest)?.into_bytes()),
                _ => return None,
            };
            let entry = Entry {
                // What a scope numbers its states by is not known here.
                state: 0,
                since,
                offset,
                ops: 0..event.len(),
                event,
                server_ops,
            };
            Record::Entry(id, Arc::new(entry))
        }
        tag::SNAPSHOT => Record::Snapshot(rows::read_id(&text(rest)?)?, number(rest)?, text(rest)?),
        tag::NUMBER => Record::Number(Visitor(take(rest)?), text(rest)?, number(rest)?),
        tag::NO_NUMBER => Record::NoNumber(Visitor(take(rest)?), text(rest)?),
        tag::EVENT => Record::Event(number(rest)?, serde_json::from_slice(part(rest)?).ok()?),
        tag::ENDED => Record::Ended(number(rest)?),
        tag::BUSY => match take::<1>(rest)? {
            [0] => Record::Busy(false),
            [1] => Record::Busy(true),
            _ => return None,
        },
        _ => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}

fn part<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let len = take(rest).map(u32::from_be_bytes)?;
    let (part, after) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    *rest = after;
    Some(part)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(part(rest)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        corpus::{changed, replay},
        server::store::{Head, StateId, StoredEvent},
    };
    use fastrand::Rng;

    const SCOPE: ScopeKey = ScopeKey([7; 16]);

    fn entry(offset: u64, ops: &str, server_ops: Option<&str>) -> Record {
        let visitor = offset.is_multiple_of(2).then_some(Visitor([9; 16]));
        let name = "trial".into();
        let entry = Entry {
            state: 0,
            since: offset / 2,
            offset,
            event: ops.into(),
            ops: 0..ops.len(),
            server_ops: server_ops.map(Into::into),
        };
        Record::Entry(StateId { name, visitor }, Arc::new(entry))
    }

    /// One of each kind.
    fn commit() -> Commit {
        let head = Head {
            name: "~".to_owned(),
            epoch: 1 << 40,
            offset: 7,
            used_s: 9,
        };
        let event = StoredEvent {
            name: "trial::note".to_owned(),
            arguments: r#"{"text":"é"}"#.to_owned(),
            visitor: Visitor([9; 16]),
            origin: Some(("c".to_owned(), 3)),
            is_first: true,
            tries: 1,
            has_begun: false,
            is_cancelled: false,
        };
        let visitor = Visitor([9; 16]);
        let records = vec![
            Record::Head(head.clone()),
            Record::Used(head),
            entry(4, r#"[["+","posts","a"]]"#, None),
            entry(5, "[]", Some(r#"[["+","secrets","é"]]"#)),
            Record::Snapshot(StateId::shared("trial"), 5, "{}".to_owned()),
            Record::Number(visitor, "c".to_owned(), 3),
            Record::NoNumber(visitor, "b".to_owned()),
            Record::Event(7, event),
            Record::Ended(6),
            Record::Busy(true),
            Record::Busy(false),
        ];
        assert!(records.iter().all(is_kept_so));
        Commit::of(SCOPE, Epoch::from_bits(1 << 40 | 5), records)
    }

    #[test]
    fn a_commit_is_read_as_it_was_written_or_not_at_all() {
        let row = written(&commit());
        let read_back = read(SCOPE, &row).expect("it was written");
        assert_eq!(read_back.epoch, commit().epoch);
        assert_eq!(read_back.records.len(), commit().records.len());
        // Written once more it is the same, and so is what comes of it in the file.
        assert_eq!(written(&read_back), row);
        assert_eq!(Batch::of([&read_back]), Batch::of([&commit()]));
        for end in 8..row.len() {
            let part = read(SCOPE, &row[..end]);
            let is_whole = part.is_some_and(|part| written(&part) != row[..end]);
            assert!(!is_whole, "cut at {end}");
        }
        let key = row_key(3, SCOPE);
        let sealed = rows::sealed(&key, &[&row]);
        assert!(read_row(&key, &sealed).is_some_and(|read| read.key == SCOPE));
        let mut random = Rng::with_seed(1);
        for _ in 0..3_000 {
            let other = changed(&mut random, &sealed);
            assert!(other == sealed || read_row(&key, &other).is_none());
            let other = changed(&mut random, &key);
            assert!(other == key || read_row(&other, &sealed).is_none());
        }
    }

    #[test]
    fn rows_of_any_form_are_read_or_refused() {
        replay("journal", 20_000, |row| {
            let commit = read(SCOPE, row).ok_or("it is no row")?;
            let again = read(SCOPE, &written(&commit)).ok_or("it is written otherwise")?;
            assert_eq!(written(&again), written(&commit));
            Ok(())
        });
    }
}
