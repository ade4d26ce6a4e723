//! Scopes in one file, by redb. One thread writes; what is handed over while it does goes into its
//! next transaction.

mod aside;
mod batch;
mod file;
mod healing;
mod journal;
mod kept;
mod left;
mod opening;
mod rows;
mod salvage;
mod writer;

use self::{
    batch::Batch,
    file::File,
    journal::Recent,
    kept::Opened,
    left::Left,
    opening::{begun_in_spite_of, opened},
    rows::Gathered,
};
#[cfg(test)]
pub(crate) use self::{
    kept::{Opened as OpenedMedium, note as note_kept},
    left::note_begun,
};
use super::{Commit, HandOverAll, Lost, MovedOn, Store, StoreError, Stored, StoredEvent, Ticket};
use crate::{Limits, core::position::Epoch, server::scopes::ScopeKey};
use futures::future::{BoxFuture, FutureExt};
use redb::{
    Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use std::{
    any::Any,
    collections::HashSet,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::{oneshot, watch};

/// A file of scopes.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    // A std mutex, held to take it out at the end.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// A run of the server on the file.
#[derive(Clone, Copy, Debug)]
struct Run {
    turn: u64,
    /// The first run after the last that ended uncleanly: epochs from before may have been shown
    /// further than they are kept.
    fresh_since: u64,
    /// The first run after the last that began on an older file than there was: of epochs from before
    /// events may be missing that were accepted.
    lives_since: u64,
    keeps_first: bool,
    /// The run before it did not end in good order.
    was_killed: bool,
}

/// What the database is on: a file, or what tests put in its place.
pub(crate) trait Medium: fmt::Debug + Send + Sync {
    /// Opens the database, or makes it.
    fn open(&self) -> Result<Opened, StoreError>;

    /// Opens the database that was there: where it is gone for the moment no other is made.
    fn open_again(&self) -> Result<Opened, StoreError>;

    /// Whether what was opened is still where it was opened.
    fn place(&self) -> io::Result<Where> {
        Ok(Where::Here)
    }

    /// Removes what was begun in the place of a file that has no name any more.
    fn take_back(&self) {}

    /// What was committed is kept: where it is not found later, something is lost.
    fn note_kept(&self) {}

    /// Whether it is what a run of this number left, by whose own word it was closed, if so.
    fn found(&self, _run: u64, _is_closed: bool) -> Left {
        Left::AsItIs
    }

    /// A run of this number has begun on it, which keeps first what it shows, if so.
    fn note_begun(&self, _run: u64, _keeps_first: bool) {}

    /// That run has closed it.
    fn note_closed(&self, _run: u64) {}

    /// What is damaged, to be read as far as it can be.
    fn remains(&self) -> Option<ReadOnlyDatabase> {
        None
    }

    /// Makes another database, which nobody finds yet.
    fn open_beside(&self) -> Result<Database, StoreError>;

    /// Keeps what is damaged aside, and puts that other one in its place. Whoever is killed meanwhile
    /// finds one of the two later.
    fn put_in_place(&self) -> io::Result<PathBuf>;

    /// Removes that other one: it was made in vain.
    fn drop_beside(&self) {}

    /// As the log calls it.
    fn path(&self) -> &Path;
}

/// Where the file is that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Here,
    /// It has no name any more: whoever looks for it later finds nothing.
    Nowhere,
    /// Another file has its name.
    Elsewhere,
}

/// What the doors and the writer share.
struct Shared {
    medium: Box<dyn Medium>,
    // A std mutex, held to copy and to put.
    run: Mutex<Run>,
    /// How often the file was begun anew.
    era: AtomicUsize,
    /// The file was looked through: what can't be read of it is a scope's.
    is_sound: AtomicBool,
    // A std mutex, held to put or to copy out.
    hand_over_all: Mutex<Option<HandOverAll>>,
    moved_on: OnceLock<MovedOn>,
    /// With more bytes pending, who hands over waits.
    pending_bytes: usize,
    /// Of what is laid aside so many stay.
    aside_bytes: u64,
    /// About the bytes that wait, with those that are being written. Asked at each update.
    bytes: AtomicUsize,
    // A std lock: readers share it, the writer takes it alone to open the file again.
    database: RwLock<Option<Database>>,
    // A std mutex, held to push and to take over; never while anything is written.
    pending: Mutex<Pending>,
    // A std mutex, held while a batch is written, and by who reads what the journal has.
    recent: Mutex<Recent>,
    // A std mutex, held to look and to put.
    /// The scopes whose heads are in the journal.
    fresh: Mutex<HashSet<ScopeKey>>,
    /// Told of what wakes the writer.
    wake: Condvar,
    /// Told of what is kept, for threads that wait. Goes with `pending`.
    kept: Condvar,
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
    /// What the writer does.
    writer: Writer,
    /// Requests that wait for a ticket.
    waiting: Vec<(u64, oneshot::Sender<()>)>,
    /// Threads that do.
    threads: usize,
    /// The file could not be read.
    is_unwell: bool,
    /// What was read in the file was no file of redb.
    is_suspect: bool,
    state: Life,
}

/// Who hands over wakes the writer only where it would sleep on: to wake a thread is a call of the
/// system, whether it sleeps or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    /// It looks before it sleeps again.
    #[default]
    Awake,
    /// It looks by itself, in time for what nobody waits for.
    Dozing,
    /// Nothing came for a while. It looks when it is woken.
    Asleep,
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
const JOURNAL: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("journal");
const TOUCHED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("touched");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// How rows are written. A file of a greater number is a newer version's.
const LAYOUT: u64 = 4;

impl Disk {
    /// Opens the file, or makes it. One that is damaged is moved aside, and a new one made.
    /// `keeps_first`: nothing is shown before it is kept, so that a crash takes nothing back.
    pub(crate) fn open(
        path: &Path,
        keeps_first: bool,
        limits: &Limits,
    ) -> Result<Self, StoreError> {
        let file = File::new(path, limits);
        Disk::on(Box::new(file), keeps_first, limits)
    }

    /// The same on something else.
    pub(crate) fn on(
        medium: Box<dyn Medium>,
        keeps_first: bool,
        limits: &Limits,
    ) -> Result<Self, StoreError> {
        let (database, run) = match opened(&*medium, keeps_first, false) {
            Err(StoreError::Damaged(why) | StoreError::Broken(why)) => {
                begun_in_spite_of(&why, &*medium, keeps_first)?
            }
            opened => opened?,
        };
        let shared = Arc::new(Shared {
            medium,
            run: Mutex::new(run),
            era: AtomicUsize::new(0),
            is_sound: AtomicBool::new(false),
            hand_over_all: Mutex::default(),
            moved_on: OnceLock::new(),
            pending_bytes: limits.store_pending_bytes,
            aside_bytes: limits.store_aside_bytes as u64,
            bytes: AtomicUsize::new(0),
            database: RwLock::new(Some(database)),
            pending: Mutex::default(),
            recent: Mutex::new(Recent::new(limits.store_journal_bytes)),
            fresh: Mutex::default(),
            wake: Condvar::new(),
            kept: Condvar::new(),
            stored: watch::Sender::new(0),
            trouble: Mutex::default(),
        });
        let writing = shared.clone();
        let thread = thread::Builder::new().name("undercurrent-store".into());
        let writer = thread.spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| writer::write_all(&writing)));
            if ended.is_err() {
                let why = "the thread that writes scopes has panicked";
                tracing::error!("{why}");
                *writing.trouble() = Some(why.to_owned());
            }
        });
        Ok(Disk {
            shared,
            writer: Mutex::new(Some(writer.map_err(StoreError::Io)?)),
        })
    }

    fn end(&self) {
        self.shared.lock().state = Life::Closing;
        self.shared.wake.notify_all();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Who hands over all may be the last who holds the runtime.
        let is_other = |writer: &JoinHandle<()>| writer.thread().id() != thread::current().id();
        if let Some(writer) = writer.take().filter(is_other)
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes scopes panicked");
        }
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask(|database| read(&database.begin_read().map_err(of_redb)?))
    }

    /// Reads all of it as it will be when everything is in its place.
    fn read_as_settled<T>(
        &self,
        read: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let recent = self.shared.recent();
        self.read_after(&recent.all(), read)
    }

    /// Reads as it will be after a batch. What is written for that is taken back.
    fn read_after<T>(
        &self,
        batch: &Batch,
        read: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask(|database| {
            let write = database.begin_write().map_err(of_redb)?;
            batch.write(&write, self.shared.aside_bytes)?;
            read(&write)
        })
    }

    fn ask<T>(
        &self,
        ask: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.shared.with_database(ask);
        let closed = || StoreError::Io(io::Error::other("the file is not open at the moment"));
        let found = found.unwrap_or_else(|| Err(closed()));
        if let Err(StoreError::Io(_)) = &found {
            // The writer opens it again, so that who tries again finds it well, if the cause is gone.
            let mut pending = self.shared.lock();
            pending.is_unwell = true;
            self.shared.wake_writer(pending);
        }
        match found {
            Err(StoreError::Broken(why)) if self.shared.is_sound.load(Ordering::Relaxed) => {
                Err(StoreError::Damaged(why))
            }
            Err(StoreError::Broken(why)) => {
                // The writer looks, and begins a new one if it is so.
                let mut pending = self.shared.lock();
                pending.is_suspect = true;
                self.shared.wake_writer(pending);
                Err(StoreError::Broken(why))
            }
            found => found,
        }
    }
}

