//! Scopes in one file, by redb. One thread writes; what is handed over while it does goes into its
//! next transaction.

mod aside;
mod batch;
mod errors;
mod file;
mod healing;
mod journal;
mod kept;
mod left;
mod medium;
mod opening;
mod reading;
mod rows;
mod salvage;
mod shared;
mod writer;

pub(crate) use self::medium::Medium;
use self::{
    errors::of_redb,
    file::File,
    journal::Recent,
    opening::{begun_in_spite_of, opened},
    reading::{gathered, unfinished, unused},
    shared::{Life, Shared, Writer},
};
#[cfg(test)]
pub(crate) use self::{
    kept::{Opened as OpenedMedium, note as note_kept},
    left::note_begun,
};
use super::{Commit, HandOverAll, MovedOn, Store, StoreError, Stored, Ticket};
use crate::{Limits, core::position::Epoch, server::scopes::ScopeKey};
use futures::future::{BoxFuture, FutureExt};
use redb::TableDefinition;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

/// A file of scopes.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    // A std mutex, held to take it out at the end.
    writer: Mutex<Option<JoinHandle<()>>>,
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
            runtime: Handle::try_current().ok(),
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
            let [rows, queue, busy] = [ROWS, QUEUE, BUSY].map(|table| write.open_table(table));
            let (queue, busy) = (queue.map_err(of_redb)?, busy.map_err(of_redb)?);
            unused(&rows.map_err(of_redb)?, &queue, &busy, before_s)
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
            // The runtime may have ended before it was told.
            if told.await.is_err() && !self.is_stored(Ticket(ticket)) {
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

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("path", &self.shared.medium.path())
            .finish_non_exhaustive()
    }
}
