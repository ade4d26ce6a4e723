//! Out of a file that is damaged as a whole: each row that can still be found, for a new one.
//!
//! redb opens such a file no more. It reads it still, as one reads beside a writer: from its roots,
//! without a look at checksums. Ours are in each row. A table is read from both of its ends, as far as
//! its pages lead. Of a scope of which a row may be missing nothing is taken for whole: it is read as
//! damaged later, laid aside and named.

use super::{
    BUSY, LAYOUT, META, QUEUE, ROWS, StoreError,
    batch::{Rows, below, remove},
    errors::{guarded, of_redb},
    journal::{self, Missing, Recent},
    medium::Medium,
    reading::read_head,
    rows::{self, HEAD},
};
use crate::{
    core::position::Epoch,
    server::{scopes::ScopeKey, store::Head},
};
use redb::{
    BackendError, ConcurrencyMode, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase,
    ReadableTable, StorageBackend, TableDefinition,
};
use std::{
    collections::BTreeSet,
    io::{self, Read, Seek, SeekFrom},
    ops::Bound,
    path::Path,
    sync::{Mutex, PoisonError},
};

pub(super) type Scope = [u8; 16];

/// Between which scopes something can't be read.
struct Gap {
    after: Option<Scope>,
    before: Option<Scope>,
}

/// What was found in a table.
#[derive(Default)]
struct Found {
    rows: usize,
    gap: Option<Gap>,
    /// Of these a row may be missing.
    hurt: BTreeSet<Scope>,
}

/// A row that can be of no scope: who reads its scope finds it damaged.
const MARK: u8 = b'!';

/// What was put into a new file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) rows: usize,
    /// The number of the last run could be read.
    pub(super) knows_run: bool,
}

/// Puts what can be read of a file into a new one, with what is known of its journal, if it is.
pub(super) fn take_over(
    medium: &dyn Medium,
    to: &Database,
    recent: Option<&Recent>,
) -> Result<Taken, StoreError> {
    let Some(from) = medium.remains() else {
        return Ok(Taken::default());
    };
    let read = guarded(|| from.begin_read().map_err(of_redb))?;
    let write = to.begin_write().map_err(of_redb)?;
    let taken = {
        let mut rows = write.open_table(ROWS).map_err(of_redb)?;
        let mut found = table(&read, ROWS, 17, &mut rows)?;
        let mut queue = write.open_table(QUEUE).map_err(of_redb)?;
        let events = table(&read, QUEUE, 24, &mut queue)?;
        let mut busy = write.open_table(BUSY).map_err(of_redb)?;
        table(&read, BUSY, 16, &mut busy)?;
        found.rows += events.rows;
        drop((rows, queue, busy));
        let missing = match recent {
            Some(recent) => {
                found.rows += recent.put(&write)?;
                Missing::default()
            }
            None => {
                let (commits, missing) = journal::take_over(&read, &write)?;
                found.rows += commits;
                missing
            }
        };
        let mut rows = write.open_table(ROWS).map_err(of_redb)?;
        let mut queue = write.open_table(QUEUE).map_err(of_redb)?;
        let mut busy = write.open_table(BUSY).map_err(of_redb)?;
        found.hurt.extend(events.hurt);
        if let Some(gap) = &found.gap {
            found.hurt.extend(gap.after.into_iter().chain(gap.before));
        }
        // What waits may have run.
        queue.retain(|key, _| !missing.has(key)).map_err(of_redb)?;
        // What waits in a scope that is not found would begin in one that is begun in its place.
        let mut waiting = scopes(&queue)?;
        waiting.extend(scopes(&busy)?);
        waiting.extend(missing.scopes());
        for scope in &waiting {
            remove_unless_known(*scope, &mut rows, [&mut queue, &mut busy])?;
        }
        let is_missing = |key: &[u8]| {
            let gap = events.gap.as_ref();
            missing.has(key) || gap.is_some_and(|gap| gap.has(key))
        };
        let turn = heads(&mut rows, is_missing)?;
        for scope in &found.hurt {
            if remove_unless_known(*scope, &mut rows, [&mut queue, &mut busy])? {
                let key = rows::row_key(ScopeKey(*scope), MARK, &[]);
                let row = rows::sealed(&key, &[]);
                let put = rows.insert(key.as_slice(), row.as_slice());
                put.map_err(of_redb)?;
            }
        }
        // What the file says of itself has no checksum: of its runs the last is believed where it can
        // be.
        let known = |name| guarded(|| number_of(&read, name)).ok().flatten();
        let known = |name| known(name).filter(|run| *run < MOST_RUNS);
        let last = known("run");
        let mut meta = write.open_table(META).map_err(of_redb)?;
        meta.insert("layout", LAYOUT).map_err(of_redb)?;
        let run = turn.max(last.unwrap_or(0));
        meta.insert("run", run).map_err(of_redb)?;
        let lives = known("lives").unwrap_or(0);
        meta.insert("lives", lives).map_err(of_redb)?;
        Taken {
            rows: found.rows,
            knows_run: last.is_some(),
        }
    };
    write.commit().map_err(of_redb)?;
    crate::server::drop_quietly((read, from));
    Ok(taken)
}

