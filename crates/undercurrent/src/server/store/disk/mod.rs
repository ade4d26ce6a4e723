//! Scopes in one file, by redb. One thread writes; what is handed over while it does goes into its
//! next transaction.

mod batch;
mod rows;
mod writer;

use self::rows::Gathered;
use super::{Commit, Store, StoreError, Stored, StoredEvent, Ticket};
use crate::server::scopes::ScopeKey;
use futures::future::{BoxFuture, FutureExt};
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
};
use std::{
    any::Any,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    thread::JoinHandle,
};
use tokio::sync::watch;

/// A file of scopes.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    // A std mutex, held to take it out at the end.
    writer: Mutex<Option<JoinHandle<()>>>,
    turn: u64,
    /// The first run after the last that ended uncleanly: epochs from before may have been shown
    /// further than they are kept.
    fresh_since: u64,
}

/// What the doors and the writer share.
struct Shared {
    path: PathBuf,
    cache_bytes: usize,
    // A std lock: readers share it, the writer takes it alone to open the file again.
    database: RwLock<Option<Database>>,
    // A std mutex, held to push and to take over; never while anything is written.
    pending: Mutex<Pending>,
    /// Told of what wakes the writer.
    wake: Condvar,
    stored: watch::Sender<u64>,
    // A std mutex, held to put or to copy out.
    trouble: Mutex<Option<String>>,
}

/// What was handed over and is not yet being written.
#[derive(Default)]
struct Pending {
    commits: Vec<Commit>,
    /// The ticket of the last of them.
    last: u64,
    /// Somebody waits: the writer begins at once.
    is_urgent: bool,
    state: Life,
}

/// What the writer is to do when there is nothing left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    /// To say that the run ended cleanly, and leave.
    Closing,
}

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const QUEUE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("queue");
const BUSY: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("busy");
const ASIDE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("aside");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// How rows are written. A file of a greater number is a newer version's.
const LAYOUT: u64 = 1;

impl Disk {
    /// Opens the file, or makes it. One that is damaged is moved aside, and a new one made.
    pub(crate) fn open(path: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::Io)?;
        }
        let opened = open_guarded(path, cache_bytes).and_then(|database| {
            let begun = guarded(|| begin_run(&database))?;
            Ok((database, begun))
        });
        let (database, (turn, fresh_since)) = match opened {
            Err(StoreError::Damaged(why)) => {
                let aside = set_aside(path).map_err(StoreError::Io)?;
                tracing::error!(
                    why,
                    path = %path.display(),
                    aside = %aside.display(),
                    "the file of scopes is damaged: it is kept aside, and a new one is begun"
                );
                let database = open_guarded(path, cache_bytes)?;
                let begun = begin_run(&database)?;
                (database, begun)
            }
            opened => opened?,
        };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            cache_bytes,
            database: RwLock::new(Some(database)),
            pending: Mutex::default(),
            wake: Condvar::new(),
            stored: watch::Sender::new(0),
            trouble: Mutex::default(),
        });
        let writing = shared.clone();
        let thread = std::thread::Builder::new().name("undercurrent-store".into());
        let writer = thread.spawn(move || writer::write_all(&writing));
        Ok(Disk {
            shared,
            writer: Mutex::new(Some(writer.map_err(StoreError::Io)?)),
            turn,
            fresh_since,
        })
    }

    fn end(&self) {
        self.shared.lock().state = Life::Closing;
        self.shared.wake.notify_all();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes scopes panicked");
        }
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.shared.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        let closed = || StoreError::Io(io::Error::other("the file is not open at the moment"));
        let database = database.as_ref().ok_or_else(closed)?;
        guarded(|| read(&database.begin_read().map_err(of_redb)?))
    }
}

impl Store for Disk {
    fn outlives(&self) -> bool {
        true
    }

