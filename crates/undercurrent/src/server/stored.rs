//! From a store to a scope: what is read, what goes on, and what is told as interrupted.

use super::{
    Runtime,
    authorize::Place,
    queue::{End, Origin, Queued, Sender},
    registration::{Arguments, Prepared},
    scope::Scope,
    scopes::{NoScope, Slot, Tag},
    states::{StateNumbers, States},
    store::{Commit, Lost, Record, StateId, StoreError, Stored, StoredEvent, StoredState},
    tasks::Recovered,
};
use crate::{
    State, Visitor,
    builtin::{UcEnds, UcSession, UcTasks},
    core::{
        frame::write_state_event,
        log::{Entry, Log},
        position::{Epoch, Position},
    },
};
use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

/// A scope that was read, and what is to be done in it.
pub(super) struct Restored {
    pub(super) scope: Arc<Scope>,
    /// Of a session: which cookie opens it can't be read.
    is_sealed: bool,
    pub(super) recovery: Recovery,
    /// What the store is to know of it. To be handed over once it is in its place: two may read
    /// one scope, and what the second has to say is past by then.
    pub(super) records: Vec<Record>,
}

/// What is to be done in a scope that was read, once it is in its place.
#[derive(Default)]
pub(super) struct Recovery {
    /// Events that don't run again.
    ended: Vec<(Sender, End)>,
    /// Whose queues have something to run.
    visitors: BTreeSet<Visitor>,
    /// Events that wait.
    waiting: usize,
    tasks: Recovered,
}

/// So often, in seconds, the store is told that a scope in memory is in use.
const NOTE_EVERY_S: u64 = 600;

/// What is read of the states.
struct Read {
    states: States,
    numbers: StateNumbers,
    last_changed: Vec<u64>,
    entries: Vec<Arc<Entry>>,
    offset: u64,
    /// What pages have may be something else.
    is_other: bool,
    /// Whose ends are not known any more; `None` of a session.
    lost_ends: Vec<Option<Visitor>>,
    is_sealed: bool,
    records: Vec<Record>,
}

impl Runtime {
    /// Sees to it that a scope is in its place, if there is one. Says whether it can be told.
    pub(crate) async fn load(self: &Arc<Self>, place: &Place) -> bool {
        if let Some(scope) = self.scopes.find(place.key) {
            // Who has it read is about to use it.
            scope.touch(self.uptime_ms());
            return true;
        }
        if !self.scopes.is_stored(place.key, self) {
            return true;
        }
        let (runtime, place) = (self.clone(), place.clone());
        let loaded = tokio::task::spawn_blocking(move || runtime.load_now(&place));
        loaded.await.unwrap_or(false)
    }

