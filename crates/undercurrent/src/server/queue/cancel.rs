//! A visitor cancels events: one that runs, and those that wait.

use super::{Origin, Queue};
use crate::{
    Visitor, WhichEvents,
    server::{
        context::{EventRun, Stop},
        scope::Scope,
        store::Record,
    },
};
use std::sync::Arc;

/// An event that was taken out of the queue to be run.
#[derive(Debug)]
pub(super) struct Current {
    name: &'static str,
    origin: Option<Origin>,
    /// It was cancelled before it began.
    is_cancelled: bool,
    /// There once it runs, if it is one that waits.
    run: Option<Arc<EventRun>>,
}

impl Scope {
    /// Cancels events in the queue of who asks. Of one that runs no update lands any more, and it
    /// has its grace to leave; one that waits ends when its turn comes.
    pub(in crate::server) async fn cancel_events(
        &self,
        which: &WhichEvents,
        visitor: Visitor,
        asker: Option<&Origin>,
    ) {
        // Under the scope's lock no update of theirs is on its way.
        let Some(mut writing) = self.write().await else {
            return;
        };
        let outlives = writing.runtime().store.outlives();
        let mut queues = self.lock_queues();
        let Some(queue) = queues.existing(visitor) else {
            return;
        };
        let mut records = Vec::new();
        for event in &mut queue.waiting {
            if which.has(event.name, &event.origin, asker) {
                event.is_cancelled = true;
                records.extend(outlives.then(|| event.record()));
            }
        }
        let current = queue.current.as_mut();
        let current = current.filter(|it| which.has(it.name, &it.origin, asker));
        let run = match current {
            Some(Current { run: Some(run), .. }) => Some(run.clone()),
            // It was taken out, and waits for the scope.
            Some(current) => {
                current.is_cancelled = true;
                records.extend(queue.running_is_cancelled());
                None
            }
            None => None,
        };
        drop(queues);
        // It looks at the queue by itself, under a lock that comes before.
        records.extend(run.and_then(|run| run.stop(Stop::Cancelled)));
        writing.notes.extend(records);
        writing.publish();
    }

    /// An event that waits begins, unless it was cancelled.
    pub(super) fn may_run(&self, visitor: Visitor, run: Option<&Arc<EventRun>>) -> bool {
        let mut queues = self.lock_queues();
        let queue = queues.existing(visitor);
        let Some(current) = queue.and_then(|queue| queue.current.as_mut()) else {
            return true;
        };
        current.run = run.cloned();
        !current.is_cancelled
    }
}

impl Queue {
    /// What runs was cancelled. Returns what a store is to know.
    pub(in crate::server) fn running_is_cancelled(&mut self) -> Option<Record> {
        let (id, event) = self.running.as_mut()?;
        event.is_cancelled = true;
        Some(Record::Event(*id, event.clone()))
    }

    pub(super) fn is_current_cancelled(&self) -> bool {
        self.current.as_ref().is_some_and(|it| it.is_cancelled)
    }

    pub(super) fn takes_out(&mut self) {
        let next = self.waiting.front();
        self.current = next.map(|event| Current {
            name: event.name,
            origin: event.origin.clone(),
            is_cancelled: event.is_cancelled,
            run: None,
        });
    }
}

impl WhichEvents {
    fn has(&self, name: &str, origin: &Option<Origin>, asker: Option<&Origin>) -> bool {
        let is_numbered = |origin: &Origin| {
            asker.is_some_and(|asker| asker.client == origin.client)
                && self.numbers.contains(&origin.number)
        };
        let is_any = self.numbers.is_empty();
        name == self.event && (is_any || origin.as_ref().is_some_and(is_numbered))
    }
}
