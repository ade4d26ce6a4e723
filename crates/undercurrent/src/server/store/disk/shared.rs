//! What the doors and the writer share.

use super::{errors::guarded, journal::Recent, medium::Medium};
use crate::{
    core::position::Epoch,
    server::{
        scopes::ScopeKey,
        store::{Commit, HandOverAll, Lost, MovedOn, StoreError},
    },
};
use redb::Database;
use std::{
    collections::HashSet,
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize},
    },
};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

/// A run of the server on the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) turn: u64,
    /// The first run after the last that ended uncleanly: epochs from before may have been shown
    /// further than they are kept.
    pub(super) fresh_since: u64,
    /// The first run after the last that began on an older file than there was: of epochs from before
    /// events may be missing that were accepted.
    pub(super) lives_since: u64,
    pub(super) keeps_first: bool,
    /// The run before it did not end in good order.
    pub(super) was_killed: bool,
}

/// What the doors and the writer share.
pub(super) struct Shared {
    pub(super) medium: Box<dyn Medium>,
    // A std mutex, held to copy and to put.
    pub(super) run: Mutex<Run>,
    /// How often the file was begun anew.
    pub(super) era: AtomicUsize,
    /// The file was looked through: what can't be read of it is a scope's.
    pub(super) is_sound: AtomicBool,
    // A std mutex, held to put or to copy out.
    pub(super) hand_over_all: Mutex<Option<HandOverAll>>,
    pub(super) moved_on: OnceLock<MovedOn>,
    /// With more bytes pending, who hands over waits.
    pub(super) pending_bytes: usize,
    /// Of what is laid aside so many stay.
    pub(super) aside_bytes: u64,
    /// About the bytes that wait, with those that are being written. Asked at each update.
    pub(super) bytes: AtomicUsize,
    // A std lock: readers share it, the writer takes it alone to open the file again.
    pub(super) database: RwLock<Option<Database>>,
    // A std mutex, held to push and to take over; never while anything is written.
    pub(super) pending: Mutex<Pending>,
    // A std mutex, held while a batch is written, and by who reads what the journal has.
    pub(super) recent: Mutex<Recent>,
    // A std mutex, held to look and to put.
    /// The scopes whose heads are in the journal.
    pub(super) fresh: Mutex<HashSet<ScopeKey>>,
    /// Told of what wakes the writer.
    pub(super) wake: Condvar,
    /// Tells the requests that wait.
    pub(super) runtime: Option<Handle>,
    /// Told of what is kept, for threads that wait. Goes with `pending`.
    pub(super) kept: Condvar,
    pub(super) stored: watch::Sender<u64>,
    // A std mutex, held to put or to copy out.
    pub(super) trouble: Mutex<Option<String>>,
}

/// What was handed over and is not yet being written.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) commits: Vec<Commit>,
    /// The ticket of the last of them.
    pub(super) last: u64,
    /// Somebody waits: the writer begins at once.
    pub(super) is_urgent: bool,
    /// What the writer does.
    pub(super) writer: Writer,
    /// Requests that wait for a ticket.
    pub(super) waiting: Vec<(u64, oneshot::Sender<()>)>,
    /// Threads that do.
    pub(super) threads: usize,
    /// The file could not be read.
    pub(super) is_unwell: bool,
    /// What was read in the file was no file of redb.
    pub(super) is_suspect: bool,
    pub(super) state: Life,
}

/// Who hands over wakes the writer only where it would sleep on: to wake a thread is a call of the
/// system, whether it sleeps or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writer {
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
pub(super) enum Life {
    #[default]
    Open,
    /// To say that the run ended cleanly, and leave.
    Closing,
}

impl Run {
    /// What was shown so far may be missing: whatever is read from now on gets an epoch of this
    /// turn.
    pub(super) fn anew(self) -> Self {
        let turn = self.turn + 1;
        Run {
            turn,
            fresh_since: turn,
            ..self
        }
    }

    /// What may be missing of an epoch.
    pub(super) fn lost(self, epoch: Epoch) -> Lost {
        match epoch.turn() {
            turn if turn < self.lives_since => Lost::Accepted,
            turn if turn < self.fresh_since => Lost::Shown,
            _ => Lost::Nothing,
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fresh(&self) -> MutexGuard<'_, HashSet<ScopeKey>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal has nothing any more.
    pub(super) fn forget_recent(&self) {
        self.recent().clear();
        self.fresh().clear();
    }

    /// Has the writer begin at once.
    pub(super) fn hurry(&self, mut pending: MutexGuard<'_, Pending>) {
        pending.is_urgent = true;
        self.wake_writer(pending);
    }

    pub(super) fn wake_writer(&self, mut pending: MutexGuard<'_, Pending>) {
        if std::mem::take(&mut pending.writer) != Writer::Awake {
            drop(pending);
            self.wake.notify_one();
        }
    }

    /// `None`: it is not open.
    pub(super) fn with_database<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let database = self.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map(|database| guarded(|| act(database)))
    }

    /// Tells requests that what they wait for is kept. A thread that is none of the runtime's takes a
    /// lock for each task that it wakes, and may have to wake a worker each time: so a task of the
    /// runtime does it. With 50 clients that was a tenth more events a second on a busy machine; on a
    /// quiet one 0.493 of what memory does in place of 0.486, with `durability = "commit"` 0.482 in
    /// place of 0.455, which is within what runs differ by.
    pub(super) fn tell(&self, waited: Vec<oneshot::Sender<()>>) {
        let is_crowd = waited.len() > 1;
        let tell = move || {
            for waits in waited {
                // The request may have stopped waiting.
                let _ = waits.send(());
            }
        };
        match &self.runtime {
            Some(runtime) if is_crowd => drop(runtime.spawn(async move { tell() })),
            _ => tell(),
        }
    }

    pub(super) fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