    /// The same by this thread.
    pub(crate) fn load_now(self: &Arc<Self>, place: &Place) -> bool {
        while self.is_elsewhere(place) {
            let slot = self.scopes.slot(place);
            let (seen, era) = (slot.departures(), self.store.era());
            let stored = match self.store.load(place.key) {
                Ok(Some(stored)) => stored,
                Ok(None) => {
                    // What was not read leaves no place behind.
                    self.scopes.tidy(&slot);
                    return true;
                }
                Err(StoreError::Damaged(why)) => {
                    self.lay_aside(&slot, seen, &why);
                    self.scopes.tidy(&slot);
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, scope = ?place.key, "a scope can't be read");
                    self.scopes.tidy(&slot);
                    return false;
                }
            };
            let Restored {
                scope,
                is_sealed,
                recovery,
                records,
            } = Scope::restored(&slot, self, stored);
            if is_sealed {
                // Each cookie that was ever replaced would open it.
                scope.discard();
                self.lay_aside(&slot, seen, "which cookie opens it is not known any more");
                self.scopes.tidy(&slot);
                continue;
            }
            let before = || {
                scope.hand_over(records);
                scope.count_events(recovery.waiting);
            };
            let is_current = || self.store.era() == era;
            if !self.scopes.put(&slot, &scope, seen, is_current, before) {
                scope.discard();
                continue;
            }
            if !recovery.is_empty() {
                self.tracker.spawn(scope.recover(recovery));
            }
            // Whoever stands there as here may have gone.
            self.attend(&slot);
        }
        true
    }

    /// The scope, if there is one: read where it is not in memory. Between the two it may be let
    /// go; whoever has it keeps it.
    pub(crate) async fn found(
        self: &Arc<Self>,
        place: &Place,
    ) -> Result<Option<Arc<Scope>>, NoScope> {
        loop {
            if let Some(found) = self.found_here(place) {
                return Ok(found);
            }
            if !self.load(place).await {
                return Err(NoScope::Unreadable);
            }
        }
    }

    /// The same by this thread.
    pub(crate) fn found_now(
        self: &Arc<Self>,
        place: &Place,
    ) -> Result<Option<Arc<Scope>>, NoScope> {
        loop {
            if let Some(found) = self.found_here(place) {
                return Ok(found);
            }
            if !self.load_now(place) {
                return Err(NoScope::Unreadable);
            }
        }
    }

    /// `None` where it is to be read first.
    fn found_here(&self, place: &Place) -> Option<Option<Arc<Scope>>> {
        match self.scopes.find(place.key) {
            Some(scope) => {
                scope.touch(self.uptime_ms());
                Some(Some(scope))
            }
            None if self.scopes.is_stored(place.key, self) => None,
            None => Some(None),
        }
    }

    /// The scope, read or made now. Between the two it may be let go: then once more.
    pub(crate) async fn scope_at(self: &Arc<Self>, place: &Place) -> Result<Arc<Scope>, NoScope> {
        loop {
            match self.scopes.find_or_make(place, self) {
                Err(NoScope::Elsewhere) => {}
                found => return found,
            }
            if !self.load(place).await {
                return Err(NoScope::Unreadable);
            }
        }
    }

    /// It is in the store, and not here.
    fn is_elsewhere(&self, place: &Place) -> bool {
        self.scopes.find(place.key).is_none() && self.scopes.is_stored(place.key, self)
    }

    fn lay_aside(&self, slot: &Arc<Slot>, seen: usize, why: &str) {
        self.scopes.leave_as_read(slot, seen, || {
            let name = slot.name.to_string();
            tracing::error!(
                name,
                why,
                "a scope can't be read: it is laid aside and begins anew"
            );
            let records = vec![Record::Aside(None)];
            self.store
                .hand_over(Commit::of(slot.key(), Epoch::NONE, records))
        });
    }

    /// Lets go of what nobody has used for as long as `limits.idle-ms`.
    pub(super) fn forget_unused(&self) {
        let idle_s = self.limits.idle_ms / 1_000;
        self.note_uses(NOTE_EVERY_S);
        // What is known of a use may be older than it by as much, and by the time between two looks.
        let before = super::now_s().saturating_sub(idle_s + 2 * NOTE_EVERY_S);
        let unused = match self.store.unused_since(before) {
            Ok(unused) => unused,
            Err(error) => {
                tracing::error!(%error, "unused scopes can't be looked for");
                return;
            }
        };
        if !unused.is_empty() {
            let scopes = unused.len();
            tracing::info!(
                scopes,
                idle_s,
                "scopes that nobody has used go from the store"
            );
        }
        for key in unused {
            self.scopes.leave_unless_here(key, || {
                self.store
                    .hand_over(Commit::of(key, Epoch::NONE, vec![Record::Gone]))
            });
        }
    }

    /// Hands over everything that is in memory, to a store that has begun anew.
    pub(super) fn hand_over_all(&self) {
        self.each_scope(Scope::hand_over_all);
    }

    /// Tells the store of each scope in memory that it is in use, unless it was told so lately.
    pub(super) fn note_uses(&self, every_s: u64) {
        if self.store.outlives() {
            let before_s = super::now_s().saturating_sub(every_s);
            self.each_scope(|scope| scope.note_use(before_s));
        }
    }

    /// Reads the scopes in which something is to be done: events that wait, tasks that ran.
    pub(crate) async fn go_on(self: &Arc<Self>) -> Result<(), StoreError> {
        for (key, name) in self.store.unfinished()? {
            let Ok(name) = self.scope_name(&name) else {
                tracing::warn!(name, "a scope of the store is of no kind that there is");
                continue;
            };
            let tag = Tag::new(&name, key);
            self.load(&Place { key, name, tag }).await;
        }
        Ok(())
    }
}

impl Recovery {
    fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.visitors.is_empty() && self.tasks.is_empty()
    }
}

