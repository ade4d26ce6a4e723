//! What a handler gets: the doors to the state, to the queue and to what start-up provided.

use super::{
    Runtime,
    queue::{Origin, Queued},
    registry::Prepared,
    scope::Scope,
    tasks::NotStarted,
};
use crate::{Call, EventDef, EventFn, State, TaskDef, TaskFn, UpdateError, Visitor};
use std::{
    any::Any,
    fmt,
    future::Future,
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What an event that must wait gets. It runs in the queue; what is behind it waits until it
/// returns.
pub struct EventContext<S> {
    run: Arc<EventRun>,
    state: PhantomData<fn() -> S>,
}

/// What a background task gets. It runs beside the queue and touches the state in short updates.
///
/// Each method but `progress` and `expect` is a point where a cancel takes effect: it returns
/// `Err(Cancelled)` then, for `?` to carry out.
pub struct TaskContext<S> {
    run: Arc<TaskRun>,
    state: PhantomData<fn() -> S>,
}

/// One run of an event.
pub(crate) struct EventRun {
    scope: Arc<Scope>,
    runtime: Arc<Runtime>,
    visitor: Visitor,
    origin: Option<Origin>,
    // A std mutex, held to push.
    dispatched: Mutex<Result<Vec<Queued>, NotDispatched>>,
}

/// Why nothing of what an event dispatched enters the queue.
pub(crate) enum NotDispatched {
    /// More than the queue ever holds.
    Full,
    /// Arguments that can't be written as JSON and read again.
    Arguments(String),
}

/// One run of a task.
pub(crate) struct TaskRun {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) key: String,
    /// Who started it. What it dispatches goes into that visitor's queue.
    visitor: Visitor,
    scope: Arc<Scope>,
    pub(crate) runtime: Arc<Runtime>,
    /// Set under the scope's lock, so that no update can come after it.
    is_cancelled: AtomicBool,
    cancelled: CancellationToken,
    // A std mutex, held to put or to take.
    progress: Mutex<Pending>,
}

/// Progress that is not shown yet.
#[derive(Default)]
struct Pending {
    progress: Option<(u64, u64)>,
    is_owed: bool,
}

// === impl EventContext ===

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
        self.run.scope.update(|| true, closure)
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
        self.run.scope.update_both(|| true, closure)
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
            .try_update(|| true, closure)
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
        self.run.scope.read(|| true, closure)
    }

    /// Waits. The queue waits, too: for more than a moment, use a background task.
    ///
    /// # Errors
    ///
    /// None today; a cancelled event will return one.
    pub async fn sleep(&self, span: impl Into<Duration>) -> Result<(), UpdateError> {
        tokio::time::sleep(span.into()).await;
        Ok(())
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

    /// Starts a background task and returns its id.
    ///
    /// # Errors
    ///
    /// [`NotStarted`], as `overlap` and the limits say.
    pub async fn start<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        const { assert_same_scope::<S, E::State>() };
        start(&self.run.scope, &self.run.runtime, self.run.visitor, task).await
    }

    /// Whether a task of this name runs in the visitor's scope, whatever its key. Tasks start
    /// under the scope's lock: asked inside an update, the answer holds until the update is made.
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

    /// What start-up provided.
    ///
    /// # Panics
    ///
    /// When it did not. The server does not start then if the macro saw this call.
    pub fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.run.runtime.provided.expect()
    }
}

// === impl TaskContext ===

