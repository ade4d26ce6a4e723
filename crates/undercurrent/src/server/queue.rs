//! The queue of a visitor in a scope: events run one at a time, in the order accepted, detached from the
//! request that brought them.

use super::{
    HandlerError, Runtime,
    context::{EventRun, NotDispatched},
    describe_panic, drop_quietly, forget_panic,
    outcome::Outcome,
    queues::Queues,
    random_id,
    registration::Prepared,
    scope::{Gate, Look, Scope},
    store::{Record, StoredEvent},
    writing::{HandlerFailure, InClosure, Writing},
};
use crate::{
    EndKind, Failure, Limits, UpdateError, Visitor,
    builtin::{ClientEnds, UcEnds},
    core::numbers::Numbers,
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    collections::VecDeque,
    convert::Infallible,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::oneshot;

/// What waits, and whether one runs.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) waiting: VecDeque<Queued>,
    /// A runner is spawned when the queue gets its first event, and ends with its last: an idle
    /// queue costs nothing.
    pub(super) is_running: bool,
    /// What runs was not queued, and the store knows nothing of it yet: whoever comes meanwhile
    /// waits for its commit, so that no later number is kept before it.
    pub(super) is_at_once: bool,
    /// What runs, as a store has it: whoever writes all of it anew needs it, too.
    running: Option<(u64, StoredEvent)>,
    pub(super) numbers: Numbers,
    /// What came, or will come, of the last events beside the queue: a repeated one gets the
    /// same answer. The oldest goes.
    beside: VecDeque<(Origin, SharedEnd)>,
    max: usize,
}

/// Who sent an event: a client, and its number for the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client: String,
    pub(crate) number: u64,
}

/// An event with its arguments, on its way through the queue.
pub(crate) struct Queued {
    pub(crate) name: &'static str,
    pub(crate) prepared: Prepared,
    /// Its arguments as JSON, for the store.
    pub(crate) arguments: String,
    /// How the store calls it, once it waits.
    pub(crate) id: u64,
    /// How often it was begun before this server ran.
    pub(crate) tries: u32,
    /// In whose queue it waits.
    pub(crate) visitor: Visitor,
    /// What it goes back to. An event that a handler dispatched has its sender's.
    pub(crate) origin: Option<Origin>,
    /// It is the client's own event, whose end the client waits for.
    pub(crate) is_first: bool,
    /// Told at the end, for a form that waits.
    pub(crate) ended: Option<oneshot::Sender<EndKind>>,
}

/// An end that several may wait for.
type SharedEnd = Shared<BoxFuture<'static, (EndKind, String)>>;

const LATE: &str = "This came behind what was sent after it, and was not done.";

/// So many ends beside the queue are remembered in a scope.
const MAX_BESIDE: usize = 64;

/// Of an event that no store has.
const NOT_STORED: u64 = 0;

/// What [`Scope::admit`] did with an event.
enum Admitted {
    Accepted(Accepted),
    /// It does not wait in the queue: this is its end.
    Beside(SharedEnd),
    /// Not now: another runs that was not queued.
    Wait(Box<Queued>),
}

/// What became of an event at the door of the queue.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// It waits, and will end.
    Queued,
    /// It did not need to wait, and has ended so.
    Ended(EndKind, String),
    /// Its number was accepted before.
    Known,
    /// There is no room.
    Full,
}

// === impl Queue ===

impl Queue {
    pub(crate) fn new(limits: &Limits) -> Self {
        Queue {
            waiting: VecDeque::new(),
            is_running: false,
            is_at_once: false,
            running: None,
            numbers: Numbers::new(limits.clients),
            beside: VecDeque::new(),
            max: limits.queue,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        !self.is_running && self.waiting.is_empty()
    }

    /// All that a store is to know of its events.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let running = self.running.iter();
        let running = running.map(|(id, event)| Record::Event(*id, event.clone()));
        running.chain(self.waiting.iter().map(Queued::record))
    }

    /// What runs has changed something, or is begun once more.
    pub(super) fn note_running(&mut self, id: u64, event: &StoredEvent) {
        if let Some((_, running)) = self.running.as_mut().filter(|(known, _)| *known == id) {
            *running = event.clone();
        }
    }