impl Scope {
    /// A scope as the store has it. Nothing of it runs yet.
    fn restored(slot: &Arc<Slot>, runtime: &Arc<Runtime>, stored: Stored) -> Restored {
        let before = Epoch::from_bits(stored.head.epoch);
        let turn = runtime.store.turn();
        let mut read = Read {
            states: States::default(),
            numbers: StateNumbers::default(),
            last_changed: Vec::new(),
            entries: Vec::new(),
            offset: stored.head.offset,
            is_other: stored.lost != Lost::Nothing,
            lost_ends: Vec::new(),
            is_sealed: false,
            records: Vec::new(),
        };
        for state in stored.states {
            read.state(slot, runtime, before, state);
        }
        let epoch = match (read.is_other, before.in_turn(turn)) {
            (false, _) => before,
            (true, next) if next != before && stored.lost != Lost::Accepted => next,
            // It has begun an epoch in this run already, or what was accepted in its life is gone.
            (true, _) => Epoch::from_random(super::random_u64()).in_turn(turn),
        };
        if epoch != before {
            read.entries.clear();
        }
        read.entries.sort_by_key(|entry| entry.offset);
        let at = Position::new(epoch, read.offset);
        let limits = runtime.limits.log();
        let log = Log::resumed(at, read.last_changed, read.entries, limits);
        runtime.logs.count(0, log.bytes());
        let mut scope = Scope::with(slot.clone(), runtime, log);
        scope.left_s = stored.head.used_s;
        let scope = Arc::new(scope);
        scope.published().numbers = read.numbers.clone();
        {
            let mut states = scope.states();
            *states = read.states;
            states.numbers = read.numbers;
            if let Some(number) = states.numbers.find(UcSession::NAME) {
                let kept = states.cell::<UcSession>(number).value();
                scope.generation.begin_at(kept.generation);
            }
        }
        let mut recovery = Recovery::default();
        let mut records = read.records;
        scope.restore_queues(runtime, stored.numbers, stored.events, &mut recovery);
        for visitor in read.lost_ends {
            // That they have ended is known by their numbers, and how is not. Pages would wait.
            let ended = scope.lock_queues().ended(visitor);
            let sender = |(visitor, origin)| Sender::of_client("?", visitor, origin);
            let ended = ended.into_iter().map(sender);
            recovery
                .ended
                .extend(ended.map(|sender| (sender, End::DONE)));
        }
        recovery.tasks = scope.restore_tasks(runtime);
        records.push(Record::Head(scope.head()));
        Restored {
            scope,
            is_sealed: read.is_sealed,
            recovery,
            records,
        }
    }

    /// Hands over everything of it, in the place of whatever the store has.
    fn hand_over_all(&self) {
        let states = self.states();
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_busy = !tasks.is_empty();
        drop(tasks);
        let published = self.published();
        let at = published.log.position();
        let mut records = vec![
            Record::Gone,
            Record::Head(self.head_at(at)),
            Record::Busy(is_busy),
        ];
        for (number, (cell, id)) in states.cells.iter().zip(&states.ids).enumerate() {
            let whole = cell.as_ref().and_then(|cell| cell.whole());
            let offset = published.log.last_changed(number);
            records.extend(whole.map(|json| Record::Snapshot(id.clone(), offset, json)));
        }
        records.extend(queues.records());
        self.hand_over_in(at.epoch, records);
    }

    fn restore_queues(
        &self,
        runtime: &Runtime,
        numbers: Vec<(Visitor, String, u64)>,
        events: Vec<(u64, StoredEvent)>,
        recovery: &mut Recovery,
    ) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for (visitor, client, number) in numbers {
            if let Some(queue) = queues.of(visitor) {
                queue.numbers.remember(&client, number);
            }
        }
        let mut begun = BTreeSet::new();
        for (id, mut event) in events {
            queues.ids_from(id);
            let Some(queue) = queues.of(event.visitor) else {
                // The limit was lowered since: there is no queue for it to wait in.
                let sender = Sender {
                    name: "?",
                    visitor: event.visitor,
                    origin: origin_of(&event),
                    is_first: event.is_first,
                    id,
                };
                recovery.ended.push((sender, End::interrupted()));
                continue;
            };
            let is_next = begun.insert(event.visitor);
            let handler = runtime.registry.handler(&event.name);
            event.tries = match runtime.store.was_killed() {
                // The first of a queue may have been begun. Of those that are begun now it is written.
                true => event.tries.max(u32::from(is_next)),
                // Whatever ran as the server went down in good order did not take it down.
                false => event.tries.saturating_sub(1),
            };
            let sender = |name| Sender {
                name,
                visitor: event.visitor,
                origin: origin_of(&event),
                is_first: event.is_first,
                id,
            };
            let name = handler.map_or("?", |handler| handler.name);
            let is_tried = event.has_begun || event.tries >= runtime.limits.event_tries;
            if is_tried && !event.is_cancelled {
                recovery.ended.push((sender(name), End::interrupted()));
                // What is behind it was not begun.
                continue;
            }
            // Each of these ends when its turn comes: who is told of an end takes what was before it
            // as ended, too.
            let prepared = match handler {
                _ if event.is_cancelled => Prepared::Over(End::cancelled()),
                None => {
                    tracing::error!(
                        event = event.name,
                        "an event that waited is not there any more"
                    );
                    Prepared::Over(End::interrupted())
                }
                Some(handler) => match handler.prepare(Arguments::Json(&event.arguments)) {
                    Ok(prepared) => prepared,
                    Err(why) => {
                        tracing::error!(
                            event = event.name,
                            why,
                            "an event that waited can't be read"
                        );
                        Prepared::Over(End::interrupted())
                    }
                },
            };
            recovery.waiting += 1;
            // Of nobody else: a queue in which nothing waits may get a runner of its own meanwhile,
            // and two would run its events side by side.
            recovery.visitors.insert(event.visitor);
            // Nobody runs it until all of this is done.
            queue.is_running = true;
            queue.waiting.push_back(Queued {
                name,
                prepared,
                visitor: event.visitor,
                origin: origin_of(&event),
                is_first: event.is_first,
                is_cancelled: event.is_cancelled,
                ended: None,
                tries: event.tries,
                arguments: event.arguments,
                id,
            });
        }
    }

    /// Tells what ended, and goes on with the rest.
    async fn recover(self: Arc<Self>, recovery: Recovery) {
        let Some(runtime) = self.runtime.upgrade() else {
            return;
        };
        for (sender, end) in recovery.ended {
            self.end_in_state(&runtime, &sender, &end, Vec::new()).await;
        }
        let runs = self.recover_tasks(recovery.tasks).await;
        self.stored().await;
        runs.into_iter().for_each(|run| run.drive_again());
        for visitor in recovery.visitors {
            let scope = self.clone();
            runtime
                .tracker
                .spawn(async move { scope.run_queue(visitor).await });
        }
    }
}

