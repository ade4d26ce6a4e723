//! A scope: one state of each type, one lock, one log. Who reads it: `reading`.

use super::{
    HandlerError, Runtime,
    cell::{AnyCell, Cell, ChangeError, Recorded},
    queues::Queues,
    registry::Outcome,
    scopes::Slot,
    tasks::Tasks,
};
use crate::{
    State, UpdateError, Visitor,
    builtin::UcEnds,
    core::{
        frame::write_state_event,
        log::{Entry, Log},
        position::{Epoch, Position},
        scope::ScopeName,
    },
};
use std::{
    any::Any,
    cell::Cell as StdCell,
    collections::HashMap,
    ops::Range,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The states that some pages share, with their queues and their tasks.
pub(crate) struct Scope {
    /// Its place in the table, and the streams that follow it.
    pub(crate) slot: Arc<Slot>,
    pub(crate) runtime: Weak<Runtime>,
    // tokio's mutex: who waits for a slow closure waits as a task, first come, first served. A
    // std mutex would park worker threads, and with them other scopes. No guard lives over an
    // await.
    turn: tokio::sync::Mutex<()>,
    // A std mutex: whose turn it is holds it for one closure. A page that is rendered comes
    // without a turn, since a component can't wait; it parks its thread for that closure at most.
    states: Mutex<States>,
    // A std mutex, held to push, to copy out or to look up: resuming streams never wait for a
    // closure.
    published: Mutex<Published>,
    pub(crate) queues: Mutex<Queues>,
    pub(crate) tasks: Mutex<Tasks>,
    last_used_ms: AtomicU64,
}

#[derive(Default)]
pub(super) struct States {
    /// By state's number. An empty place is free for another.
    pub(super) cells: Vec<Option<Box<dyn AnyCell>>>,
    numbers: StateNumbers,
}

pub(super) struct Published {
    pub(super) log: Log,
    pub(super) numbers: StateNumbers,
}

/// The numbers of the states that the scope has got.
///
/// Ends of events are nobody's business but the sender's. In a shared scope they are a state a
/// visitor, all of one name: a stream follows the one of its own visitor, and no other's bytes
/// come near it.
#[derive(Clone, Default)]
pub(super) struct StateNumbers {
    pub(super) shared: Vec<(&'static str, usize)>,
    ends: HashMap<Visitor, usize>,
}

/// The scope's lock is held, and changes gather that become one update.
pub(crate) struct Writing<'a> {
    scope: &'a Scope,
    runtime: Arc<Runtime>,
    _turn: tokio::sync::MutexGuard<'a, ()>,
    states: MutexGuard<'a, States>,
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
            turn: tokio::sync::Mutex::default(),
            states: Mutex::default(),
            published: Mutex::new(Published {
                log: Log::new(epoch, limits.log()),
                numbers: StateNumbers::default(),
            }),
            queues: Mutex::new(Queues::new(limits)),
            tasks: Mutex::default(),
            last_used_ms: AtomicU64::new(runtime.uptime_ms()),
        }
    }

    /// Takes the lock. `None` when the runtime is gone.
    pub(crate) async fn write(&self) -> Option<Writing<'_>> {
        let runtime = self.runtime.upgrade()?;
        self.touch(runtime.uptime_ms());
        let turn = self.turn.lock().await;
        Some(self.writing(runtime, turn))
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
        let turn = self.turn.try_lock().ok()?;
        Some(self.writing(runtime, turn))
    }

    fn writing<'a>(
        &'a self,
        runtime: Arc<Runtime>,
        turn: tokio::sync::MutexGuard<'a, ()>,
    ) -> Writing<'a> {
        Writing {
            scope: self,
            runtime,
            _turn: turn,
            states: self.states(),
            changes: Vec::new(),
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
        if IN_CLOSURE.get() {
            return Err(UpdateError::Nested);
        }
        let changed = {
            let mut writing = self.write_through(&gate).await?;
            let changed = change(&mut writing);
            writing.publish();
            changed
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
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Several visitors share it.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.slot.name, ScopeName::Keyed { .. })
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
        let number = self.number_of::<S>();
        self.change_at(number, closure)
    }

    /// As [`change`](Self::change), over the ends of a visitor's events.
    pub(crate) fn change_ends<R, E>(
        &mut self,
        visitor: Visitor,
        closure: impl FnOnce(&mut UcEnds) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let number = match self.scope.is_shared() {
            true => self.number_of_ends(visitor),
            false => self.number_of::<UcEnds>(),
        };
        self.change_at(number, closure)
    }

    fn change_at<S: State, R, E>(
        &mut self,
        number: usize,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let limit = self.runtime.limits.state_bytes;
        let watch = SlowWatch::start(&self.runtime, S::NAME);
        let cell = self.states.cell::<S>(number);
        let changed = cell.change(limit, closure);
        watch.stop();
        self.take_reset::<S>(number);
        let (result, recorded) = changed?;
        self.add(number, S::NAME, recorded);
        Ok(result)
    }

    /// Runs a closure over two states. What it changed becomes part of the update, or, if one of
    /// them can't be recorded, neither is changed.
    pub(crate) fn change_both<S: State, T: State, R, E>(
        &mut self,
        closure: impl FnOnce(&mut S, &mut T) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let limit = self.runtime.limits.state_bytes;
        let (first, second) = (self.number_of::<S>(), self.number_of::<T>());
        let watch = SlowWatch::start(&self.runtime, S::NAME);
        let (one, two) = self.states.two_cells::<S, T>(first, second);
        let mut of_second = None;
        let changed = one.change(limit, |one| {
            let (result, recorded) = two.change(limit, |two| closure(one, two))?;
            of_second = Some(recorded);
            Ok(result)
        });
        if changed.is_err() && matches!(of_second, Some(Some(_))) {
            // The second was settled before the first turned out not to be recorded.
            two.take_back();
        }
        watch.stop();
        self.take_reset::<S>(first);
        self.take_reset::<T>(second);
        let (result, recorded) = changed.map_err(ChangeError::flatten)?;
        self.add(first, S::NAME, recorded);
        self.add(second, T::NAME, of_second.flatten());
        Ok(result)
    }

    fn add(&mut self, number: usize, name: &'static str, recorded: Option<Recorded>) {
        if let Some(recorded) = recorded {
            for (field, bytes) in &recorded.large {
                self.runtime.warn_of_large_field(name, field, *bytes);
            }
            self.gather(number, name, recorded);
        }
    }

    fn take_reset<S: State>(&mut self, number: usize) {
        if let Some(reset) = self.states.cell::<S>(number).take_reset() {
            self.gather(number, S::NAME, reset);
        }
    }

    /// A state that is changed twice in one update has one entry all the same.
    fn gather(&mut self, number: usize, name: &'static str, recorded: Recorded) {
        let mut changes = self.changes.iter_mut();
        match changes.find(|(known, ..)| *known == number) {
            None => self.changes.push((number, name, recorded)),
            Some((_, _, before)) => before.append(recorded),
        }
    }

    /// As a synchronous event does.
    pub(crate) fn change_as_handler<S: State>(
        &mut self,
        closure: impl FnOnce(&mut S) -> Outcome,
    ) -> Result<(), HandlerFailure> {
        self.change(closure).map_err(HandlerFailure::from)
    }

    /// As a synchronous event over two states does.
    pub(crate) fn change_both_as_handler<S: State, T: State>(
        &mut self,
        closure: impl FnOnce(&mut S, &mut T) -> Outcome,
    ) -> Result<(), HandlerFailure> {
        self.change_both(closure).map_err(HandlerFailure::from)
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
        let tag = self.scope.slot.tag.as_str();
        let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(changes.len());
        for (state, name, recorded) in changes {
            let since = published.log.last_changed(state);
            let event = write_state_event(tag, at, name, Some(since), &recorded.ops);
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
            if let Some(cell) = &mut self.states.cells[entry.state] {
                cell.committed(entry);
            }
        }
        let followers = &self.scope.slot.followers;
        drop(self);
        followers.wake_all();
    }

    /// The number of a state, which the scope gets now if it has not got it.
    fn number_of<S: State>(&mut self) -> usize {
        let known = self.states.numbers.find(S::NAME);
        if let Some(number) = known {
            return number;
        }
        let number = self.states.place::<S>();
        self.states.numbers.shared.push((S::NAME, number));
        let mut published = self.scope.published();
        published.numbers.shared.push((S::NAME, number));
        number
    }

    fn number_of_ends(&mut self, visitor: Visitor) -> usize {
        if let Some(number) = self.states.numbers.ends.get(&visitor) {
            return *number;
        }
        let queues = &self.scope.queues;
        let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = queues.take_forgotten();
        drop(queues);
        let mut published = self.scope.published();
        for gone in forgotten {
            if let Some(number) = self.states.numbers.ends.remove(&gone) {
                published.numbers.ends.remove(&gone);
                published.log.forget(number);
                self.states.cells[number] = None;
            }
        }
        let number = self.states.place::<UcEnds>();
        self.states.numbers.ends.insert(visitor, number);
        published.numbers.ends.insert(visitor, number);
        number
    }
}

