//! The scope's lock is held: what changes its states, and what publishes the change.

use super::{
    HandlerError, Runtime,
    cell::{ChangeError, Old, Recorded},
    describe_panic, drop_quietly, forget_panic,
    measure::Keep,
    outcome::Outcome,
    registration::{Present, TaskHandler},
    scope::Scope,
    states::States,
    store::{Commit, Record, StateId, Then},
    turn::Turn,
};
use crate::{
    State, TaskEnd, UpdateError, Visitor,
    builtin::UcEnds,
    core::{frame::write_state_event, log::Entry, position::Position},
};
use std::{
    any::Any,
    cell::Cell,
    convert::Infallible,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, MutexGuard, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// The scope's lock is held, and changes gather that become one update.
pub(crate) struct Writing<'a> {
    pub(super) scope: &'a Scope,
    pub(super) runtime: Arc<Runtime>,
    // Before the turn, so that they are free when the next one has that.
    pub(super) states: MutexGuard<'a, States>,
    pub(super) _turn: Turn<'a>,
    pub(super) changes: Vec<(usize, &'static str, Recorded)>,
    /// What a store is to know with the update.
    pub(super) notes: Vec<Record>,
    pub(super) told: Told,
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct Told {
    /// Something was committed: streams and whoever waits for the state are woken.
    is_news: bool,
    are_logs_full: bool,
    /// What states have left behind.
    old: Vec<Old>,
}

/// How a handler's synchronous part failed.
pub(crate) enum HandlerFailure {
    Error(HandlerError),
    Panic(Box<dyn Any + Send>),
}

/// Warns of a closure that held its state for long.
struct SlowWatch {
    state: &'static str,
    slow: Duration,
    begin: Instant,
    _inside: InClosure,
}

/// Marks that a closure over a state runs on this thread, so that an update from inside it is
/// told so instead of waiting for itself for ever.
pub(crate) struct InClosure(bool);

thread_local! {
    /// A closure over a state runs on this thread.
    static IN_CLOSURE: Cell<bool> = const { Cell::new(false) };
}

/// In words, of what can't refuse.
fn why_undone(failed: ChangeError<Infallible>) -> String {
    match failed {
        ChangeError::Refused(never) => match never {},
        ChangeError::Panicked(panic) => {
            let why = describe_panic(&*panic).to_owned();
            forget_panic(panic);
            why
        }
        ChangeError::NotRecorded(error) => error.to_string(),
        ChangeError::TooLarge { bytes, limit } => {
            UpdateError::TooLarge { bytes, limit }.to_string()
        }
    }
}

// === impl Writing ===

impl Writing<'_> {
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
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
        // Nobody's code: it need not be watched.
        self.change_within(usize::MAX, number, closure)
    }

    /// As [`change`](Self::change), over a state of the runtime's own. These are bounded by limits
    /// of their own: an end is recorded whatever an app's states may take.
    pub(super) fn change_own<S: State, R, E>(
        &mut self,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let number = self.number_of::<S>();
        self.change_within(usize::MAX, number, closure)
    }

    fn change_at<S: State, R, E>(
        &mut self,
        number: usize,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let watch = SlowWatch::start(&self.runtime, S::NAME);
        let changed = self.change_within(self.runtime.limits.state_bytes, number, closure);
        watch.stop();
        changed
    }

    fn change_within<S: State, R, E>(
        &mut self,
        limit: usize,
        number: usize,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, ChangeError<E>> {
        let cell = self.states.cell::<S>(number);
        let changed = cell.change(limit, closure);
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

    /// What a task does to its state when it ends. Where that fails the end stands all the same.
    pub(crate) fn change_at_end<E: TaskHandler>(&mut self, end: &TaskEnd) {
        let Some(on_end) = E::ON_END else { return };
        let changed = self.change_unasked(|state: &mut E::State| on_end(state, end));
        if let Err(why) = changed {
            tracing::error!(
                task = E::NAME,
                why,
                "what a task does at its end was undone"
            );
        }
    }

    /// A change that nobody waits for: whatever fails in it stays there, and is said.
    fn change_unasked<S: State>(&mut self, closure: impl FnOnce(&mut S)) -> Result<(), String> {
        let unfailing = |state: &mut S| {
            closure(state);
            Ok::<(), Infallible>(())
        };
        // The state's default may panic, too, where it begins with this.
        let changed = catch_unwind(AssertUnwindSafe(|| self.change(unfailing)));
        let changed = changed.unwrap_or_else(|panic| Err(ChangeError::Panicked(panic)));
        changed.map_err(why_undone)
    }

    /// Tells a state who is here. Where it fails in that it stays as it was, until the next time.
    pub(super) fn tell<S: Present>(&mut self, here: &[Visitor]) {
        let polls = self.runtime.polls.clone();
        let watched = polls.enter(S::NAME);
        let changed = self.change_unasked(|state: &mut S| state.note(here));
        drop(watched);
        if let Err(why) = changed {
            let scope = &self.scope.slot.name;
            tracing::error!(state = S::NAME, %scope, why, "what a state does with who is here was undone");
        }
    }

    /// Publishes what was changed as one update, releases the lock and wakes the streams. Says
    /// whether one was woken.
    pub(crate) fn publish(mut self) -> bool {
        self.commit();
        let told = std::mem::take(&mut self.told);
        let (scope, runtime) = (self.scope, self.runtime.clone());
        drop(self);
        drop_quietly(told.old);
        let mut has_woken = false;
        if told.is_news {
            if !runtime.keeps_first {
                has_woken = scope.slot.followers.wake_all();
            }
            scope.changed.notify_waiters();
        }
        if told.are_logs_full {
            runtime.logs.make_room(&runtime.scopes);
        }
        has_woken
    }

    /// Makes what was changed one update, and keeps the lock: what comes next is another one.
    pub(crate) fn commit(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let mut records = std::mem::take(&mut self.notes);
        if changes.is_empty() {
            self.scope.hand_over(records);
            self.forget_gone();
            return;
        }
        let outlives = self.runtime.store.outlives();
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
        if outlives {
            for entry in &entries {
                let States { cells, ids, .. } = &mut *self.states;
                let (cell, id) = (cells[entry.state].as_mut(), &ids[entry.state]);
                let base = cell.and_then(|cell| cell.base_to_store());
                records.extend(base.map(|json| Record::Snapshot(id.clone(), entry.since, json)));
                records.push(Record::Entry(id.clone(), entry.clone()));
            }
            let then = self.runtime.keeps_first.then(|| -> Then {
                let slot = self.scope.slot.clone();
                Box::new(move || {
                    slot.followers.wake_all();
                })
            });
            let ticket = self.scope.hand_over_then(at.epoch, records, then);
            if self.runtime.keeps_first {
                // What was kept meanwhile goes: there may be no stream that asks.
                let store = &self.runtime.store;
                published.unkept.shown(|ticket| store.is_stored(ticket));
                published.unkept.push(ticket, at.offset);
            }
        }
        let before = published.log.bytes();
        published.log.push(entries.iter().cloned());
        // Counted under the lock, as it is cut: what was not added is never taken away.
        self.told.are_logs_full |= self.runtime.logs.count(before, published.log.bytes());
        drop(published);
        let states = &mut *self.states;
        for entry in entries {
            if !outlives {
                self.told.old.extend(states.committed(entry, None));
                continue;
            }
            let id = states.ids[entry.state].clone();
            let (store, key) = (&self.runtime.store, self.scope.slot.key());
            let keep = |offset| -> Keep {
                let (store, id) = (store.clone(), id.clone());
                Box::new(move |json| {
                    let records = vec![Record::Snapshot(id, offset, json)];
                    store.hand_over(Commit::of(key, at.epoch, records));
                })
            };
            self.told.old.extend(states.committed(entry, Some(&keep)));
        }
        let max = self.runtime.limits.log_bytes;
        self.told.old.extend(states.keep_within(max));
        self.told.is_news = true;
        self.forget_gone();
    }

    /// Lets go of what is kept of visitors whose queues went. Nothing is under way in any of their
    /// states: behind a commit.
    fn forget_gone(&mut self) {
        if !self.scope.has_forgotten.load(Ordering::Relaxed) {
            return;
        }
        let mut queues = self.scope.lock_queues();
        let forgotten = queues.take_forgotten();
        // Under the lock of the queues: of who comes again all is kept behind this.
        let gone = forgotten.iter().copied().map(Record::NoVisitor);
        self.scope.hand_over(gone.collect());
        drop(queues);
        let mut published = self.scope.published();
        for gone in forgotten {
            if let Some(number) = self.states.numbers.ends.remove(&gone) {
                published.numbers.ends.remove(&gone);
                let before = published.log.bytes();
                published.log.forget(number);
                self.runtime.logs.count(before, published.log.bytes());
                self.states.drop_at(number);
            }
        }
    }

    /// The number of a state, which the scope gets now if it has not got it.
    pub(super) fn number_of<S: State>(&mut self) -> usize {
        let known = self.states.numbers.find(S::NAME);
        if let Some(number) = known {
            return number;
        }
        let number = self.states.place::<S>(StateId::shared(S::NAME));
        self.states.numbers.shared.push((S::NAME, number));
        let mut published = self.scope.published();
        published.numbers.shared.push((S::NAME, number));
        number
    }

    fn number_of_ends(&mut self, visitor: Visitor) -> usize {
        if let Some(number) = self.states.numbers.ends.get(&visitor) {
            return *number;
        }
        let number = self
            .states
            .place::<UcEnds>(StateId::of_visitor(UcEnds::NAME, visitor));
        self.states.numbers.ends.insert(visitor, number);
        self.scope.published().numbers.ends.insert(visitor, number);
        number
    }
}

// === impl SlowWatch, InClosure ===

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

impl InClosure {
    pub(super) fn enter() -> Self {
        InClosure(IN_CLOSURE.replace(true))
    }

    /// One runs on this thread.
    pub(crate) fn is_here() -> bool {
        IN_CLOSURE.get()
    }
}

impl Drop for InClosure {
    fn drop(&mut self) {
        IN_CLOSURE.set(self.0);
    }
}

// === impl HandlerFailure, ChangeError ===

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
pub(super) fn ops_range(event: &[u8], ops: &[u8]) -> Range<usize> {
    let end = event.len() - 3;
    end - ops.len()..end
}
