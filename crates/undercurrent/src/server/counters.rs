//! What the process has open, in numbers.

use super::{Runtime, Undercurrent};
use crate::{EventContext, State, TaskContext};
use std::{sync::atomic::Ordering, time::Duration};

/// What the process has open at this moment. Each number is read by itself: together they are no
/// snapshot.
///
/// ```
/// # use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = process)] pub struct Server { streams: u64 }
/// #[background]
/// pub async fn sample(cx: TaskContext<Server>) -> Result<()> {
///     loop {
///         let streams = cx.counters().streams as u64;
///         cx.update(|server| server.streams = streams).await?;
///         cx.sleep(Millis(1_000)).await?;
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Scopes in memory: sessions, rooms, what belongs to the server. At most `limits.scopes`.
    pub scopes: usize,
    /// Streams that are open. At most `limits.streams`.
    pub streams: usize,
    /// Tasks that run, wait or are paused. At most `limits.tasks-in-process`.
    pub tasks: usize,
    /// Events that wait in a queue, or run.
    pub events: usize,
    /// Since the runtime was built.
    pub uptime: Duration,
}

impl Runtime {
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            scopes: self.scopes.count(),
            streams: self.streams.count(),
            tasks: self.tasks_running.load(Ordering::Relaxed),
            events: self.events_under_way.load(Ordering::Relaxed),
            uptime: self.started.elapsed(),
        }
    }
}

impl Undercurrent {
    /// What the process has open: for a route that tells it, or a log.
    pub fn counters(&self) -> Counters {
        self.runtime.counters()
    }
}

impl<S: State> EventContext<S> {
    /// What the process has open.
    pub fn counters(&self) -> Counters {
        self.runtime().counters()
    }
}

impl<S: State> TaskContext<S> {
    /// What the process has open.
    pub fn counters(&self) -> Counters {
        self.runtime().counters()
    }
}
