//! What a background task gets.

use super::{assert_same_scope, assert_together, start, which};
use crate::{
    Call, EventDef, EventFn, State, TaskDef, TaskFn, UpdateError, Visitor,
    limits::MAX_CURSOR_BYTES,
    server::{
        Runtime,
        effects::{Asks, Page},
        scope::Scope,
        tasks::{Attempt, Checkpointed, NotStarted},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    any::Any,
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// What a background task gets. It runs beside the queue and touches the state in short updates.
///
/// Whatever of it is awaited, but for `cancel`, is a point where a cancel and a pause take effect: it
/// returns `Err(Cancelled)` then, for `?` to carry out, or waits for the resume. A task whose time
/// is over (`timeout`) meets the same as one that is cancelled.
pub struct TaskContext<S> {
    pub(in crate::server) attempt: Attempt,
    state: PhantomData<fn() -> S>,
}

impl<S: State> TaskContext<S> {
    pub(crate) fn new(attempt: Attempt) -> Self {
        TaskContext {
            attempt,
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
    ) -> Update<impl Future<Output = Result<R, UpdateError>> + Send> {
        let (gate, cursor) = self.checkpointed();
        let future = self.scope().update(gate, closure);
        Update { future, cursor }
    }

    /// Notes where to go on after a crash of the server, or in the next attempt. An update can be
    /// a checkpoint, too, which is one commit then: see [`Update::checkpoint`].
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel, [`UpdateError::NotRecorded`] where the cursor
    /// can't be written as JSON or is longer than 4 KiB.
    pub async fn checkpoint(&self, cursor: impl Serialize + Send) -> Result<(), UpdateError> {
        let json = written(&cursor).map_err(UpdateError::NotRecorded)?;
        let (gate, place) = self.checkpointed();
        let _ = place.set(Ok(json));
        self.scope().update_nothing(gate).await
    }

    /// Where the last checkpoint of this run says to go on. `None` where there was none.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Feed { posts: List<String> }
    ///
    /// #[background(on_crash = resume)]
    /// async fn load(cx: TaskContext<Feed>) -> Result {
    ///     let from = cx.cursor()?.unwrap_or(1);
    ///     for id in from..=10_u32 {
    ///         let post = format!("post {id}"); // from a slow server, say
    ///         cx.update(|feed| feed.posts.push(post)).checkpoint(id + 1).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cursor`] where it is not what is asked for. Carried out by `?`, it ends the
    /// run as interrupted.
    pub fn cursor<C: DeserializeOwned>(&self) -> Result<Option<C>, UpdateError> {
        let Some(json) = self.attempt.run.cursor() else {
            return Ok(None);
        };
        let read = serde_json::from_str(&json);
        read.map(Some)
            .map_err(|error| UpdateError::Cursor(error.to_string()))
    }

    fn checkpointed(&self) -> (Checkpointed, Arc<OnceLock<Result<String, String>>>) {
        let cursor = Arc::new(OnceLock::new());
        let gate = Checkpointed {
            attempt: self.attempt.clone(),
            cursor: cursor.clone(),
        };
        (gate, cursor)
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
        self.scope().update_both(self.attempt.clone(), closure)
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
        self.scope()
            .try_update(self.attempt.clone(), closure)
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
        self.scope().read(self.attempt.clone(), closure)
    }

    /// Waits, until the time is over or the task is cancelled. A pause that begins meanwhile is
    /// waited for as well.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`].
    pub async fn sleep(&self, span: impl Into<Duration>) -> Result<(), UpdateError> {
        tokio::select! {
            biased;
            () = self.attempt.ends() => Err(UpdateError::Cancelled),
            () = tokio::time::sleep(span.into()) => self.go_on().await,
        }
    }

    /// Waits for what this context knows nothing of: a call to another server, the next piece of a
    /// stream. A cancel drops it at once, and with it its connection, say; without this the task
    /// would notice the cancel in its next call on the context. A pause that begins meanwhile is
    /// waited for as well.
    ///
    /// ```
    /// use undercurrent::prelude::*;
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Feed { title: String }
    ///
    /// # async fn fetched() -> Result<String> { Ok(String::new()) }
    /// #[background]
    /// async fn load(cx: TaskContext<Feed>) -> Result {
    ///     let title = cx.wait_for(fetched()).await??;
    ///     cx.update(|feed| feed.title = title).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`].
    pub async fn wait_for<T>(&self, what: impl Future<Output = T>) -> Result<T, UpdateError> {
        tokio::select! {
            biased;
            () = self.attempt.ends() => Err(UpdateError::Cancelled),
            done = what => self.go_on().await.map(|()| done),
        }
    }

    /// Waits until all that its scope was updated by so far is kept: no crash takes it back then. It
    /// is for what is done once and undone never, to remove a file behind the last update that was
    /// made of it, say. At most some 50 ms; at once with `durability = "commit"`, and where the store
    /// keeps nothing.
    ///
    /// ```
    /// use undercurrent::prelude::*;
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Feed { lines: u32 }
    ///
    /// #[background(on_crash = resume)]
    /// async fn load(cx: TaskContext<Feed>, path: String) -> Result {
    ///     let lines = std::fs::read_to_string(&path)?.lines().count() as u32;
    ///     cx.update(|feed| feed.lines = lines).checkpoint(lines).await?;
    ///     cx.kept().await?;
    ///     std::fs::remove_file(path)?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel.
    pub async fn kept(&self) -> Result<(), UpdateError> {
        self.wait_for(self.scope().stored()).await
    }

    /// Shows how far the task is: so many steps done, of so many.
    pub fn progress(&self, done: impl TryInto<u64>, of: impl TryInto<u64>) {
        self.attempt.show_progress(done, of);
    }

    /// Queues an event of the visitor, behind what is queued.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel, [`UpdateError::QueueFull`] when there is no room.
    pub async fn dispatch<E: EventDef>(&self, event: Call<E>) -> Result<(), UpdateError> {
        const { assert_same_scope::<S, E::State>() };
        self.go_on().await?;
        let run = &self.attempt.run;
        let queued = run.runtime.queued(event, run.visitor, None);
        let queued = queued.map_err(UpdateError::NotRecorded)?;
        let scope = &run.scope;
        let dispatched = scope.dispatch_through(&self.attempt, run.visitor, queued);
        dispatched.await
    }

    /// The page that sent the event which started the task: it can be led elsewhere, told
    /// something, given a file.
    pub fn page(&self) -> Page<'_> {
        let run = &self.attempt.run;
        Page::new(
            &run.scope,
            run.visitor,
            run.origin.as_ref(),
            Asks::Task(self.attempt.clone()),
        )
    }

    /// Starts another background task and returns its id.
    ///
    /// # Errors
    ///
    /// [`NotStarted`], as `overlap` and the limits say.
    pub async fn start<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        const { assert_same_scope::<S, E::State>() };
        self.go_on().await.map_err(|_| NotStarted::Cancelled)?;
        let run = &self.attempt.run;
        let by = (run.visitor, run.origin.clone());
        let place = (&run.scope, &run.runtime);
        start(&self.attempt, place, by, task).await
    }

    /// Cancels the tasks of this name and key in the visitor's scope; the key of a task without
    /// one is `""`. From then on no update of theirs lands.
    pub async fn cancel<Arguments, F: TaskFn<Arguments>>(&self, _task: F, key: impl ToString) {
        let scope = self.scope();
        scope
            .cancel_tasks(&which::<_, F>(key), Visitor::SERVER)
            .await;
    }

    /// Whether a task of this name runs in the scope, or waits or is paused, whatever its key.
    /// Tasks start under the scope's lock: asked inside an update, the answer holds until the
    /// update is made.
    pub fn is_running<Arguments, F: TaskFn<Arguments>>(&self, _task: F) -> bool {
        self.scope()
            .is_task_running(<F as EventFn<Arguments>>::Event::NAME)
    }

    /// Who asks: the browser whose event this is, or the server.
    pub fn visitor(&self) -> Visitor {
        self.attempt.run.visitor
    }

    /// The key of the scope: which room this is. Empty for a session and a process-wide scope.
    /// It came from a page.
    pub fn scope_key(&self) -> &str {
        self.attempt.run.scope.slot.name.key()
    }

    /// What start-up provided.
    ///
    /// # Panics
    ///
    /// When it did not. The server does not start then if the macro saw this call.
    pub fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.attempt.run.runtime.provided.expect()
    }

    pub(in crate::server) fn runtime(&self) -> &Arc<Runtime> {
        &self.attempt.run.runtime
    }

    pub(super) fn scope(&self) -> &Arc<Scope> {
        &self.attempt.run.scope
    }

    /// Waits while the task is paused.
    pub(super) async fn go_on(&self) -> Result<(), UpdateError> {
        self.attempt.go_on().await
    }
}

/// An update of a task, to be awaited.
#[must_use = "an update is not made until it is awaited"]
pub struct Update<F> {
    future: F,
    cursor: Arc<OnceLock<Result<String, String>>>,
}

impl<F> Update<F> {
    /// Notes with the update, in one commit, where to go on after a crash of the server or in the
    /// next attempt. A cursor that can't be written as JSON, or is longer than
    /// 4 KiB, makes the update fail
    /// ([`UpdateError::NotRecorded`]).
    pub fn checkpoint(self, cursor: impl Serialize) -> Self {
        let _ = self.cursor.set(written(&cursor));
        self
    }
}

impl<F: Future> IntoFuture for Update<F> {
    type Output = F::Output;
    type IntoFuture = F;

    fn into_future(self) -> F {
        self.future
    }
}

impl<F> fmt::Debug for Update<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").finish_non_exhaustive()
    }
}

fn written(cursor: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_string(cursor).map_err(|error| error.to_string())?;
    match json.len() <= MAX_CURSOR_BYTES {
        true => Ok(json),
        false => Err(format!("a cursor takes at most {MAX_CURSOR_BYTES} bytes")),
    }
}

impl<S> fmt::Debug for TaskContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").finish_non_exhaustive()
    }
}