    /// An event of its number was accepted before.
    fn knows(&self, event: &Queued) -> bool {
        let origin = event.origin.as_ref();
        origin.is_some_and(|origin| self.numbers.is_known(&origin.client, origin.number))
    }

    /// A later one of its client was accepted, and this one never was.
    fn is_behind(&self, event: &Queued) -> bool {
        let origin = event.origin.as_ref();
        origin.is_some_and(|origin| self.numbers.is_late(&origin.client, origin.number))
    }

    fn is_new(&self, event: &Queued) -> bool {
        !self.knows(event) && !self.is_behind(event)
    }
}

/// For so long a server that was taken down has each event kept before it begins. A page that is
/// open sends again what was not acknowledged within a few seconds.
const WARY_MS: u64 = 60_000;

impl Scope {
    /// Takes an event in. Queued events wait behind those before them; a task starts beside the
    /// queue, and a cancel goes ahead of it. These do not depend on who waits for this to return.
    pub(crate) async fn accept(self: &Arc<Self>, event: Queued) -> Accepted {
        match self.run_at_once(event) {
            ControlFlow::Break(()) => Accepted::Queued,
            ControlFlow::Continue(event) => {
                let accepted = self.accept_through(&|| true, event).await;
                accepted.unwrap_or(Accepted::Full)
            }
        }
    }

    /// The same as soon as a gate lets pass, and never at once. `None` when it refuses.
    pub(crate) async fn accept_through(
        self: &Arc<Self>,
        gate: &impl Gate,
        mut event: Queued,
    ) -> Option<Accepted> {
        let end = loop {
            let look = {
                let mut queues = self.lock_queues();
                let look = gate.look();
                if look == Look::Pass {
                    match self.admit(&mut queues, event) {
                        Admitted::Accepted(accepted) => return Some(accepted),
                        Admitted::Beside(end) => break end,
                        Admitted::Wait(back) => event = *back,
                    }
                }
                look
            };
            match look {
                // Another runs that was not queued, and has the turn until it is committed.
                Look::Pass => drop(self.turn().await),
                Look::Refuse => return None,
                Look::Wait => gate.wait().await,
            }
        };
        let (kind, message) = end.await;
        Some(Accepted::Ended(kind, message))
    }

    /// Runs a synchronous event where it is accepted, if nothing is before it: in the queue, or at
    /// the scope's lock. Nothing of it waits, so that it does not depend on its request either, and
    /// a store is not told of an event that waits and then of its end: one commit has its number,
    /// its change and its end. Of the 127,000 instructions of a click the task of a queue was
    /// 11,000.
    fn run_at_once(self: &Arc<Self>, event: Queued) -> ControlFlow<(), Queued> {
        if !matches!(event.prepared, Prepared::Sync(_)) || InClosure::is_here() {
            return ControlFlow::Continue(event);
        }
        let Some(mut writing) = self.try_write() else {
            return ControlFlow::Continue(event);
        };
        let runtime = writing.runtime().clone();
        let outlives = runtime.store.outlives();
        // The queue knows what waits for the next start, and counts how often what may have taken
        // the server down was begun: its page sends it again.
        let is_wary = runtime.store.was_killed() && runtime.uptime_ms() < WARY_MS;
        if runtime.is_shutting_down() || is_wary {
            return ControlFlow::Continue(event);
        }
        // States are locked, and queues now: nobody takes the two the other way round.
        let mut queues = self.lock_queues();
        let idle = queues.of(event.visitor).filter(|queue| queue.is_idle());
        let Some(queue) = idle.filter(|queue| queue.is_new(&event)) else {
            return ControlFlow::Continue(event);
        };
        (queue.is_running, queue.is_at_once) = (true, true);
        if let Some(Origin { client, number }) = &event.origin {
            let forgotten = queue.numbers.accept(client, *number);
            if outlives {
                let visitor = event.visitor;
                let number = Record::Number(visitor, client.clone(), *number);
                writing.notes.push(number);
                let forgotten = forgotten.map(|client| Record::NoNumber(visitor, client));
                writing.notes.extend(forgotten);
            }
        }
        drop(queues);
        let Queued {
            name,
            prepared,
            visitor,
            origin,
            is_first,
            ended,
            ..
        } = event;
        let Prepared::Sync(apply) = prepared else {
            unreachable!("it was looked at above")
        };
        runtime.events_under_way.fetch_add(1, Ordering::Relaxed);
        // As in `run_queue`: user code can panic in more places than its handler.
        let watched = runtime.polls.enter(name);
        let run = AssertUnwindSafe(|| End::of_failure(name, apply(&mut writing)));
        let end = catch_unwind(run).unwrap_or_else(|panic| {
            forget_panic(panic);
            End::of_stray_panic(name)
        });
        let sender = Sender {
            name,
            visitor,
            origin,
            is_first,
            id: NOT_STORED,
        };
        drop(watched);
        writing.end_event(&runtime, &sender, &end);
        // Handed over before anybody else's event is, and while nobody else has the lock.
        writing.commit();
        let mut queues = self.lock_queues();
        if let Some(queue) = queues.existing(visitor) {
            (queue.is_running, queue.is_at_once) = (false, false);
            if !queue.waiting.is_empty() {
                self.run_if_idle(queue, visitor);
            }
        }
        drop(queues);
        writing.publish();
        runtime.events_under_way.fetch_sub(1, Ordering::Relaxed);
        if let Some(ended) = ended {
            // The form may have stopped waiting.
            let _ = ended.send(end.kind);
        }
        ControlFlow::Break(())
    }