impl Store for Disk {
    fn outlives(&self) -> bool {
        true
    }

    fn has(&self, key: ScopeKey) -> bool {
        // Looked at first: what leaves the journal is in its place before.
        if self.shared.fresh().contains(&key) {
            return true;
        }
        let found = self.read(|read| {
            let rows = read.open_table(ROWS).map_err(of_redb)?;
            let head = rows.get(rows::row_key(key, rows::HEAD, &[]).as_slice());
            Ok(head.map_err(of_redb)?.is_some())
        });
        // One that can't be looked for is looked at, and the reason is found there.
        found.unwrap_or(true)
    }

    fn load(&self, key: ScopeKey) -> Result<Option<Stored>, StoreError> {
        let recent = self.shared.recent();
        let (gathered, events) = match recent.of(key) {
            None => self.read(|read| {
                drop(recent);
                let rows = read.open_table(ROWS).map_err(of_redb)?;
                let queue = read.open_table(QUEUE).map_err(of_redb)?;
                gathered(key, &rows, &queue)
            }),
            Some(batch) => {
                let found = self.read_after(&batch, |write| {
                    let rows = write.open_table(ROWS).map_err(of_redb)?;
                    let queue = write.open_table(QUEUE).map_err(of_redb)?;
                    gathered(key, &rows, &queue)
                });
                drop(recent);
                found
            }
        }?;
        let run = *self.shared.run();
        let lost = |head: &super::Head| run.lost(Epoch::from_bits(head.epoch));
        Ok(gathered.finish(lost, events))
    }