// === impl States, StateNumbers ===

impl States {
    /// A place for a state that begins with its default.
    fn place<S: State>(&mut self) -> usize {
        let cell: Box<dyn AnyCell> = Box::new(Cell::<S>::new());
        // Free places are rare: they are left by visitors that were forgotten.
        match self.cells.iter().position(Option::is_none) {
            Some(free) => {
                self.cells[free] = Some(cell);
                free
            }
            None => {
                self.cells.push(Some(cell));
                self.cells.len() - 1
            }
        }
    }

    fn cell<S: State>(&mut self, number: usize) -> &mut Cell<S> {
        downcast(&mut self.cells[number])
    }

    fn two_cells<S: State, T: State>(
        &mut self,
        one: usize,
        two: usize,
    ) -> (&mut Cell<S>, &mut Cell<T>) {
        match self.cells.get_disjoint_mut([one, two]) {
            Ok([one, two]) => (downcast(one), downcast(two)),
            Err(_) => unreachable!("the macros refuse an update over one state twice"),
        }
    }
}

fn downcast<S: State>(cell: &mut Option<Box<dyn AnyCell>>) -> &mut Cell<S> {
    let cell = cell.as_mut().map(|cell| cell.as_any());
    match cell.and_then(|cell| cell.downcast_mut()) {
        Some(cell) => cell,
        None => unreachable!("a number is given by the name of a state, and names are unique"),
    }
}