    fn has(&self, key: ScopeKey) -> bool {
        let found = self.read(|read| {
            let rows = read.open_table(ROWS).map_err(of_redb)?;
            let head = rows.get(rows::row_key(key, rows::HEAD, &[]).as_slice());
            Ok(head.map_err(of_redb)?.is_some())
        });
        // One that can't be looked for is looked at, and the reason is found there.
        found.unwrap_or(true)
    }

    fn load(&self, key: ScopeKey) -> Result<Option<Stored>, StoreError> {
        self.read(|read| {
            let mut gathered = Gathered::default();
            let rows = read.open_table(ROWS).map_err(of_redb)?;
            for row in rows.range(key.0.as_slice()..).map_err(of_redb)? {
                let (name, value) = row.map_err(of_redb)?;
                if !name.value().starts_with(&key.0) {
                    break;
                }
                gathered.row(name.value(), value.value())?;
            }
            let queue = read.open_table(QUEUE).map_err(of_redb)?;
            let mut events = Vec::new();
            for row in queue.range(key.0.as_slice()..).map_err(of_redb)? {
                let (name, value) = row.map_err(of_redb)?;
                let Some(id) = name.value().strip_prefix(&key.0) else {
                    break;
                };
                let (id, _) = rows::number(id).ok_or_else(|| rows::damaged("an odd id"))?;
                let json = rows::unsealed(name.value(), value.value())?;
                let event: Result<StoredEvent, _> = serde_json::from_slice(json);
                events.push((id, event.map_err(|_| rows::damaged("an odd event"))?));
            }
            let is_whole = |head: &super::Head| self.fresh_since <= head.epoch >> 40;
            Ok(gathered.finish(is_whole, events))
        })
    }

    fn unfinished(&self) -> Result<Vec<(ScopeKey, String)>, StoreError> {
        self.read(|read| {
            let mut keys = std::collections::BTreeSet::new();
            for table in [QUEUE, BUSY] {
                let table = read.open_table(table).map_err(of_redb)?;
                for row in table.iter().map_err(of_redb)? {
                    let (name, _) = row.map_err(of_redb)?;
                    if let Some(key) = name.value().first_chunk::<16>() {
                        keys.insert(*key);
                    }
                }
            }
            let rows = read.open_table(ROWS).map_err(of_redb)?;
            let mut found = Vec::new();
            for key in keys.into_iter().map(ScopeKey) {
                let name = rows::row_key(key, rows::HEAD, &[]);
                let head = rows.get(name.as_slice()).map_err(of_redb)?;
                let head = head.and_then(|head| read_head(&name, head.value()));
                found.extend(head.map(|head| (key, head.name)));
            }
            Ok(found)
        })
    }

    fn unused_since(&self, before_s: u64) -> Result<Vec<ScopeKey>, StoreError> {
        self.read(|read| {
            let rows = read.open_table(ROWS).map_err(of_redb)?;
            let mut found = Vec::new();
            // From head to head: all else of a scope is skipped.
            let mut from = vec![0; 16];
            while let Some(row) = rows.range(from.as_slice()..).map_err(of_redb)?.next() {
                let (name, _) = row.map_err(of_redb)?;
                let Some(key) = name.value().first_chunk::<16>().copied() else {
                    break;
                };
                let name = rows::row_key(ScopeKey(key), rows::HEAD, &[]);
                let head = rows.get(name.as_slice()).map_err(of_redb)?;
                let head = head.and_then(|head| read_head(&name, head.value()));
                if head.is_some_and(|head| head.used_s < before_s) {
                    found.push(ScopeKey(key));
                }
                let Some(next) = u128::from_be_bytes(key).checked_add(1) else {
                    break;
                };
                from = next.to_be_bytes().to_vec();
            }
            Ok(found)
        })
    }

    fn hand_over(&self, commit: Commit) -> Ticket {
        let mut pending = self.shared.lock();
        pending.last += 1;
        let (is_first, ticket) = (pending.commits.is_empty(), Ticket(pending.last));
        pending.commits.push(commit);
        drop(pending);
        // Of those that come behind it the writer hears when it is done, or when somebody waits.
        if is_first {
            self.shared.wake.notify_one();
        }
        ticket
    }