fn origin_of(event: &StoredEvent) -> Option<Origin> {
    let (client, number) = event.origin.clone()?;
    Some(Origin { client, number })
}

impl Read {
    fn state(&mut self, slot: &Slot, runtime: &Runtime, epoch: Epoch, stored: StoredState) {
        let StoredState {
            id,
            is_torn,
            snapshot,
            entries,
        } = stored;
        let begin = snapshot.as_ref().map_or(0, |(offset, _)| *offset);
        let last = entries.last().map_or(begin, |entry| entry.offset);
        self.offset = self.offset.max(last);
        // A state that the app has not any more stays where it is.
        let Some(registration) = runtime.registry.state(&id.name) else {
            return;
        };
        let (name, number) = (registration.name, self.states.cells.len());
        let mut since = begin;
        let entries: Vec<Arc<Entry>> = entries
            .into_iter()
            .map(|entry| {
                let at = Position::new(epoch, entry.offset);
                let tag = slot.tag.as_str();
                let ops = entry.ops.as_bytes();
                let event = write_state_event(tag, at, name, Some(since), ops);
                let ops = super::writing::ops_range(&event, ops);
                let server_ops = entry.server_ops.map(String::into_bytes);
                Arc::new(Entry {
                    state: number,
                    since: std::mem::replace(&mut since, entry.offset),
                    offset: entry.offset,
                    event,
                    ops,
                    server_ops,
                })
            })
            .collect();
        let json = snapshot.as_ref().map(|(_, json)| json.as_str());
        let restored = match is_torn {
            true => Err("some of its updates are missing".to_owned()),
            false => (registration.restore)(json, entries.clone()),
        };
        let restored = match restored {
            Ok(restored) => restored,
            Err(why) => {
                let scope = slot.name.to_string();
                tracing::error!(
                    state = name,
                    scope,
                    why,
                    "a state can't be read: it is laid aside and begins anew"
                );
                self.is_other = true;
                self.is_sealed |= id.name == UcSession::NAME;
                if id.name == UcEnds::NAME {
                    self.lost_ends.push(id.visitor);
                }
                if id.name == UcTasks::NAME {
                    // Nothing is known any more of tasks that had not ended.
                    self.records.push(Record::Busy(false));
                }
                self.records.push(Record::Aside(Some(id)));
                return;
            }
        };
        self.is_other |= !restored.fits;
        if restored.has_more {
            let scope = slot.name.to_string();
            tracing::warn!(
                state = name,
                scope,
                "a state has fields that this build does not know: they are kept as they are"
            );
        }
        if let Some(json) = restored.anew {
            // Entries that fit no more are read once.
            self.records.push(Record::Snapshot(id.clone(), last, json));
        }
        match id.visitor {
            None => self.numbers.shared.push((name, number)),
            Some(visitor) => {
                self.numbers.ends.insert(visitor, number);
            }
        }
        let id = StateId {
            name: name.into(),
            visitor: id.visitor,
        };
        debug_assert!(id.visitor.is_none() || name == UcEnds::NAME);
        self.states.put(id, restored.cell);
        self.last_changed.push(last);
        self.entries.extend(entries);
    }
}