    fn unfinished(&self) -> Result<Vec<(ScopeKey, String)>, StoreError> {
        self.read_as_settled(|write| {
            let [rows, queue, busy] = [ROWS, QUEUE, BUSY].map(|table| write.open_table(table));
            let (queue, busy) = (queue.map_err(of_redb)?, busy.map_err(of_redb)?);
            unfinished(&rows.map_err(of_redb)?, [&queue, &busy])
        })
    }

    fn unused_since(&self, before_s: u64) -> Result<Vec<ScopeKey>, StoreError> {
        self.read_as_settled(|write| {
            let rows = write.open_table(ROWS).map_err(of_redb)?;
            let queue = write.open_table(QUEUE).map_err(of_redb)?;
            let busy = write.open_table(BUSY).map_err(of_redb)?;
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
                    let is_busy = busy.get(key.as_slice()).map_err(of_redb)?.is_some();
                    let first = queue.range(key.as_slice()..).map_err(of_redb)?.next();
                    let first = first.transpose().map_err(of_redb)?;
                    let waits = first.is_some_and(|(id, _)| id.value().starts_with(&key));
                    if !is_busy && !waits {
                        found.push(ScopeKey(key));
                    }
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
        self.shared
            .bytes
            .fetch_add(commit.weight(), Ordering::Relaxed);
        let mut pending = self.shared.lock();
        pending.last += 1;
        let ticket = Ticket(pending.last);
        let is_waited_for = commit.then.is_some();
        pending.commits.push(commit);
        if is_waited_for {
            self.shared.hurry(pending);
        } else if pending.writer == Writer::Asleep {
            self.shared.wake_writer(pending);
        }
        ticket
    }

    fn stored(&self, Ticket(ticket): Ticket) -> BoxFuture<'_, ()> {
        async move {
            let told = {
                let mut pending = self.shared.lock();
                // Looked at under the lock: who is told is taken from the list under it, later.
                if self.is_stored(Ticket(ticket)) {
                    return;
                }
                let (sender, told) = oneshot::channel();
                pending.waiting.push((ticket, sender));
                self.shared.hurry(pending);
                told
            };
            if told.await.is_err() {
                // It will never be kept.
                std::future::pending().await
            }
        }
        .boxed()
    }

    fn is_stored(&self, Ticket(ticket): Ticket) -> bool {
        *self.shared.stored.borrow() >= ticket
    }

    fn is_stored_within(&self, ticket: Ticket, patience: Duration) -> bool {
        if self.is_stored(ticket) {
            return true;
        }
        self.shared.hurry(self.shared.lock());
        let mut pending = self.shared.lock();
        pending.threads += 1;
        let kept = &self.shared.kept;
        let waited = kept.wait_timeout_while(pending, patience, |_| !self.is_stored(ticket));
        waited.unwrap_or_else(PoisonError::into_inner).0.threads -= 1;
        self.is_stored(ticket)
    }

    fn caught_up(&self) -> BoxFuture<'_, ()> {
        async move {
            let mut stored = self.shared.stored.subscribe();
            while self.is_behind() {
                // The sender is held for as long as this is borrowed.
                let _ = stored.changed().await;
            }
        }
        .boxed()
    }

    fn is_behind(&self) -> bool {
        self.shared.bytes.load(Ordering::Relaxed) > self.shared.pending_bytes
    }