/// More than a server has in years.
const MOST_RUNS: u64 = 1 << 22;

fn number_of(read: &ReadTransaction, name: &str) -> Result<Option<u64>, StoreError> {
    let meta = read.open_table(META).map_err(of_redb)?;
    let number = meta.get(name).map_err(of_redb)?;
    Ok(number.map(|number| number.value()))
}

/// Reads a table from both of its ends.
fn table(
    read: &ReadTransaction,
    definition: TableDefinition<'_, &'static [u8], &'static [u8]>,
    least: usize,
    to: &mut Rows<'_>,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let (mut after, mut before) = (None::<Vec<u8>>, None::<Vec<u8>>);
    let mut is_odd = None::<Scope>;
    let forward = guarded(|| {
        let from = read.open_table(definition).map_err(of_redb)?;
        for row in from.iter().map_err(of_redb)? {
            let (key, value) = row.map_err(of_redb)?;
            let (key, value) = (key.value(), value.value());
            let scope = scope_of(key, least).filter(|_| after.as_deref() < Some(key));
            let scope = scope.ok_or_else(out_of_order)?;
            // A key that is damaged stands where the right one stood, beside its own.
            let last = after.as_deref().and_then(|key| scope_of(key, least));
            if let Some(odd) = is_odd.take()
                && odd != scope
            {
                found.hurt.insert(scope);
            }
            if !is_sound(definition, key, value) && last != Some(scope) {
                found.hurt.extend(last);
                is_odd = Some(scope);
            }
            to.insert(key, value).map_err(of_redb)?;
            found.rows += 1;
            after = Some(key.to_vec());
        }
        Ok(())
    });
    match forward {
        Ok(()) => return Ok(found),
        Err(StoreError::Io(error)) => return Err(StoreError::Io(error)),
        Err(_) => {}
    }
    let backward = guarded(|| {
        let from = read.open_table(definition).map_err(of_redb)?;
        for row in from.iter().map_err(of_redb)?.rev() {
            let (key, value) = row.map_err(of_redb)?;
            let (key, value) = (key.value(), value.value());
            if after.as_deref() >= Some(key) {
                break;
            }
            let is_next = before.as_deref().is_none_or(|before| key < before);
            let scope = scope_of(key, least).filter(|_| is_next);
            let scope = scope.ok_or_else(out_of_order)?;
            if !is_sound(definition, key, value) {
                let last = before.as_deref().and_then(|key| scope_of(key, least));
                found.hurt.extend(last.into_iter().chain([scope]));
            }
            to.insert(key, value).map_err(of_redb)?;
            found.rows += 1;
            before = Some(key.to_vec());
        }
        Ok(())
    });
    if let Err(StoreError::Io(error)) = backward {
        return Err(StoreError::Io(error));
    }
    let edge = |key: Option<Vec<u8>>| key.and_then(|key| scope_of(&key, least));
    found.gap = Some(Gap {
        after: edge(after),
        before: edge(before),
    });
    Ok(found)
}

fn scopes(table: &Rows<'_>) -> Result<BTreeSet<Scope>, StoreError> {
    let mut scopes = BTreeSet::new();
    for row in table.iter().map_err(of_redb)? {
        let (key, _) = row.map_err(of_redb)?;
        scopes.extend(scope_of(key.value(), 16));
    }
    Ok(scopes)
}

/// A scope without a head nobody would find, and what is begun in its place would find what is left of
/// it: that goes. Says whether there is one.
fn remove_unless_known<'t>(
    scope: Scope,
    rows: &mut Rows<'t>,
    [queue, busy]: [&mut Rows<'t>; 2],
) -> Result<bool, StoreError> {
    let head = rows::row_key(ScopeKey(scope), HEAD, &[]);
    if rows.get(head.as_slice()).map_err(of_redb)?.is_some() {
        return Ok(true);
    }
    let all = below(scope.to_vec());
    for table in [rows, queue, busy] {
        remove(table, &all)?;
    }
    Ok(false)
}

