//! One run of a task: what its context, its table and its driver share.

use super::super::{
    Runtime,
    queue::Origin,
    registration::{OnEnd, Policy, PreparedTask, RunTask},
    scope::{Gate, Look, Scope},
    writing::Writing,
};
use crate::{TaskEnd, TaskStatus, UpdateError, Visitor};
use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One run of a task.
pub(crate) struct TaskRun {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) key: String,
    pub(crate) scope: Arc<Scope>,
    pub(crate) runtime: Arc<Runtime>,
    /// Who started it. What it dispatches goes into that visitor's queue.
    pub(crate) visitor: Visitor,
    /// The page that started it, if one did.
    pub(crate) origin: Option<Origin>,
    pub(super) policy: Policy,
    /// What an attempt runs. Dropped with the run.
    pub(super) body: RunTask,
    on_end: OnEnd,
    /// Set under the scope's lock, so that no update can come after a cancel or a pause.
    control: watch::Sender<Control>,
    /// Somebody wants it to end, and not the server, which goes down.
    is_unwanted: AtomicBool,
    /// It waits for its turn or for its next attempt. Changed under the scope's lock.
    waits: AtomicBool,
    /// It has ended.
    pub(super) over: CancellationToken,
    /// A newer run needs the room of this one: its future is dropped without more grace.
    pub(super) is_in_the_way: CancellationToken,
    // A std mutex, held to put or to take.
    progress: Mutex<Pending>,
    /// Its last checkpoint, as JSON.
    // A std mutex, held to put or to copy out.
    cursor: Mutex<Option<String>>,
    /// Which attempt it begins with: after a crash the one that it was at.
    pub(super) first_attempt: u32,
}

/// One attempt of a run. Each has its own, so that what is left of an earlier one can't go on.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) run: Arc<TaskRun>,
    /// It has ended or its time is over: nothing of it lands any more.
    pub(super) over: CancellationToken,
}

/// What was asked of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing.
    Go,
    /// To wait. A resume leads back to `Go`.
    Pause,
    /// To end. It stays so.
    Cancel,
}

/// Progress that is not shown yet.
#[derive(Default)]
struct Pending {
    progress: Option<(u64, u64)>,
    is_owed: bool,
}

// === impl TaskRun ===

impl TaskRun {
    pub(super) fn new(
        id: u64,
        task: PreparedTask,
        (visitor, origin): (Visitor, Option<Origin>),
        waits: bool,
        scope: Arc<Scope>,
        runtime: Arc<Runtime>,
    ) -> Self {
        let PreparedTask {
            name,
            key,
            policy,
            body,
            on_end,
            ..
        } = task;
        TaskRun {
            id,
            name,
            key,
            scope,
            runtime,
            visitor,
            origin,
            policy,
            body,
            on_end,
            control: watch::Sender::new(Control::Go),
            is_unwanted: AtomicBool::new(false),
            waits: AtomicBool::new(waits),
            over: CancellationToken::new(),
            is_in_the_way: CancellationToken::new(),
            progress: Mutex::default(),
            cursor: Mutex::default(),
            first_attempt: 1,
        }
    }

    /// Where its next attempt goes on.
    pub(crate) fn cursor(&self) -> Option<String> {
        let cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        cursor.clone()
    }

