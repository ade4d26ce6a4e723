//! What an event that waits gets.

use super::{EventRun, NotDispatched, OfEvent, assert_same_scope, assert_together, start, which};
use crate::{
    Call, EventDef, EventFn, State, TaskDef, TaskFn, UpdateError, Visitor,
    server::{
        Runtime,
        effects::{Asks, Page},
        scope::Scope,
        tasks::NotStarted,
    },
};
use std::{
    any::Any,
    fmt,
    future::Future,
    marker::PhantomData,
    sync::{Arc, PoisonError},
    time::Duration,
};

/// What an event that must wait gets. It runs in the queue; what is behind it waits until it
/// returns. What it leaves running then, in a task of tokio's say, changes nothing any more: each
/// call is told [`Cancelled`](UpdateError::Cancelled).
///
/// So is each call of an event that its visitor cancels, or whose time is over: let `?` carry that out
/// of the handler. One that has not returned `limits.cancel-grace-ms` later is dropped where it waits,
/// and the queue goes on.
pub struct EventContext<S> {
    pub(super) run: Arc<EventRun>,
    state: PhantomData<fn() -> S>,
}

impl<S: State> EventContext<S> {
    pub(crate) fn new(run: Arc<EventRun>) -> Self {
        EventContext {
            run,
            state: PhantomData,
        }
    }

    /// Changes the state: the newest values, exclusively, and for as short as the closure takes.
    /// Pages have the change when this returns; it returns what the closure does.
    ///
    /// Compute before, not inside: a closure that takes long holds up all who share the state, and
    /// a thread of the server. The log warns of one that takes more than `limits.slow-update-ms`.
    ///
    /// # Errors
    ///
    /// [`UpdateError`]; nothing was changed then.
    ///
    /// # Panics
    ///
    /// Goes on with a panic of the closure, whose change is undone.
    pub fn update<R: Send>(
        &self,
        closure: impl FnOnce(&mut S) -> R + Send,
    ) -> impl Future<Output = Result<R, UpdateError>> + Send {
        self.run.scope.update(self.gate(), closure)
    }

    /// As [`update`](Self::update), over two states of one scope: one update, all or nothing.
    ///
    /// # Errors
    ///
    /// [`UpdateError`]; nothing was changed then.
    ///
    /// # Panics
    ///
    /// Goes on with a panic of the closure, whose changes are undone. It does not compile for a
    /// state of another scope, or for the same state twice.
    pub fn update_both<T: State, R: Send>(
        &self,
        closure: impl FnOnce(&mut S, &mut T) -> R + Send,
    ) -> impl Future<Output = Result<R, UpdateError>> + Send {
        const { assert_together::<S, T>() };
        self.run.scope.update_both(self.gate(), closure)
    }

    /// As [`update`](Self::update), for a closure that can refuse: its `Err` undoes what it did.
    ///
    /// # Errors
    ///
    /// The closure's own, or an [`UpdateError`].
    pub async fn try_update<R: Send, E: Send + Into<leptos::error::Error>>(
        &self,
        closure: impl FnOnce(&mut S) -> Result<R, E> + Send,
    ) -> Result<R, leptos::error::Error> {
        self.run
            .scope
            .try_update(self.gate(), closure)
            .await?
            .map_err(Into::into)
    }

    /// Reads the newest values. Nothing is published.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Nested`] inside the closure of an update.
    pub fn read<R: Send>(
        &self,
        closure: impl FnOnce(&S) -> R + Send,
    ) -> impl Future<Output = Result<R, UpdateError>> + Send {
        self.run.scope.read(self.gate(), closure)
    }

    /// Waits. The queue waits, too: for more than a moment, use a background task.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] when it is cancelled, its time is over, or the server goes down.
    pub async fn sleep(&self, span: impl Into<Duration>) -> Result<(), UpdateError> {
        tokio::select! {
            biased;
            () = self.run.until_cut() => Err(UpdateError::Cancelled),
            () = tokio::time::sleep(span.into()) => Ok(()),
        }
    }

    /// Queues an event behind what is queued. It enters when this event has ended well; if there
    /// is no room then, this event ends as failed, and none enters.
    pub fn dispatch<E: EventDef>(&self, event: Call<E>) {
        const { assert_same_scope::<S, E::State>() };
        let run = &self.run;
        let queued = run.runtime.queued(event, run.visitor, run.origin.clone());
        let mut dispatched = run
            .dispatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let max = run.runtime.limits.queue;
        let Ok(waiting) = &mut *dispatched else {
            return;
        };
        match queued {
            Ok(queued) if waiting.len() < max => waiting.push(queued),
            Ok(_) => *dispatched = Err(NotDispatched::Full),
            Err(why) => *dispatched = Err(NotDispatched::Arguments(why)),
        }
    }

    /// The page that sent the event: it can be led elsewhere, told something, given a file.
    pub fn page(&self) -> Page<'_> {
        let run = &self.run;
        Page::new(
            &run.scope,
            run.visitor,
            run.origin.as_ref(),
            Asks::Event(self.gate()),
        )
    }

    /// Starts a background task and returns its id.
    ///
    /// # Errors
    ///
    /// [`NotStarted`], as `overlap` and the limits say.
    pub async fn start<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        const { assert_same_scope::<S, E::State>() };
        let run = &self.run;
        let by = (run.visitor, run.origin.clone());
        let place = (&run.scope, &run.runtime);
        start(&self.gate(), place, by, task).await
    }

    /// Cancels the tasks of this name and key in the visitor's scope; the key of a task without
    /// one is `""`. From then on no update of theirs lands.
    pub async fn cancel<Arguments, F: TaskFn<Arguments>>(&self, _task: F, key: impl ToString) {
        if !self.run.is_over() {
            // What a handler wants, the server wants.
            let scope = &self.run.scope;
            scope
                .cancel_tasks(&which::<_, F>(key), Visitor::SERVER)
                .await;
        }
    }

    /// Whether a task of this name runs in the scope, or waits or is paused, whatever its key.
    /// Tasks start under the scope's lock: asked inside an update, the answer holds until the
    /// update is made.
    pub fn is_running<Arguments, F: TaskFn<Arguments>>(&self, _task: F) -> bool {
        self.run
            .scope
            .is_task_running(<F as EventFn<Arguments>>::Event::NAME)
    }

    /// Who asks: the browser whose event this is, or the server.
    pub fn visitor(&self) -> Visitor {
        self.run.visitor
    }

    /// The key of the scope: which room this is. Empty for a session and a process-wide scope.
    /// It came from a page.
    pub fn scope_key(&self) -> &str {
        self.run.scope.slot.name.key()
    }

    pub(in crate::server) fn runtime(&self) -> &Arc<Runtime> {
        &self.run.runtime
    }

    pub(in crate::server) fn run(&self) -> &Arc<EventRun> {
        &self.run
    }

    pub(super) fn scope(&self) -> &Arc<Scope> {
        &self.run.scope
    }

    pub(super) fn gate(&self) -> OfEvent {
        OfEvent(self.run.clone())
    }

    /// What start-up provided.
    ///
    /// # Panics
    ///
    /// When it did not. The server does not start then if the macro saw this call.
    pub fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.run.runtime.provided.expect()
    }
}

impl<S> fmt::Debug for EventContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext").finish_non_exhaustive()
    }
}