    fn turn(&self) -> u64 {
        self.shared.run().turn
    }

    fn was_killed(&self) -> bool {
        self.shared.run().was_killed
    }

    fn era(&self) -> usize {
        self.shared.era.load(Ordering::Acquire)
    }

    fn when_begun_anew(&self, hand_over_all: HandOverAll) {
        let known = self.shared.hand_over_all.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = Some(hand_over_all);
    }

    fn when_moved_on(&self, act: MovedOn) {
        let _ = self.shared.moved_on.set(act);
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

impl Run {
    /// What was shown so far may be missing: whatever is read from now on gets an epoch of this
    /// turn.
    fn anew(self) -> Self {
        let turn = self.turn + 1;
        Run {
            turn,
            fresh_since: turn,
            ..self
        }
    }

    /// What may be missing of an epoch.
    fn lost(self, epoch: Epoch) -> Lost {
        match epoch.turn() {
            turn if turn < self.lives_since => Lost::Accepted,
            turn if turn < self.fresh_since => Lost::Shown,
            _ => Lost::Nothing,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> MutexGuard<'_, HashSet<ScopeKey>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal has nothing any more.
    fn forget_recent(&self) {
        self.recent().clear();
        self.fresh().clear();
    }

    /// Has the writer begin at once.
    fn hurry(&self, mut pending: MutexGuard<'_, Pending>) {
        pending.is_urgent = true;
        self.wake_writer(pending);
    }

    fn wake_writer(&self, mut pending: MutexGuard<'_, Pending>) {
        if std::mem::take(&mut pending.writer) != Writer::Awake {
            drop(pending);
            self.wake.notify_one();
        }
    }

    /// `None`: it is not open.
    fn with_database<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let database = self.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map(|database| guarded(|| act(database)))
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === Reading ===

/// What there is of a scope, with the events that wait in it.
fn gathered(
    key: ScopeKey,
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    queue: &impl ReadableTable<&'static [u8], &'static [u8]>,
) -> Result<(Gathered, Vec<(u64, StoredEvent)>), StoreError> {
    let mut gathered = Gathered::default();
    for row in rows.range(key.0.as_slice()..).map_err(of_redb)? {
        let (name, value) = row.map_err(of_redb)?;
        if !name.value().starts_with(&key.0) {
            break;
        }
        gathered.row(name.value(), value.value())?;
    }
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
    if !gathered.has_head() {
        let name = rows::row_key(key, rows::HEAD, &[]);
        let head = rows.get(name.as_slice()).map_err(of_redb)?;
        if head.is_some() {
            let why = "a row is found by its name, and not among its own";
            return Err(StoreError::Broken(why.to_owned()));
        }
    }
    Ok((gathered, events))
}

/// The scopes in which something is to be done, with their names.
fn unfinished<T: ReadableTable<&'static [u8], &'static [u8]>>(
    rows: &T,
    tables: [&T; 2],
) -> Result<Vec<(ScopeKey, String)>, StoreError> {
    let mut keys = std::collections::BTreeSet::new();
    for table in tables {
        for row in table.iter().map_err(of_redb)? {
            let (name, _) = row.map_err(of_redb)?;
            if let Some(key) = name.value().first_chunk::<16>() {
                keys.insert(*key);
            }
        }
    }
    let mut found = Vec::new();
    for key in keys.into_iter().map(ScopeKey) {
        let name = rows::row_key(key, rows::HEAD, &[]);
        let head = rows.get(name.as_slice()).map_err(of_redb)?;
        let head = head.and_then(|head| read_head(&name, head.value()));
        found.extend(head.map(|head| (key, head.name)));
    }
    Ok(found)
}

fn elsewhere() -> StoreError {
    let why = "another file is in the place of the one that was opened: take it away";
    StoreError::Io(io::Error::other(why))
}

fn opened_again() -> StoreError {
    StoreError::Io(io::Error::other("the file was opened again"))
}

fn read_head(key: &[u8], value: &[u8]) -> Option<super::Head> {
    serde_json::from_slice(rows::unsealed(key, value).ok()?).ok()
}

/// What redb panics with over a damaged file is an error like any other.
fn guarded<T>(act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let why = crate::server::describe_panic(&*panic).to_owned();
        Err(StoreError::Broken(why))
    })
}

fn of_redb(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            // Of a file that ends too early.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                StoreError::Broken(error.to_string())
            }
            _ => StoreError::Io(error),
        },
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
            StoreError::Io(io::Error::other(error.to_string()))
        }
        // Of the file as a whole, and of no scope in it.
        error @ redb::Error::LockPoisoned(_) => StoreError::Io(io::Error::other(error.to_string())),
        error => StoreError::Broken(error.to_string()),
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("path", &self.shared.medium.path())
            .finish_non_exhaustive()
    }
}