    /// What needs no lock over an await: the number, the room, the queue.
    fn admit(self: &Arc<Self>, queues: &mut Queues, event: Queued) -> Admitted {
        let Some(runtime) = self.runtime.upgrade() else {
            return Admitted::Accepted(Accepted::Full);
        };
        let outlives = runtime.store.outlives();
        let visitor = event.visitor;
        let next_id = queues.next_id();
        let Some(queue) = queues.of(visitor) else {
            return Admitted::Accepted(Accepted::Full);
        };
        // From inside a closure it would wait for itself.
        if queue.is_at_once && !InClosure::is_here() {
            return Admitted::Wait(Box::new(event));
        }
        if queue.knows(&event) {
            let known = queue
                .beside
                .iter()
                .find(|(known, _)| Some(known) == event.origin.as_ref());
            return match known {
                Some((_, end)) => Admitted::Beside(end.clone()),
                None if event.is_queued() => Admitted::Accepted(Accepted::Known),
                // Too long ago to be remembered. It has ended.
                None => Admitted::Accepted(Accepted::Ended(EndKind::Done, String::new())),
            };
        }
        if queue.is_behind(&event) {
            let late = Accepted::Ended(EndKind::Late, LATE.to_owned());
            return Admitted::Accepted(late);
        }
        if event.is_queued() && queue.waiting.len() >= queue.max {
            return Admitted::Accepted(Accepted::Full);
        }
        let mut records = Vec::new();
        if let Some(Origin { client, number }) = &event.origin {
            let forgotten = queue.numbers.accept(client, *number);
            if outlives {
                records.push(Record::Number(visitor, client.clone(), *number));
                records.extend(forgotten.map(|client| Record::NoNumber(visitor, client)));
            }
        }
        if event.is_queued() {
            let event = event.with_id(next_id);
            if outlives {
                records.push(event.record());
                // Under the lock of the queues: in the order in which they wait.
                self.hand_over(records);
            }
            queue.waiting.push_back(event);
            runtime.events_under_way.fetch_add(1, Ordering::Relaxed);
            self.run_if_idle(queue, visitor);
            return Admitted::Accepted(Accepted::Queued);
        }
        let (scope, prepared, origin) = (self.clone(), event.prepared, event.origin.clone());
        // Of its own: the request that brought it may go away while it waits for the scope.
        let run = runtime
            .tracker
            .spawn(async move { scope.run_beside(prepared, visitor, origin, records).await });
        let end = run.map(|end| {
            end.unwrap_or_else(|_| (EndKind::Panicked, "The task could not be started.".into()))
        });
        let end = end.boxed().shared();
        if let Some(origin) = event.origin {
            queue.beside.push_back((origin, end.clone()));
            if queue.beside.len() > MAX_BESIDE {
                queue.beside.pop_front();
            }
        }
        Admitted::Beside(end)
    }

