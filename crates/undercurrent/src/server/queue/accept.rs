//! How an event comes in: into the queue, or beside it.

use super::{End, Origin, Queued};
use crate::{
    EndKind, UpdateError, Visitor,
    server::{
        forget_panic,
        queues::Queues,
        registration::Prepared,
        scope::{Gate, Look, Scope},
        store::Record,
        writing::InClosure,
    },
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    ops::ControlFlow,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};

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

/// What [`Scope::admit`] did with an event.
enum Admitted {
    Accepted(Accepted),
    /// It does not wait in the queue: this is its end.
    Beside(SharedEnd),
    /// Not now: another runs that was not queued.
    Wait(Box<Queued>),
    /// Not before this has ended.
    Behind(Box<Queued>, SharedEnd),
}

/// An end that several may wait for.
pub(super) type SharedEnd = Shared<BoxFuture<'static, (EndKind, String)>>;

const LATE: &str = "This came behind what was sent after it, and was not done.";

/// So many ends beside a queue are remembered.
const MAX_BESIDE: usize = 64;

impl Scope {
    /// Takes an event in. Queued events wait behind those before them; a task starts beside the
    /// queue, and a cancel goes ahead of it. These do not depend on who waits for this to return.
    pub(crate) async fn accept(self: &Arc<Self>, event: Queued) -> Accepted {
        let accepted = self.accept_by(&|| true, event).await;
        accepted.unwrap_or(Accepted::Full)
    }

    /// The same of who is asked by a gate where the event has to wait. `None` when it refuses.
    pub(crate) async fn accept_by(
        self: &Arc<Self>,
        gate: &impl Gate,
        event: Queued,
    ) -> Option<Accepted> {
        match self.run_at_once(event) {
            ControlFlow::Break(()) => Some(Accepted::Queued),
            ControlFlow::Continue(event) => self.accept_through(gate, event).await,
        }
    }

    /// The same as soon as a gate lets pass, and never at once. `None` when it refuses.
    pub(crate) async fn accept_through(
        self: &Arc<Self>,
        gate: &impl Gate,
        mut event: Queued,
    ) -> Option<Accepted> {
        let end = loop {
            let mut before = None;
            let look = {
                let mut queues = self.lock_queues();
                let look = gate.look();
                if look == Look::Pass {
                    match self.admit(&mut queues, event) {
                        Admitted::Accepted(accepted) => return Some(accepted),
                        Admitted::Beside(end) => break end,
                        Admitted::Wait(back) => event = *back,
                        Admitted::Behind(back, end) => {
                            event = *back;
                            before = Some(end);
                        }
                    }
                }
                look
            };
            match look {
                Look::Pass => match before {
                    Some(end) => drop(end.await),
                    // Another runs that was not queued, and has the turn until it is committed.
                    None => drop(self.turn().await),
                },
                Look::Refuse => return None,
                Look::Wait => gate.wait().await,
            }
        };
        let (kind, message) = end.await;
        Some(Accepted::Ended(kind, message))
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
        if let Some(end) = queue.is_before(&event) {
            return Admitted::Behind(Box::new(event), end);
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
        let (prepared, origin) = (event.prepared, event.origin.clone());
        queue.beside_under_way += 1;
        let scope = self.clone();
        // Of its own: the request that brought it may go away while it waits for the scope.
        let run = runtime.tracker.spawn(async move {
            let run = scope.run_beside(prepared, visitor, origin, records);
            let done = AssertUnwindSafe(run).catch_unwind().await;
            if let Some(queue) = scope.lock_queues().existing(visitor) {
                queue.beside_under_way = queue.beside_under_way.saturating_sub(1);
            }
            done.map_err(forget_panic)
        });
        let end = run.map(|end| {
            let end = end.unwrap_or(Err(()));
            end.unwrap_or_else(|()| (EndKind::Panicked, "The task could not be started.".into()))
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
    pub(super) async fn do_beside(
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
            Prepared::CancelEvents(which) => {
                self.cancel_events(&which, visitor, origin.as_ref()).await;
                Ok(())
            }
            Prepared::Over(End { kind, message }) => return (kind, message),
            Prepared::Sync(_) | Prepared::Async(..) => unreachable!("these are queued"),
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
}
