//! A short event that nothing is before: it runs where it is accepted.

use super::{End, NOT_STORED, Origin, Queued, Sender};
use crate::server::{
    forget_panic, registration::Prepared, scope::Scope, store::Record, writing::InClosure,
};
use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

/// For so long a server that was taken down has each event kept before it begins. A page that is
/// open sends again what was not acknowledged within a few seconds.
const WARY_MS: u64 = 60_000;

impl Scope {
    /// Runs a synchronous event where it is accepted, if nothing is before it: in the queue, or at
    /// the scope's lock. Nothing of it waits, so that it does not depend on its request either, and
    /// a store is not told of an event that waits and then of its end: one commit has its number,
    /// its change and its end. Of the 127,000 instructions of a click the task of a queue was
    /// 11,000.
    pub(super) fn run_at_once(self: &Arc<Self>, event: Queued) -> ControlFlow<(), Queued> {
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
}
