//! A scope: one state of each type, one lock, one log.

use super::{
    HandlerError, Runtime,
    cell::{AnyCell, AnySnapshot, Cell, ChangeError, Recorded},
    queue::Queue,
    registry::Outcome,
    scopes::Slot,
    tasks::Tasks,
};
use crate::{
    State, UpdateError,
    core::{
        frame::write_state_event,
        log::{Entry, Log, Resume},
        position::{Epoch, Position},
    },
    page::Snapshot,
};
use std::{
    any::Any,
    cell::Cell as StdCell,
    collections::BTreeMap,
    ops::Range,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How a scope is called on the wire: `s` is the visitor's own.
pub(crate) const SESSION_TAG: &str = "s";

/// The state that a visitor's pages share, with its queue and its tasks.
pub(crate) struct Scope {
    /// Its place in the table, and the streams that follow it.
    pub(crate) slot: Arc<Slot>,
    pub(crate) runtime: Weak<Runtime>,
    // tokio's mutex: who waits for a slow closure waits as a task, first come, first served. A
    // std mutex would park worker threads, and with them other scopes. No guard lives over an
    // await.
    states: tokio::sync::Mutex<States>,
    // A std mutex, held to push, to copy out or to look up: resuming streams never wait for a
    // closure.
    published: Mutex<Published>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) tasks: Mutex<Tasks>,
    last_used_ms: AtomicU64,
}

#[derive(Default)]
struct States {
    /// By state's number, which is the order in which they were first changed.
    cells: Vec<Box<dyn AnyCell>>,
}

struct Published {
    log: Log,
    /// By state's number.
    names: Vec<&'static str>,
}

/// The scope's lock is held, and changes gather that become one update.
pub(crate) struct Writing<'a> {
    scope: &'a Scope,
    runtime: Arc<Runtime>,
    states: tokio::sync::MutexGuard<'a, States>,
    changes: Vec<(usize, &'static str, Recorded)>,
}

/// Who may go on, asked under the scope's lock.
pub(crate) trait Gate: Sync {
    fn look(&self) -> Look;

    /// After a `Look::Wait`: until it is worth another look. The lock is not held.
    fn wait(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
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

thread_local! {
    /// A closure over a state runs on this thread.
    static IN_CLOSURE: StdCell<bool> = const { StdCell::new(false) };
}

// === impl Scope ===

impl Scope {
    pub(crate) fn new(slot: Arc<Slot>, runtime: &Arc<Runtime>) -> Self {
        let epoch = Epoch::from_random(super::random_u64());
        let limits = &runtime.limits;
        Scope {
            slot,
            runtime: Arc::downgrade(runtime),
            states: tokio::sync::Mutex::default(),
            published: Mutex::new(Published {
                log: Log::new(epoch, limits.log()),
                names: Vec::new(),
            }),
            queue: Mutex::new(Queue::new(limits)),
            tasks: Mutex::default(),
            last_used_ms: AtomicU64::new(runtime.uptime_ms()),
        }
    }

    /// Takes the lock. `None` when the runtime is gone.
    pub(crate) async fn write(&self) -> Option<Writing<'_>> {
        let runtime = self.runtime.upgrade()?;
        self.touch(runtime.uptime_ms());
        Some(Writing {
            scope: self,
            runtime,
            states: self.states.lock().await,
            changes: Vec::new(),
        })
    }

    /// Takes the lock as soon as a gate lets pass.
    async fn write_through(&self, gate: &impl Gate) -> Result<Writing<'_>, UpdateError> {
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
        let states = self.states.try_lock().ok()?;
        Some(Writing {
            scope: self,
            runtime,
            states,
            changes: Vec::new(),
        })
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
        if IN_CLOSURE.get() {
            return Err(UpdateError::Nested);
        }
        let mut writing = self.write_through(&gate).await?;
        let changed = writing.change(closure);
        writing.publish();
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
        // The streams write before the handler goes on to compute: a task that was woken last
        // sits in a slot that no other worker takes from.
        tokio::task::yield_now().await;
        Ok(result)
    }