    /// Starts a task, or asks something of one: nothing that takes time. What the store is to know
    /// of the message itself goes with what it does.
    async fn run_beside(
        self: &Arc<Self>,
        prepared: Prepared,
        visitor: Visitor,
        origin: Option<Origin>,
        mut notes: Vec<Record>,
    ) -> (EndKind, String) {
        let done = self.do_beside(prepared, visitor, origin, &mut notes).await;
        self.hand_over(notes);
        done
    }

    /// The same for who has more to say of the message: what is left of the notes did not go with
    /// what it does.
    async fn do_beside(
        self: &Arc<Self>,
        prepared: Prepared,
        visitor: Visitor,
        origin: Option<Origin>,
        notes: &mut Vec<Record>,
    ) -> (EndKind, String) {
        let done = match prepared {
            Prepared::Task(task) => {
                let anyone = &|| true;
                let started = self.start_task(anyone, task, (visitor, origin), notes);
                started.await.map(drop)
            }
            Prepared::Control(verb, which) => {
                self.control_tasks(verb, &which, visitor, origin, notes)
                    .await
            }
            Prepared::Sync(_) | Prepared::Async(_) => unreachable!("these are queued"),
        };
        match done {
            Ok(()) => (EndKind::Done, String::new()),
            Err(refused) => (refused.kind(), refused.to_string()),
        }
    }