fn scope_of(key: &[u8], least: usize) -> Option<Scope> {
    let scope = key.first_chunk::<16>().copied();
    scope.filter(|_| key.len() >= least)
}

fn is_sound(
    definition: TableDefinition<'_, &'static [u8], &'static [u8]>,
    key: &[u8],
    value: &[u8],
) -> bool {
    // That one has nothing but its keys.
    redb::TableHandle::name(&definition) == redb::TableHandle::name(&BUSY)
        || rows::unsealed(key, value).is_ok()
}

fn out_of_order() -> StoreError {
    StoreError::Broken("its rows are out of order".to_owned())
}

/// Gives the scopes of which events may be missing a new life: what was accepted in the one before is
/// told as interrupted. Says which run of the server the last epoch is of.
fn heads(rows: &mut Rows<'_>, is_missing: impl Fn(&[u8]) -> bool) -> Result<u64, StoreError> {
    let mut turn = 0;
    let mut others = Vec::new();
    for row in rows.iter().map_err(of_redb)? {
        let (key, value) = row.map_err(of_redb)?;
        let key = key.value();
        if key.len() != 17 || key[16] != HEAD {
            continue;
        }
        let Some(mut head) = read_head(key, value.value()) else {
            continue;
        };
        let epoch = Epoch::from_bits(head.epoch);
        turn = turn.max(epoch.turn());
        if is_missing(key) {
            let random = crate::server::random_u64();
            let other: Epoch = Epoch::from_random(random).in_turn(epoch.turn());
            head.epoch = other.to_bits();
            others.push((key.to_vec(), head));
        }
    }
    for (key, head) in others {
        let row = rows::json_row::<Head>(&key, &head);
        rows.insert(key.as_slice(), row.as_slice())
            .map_err(of_redb)?;
    }
    Ok(turn)
}

impl Gap {
    /// A row of this scope may be in it.
    fn has(&self, key: &[u8]) -> bool {
        let scope = &key[..16];
        let is_behind = self.after.is_none_or(|after| after.as_slice() <= scope);
        is_behind && self.before.is_none_or(|before| scope <= before.as_slice())
    }
}

// === The file ===

/// A file that is read and never written, with a header that lets redb read it.
#[derive(Debug)]
struct Remains {
    // A std mutex, held to read.
    file: Mutex<std::fs::File>,
    header: Vec<u8>,
}

/// The byte of the header with flags.
pub(super) const FLAGS: usize = 9;
/// Which of the two commits counts.
pub(super) const PRIMARY: u8 = 1;
/// It was not closed; its last commit was not flushed.
const UNCLEAN: u8 = 2 | 8;
pub(super) const HEADER_BYTES: usize = 320;

/// Opens what is left of a file: by its last commit, or by the one before.
pub(super) fn remains(path: &Path, cache_bytes: usize) -> Option<ReadOnlyDatabase> {
    [0, PRIMARY].into_iter().find_map(|other| {
        let opened = guarded(|| {
            let mut builder = Database::builder();
            builder.set_cache_size(cache_bytes);
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            let remains = Remains::of(path, other).map_err(StoreError::Io)?;
            let opened = builder.open_read_only_with_backend(remains);
            let opened = opened.map_err(of_redb)?;
            // Its list of tables can be read.
            let read = opened.begin_read().map_err(of_redb)?;
            read.open_table(ROWS).map_err(of_redb)?;
            Ok(opened)
        });
        opened.ok()
    })
}

impl Remains {
    fn of(path: &Path, other: u8) -> io::Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let mut header = vec![0; HEADER_BYTES];
        file.read_exact(&mut header)?;
        header[FLAGS] = (header[FLAGS] & !UNCLEAN) ^ other;
        Ok(Remains {
            file: Mutex::new(file),
            header,
        })
    }

    fn file(&self) -> std::sync::MutexGuard<'_, std::fs::File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Remains {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file().metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(offset))?;
        // What can't be read is nothing: after an error redb would read no more.
        out.fill(0);
        let mut read = 0;
        while let Ok(more @ 1..) = file.read(&mut out[read..]) {
            read += more;
        }
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(header) = self.header.get(from..) {
            let length = header.len().min(out.len());
            out[..length].copy_from_slice(&header[..length]);
        }
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    // Nobody else has it.

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

fn read_only() -> io::Error {
    io::Error::other("what is damaged is not written to")
}