impl StateNumbers {
    fn find(&self, name: &str) -> Option<usize> {
        let known = self.shared.iter().find(|(known, _)| *known == name);
        known.map(|(_, number)| *number)
    }

    /// The state of a name that a visitor may see.
    pub(super) fn find_for(&self, name: &str, visitor: Visitor) -> Option<usize> {
        let own = || self.ends_of(visitor).filter(|(own, _)| *own == name);
        self.find(name).or_else(|| own().map(|(_, number)| number))
    }

    pub(super) fn ends_of(&self, visitor: Visitor) -> Option<(&'static str, usize)> {
        let number = self.ends.get(&visitor)?;
        Some((UcEnds::NAME, *number))
    }
}

/// Warns of a closure that held its state for long.
struct SlowWatch {
    state: &'static str,
    slow: Duration,
    begin: Instant,
    _inside: InClosure,
}

impl SlowWatch {
    fn start(runtime: &Runtime, state: &'static str) -> Self {
        SlowWatch {
            state,
            slow: Duration::from_millis(runtime.limits.slow_update_ms),
            begin: Instant::now(),
            _inside: InClosure::enter(),
        }
    }

    fn stop(self) {
        let took = self.begin.elapsed();
        if took > self.slow {
            let (state, ms) = (self.state, took.as_millis());
            tracing::warn!(
                state,
                ms,
                "an update held its state for long; compute outside of it"
            );
        }
    }
}

/// How a handler's synchronous part failed.
pub(crate) enum HandlerFailure {
    Error(HandlerError),
    Panic(Box<dyn Any + Send>),
}

impl From<ChangeError<HandlerError>> for HandlerFailure {
    fn from(error: ChangeError<HandlerError>) -> Self {
        let error = match error {
            ChangeError::Refused(error) => return HandlerFailure::Error(error),
            ChangeError::Panicked(panic) => return HandlerFailure::Panic(panic),
            ChangeError::NotRecorded(error) => UpdateError::NotRecorded(error.to_string()),
            ChangeError::TooLarge { bytes, limit } => UpdateError::TooLarge { bytes, limit },
        };
        HandlerFailure::Error(HandlerError::Internal(error.into()))
    }
}

impl<E> ChangeError<ChangeError<E>> {
    /// Of two changes inside each other: the inner one's own, or that of the outer.
    fn flatten(self) -> ChangeError<E> {
        match self {
            ChangeError::Refused(inner) => inner,
            ChangeError::Panicked(panic) => ChangeError::Panicked(panic),
            ChangeError::NotRecorded(error) => ChangeError::NotRecorded(error),
            ChangeError::TooLarge { bytes, limit } => ChangeError::TooLarge { bytes, limit },
        }
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