    /// Puts events of a visitor behind what is queued: all of them, or none. Returns what the store
    /// is to know.
    pub(crate) fn dispatch(
        self: &Arc<Self>,
        visitor: Visitor,
        events: Vec<Queued>,
    ) -> Result<Vec<Record>, ()> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.put_behind(&mut self.lock_queues(), visitor, events)
    }

    /// The same with one event of a task's, as soon as its gate lets pass.
    pub(crate) async fn dispatch_through(
        self: &Arc<Self>,
        gate: &impl Gate,
        visitor: Visitor,
        event: Queued,
    ) -> Result<(), UpdateError> {
        loop {
            {
                let mut queues = self.lock_queues();
                match gate.look() {
                    Look::Pass => {
                        let records = self.put_behind(&mut queues, visitor, vec![event]);
                        // Under the lock of the queues: a moment later it may have run, and what is
                        // handed over after its end would run again at the next start.
                        self.hand_over(records.map_err(|()| UpdateError::QueueFull)?);
                        return Ok(());
                    }
                    Look::Refuse => return Err(UpdateError::Cancelled),
                    Look::Wait => {}
                }
            }
            gate.wait().await;
        }
    }

    fn put_behind(
        self: &Arc<Self>,
        queues: &mut Queues,
        visitor: Visitor,
        mut events: Vec<Queued>,
    ) -> Result<Vec<Record>, ()> {
        for event in &mut events {
            event.id = queues.next_id();
        }
        let queue = queues.of(visitor).ok_or(())?;
        if queue.waiting.len() + events.len() > queue.max {
            return Err(());
        }
        let records = events.iter().map(Queued::record).collect();
        self.count_events(events.len());
        queue.waiting.extend(events);
        self.run_if_idle(queue, visitor);
        Ok(records)
    }

    pub(super) fn lock_queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_events(&self, more: usize) {
        if let Some(runtime) = self.runtime.upgrade() {
            let events = &runtime.events_under_way;
            events.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn run_if_idle(self: &Arc<Self>, queue: &mut Queue, visitor: Visitor) {
        if !std::mem::replace(&mut queue.is_running, true) {
            let scope = self.clone();
            if let Some(runtime) = self.runtime.upgrade() {
                runtime
                    .tracker
                    .spawn(async move { scope.run_queue(visitor).await });
            }
        }
    }

    pub(super) async fn run_queue(self: Arc<Self>, visitor: Visitor) {
        let Some(runtime) = self.runtime.upgrade() else {
            return;
        };
        while let Some(mut event) = self.next_event(&runtime, visitor) {
            let _suspect = match event.tries {
                0 => None,
                _ => self.begin_again(&runtime, &mut event).await,
            };
            // Only who begins and may not end needs what the store has.
            let is_noted = matches!(event.prepared, Prepared::Async(_)) && runtime.store.outlives();
            let stored = is_noted.then(|| event.stored());
            let Queued {
                name,
                prepared,
                origin,
                id,
                is_first,
                ended,
                ..
            } = event;
            let sender = Sender {
                name,
                visitor,
                origin,
                is_first,
                id,
            };
            let run = self.run_event(&runtime, prepared, &sender, stored);
            let run = AssertUnwindSafe(run);
            // User code can panic in more places than its handler: where an error is formatted,
            // where arguments are dropped. The queue goes on.
            let kind = match run.catch_unwind().await {
                Ok(kind) => kind,
                Err(panic) => {
                    forget_panic(panic);
                    let end = End::of_stray_panic(name);
                    self.end_in_state(&runtime, &sender, &end, Vec::new()).await;
                    Some(EndKind::Panicked)
                }
            };
            runtime.events_under_way.fetch_sub(1, Ordering::Relaxed);
            if let (Some(ended), Some(kind)) = (ended, kind) {
                // The form may have stopped waiting.
                let _ = ended.send(kind);
            }
        }
    }

    /// Writes down that an event which an earlier run of the server may have begun is begun once
    /// more, before it is: it may be what takes the server down. One that did so twice begins by
    /// itself, so that none is taken for another.
    async fn begin_again(&self, runtime: &Runtime, event: &mut Queued) -> Option<Suspect> {
        let suspect = match event.tries {
            1 => None,
            _ => Suspect::alone(runtime).await,
        };
        event.tries += 1;
        if let Some(queue) = self.lock_queues().existing(event.visitor) {
            queue.note_running(event.id, &event.stored());
        }
        self.hand_over(vec![event.record()]);
        self.stored().await;
        suspect
    }

    fn next_event(&self, runtime: &Runtime, visitor: Visitor) -> Option<Queued> {
        let mut queues = self.lock_queues();
        // A queue that runs is not idle, and stays.
        let queue = queues.existing(visitor)?;
        if runtime.is_shutting_down() && runtime.store.outlives() {
            // What has not begun begins with the next start. No form waits for that.
            queue
                .waiting
                .iter_mut()
                .for_each(|event| event.ended = None);
            queue.is_running = false;
            return None;
        }
        let next = queue.waiting.pop_front();
        queue.is_running = next.is_some();
        let of_a_store = next.as_ref().filter(|_| runtime.store.outlives());
        queue.running = of_a_store.map(|event| (event.id, event.stored()));
        next
    }

    /// Returns how it ended, or `None` where it has not: it begins again with the next start.
    async fn run_event(
        self: &Arc<Self>,
        runtime: &Arc<Runtime>,
        prepared: Prepared,
        sender: &Sender,
        stored: Option<StoredEvent>,
    ) -> Option<EndKind> {
        let mut notes = Vec::new();
        let end = match prepared {
            // The time of those that wait is over, too.
            _ if runtime.interrupted.is_cancelled() => End::interrupted(),
            Prepared::Sync(apply) => {
                let end = {
                    let Some(mut writing) = self.write().await else {
                        return Some(EndKind::Interrupted);
                    };
                    let _watched = runtime.polls.enter(sender.name);
                    // Its change and its end are one update.
                    let end = End::of_failure(sender.name, apply(&mut writing));
                    writing.end_event(runtime, sender, &end);
                    writing.publish();
                    end
                };
                if runtime.store.is_behind() {
                    self.stored().await;
                }
                return Some(end.kind);
            }
            Prepared::Async(run) => {
                let origin = sender.origin.clone();
                let context = EventRun::new(
                    self.clone(),
                    runtime.clone(),
                    (sender.visitor, origin),
                    stored.map(|stored| (sender.id, stored)),
                );
                let context = Arc::new(context);
                let future = AssertUnwindSafe(run(context.clone())).catch_unwind();
                let outcome = runtime.polls.watch(sender.name, future).await;
                context.end();
                let mut end = match outcome {
                    Ok(Err(error)) if context.is_cut_by(&error) => {
                        drop_quietly(error);
                        if runtime.store.outlives() && !context.has_begun() {
                            return None;
                        }
                        End::interrupted()
                    }
                    outcome => End::of(sender.name, outcome),
                };
                if end.kind == EndKind::Done {
                    match context.take_dispatched() {
                        Ok(events) => match self.dispatch(sender.visitor, events) {
                            Ok(records) => notes = records,
                            Err(()) => end = End::full(),
                        },
                        Err(NotDispatched::Full) => end = End::full(),
                        Err(NotDispatched::Arguments(why)) => {
                            let why = UpdateError::NotRecorded(why);
                            end = End::of(sender.name, Ok(Err(HandlerError::Internal(why.into()))));
                        }
                    }
                }
                end
            }
            // Dispatched by a handler, these come through the queue, too.
            beside => {
                let origin = sender.origin.clone();
                // What it does and its end are one commit: after a crash it is not done again.
                notes.push(Record::Ended(sender.id));
                let done = self.do_beside(beside, sender.visitor, origin, &mut notes);
                let (kind, message) = done.await;
                End { kind, message }
            }
        };
        self.end_in_state(runtime, sender, &end, notes).await;
        Some(end.kind)
    }

    pub(super) async fn end_in_state(
        &self,
        runtime: &Runtime,
        sender: &Sender,
        end: &End,
        notes: Vec<Record>,
    ) {
        if let Some(mut writing) = self.write().await {
            writing.notes.extend(notes);
            writing.end_event(runtime, sender, end);
            writing.publish();
        }
    }
}

/// Held while an event runs that may take the server down: others of its kind wait until it has
/// ended, or for so long.
struct Suspect {
    _ends: oneshot::Sender<()>,
}

impl Suspect {
    const PATIENCE: Duration = Duration::from_secs(1);

    async fn alone(runtime: &Runtime) -> Option<Self> {
        let turn = runtime.suspects.clone().acquire_owned().await.ok()?;
        let (ends, ended) = oneshot::channel();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(Suspect::PATIENCE, ended).await;
            drop(turn);
        });
        Some(Suspect { _ends: ends })
    }
}