    pub(super) fn set_cursor(&self, json: Option<String>) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = json;
    }

    pub(super) fn is(&self, name: &str, key: &str) -> bool {
        self.name == name && self.key == key
    }

    pub(super) fn control(&self) -> Control {
        *self.control.borrow()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.control() == Control::Cancel
    }

    pub(super) fn is_paused(&self) -> bool {
        self.control() == Control::Pause
    }

    /// Asks for something. Nothing is asked of a run that was cancelled.
    pub(super) fn ask(&self, wanted: Control) -> bool {
        self.control.send_if_modified(|control| {
            let changes = *control != Control::Cancel && *control != wanted;
            if changes {
                *control = wanted;
            }
            changes
        })
    }

    /// Whether this visitor may control it. What the server has started is the server's, unless the
    /// task says otherwise.
    pub(super) fn obeys(&self, visitor: Visitor) -> bool {
        visitor.is_server() || !self.visitor.is_server() || self.policy.anyone_controls
    }

    /// A cancel that somebody wants, and not the server, which goes down.
    pub(super) fn cancel(&self) -> bool {
        self.is_unwanted.store(true, Ordering::Release);
        self.ask(Control::Cancel)
    }

    pub(super) fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Ordering::Acquire)
    }

    /// Until this is asked for, or a cancel.
    pub(super) async fn until(&self, wanted: Control) {
        let is_so = |control: &Control| *control == wanted || *control == Control::Cancel;
        // The sender is this run's own: it does not go away.
        let _ = self.control.subscribe().wait_for(is_so).await;
    }

    /// Writes its end, and with it what the task does to the state then.
    pub(super) fn end_in_state(
        &self,
        writing: &mut Writing<'_>,
        status: TaskStatus,
        error: Option<String>,
    ) {
        writing.write_progress(self);
        let end = TaskEnd {
            key: self.key.clone(),
            status,
            error: error.clone(),
        };
        {
            let _watched = self.runtime.polls.enter(self.name);
            (self.on_end)(writing, &end);
        }
        self.over.cancel();
        writing.end_record(self.id, status, error);
    }

    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    pub(super) fn set_waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Release);
    }

    /// What is left of an earlier attempt tells nothing of this one: asked under the lock, since the
    /// attempt ends before what it has told is taken for the last time.
    fn set_progress(&self, done: u64, of: u64, may_tell: impl FnOnce() -> bool) -> bool {
        let mut pending = self.lock_progress();
        let may_tell = may_tell();
        if may_tell {
            pending.progress = Some((done, of));
        }
        may_tell
    }

    pub(super) fn take_progress(&self) -> Option<(u64, u64)> {
        let mut pending = self.lock_progress();
        pending.is_owed = false;
        pending.progress.take()
    }

    /// Whether the caller has to see to it that pending progress is shown.
    pub(super) fn owes_progress(&self) -> bool {
        !std::mem::replace(&mut self.lock_progress().is_owed, true)
    }

    fn lock_progress(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Attempt ===

impl Attempt {
    pub(super) fn of(run: Arc<TaskRun>) -> Self {
        Attempt {
            run,
            over: CancellationToken::new(),
        }
    }

    /// For a part of what it does, which can be over before it is.
    pub(crate) fn inner(&self) -> Self {
        Attempt {
            run: self.run.clone(),
            over: self.over.child_token(),
        }
    }

    /// Nothing of it lands any more.
    pub(crate) fn end(&self) {
        self.over.cancel();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.look() == Look::Refuse
    }

    /// Waits while the task is paused.
    pub(crate) async fn go_on(&self) -> Result<(), UpdateError> {
        loop {
            match self.look() {
                Look::Pass => return Ok(()),
                Look::Refuse => return Err(UpdateError::Cancelled),
                Look::Wait => self.wait().await,
            }
        }
    }

    /// So many steps done, of so many.
    pub(crate) fn show_progress(&self, done: impl TryInto<u64>, of: impl TryInto<u64>) {
        let (done, of) = (done.try_into().unwrap_or(0), of.try_into().unwrap_or(0));
        if self.run.set_progress(done, of, || !self.is_over()) {
            self.run.scope.show_progress(&self.run);
        }
    }

    /// Until it is paused, or shall end.
    pub(crate) async fn is_held(&self) {
        tokio::select! {
            () = self.run.until(Control::Pause) => {}
            () = self.over.cancelled() => {}
        }
    }

    /// Until it shall end: a cancel, or its time is over.
    pub(crate) async fn ends(&self) {
        tokio::select! {
            () = self.run.until(Control::Cancel) => {}
            () = self.over.cancelled() => {}
        }
    }
}

/// An update of an attempt that is a checkpoint, if one was asked for.
#[derive(Clone)]
pub(crate) struct Checkpointed {
    pub(crate) attempt: Attempt,
    pub(crate) cursor: Arc<OnceLock<Result<String, String>>>,
}

impl Gate for Checkpointed {
    fn look(&self) -> Look {
        self.attempt.look()
    }

    async fn wait(&self) {
        self.attempt.wait().await;
    }

    fn check(&self) -> Result<(), UpdateError> {
        match self.cursor.get() {
            Some(Err(why)) => Err(UpdateError::NotRecorded(why.clone())),
            _ => Ok(()),
        }
    }

    fn note(&self, writing: &mut Writing<'_>) {
        if let Some(Ok(json)) = self.cursor.get() {
            writing.write_cursor(self.attempt.run.id, Some(json), 0);
        }
    }

    fn passed(&self) {
        if let Some(Ok(json)) = self.cursor.get() {
            self.attempt.run.set_cursor(Some(json.clone()));
        }
    }
}

impl Gate for Attempt {
    fn look(&self) -> Look {
        match self.run.control() {
            Control::Cancel => Look::Refuse,
            _ if self.over.is_cancelled() => Look::Refuse,
            Control::Pause => Look::Wait,
            Control::Go => Look::Pass,
        }
    }

    async fn wait(&self) {
        tokio::select! {
            () = self.run.until(Control::Go) => {}
            () = self.over.cancelled() => {}
        }
    }
}
