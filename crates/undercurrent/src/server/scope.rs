//! A scope: one state of each type, one lock, one log. Who changes it: `writing`; who reads it:
//! `reading`.

use super::{
    Runtime,
    cell::ChangeError,
    drop_quietly,
    logs::LogBudget,
    queues::Queues,
    renewal::Generation,
    scopes::Slot,
    states::{StateNumbers, States},
    store::{Commit, Head, Record, Then, Ticket},
    tasks::Tasks,
    turn::{Turn, Turns},
    unkept::Unkept,
    writing::{InClosure, Told, Writing},
};
use crate::{
    State, UpdateError, Visitor,
    builtin::UcEnds,
    core::{
        log::Log,
        position::{Epoch, Position},
        scope::ScopeName,
    },
};
use std::{
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// The states that some pages share, with their queues and their tasks.
pub(crate) struct Scope {
    /// Its place in the table, and the streams that follow it.
    pub(crate) slot: Arc<Slot>,
    pub(crate) runtime: Weak<Runtime>,
    // Who waits for a slow closure waits as a task, first come, first served. A std mutex would park
    // worker threads, and with them other scopes. No turn lives over an await.
    turns: Turns,
    // A std mutex: whose turn it is holds it for one closure. A page that is rendered comes
    // without a turn, since a component can't wait; it parks its thread for that closure at most.
    states: Mutex<States>,
    // A std mutex, held to push, to copy out or to look up: resuming streams never wait for a
    // closure.
    published: Mutex<Published>,
    pub(crate) queues: Mutex<Queues>,
    /// Queues went, and what else is kept of their visitors has not.
    pub(super) has_forgotten: Arc<AtomicBool>,
    pub(crate) tasks: Mutex<Tasks>,
    /// Told of each update.
    pub(super) changed: Notify,
    last_used_ms: AtomicU64,
    /// Of what was handed to the store last.
    last_ticket: AtomicU64,
    /// When the store was last told that it is in use, in seconds since 1970.
    pub(super) noted_s: AtomicU64,
    /// Of one that was read: when it was last known to be used before, in seconds since 1970.
    pub(super) left_s: u64,
    /// Of a session: which cookie opens it.
    pub(super) generation: Generation,
    logs: Arc<LogBudget>,
}

pub(super) struct Published {
    pub(super) log: Log,
    pub(super) numbers: StateNumbers,
    /// What of the log is not to be shown yet.
    pub(super) unkept: Unkept,
}

/// Who may go on, asked under the scope's lock.
pub(crate) trait Gate: Sync {
    fn look(&self) -> Look;

    /// After a `Look::Wait`: until it is worth another look. The lock is not held.
    fn wait(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Asked once it lets pass: whether what is to be written with the update can be.
    fn check(&self) -> Result<(), UpdateError> {
        Ok(())
    }

    /// What is to be written with an update that it let pass, where that changes something.
    fn note(&self, writing: &mut Writing<'_>) {
        let _ = writing;
    }

    /// That update is made.
    fn passed(&self) {}
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Pass,
    /// Not now.
    Wait,
    /// Not any more.
    Refuse,
}

impl<F: Fn() -> bool + Sync> Gate for F {
    fn look(&self) -> Look {
        if self() { Look::Pass } else { Look::Refuse }
    }
}

// === impl Scope ===

impl Scope {
    pub(crate) fn new(slot: Arc<Slot>, runtime: &Arc<Runtime>) -> Self {
        let epoch = Epoch::from_random(super::random_u64()).in_turn(runtime.store.turn());
        let log = Log::new(epoch, runtime.limits.log());
        let scope = Scope::with(slot, runtime, log);
        scope.hand_over(vec![Record::Head(scope.head())]);
        scope
    }

    /// With a log, and as yet without states.
    pub(super) fn with(slot: Arc<Slot>, runtime: &Arc<Runtime>, log: Log) -> Self {
        let limits = &runtime.limits;
        let has_forgotten = Arc::new(AtomicBool::new(false));
        Scope {
            slot,
            runtime: Arc::downgrade(runtime),
            turns: Turns::default(),
            states: Mutex::default(),
            published: Mutex::new(Published {
                log,
                numbers: StateNumbers::default(),
                unkept: Unkept::default(),
            }),
            queues: Mutex::new(Queues::new(limits, has_forgotten.clone())),
            has_forgotten,
            tasks: Mutex::default(),
            changed: Notify::new(),
            last_used_ms: AtomicU64::new(runtime.uptime_ms()),
            last_ticket: AtomicU64::new(0),
            noted_s: AtomicU64::new(super::now_s()),
            left_s: 0,
            generation: Generation::default(),
            logs: runtime.logs.clone(),
        }
    }

    /// Takes the lock. `None` when the runtime is gone, and inside the closure of an update: who waited
    /// there would wait for itself.
    pub(crate) async fn write(&self) -> Option<Writing<'_>> {
        if InClosure::is_here() {
            tracing::error!(scope = %self.slot.name, "nothing is cancelled, started or shown inside the closure of an update");
            return None;
        }
        let runtime = self.runtime.upgrade()?;
        self.touch(runtime.uptime_ms());
        let turn = self.turns.take().await;
        Some(self.writing(runtime, turn))
    }

    /// Takes the lock as soon as a gate lets pass.
    pub(super) async fn write_through(&self, gate: &impl Gate) -> Result<Writing<'_>, UpdateError> {
        loop {
            let writing = self.write().await.ok_or(UpdateError::Cancelled)?;
            match gate.look() {
                Look::Pass => return Ok(writing),
                Look::Refuse => return Err(UpdateError::Cancelled),
                Look::Wait => drop(writing),
            }
            gate.wait().await;
        }
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn try_write(&self) -> Option<Writing<'_>> {
        let runtime = self.runtime.upgrade()?;
        let turn = self.turns.try_take()?;
        Some(self.writing(runtime, turn))
    }

    fn writing<'a>(&'a self, runtime: Arc<Runtime>, turn: Turn<'a>) -> Writing<'a> {
        Writing {
            scope: self,
            runtime,
            _turn: turn,
            states: self.states(),
            changes: Vec::new(),
            notes: Vec::new(),
            told: Told::default(),
        }
    }

    /// One update, as tasks and waiting events make it. The gate is asked under the lock.
    ///
    /// # Panics
    ///
    /// Goes on with a panic of the closure, once its change is undone.
    pub(crate) async fn update<S: State, R>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&mut S) -> R,
    ) -> Result<R, UpdateError> {
        let unfailing = |state: &mut S| Ok::<R, std::convert::Infallible>(closure(state));
        match self.try_update(gate, unfailing).await? {
            Ok(result) => Ok(result),
            Err(never) => match never {},
        }
    }

    /// As [`update`](Self::update), for a closure that can refuse: then nothing is changed.
    pub(crate) async fn try_update<S: State, R, E>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<Result<R, E>, UpdateError> {
        self.try_write_by(gate, |writing| writing.change(closure))
            .await
    }

    /// An update of no state of the app's: what its gate writes is all.
    pub(crate) async fn update_nothing(&self, gate: impl Gate) -> Result<(), UpdateError> {
        let nothing = |_: &mut Writing<'_>| Ok::<(), ChangeError<std::convert::Infallible>>(());
        match self.try_write_by(gate, nothing).await? {
            Ok(()) => Ok(()),
            Err(never) => match never {},
        }
    }

    /// One update over the ends of a visitor's events.
    pub(crate) async fn update_ends(
        &self,
        gate: impl Gate,
        visitor: Visitor,
        closure: impl FnOnce(&mut UcEnds),
    ) -> Result<(), UpdateError> {
        let unfailing = |ends: &mut UcEnds| {
            closure(ends);
            Ok::<(), std::convert::Infallible>(())
        };
        let changed = self.try_write_by(gate, |writing| writing.change_ends(visitor, unfailing));
        match changed.await? {
            Ok(()) => Ok(()),
            Err(never) => match never {},
        }
    }

    /// One update over two states.
    pub(crate) async fn update_both<S: State, T: State, R>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&mut S, &mut T) -> R,
    ) -> Result<R, UpdateError> {
        let unfailing =
            |one: &mut S, two: &mut T| Ok::<R, std::convert::Infallible>(closure(one, two));
        let changed = self.try_write_by(gate, |writing| writing.change_both(unfailing));
        match changed.await? {
            Ok(result) => Ok(result),
            Err(never) => match never {},
        }
    }

    async fn try_write_by<R, E>(
        &self,
        gate: impl Gate,
        change: impl FnOnce(&mut Writing<'_>) -> Result<R, ChangeError<E>>,
    ) -> Result<Result<R, E>, UpdateError> {
        if InClosure::is_here() {
            return Err(UpdateError::Nested);
        }
        let (changed, has_woken) = {
            let mut writing = self.write_through(&gate).await?;
            gate.check()?;
            if let Some(why) = writing.runtime().store.trouble() {
                return Err(UpdateError::NotStored(why));
            }
            let changed = change(&mut writing);
            if changed.is_ok() {
                gate.note(&mut writing);
            }
            let has_woken = writing.publish();
            if changed.is_ok() {
                gate.passed();
            }
            (changed, has_woken)
        };
        let result = match changed {
            Ok(result) => Ok(result),
            Err(ChangeError::Refused(refused)) => Err(refused),
            Err(ChangeError::Panicked(panic)) => resume_unwind(panic),
            Err(ChangeError::NotRecorded(error)) => {
                return Err(UpdateError::NotRecorded(error.to_string()));
            }
            Err(ChangeError::TooLarge { bytes, limit }) => {
                return Err(UpdateError::TooLarge { bytes, limit });
            }
        };
        self.kept_up().await;
        // The streams write before the handler goes on to compute: a task that was woken last
        // sits in a slot that no other worker takes from. Who woke none has none to wait for.
        if has_woken {
            tokio::task::yield_now().await;
        }
        Ok(result)
    }

    /// Reads the newest values. What is returned may be shown.
    pub(crate) async fn read<S: State, R>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&S) -> R,
    ) -> Result<R, UpdateError> {
        let read = self.look(gate, closure).await?;
        self.kept_if_first().await;
        Ok(read)
    }

    /// The same for who shows nothing of it.
    pub(super) async fn look<S: State, R>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&S) -> R,
    ) -> Result<R, UpdateError> {
        if InClosure::is_here() {
            return Err(UpdateError::Nested);
        }
        let mut writing = self.write_through(&gate).await?;
        let number = writing.number_of::<S>();
        let cell = writing.states.cell::<S>(number);
        let _inside = InClosure::enter();
        Ok(closure(cell.value()))
    }

    /// Milliseconds of the runtime's clock at which it was last written to.
    pub(crate) fn last_used_ms(&self) -> u64 {
        self.last_used_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn touch(&self, now_ms: u64) {
        self.last_used_ms.store(now_ms, Ordering::Relaxed);
    }

    pub(super) fn published(&self) -> MutexGuard<'_, Published> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else's closure runs, as those do who change.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.turns.take().await
    }

    // === The store ===

    /// Hands something to the store: all of it is kept, or none.
    pub(super) fn hand_over(&self, records: Vec<Record>) {
        if !records.is_empty() {
            self.hand_over_in(self.epoch(), records);
        }
    }

    /// The same for who holds the log.
    pub(super) fn hand_over_in(&self, epoch: Epoch, records: Vec<Record>) {
        self.hand_over_then(epoch, records, None);
    }

    /// The same, with what is to be done once it is kept.
    pub(super) fn hand_over_then(
        &self,
        epoch: Epoch,
        records: Vec<Record>,
        then: Option<Then>,
    ) -> Ticket {
        let Some(runtime) = self.runtime.upgrade() else {
            return Ticket::default();
        };
        if runtime.store.outlives() {
            let ticket = runtime.store.hand_over(Commit {
                then,
                ..Commit::of(self.slot.key(), epoch, records)
            });
            self.last_ticket.fetch_max(ticket.0, Ordering::Relaxed);
            return ticket;
        }
        Ticket::default()
    }

    /// Of what was handed to the store last.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket(self.last_ticket.load(Ordering::Relaxed))
    }

    /// Until what happened so far is kept.
    pub(crate) async fn stored(&self) {
        if let Some(runtime) = self.runtime.upgrade() {
            runtime.store.stored(self.ticket()).await;
        }
    }

    /// With `durability = "commit"`: until what happened so far is kept. Then it may be shown.
    pub(super) async fn kept_if_first(&self) {
        let runtime = self.runtime.upgrade();
        if runtime.is_some_and(|runtime| runtime.keeps_first) {
            self.stored().await;
        }
    }

    /// The same after an update, and at a store that has much to write: handlers are as fast as it
    /// is then, and memory does not fill.
    pub(super) async fn kept_up(&self) {
        let runtime = self.runtime.upgrade();
        if runtime.is_some_and(|runtime| runtime.keeps_first || runtime.store.is_behind()) {
            self.stored().await;
        }
    }

    /// What happened so far is kept.
    pub(super) fn is_stored(&self) -> bool {
        let runtime = self.runtime.upgrade();
        runtime.is_none_or(|runtime| runtime.store.is_stored(self.ticket()))
    }

    /// Tells the store that it is in use, unless it was told so since.
    pub(super) fn note_use(&self, before_s: u64) {
        if self.noted_s.load(Ordering::Relaxed) <= before_s {
            self.noted_s.store(super::now_s(), Ordering::Relaxed);
            self.hand_over(vec![Record::Used(self.head())]);
        }
    }

    /// What a store knows of it as a whole.
    pub(super) fn head(&self) -> Head {
        self.head_at(self.published().log.position())
    }

    /// The same for who holds the log.
    pub(super) fn head_at(&self, at: Position) -> Head {
        Head {
            name: self.slot.name.to_string(),
            epoch: at.epoch.to_bits(),
            offset: at.offset,
            used_s: super::now_s(),
        }
    }

    /// Drops what streams could resume from: they get snapshots.
    pub(super) fn cut_log(&self) {
        let mut published = self.published();
        let before = published.log.bytes();
        published.log.cut();
        self.logs.count(before, published.log.bytes());
        drop(published);
        // The states keep entries of their own, to be read anew from. Where one is being changed
        // they stay: it is in use.
        let mut states = match self.states.try_lock() {
            Ok(states) => states,
            // Somebody's look at it panicked. Nothing was changed.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let old = states.cut(|_| true);
        drop(states);
        drop_quietly(old);
    }

    /// A change is being made, or a snapshot taken.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.states.try_lock().is_err()
    }

    /// Several visitors share it.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.slot.name, ScopeName::Keyed { .. })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let bytes = self.published().log.bytes();
        self.logs.count(bytes, 0);
    }
}