    /// Reads the newest values.
    pub(crate) async fn read<S: State, R>(
        &self,
        gate: impl Gate,
        closure: impl FnOnce(&S) -> R,
    ) -> Result<R, UpdateError> {
        if IN_CLOSURE.get() {
            return Err(UpdateError::Nested);
        }
        let mut writing = self.write_through(&gate).await?;
        let (_, cell) = writing.cell::<S>();
        let _inside = InClosure::enter();
        Ok(closure(cell.value()))
    }

    /// What a page is rendered from: all states of one moment.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let mut states = self.states.lock().await;
        let published = self.published();
        let (epoch, names) = (published.log.position().epoch, published.names.clone());
        let offsets: Vec<u64> = (0..names.len())
            .map(|state| published.log.last_changed(state))
            .collect();
        drop(published);
        let snapshots =
            names
                .iter()
                .zip(offsets)
                .zip(&mut states.cells)
                .map(|((name, offset), cell)| {
                    let at = Position::new(epoch, offset);
                    (*name, (at, cell.snapshot(at).state()))
                });
        Snapshot {
            states: Arc::new(snapshots.collect::<BTreeMap<_, _>>()),
            default_position: Position::new(epoch, 0),
        }
    }

    /// Snapshots for a stream, of the states that it asks for.
    pub(crate) async fn snapshots_of(&self, names: Vec<&'static str>) -> Vec<Arc<dyn AnySnapshot>> {
        let mut states = self.states.lock().await;
        let published = self.published();
        let position = published.log.position();
        let found: Vec<(&'static str, Option<(usize, u64)>)> = names
            .into_iter()
            .map(|name| {
                let number = published.names.iter().position(|known| *known == name);
                (
                    name,
                    number.map(|number| (number, published.log.last_changed(number))),
                )
            })
            .collect();
        drop(published);
        let registry = self.runtime.upgrade();
        found
            .into_iter()
            .filter_map(|(name, found)| match found {
                Some((number, offset)) => {
                    Some(states.cells[number].snapshot(Position::new(position.epoch, offset)))
                }
                None => {
                    let registration = registry.as_ref()?.registry.state(name)?;
                    Some((registration.default_snapshot)(Position::new(
                        position.epoch,
                        0,
                    )))
                }
            })
            .collect()
    }

    /// What leads a stream on, for each state that it follows.
    pub(crate) fn resume(&self, follows: &[(&'static str, Option<Position>)]) -> Vec<Resume> {
        let published = self.published();
        let epoch = published.log.position().epoch;
        let resume = |(name, from): &(&'static str, Option<Position>)| {
            let Some(from) = *from else {
                return Resume::Snapshot;
            };
            match published.names.iter().position(|known| known == name) {
                Some(state) => published.log.resume(state, from),
                // Not changed since the epoch began: everybody who is at its beginning has it.
                None if from == Position::NONE || from == Position::new(epoch, 0) => {
                    Resume::Current
                }
                None => Resume::Snapshot,
            }
        };
        follows.iter().map(resume).collect()
    }

    /// The history that its offsets belong to.
    pub(crate) fn epoch(&self) -> Epoch {
        self.published().log.position().epoch
    }

    /// Milliseconds of the runtime's clock at which it was last written to.
    pub(crate) fn last_used_ms(&self) -> u64 {
        self.last_used_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn touch(&self, now_ms: u64) {
        self.last_used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Nothing runs in it, nothing waits, nobody follows it.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        queue.is_idle() && tasks.is_empty() && self.slot.followers.is_empty()
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Writing ===

impl Writing<'_> {
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Runs a closure over a state. What it changed becomes part of the update.
    pub(crate) fn change<S: State, R, E>(
        &mut self,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let limits = &self.runtime.limits;
        let (limit, slow) = (
            limits.state_bytes,
            Duration::from_millis(limits.slow_update_ms),
        );
        let (number, cell) = self.cell::<S>();
        let begin = Instant::now();
        let changed = {
            let _inside = InClosure::enter();
            cell.change(limit, closure)
        };
        let reset = cell.take_reset();
        let took = begin.elapsed();
        if took > slow {
            let (state, ms) = (S::NAME, took.as_millis());
            tracing::warn!(
                state,
                ms,
                "an update held its state for long; compute outside of it"
            );
        }
        if let Some(reset) = reset {
            self.add(number, S::NAME, reset);
        }
        let (result, recorded) = changed?;
        if let Some(recorded) = recorded {
            for (field, bytes) in &recorded.large {
                self.runtime.warn_of_large_field(S::NAME, field, *bytes);
            }
            self.add(number, S::NAME, recorded);
        }
        Ok(result)
    }

    /// A state that is changed twice in one update has one entry all the same.
    fn add(&mut self, number: usize, name: &'static str, recorded: Recorded) {
        let mut changes = self.changes.iter_mut();
        match changes.find(|(known, ..)| *known == number) {
            None => self.changes.push((number, name, recorded)),
            Some((_, _, before)) => {
                append_ops(&mut before.ops, &recorded.ops);
                match (&mut before.server_ops, recorded.server_ops) {
                    (Some(before), Some(more)) => append_ops(before, &more),
                    (before @ None, more) => *before = more,
                    (Some(_), None) => {}
                }
            }
        }
    }

    /// As a synchronous event does.
    pub(crate) fn change_as_handler<S: State>(
        &mut self,
        closure: impl FnOnce(&mut S) -> Outcome,
    ) -> Result<(), HandlerFailure> {
        self.change(closure).map_err(|error| match error {
            ChangeError::Refused(error) => HandlerFailure::Error(error),
            ChangeError::Panicked(panic) => HandlerFailure::Panic(panic),
            ChangeError::NotRecorded(error) => {
                internal(UpdateError::NotRecorded(error.to_string()))
            }
            ChangeError::TooLarge { bytes, limit } => {
                internal(UpdateError::TooLarge { bytes, limit })
            }
        })
    }

    /// Publishes what was changed as one update, releases the lock and wakes the streams.
    pub(crate) fn publish(mut self) {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return;
        }
        let mut published = self.scope.published();
        let at = published.log.position();
        let at = Position::new(at.epoch, at.offset + 1);
        let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(changes.len());
        for (state, name, recorded) in changes {
            let since = published.log.last_changed(state);
            let event = write_state_event(SESSION_TAG, at, name, Some(since), &recorded.ops);
            let ops = ops_range(&event, &recorded.ops);
            let server_ops = recorded.server_ops;
            entries.push(Arc::new(Entry {
                state,
                since,
                offset: at.offset,
                event,
                ops,
                server_ops,
            }));
        }
        published.log.push(entries.iter().cloned());
        drop(published);
        for entry in entries {
            self.states.cells[entry.state].committed(entry);
        }
        let followers = &self.scope.slot.followers;
        drop(self.states);
        followers.wake_all();
    }

    fn cell<S: State>(&mut self) -> (usize, &mut Cell<S>) {
        let is_this = |cell: &mut Box<dyn AnyCell>| cell.as_any().is::<Cell<S>>();
        let number = match self.states.cells.iter_mut().position(is_this) {
            Some(number) => number,
            None => {
                self.states.cells.push(Box::new(Cell::<S>::new()));
                self.scope.published().names.push(S::NAME);
                self.states.cells.len() - 1
            }
        };
        match self.states.cells[number].as_any().downcast_mut::<Cell<S>>() {
            Some(cell) => (number, cell),
            None => unreachable!("the cell was found or made by this type"),
        }
    }
}

/// How a handler's synchronous part failed.
pub(crate) enum HandlerFailure {
    Error(HandlerError),
    Panic(Box<dyn Any + Send>),
}

fn internal(error: UpdateError) -> HandlerFailure {
    HandlerFailure::Error(HandlerError::Internal(error.into()))
}

/// Appends one JSON list of ops to another.
fn append_ops(ops: &mut Vec<u8>, more: &[u8]) {
    const NONE: &[u8] = b"[]";
    if ops == NONE {
        *ops = more.to_vec();
    } else if more != NONE {
        ops.pop();
        ops.push(b',');
        ops.extend_from_slice(&more[1..]);
    }
}

/// The ops stand at the end of the event, before `]` and two line feeds.
fn ops_range(event: &[u8], ops: &[u8]) -> Range<usize> {
    let end = event.len() - 3;
    end - ops.len()..end
}

/// Marks that a closure over a state runs on this thread, so that an update from inside it is
/// told so instead of waiting for itself for ever.
struct InClosure(bool);

impl InClosure {
    fn enter() -> Self {
        InClosure(IN_CLOSURE.replace(true))
    }
}

impl Drop for InClosure {
    fn drop(&mut self) {
        IN_CLOSURE.set(self.0);
    }
}