/// Whose end it is that is recorded.
pub(super) struct Sender {
    pub(super) name: &'static str,
    pub(super) visitor: Visitor,
    pub(super) origin: Option<Origin>,
    pub(super) is_first: bool,
    /// How the store calls the event.
    pub(super) id: u64,
}

impl Queued {
    fn with_id(mut self, id: u64) -> Self {
        self.id = id;
        self
    }

    /// As the store keeps it.
    fn stored(&self) -> StoredEvent {
        let origin = self.origin.as_ref();
        StoredEvent {
            name: self.name.to_owned(),
            arguments: self.arguments.clone(),
            visitor: self.visitor,
            origin: origin.map(|origin| (origin.client.clone(), origin.number)),
            is_first: self.is_first,
            tries: self.tries,
            has_begun: false,
        }
    }

    pub(super) fn record(&self) -> Record {
        Record::Event(self.id, self.stored())
    }

    fn is_queued(&self) -> bool {
        matches!(self.prepared, Prepared::Sync(_) | Prepared::Async(_))
    }
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queued")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

// === Ends ===

/// How a handler ended, and what the visitor is told.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: EndKind,
    pub(crate) message: String,
}

impl End {
    const DONE: End = End {
        kind: EndKind::Done,
        message: String::new(),
    };

    /// The server went down before it ended.
    pub(super) fn interrupted() -> Self {
        End {
            kind: EndKind::Interrupted,
            message: "The server was started anew before this was done.".to_owned(),
        }
    }

    fn full() -> Self {
        let message = "The queue is full: what this event would have queued is not queued.";
        End {
            kind: EndKind::Full,
            message: message.to_owned(),
        }
    }