impl<S: State> TaskContext<S> {
    pub(crate) fn new(run: Arc<TaskRun>) -> Self {
        TaskContext {
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
    /// [`UpdateError::Cancelled`] after a cancel, or another [`UpdateError`]. Nothing was changed
    /// then.
    ///
    /// # Panics
    ///
    /// Goes on with a panic of the closure, whose change is undone.
    pub fn update<R: Send>(
        &self,
        closure: impl FnOnce(&mut S) -> R + Send,
    ) -> impl Future<Output = Result<R, UpdateError>> + Send {
        self.run.scope.update(|| self.run.may_go_on(), closure)
    }

    /// As [`update`](Self::update), over two states of one scope: one update, all or nothing.
    ///
    /// # Errors
    ///
    /// As for `update`. Nothing was changed then.
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
        self.run.scope.update_both(|| self.run.may_go_on(), closure)
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
            .try_update(|| self.run.may_go_on(), closure)
            .await?
            .map_err(Into::into)
    }

    /// Reads the newest values. Nothing is published.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel, [`UpdateError::Nested`] inside an update.
    pub fn read<R: Send>(
        &self,
        closure: impl FnOnce(&S) -> R + Send,
    ) -> impl Future<Output = Result<R, UpdateError>> + Send {
        self.run.scope.read(|| self.run.may_go_on(), closure)
    }

    /// Waits, until the time is over or the task is cancelled.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`].
    pub async fn sleep(&self, span: impl Into<Duration>) -> Result<(), UpdateError> {
        tokio::select! {
            biased;
            () = self.run.cancelled() => Err(UpdateError::Cancelled),
            () = tokio::time::sleep(span.into()) => Ok(()),
        }
    }

    /// Shows how far the task is: so many steps done, of so many.
    pub fn progress(&self, done: impl TryInto<u64>, of: impl TryInto<u64>) {
        let (done, of) = (done.try_into().unwrap_or(0), of.try_into().unwrap_or(0));
        self.run
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .progress = Some((done, of));
        self.run.scope.show_progress(&self.run);
    }

    /// Queues an event of the visitor, behind what is queued.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel, [`UpdateError::QueueFull`] when there is no room.
    pub async fn dispatch<E: EventDef>(&self, event: Call<E>) -> Result<(), UpdateError> {
        const { assert_same_scope::<S, E::State>() };
        if !self.run.may_go_on() {
            return Err(UpdateError::Cancelled);
        }
        let queued = self.run.runtime.queued(event, self.run.visitor, None);
        let queued = queued.map_err(UpdateError::NotRecorded)?;
        let dispatched = self.run.scope.dispatch(self.run.visitor, vec![queued]);
        dispatched.map_err(|()| UpdateError::QueueFull)
    }

    /// Starts another background task and returns its id.
    ///
    /// # Errors
    ///
    /// [`NotStarted`], as `overlap` and the limits say.
    pub async fn start<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        const { assert_same_scope::<S, E::State>() };
        if !self.run.may_go_on() {
            return Err(NotStarted::Cancelled);
        }
        start(&self.run.scope, &self.run.runtime, self.run.visitor, task).await
    }

    /// Whether a task of this name runs in the visitor's scope, whatever its key. Tasks start
    /// under the scope's lock: asked inside an update, the answer holds until the update is made.
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

    /// What start-up provided.
    ///
    /// # Panics
    ///
    /// When it did not. The server does not start then if the macro saw this call.
    pub fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.run.runtime.provided.expect()
    }
}

/// What a handler dispatches and starts runs in its own scope.
pub(crate) const fn assert_same_scope<S: State, T: State>() {
    assert!(
        S::SCOPE.is_with(T::SCOPE),
        "a handler dispatches and starts what works on states of its own scope; to another scope \
         it sends by that scope's door, as in `cx.keyed::<Room>(key).dispatch(…)`"
    );
}

/// Two states that one update may change.
pub(crate) const fn assert_together<S: State, T: State>() {
    assert!(
        S::SCOPE.is_with(T::SCOPE),
        "one update changes states of one scope: these two are shared by different people"
    );
    assert!(
        !crate::core::scope::is_same(S::NAME, T::NAME),
        "the two states of an update are different ones"
    );
}

async fn start<E: TaskDef>(
    scope: &Arc<Scope>,
    runtime: &Arc<Runtime>,
    visitor: Visitor,
    task: Call<E>,
) -> Result<u64, NotStarted> {
    let queued = runtime.queued(task, visitor, None);
    match queued.map(|queued| queued.prepared) {
        Ok(Prepared::Task(task)) => scope.start_task(task, visitor).await,
        Ok(_) => unreachable!("`TaskDef` is implemented by `#[background]` alone"),
        Err(_) => Err(NotStarted::Arguments),
    }
}

// === impl EventRun ===

impl EventRun {
    pub(crate) fn new(
        scope: Arc<Scope>,
        runtime: Arc<Runtime>,
        visitor: Visitor,
        origin: Option<Origin>,
    ) -> Self {
        EventRun {
            scope,
            runtime,
            visitor,
            origin,
            dispatched: Mutex::new(Ok(Vec::new())),
        }
    }

    pub(crate) fn take_dispatched(&self) -> Result<Vec<Queued>, NotDispatched> {
        let mut dispatched = self
            .dispatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *dispatched, Ok(Vec::new()))
    }
}

// === impl TaskRun ===

impl TaskRun {
    pub(crate) fn new(
        id: u64,
        name: &'static str,
        key: String,
        visitor: Visitor,
        scope: Arc<Scope>,
        runtime: Arc<Runtime>,
    ) -> Self {
        TaskRun {
            id,
            name,
            key,
            visitor,
            scope,
            runtime,
            is_cancelled: AtomicBool::new(false),
            cancelled: CancellationToken::new(),
            progress: Mutex::default(),
        }
    }

    pub(crate) fn may_go_on(&self) -> bool {
        !self.is_cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn record_cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn wake_cancelled(&self) {
        self.cancelled.cancel();
    }

    pub(crate) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    pub(crate) fn take_progress(&self) -> Option<(u64, u64)> {
        let mut pending = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        pending.is_owed = false;
        pending.progress.take()
    }

    /// Whether the caller has to see to it that pending progress is shown.
    pub(crate) fn owes_progress(&self) -> bool {
        let mut pending = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut pending.is_owed, true)
    }
}

impl<S> fmt::Debug for EventContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for TaskContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").finish_non_exhaustive()
    }
}
