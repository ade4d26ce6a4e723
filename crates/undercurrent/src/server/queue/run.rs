//! What waits runs: one event after the other, each to its end.

use super::{End, Queue, Queued, Sender};
use crate::{
    EndKind, UpdateError, Visitor,
    server::{
        HandlerError, Runtime,
        context::{EventRun, NotDispatched},
        drop_quietly, forget_panic,
        outcome::Outcome,
        registration::{Prepared, RunAsync},
        scope::Scope,
        store::{Record, StoredEvent},
        tasks::drop_outcome,
    },
};
use futures::FutureExt;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::oneshot;

/// Held while an event runs that may take the server down: others of its kind wait until it has
/// ended, or for so long.
struct Suspect {
    _ends: oneshot::Sender<()>,
}

impl Scope {
    pub(super) fn run_if_idle(self: &Arc<Self>, queue: &mut Queue, visitor: Visitor) {
        if !std::mem::replace(&mut queue.is_running, true) {
            let scope = self.clone();
            if let Some(runtime) = self.runtime.upgrade() {
                runtime
                    .tracker
                    .spawn(async move { scope.run_queue(visitor).await });
            }
        }
    }

    pub(in crate::server) async fn run_queue(self: Arc<Self>, visitor: Visitor) {
        let Some(runtime) = self.runtime.upgrade() else {
            return;
        };
        while let Some(mut event) = self.next_event(&runtime, visitor) {
            if event.is_cancelled {
                event.prepared = Prepared::Over(End::cancelled());
            }
            let _suspect = match event.tries {
                0 => None,
                _ if matches!(event.prepared, Prepared::Over(_)) => None,
                _ => self.begin_again(&runtime, &mut event).await,
            };
            // Only who begins and may not end needs what the store has.
            let is_noted =
                matches!(event.prepared, Prepared::Async(..)) && runtime.store.outlives();
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
        {
            // Under one lock: what a cancel notes comes before this, and is in it, or behind it.
            let mut queues = self.lock_queues();
            if let Some(queue) = queues.existing(event.visitor) {
                event.is_cancelled |= queue.is_current_cancelled();
                queue.note_running(event.id, &event.stored());
            }
            self.hand_over(vec![event.record()]);
        }
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
            queue.current = None;
            return None;
        }
        queue.takes_out();
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
        let (mut notes, mut dispatched) = (Vec::new(), Vec::new());
        let end = match prepared {
            Prepared::Over(end) => end,
            // The time of those that wait is over, too.
            _ if runtime.interrupted.is_cancelled() => End::interrupted(),
            Prepared::Sync(apply) => {
                let end = {
                    let Some(mut writing) = self.write().await else {
                        return Some(EndKind::Interrupted);
                    };
                    // Its change and its end are one update.
                    let end = match self.may_run(sender.visitor, None) {
                        false => End::cancelled(),
                        true => {
                            let _watched = runtime.polls.enter(sender.name);
                            End::of_failure(sender.name, apply(&mut writing))
                        }
                    };
                    writing.end_event(runtime, sender, &end);
                    writing.publish();
                    end
                };
                if runtime.store.is_behind() {
                    self.stored().await;
                }
                return Some(end.kind);
            }
            Prepared::Async(run, timeout_ms) => {
                let origin = sender.origin.clone();
                let context = EventRun::new(
                    self.clone(),
                    runtime.clone(),
                    (sender.visitor, origin),
                    stored.map(|stored| (sender.id, stored)),
                );
                let context = Arc::new(context);
                let default_ms = Some(runtime.limits.event_ms).filter(|ms| *ms > 0);
                let may_run = self.may_run(sender.visitor, Some(&context));
                let outcome = match may_run {
                    true => {
                        wait_for(runtime, &context, run, sender, timeout_ms.or(default_ms)).await
                    }
                    false => None,
                };
                context.end();
                let mut end = match (outcome, context.stopped()) {
                    // However one that was told to end carries the error out.
                    (Some(outcome @ Ok(_)), Some(stop)) => {
                        drop_outcome(outcome);
                        End::of_stop(stop)
                    }
                    (None, stop) => stop.map_or_else(End::cancelled, End::of_stop),
                    (Some(Ok(Err(error))), None) if context.is_cut_by(&error) => {
                        drop_quietly(error);
                        if runtime.store.outlives() && !context.has_begun() {
                            return None;
                        }
                        End::interrupted()
                    }
                    (Some(outcome), _) => End::of(sender.name, outcome),
                };
                if end.kind == EndKind::Done {
                    match context.take_dispatched() {
                        Ok(events) => dispatched = events,
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
        Some(self.end_with(runtime, sender, end, notes, dispatched).await)
    }

    /// Records an end. What the event has dispatched enters the queue with it: a cancel comes before
    /// all of it or behind. Returns how it ended: without room it has failed.
    async fn end_with(
        self: &Arc<Self>,
        runtime: &Runtime,
        sender: &Sender,
        mut end: End,
        notes: Vec<Record>,
        dispatched: Vec<Queued>,
    ) -> EndKind {
        if let Some(mut writing) = self.write().await {
            match self.dispatch(sender.visitor, dispatched) {
                Ok(records) => writing.notes.extend(records),
                Err(()) => end = End::full(),
            }
            writing.notes.extend(notes);
            writing.end_event(runtime, sender, &end);
            writing.publish();
        }
        end.kind
    }

    pub(in crate::server) async fn end_in_state(
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

/// Runs an event that waits. `None` where it was told to end and did not leave in time.
async fn wait_for(
    runtime: &Arc<Runtime>,
    context: &Arc<EventRun>,
    run: RunAsync,
    sender: &Sender,
    timeout_ms: Option<u64>,
) -> Option<Result<Outcome, Box<dyn Any + Send>>> {
    let future = AssertUnwindSafe(run(context.clone())).catch_unwind();
    let mut future = runtime.polls.watch(sender.name, future);
    let outcome = tokio::select! {
        biased;
        outcome = &mut future => Some(outcome),
        () = context.until_stopped(timeout_ms) => tokio::select! {
            biased;
            outcome = &mut future => Some(outcome),
            () = tokio::time::sleep(runtime.cancel_grace()) => None,
        },
    };
    // What it held may panic where it is dropped. It has ended all the same.
    if !drop_quietly(future) {
        tracing::error!(
            event = sender.name,
            "an event panicked while it was dropped"
        );
    }
    outcome
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