    /// The log gets what is internal, once; the visitor an id to ask with.
    pub(crate) fn of(
        handler: &str,
        outcome: Result<Outcome, Box<dyn std::any::Any + Send>>,
    ) -> Self {
        let error = match outcome {
            Ok(Ok(())) => return End::DONE,
            Err(panic) => {
                let id = random_id();
                let id = &id[..6];
                tracing::error!(
                    handler,
                    id,
                    panic = describe_panic(&*panic),
                    "a handler panicked"
                );
                return End {
                    kind: EndKind::Panicked,
                    message: something_went_wrong(id),
                };
            }
            Ok(Err(error)) => error,
        };
        match error {
            HandlerError::Cancelled => End {
                kind: EndKind::Failed,
                message: "The event was cancelled.".to_owned(),
            },
            HandlerError::ForVisitor(error) => {
                if let Some(cause) = error.source() {
                    tracing::info!(handler, %error, cause = ?cause, "a handler refused");
                }
                End {
                    kind: EndKind::Failed,
                    message: error.to_string(),
                }
            }
            HandlerError::Cursor(error) => {
                tracing::error!(handler, %error, "a task can't go on from its last checkpoint");
                End {
                    kind: EndKind::Interrupted,
                    message: "It can't go on from where it was.".to_owned(),
                }
            }
            HandlerError::Internal(error) => {
                let id = random_id();
                let id = &id[..6];
                tracing::error!(handler, id, ?error, "a handler failed");
                End {
                    kind: EndKind::Failed,
                    message: something_went_wrong(id),
                }
            }
        }
    }

    /// A panic outside of the handler's own run. Nothing of the user's is formatted any more.
    pub(crate) fn of_stray_panic(handler: &str) -> Self {
        let id = random_id();
        let id = &id[..6];
        tracing::error!(handler, id, "a handler panicked outside of its run");
        End {
            kind: EndKind::Panicked,
            message: something_went_wrong(id),
        }
    }

    fn of_failure(handler: &str, result: Result<(), HandlerFailure>) -> Self {
        match result {
            Ok(()) => End::DONE,
            Err(HandlerFailure::Error(error)) => End::of(handler, Ok(Err(error))),
            Err(HandlerFailure::Panic(panic)) => End::of(handler, Err(panic)),
        }
    }
}

fn something_went_wrong(id: &str) -> String {
    format!("Something went wrong. What was there is kept. The log has it under {id}.")
}

impl Writing<'_> {
    /// Records the end of an event for the client that sent it, in the update under way.
    fn end_event(&mut self, runtime: &Runtime, sender: &Sender, end: &End) {
        let Sender {
            name,
            visitor,
            origin,
            is_first,
            id,
        } = sender;
        if *id != NOT_STORED && runtime.store.outlives() {
            self.notes.push(Record::Ended(*id));
            if let Some(queue) = self.scope.lock_queues().existing(*visitor) {
                queue.running.take_if(|(running, _)| running == id);
            }
        }
        let Some(Origin { client, number }) = origin else {
            return;
        };
        if !is_first && end.kind == EndKind::Done {
            return;
        }
        let failure = (end.kind != EndKind::Done).then(|| Failure {
            number: *number,
            event: (*name).to_owned(),
            kind: end.kind,
            message: end.message.clone(),
        });
        let limits = &runtime.limits;
        let recorded = self.change_ends(*visitor, |ends: &mut UcEnds| {
            let last = ends.clients.len().checked_sub(1);
            let known = ends.clients.iter().rposition(|ends| ends.client == *client);
            if known.is_none() || known != last {
                // The one that has been silent the longest stands first, and goes first.
                let own = known.map(|known| ends.clients.remove(known));
                if ends.clients.len() >= limits.clients {
                    ends.clients.remove(0);
                }
                ends.clients.push(own.unwrap_or_else(|| ClientEnds {
                    client: client.clone(),
                    ..Default::default()
                }));
            }
            if let Some(ends) = ends.clients.last_mut() {
                if *is_first {
                    ends.upto = ends.upto.max(*number);
                }
                if let Some(failure) = failure {
                    ends.failures.push(failure);
                    if ends.failures.len() > limits.failures {
                        ends.failures.remove(0);
                    }
                }
            }
            Ok::<(), Infallible>(())
        });
        debug_assert!(recorded.is_ok(), "the runtime's own states are plain data");
    }
}