    fn stored(&self, Ticket(ticket): Ticket) -> BoxFuture<'_, ()> {
        async move {
            let mut stored = self.shared.stored.subscribe();
            if *stored.borrow_and_update() >= ticket {
                return;
            }
            self.shared.lock().is_urgent = true;
            self.shared.wake.notify_one();
            // The sender is held for as long as this is borrowed.
            let _ = stored.wait_for(|stored| *stored >= ticket).await;
        }
        .boxed()
    }

    fn is_stored(&self, Ticket(ticket): Ticket) -> bool {
        *self.shared.stored.borrow() >= ticket
    }

    fn turn(&self) -> u64 {
        self.turn
    }

    fn trouble(&self) -> Option<String> {
        self.shared.trouble().clone()
    }

    fn close(&self) {
        self.end();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === Opening ===

/// What a file of redb begins with.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

fn open_guarded(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    match std::fs::File::open(path) {
        Ok(file) => {
            let mut begin = Vec::new();
            io::Read::read_to_end(&mut io::Read::take(file, MAGIC.len() as u64), &mut begin)
                .map_err(StoreError::Io)?;
            // An empty one was made, and no more.
            if !begin.is_empty() && !MAGIC.starts_with(&begin) {
                return Err(StoreError::Foreign);
            }
            if !begin.is_empty() && begin.len() < MAGIC.len() {
                return Err(rows::damaged("it ends in its first line"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::Io(error)),
    }
    guarded(|| {
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        builder.create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
            DatabaseError::UpgradeRequired(_) => StoreError::Newer,
            DatabaseError::RepairAborted => rows::damaged("it can't be repaired"),
            error => of_redb(error),
        })
    })
}

/// Notes that a run begins: its number, and since which run nothing that was shown was lost.
fn begin_run(database: &Database) -> Result<(u64, u64), StoreError> {
    let write = database.begin_write().map_err(of_redb)?;
    let begun = {
        let mut meta = write.open_table(META).map_err(of_redb)?;
        for table in [ROWS, QUEUE, BUSY, ASIDE] {
            write.open_table(table).map_err(of_redb)?;
        }
        let number = |name: &str| -> Result<Option<u64>, StoreError> {
            Ok(meta.get(name).map_err(of_redb)?.map(|value| value.value()))
        };
        let layout = number("layout")?;
        if layout.is_some_and(|layout| layout > LAYOUT) {
            return Err(StoreError::Newer);
        }
        let run = number("run")?.map_or(0, |run| run + 1);
        let is_clean = layout.is_none() || number("clean")? == Some(1);
        let fresh_since = match is_clean {
            true => number("fresh")?.unwrap_or(0),
            false => run,
        };
        for (name, value) in [
            ("layout", LAYOUT),
            ("run", run),
            ("clean", 0),
            ("fresh", fresh_since),
        ] {
            meta.insert(name, value).map_err(of_redb)?;
        }
        (run, fresh_since)
    };
    write.commit().map_err(of_redb)?;
    Ok(begun)
}

/// Moves a file out of the way, and keeps it.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_extension(format!("damaged-{}", crate::server::random_id()));
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

fn read_head(key: &[u8], value: &[u8]) -> Option<super::Head> {
    serde_json::from_slice(rows::unsealed(key, value).ok()?).ok()
}

/// What redb panics with over a damaged file is an error like any other.
fn guarded<T>(act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let why = crate::server::describe_panic(&*panic).to_owned();
        Err(StoreError::Damaged(why))
    })
}

fn of_redb(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            // Of a file that ends too early.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                StoreError::Damaged(error.to_string())
            }
            _ => StoreError::Io(error),
        },
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
            StoreError::Io(io::Error::other(error.to_string()))
        }
        redb::Error::UpgradeRequired(_) => StoreError::Newer,
        error => StoreError::Damaged(error.to_string()),
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
