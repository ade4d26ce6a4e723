//! Background tasks: start, cancel, pause, end. What they are is state (`UcTasks`), so that a page
//! that was away learns it.

mod drive;
mod gone;
mod records;
mod recover;
mod run;

pub(super) use self::recover::Recovered;
pub(crate) use self::run::{Attempt, Checkpointed, TaskRun};

pub(super) use self::drive::{drop_outcome, in_words};
use self::{drive::drive, records::now_ms, run::Control};
use super::{
    queue::Origin,
    registration::{Arguments, Overlap, Prepared, PreparedTask, Verb},
    scope::{Gate, Scope},
    store::{Record, hex},
    writing::InClosure,
};
use crate::{EndKind, TaskRecord, TaskStatus, Visitor, Which, builtin::UcTasks};
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
};

/// The runs of a scope that have not ended, by id.
#[derive(Default)]
pub(crate) struct Tasks {
    all: BTreeMap<u64, Arc<TaskRun>>,
    /// Those whose turn has not come. Nobody drives them yet.
    queued: BTreeSet<u64>,
}

/// Why a task was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// One of this name and key runs, and `overlap` does not allow another.
    Busy,
    /// There is no room for another task, here or in the process.
    Full,
    /// The task that wanted to start it was cancelled, or the server goes down.
    Cancelled,
    /// Its arguments can't be written as JSON and read again.
    Arguments,
    /// There is no ended run to start once more.
    Unknown,
    /// There is no scope of this key: it is empty or too long.
    NoSuch,
    /// The server has started the run that this is about, and the task does not let anyone else
    /// control it.
    NotYours,
    /// Inside the closure of an update no task starts: whoever waited for that there would wait for
    /// itself.
    Nested,
}

impl Tasks {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn of(&self, name: &str, key: &str) -> Vec<Arc<TaskRun>> {
        let is_this = |run: &&Arc<TaskRun>| run.is(name, key);
        self.all.values().filter(is_this).cloned().collect()
    }

    fn named(&self, which: &Which) -> Vec<Arc<TaskRun>> {
        match which.run {
            Some(id) => self.all.get(&id).cloned().into_iter().collect(),
            None => self.of(&which.task, &which.key),
        }
    }

    /// Those that this visitor may control.
    fn concerned(&self, which: &Which, visitor: Visitor) -> Vec<Arc<TaskRun>> {
        let mut runs = self.named(which);
        runs.retain(|run| run.obeys(visitor));
        runs
    }

    /// There are such runs, and none is this visitor's to control.
    fn are_not_of(&self, which: &Which, visitor: Visitor) -> bool {
        let runs = self.named(which);
        !runs.is_empty() && runs.iter().all(|run| !run.obeys(visitor))
    }

    /// The one whose turn it is after the end of another.
    fn next_after(&mut self, ended: &TaskRun) -> Option<Arc<TaskRun>> {
        let is_next = |id: &&u64| {
            let run = self.all.get(id);
            run.is_some_and(|run| run.is(ended.name, &ended.key))
        };
        let id = *self.queued.iter().find(is_next)?;
        self.queued.remove(&id);
        self.all.get(&id).cloned()
    }
}

impl Scope {
    /// Starts a task beside the queue and returns its id. The gate is asked under the lock: of a task
    /// that was cancelled while it waited for that, nothing starts.
    pub(crate) async fn start_task(
        self: &Arc<Self>,
        gate: &impl Gate,
        task: PreparedTask,
        (visitor, origin): (Visitor, Option<Origin>),
        notes: &mut Vec<Record>,
    ) -> Result<u64, NotStarted> {
        if InClosure::is_here() {
            return Err(NotStarted::Nested);
        }
        let writing = self.write_through(gate).await;
        let mut writing = writing.map_err(|_| NotStarted::Cancelled)?;
        let runtime = writing.runtime().clone();
        let limits = &runtime.limits;
        // The table is looked at and changed under the scope's lock, so that of two starts one
        // sees the other.
        let mut tasks = self.lock_tasks();
        // Nobody would tell it to end.
        let is_too_late = runtime.interrupted.is_cancelled();
        if is_too_late || visitor.is_server() && runtime.is_shutting_down() {
            return Err(NotStarted::Cancelled);
        }
        let same = tasks.of(task.name, &task.key);
        let (waits, replaced) = match task.policy.overlap {
            Overlap::Reject if !same.is_empty() => return Err(NotStarted::Busy),
            Overlap::Parallel(n) if same.len() >= n => return Err(NotStarted::Busy),
            // To replace it would be to cancel it.
            Overlap::Replace if same.iter().any(|run| !run.obeys(visitor)) => {
                return Err(NotStarted::Busy);
            }
            Overlap::Reject | Overlap::Parallel(_) => (false, Vec::new()),
            Overlap::Queue => (!same.is_empty(), Vec::new()),
            Overlap::Replace => (false, same),
        };
        // They are kept with its record.
        if task.arguments.len() > limits.state_bytes {
            return Err(NotStarted::Full);
        }
        let in_process = runtime.tasks_running.fetch_add(1, Ordering::Relaxed);
        if tasks.all.len() >= limits.tasks || in_process >= limits.tasks_in_process {
            runtime.tasks_running.fetch_sub(1, Ordering::Relaxed);
            return Err(NotStarted::Full);
        }
        for run in replaced {
            if run.cancel() {
                writing.change_record(run.id, |record| record.cancelling = true);
            } else {
                // Replaced or cancelled before: of those that linger there is one.
                run.is_in_the_way.cancel();
            }
        }
        let id = writing.add_record(&task, (visitor, origin.as_ref()), waits);
        writing.notes.append(notes);
        gate.note(&mut writing);
        if tasks.all.is_empty() {
            writing.notes.push(Record::Busy(true));
        }
        let scope = self.clone();
        let run = Arc::new(TaskRun::new(
            id,
            task,
            (visitor, origin),
            waits,
            scope,
            runtime,
        ));
        tasks.all.insert(id, run.clone());
        if waits {
            tasks.queued.insert(id);
        }
        drop(tasks);
        writing.publish();
        if run.policy.on_disconnect_ms.is_some() && !visitor.is_server() {
            run.runtime
                .tracker
                .clone()
                .spawn(gone::cancel_when_gone(run.clone(), false));
        }
        if !waits {
            run.runtime.tracker.clone().spawn(drive(run));
        }
        Ok(id)
    }

    /// The run that was there already when the server began, where this task would not take its place.
    pub(crate) fn going_on(&self, task: &PreparedTask) -> Option<u64> {
        let same = self.lock_tasks().of(task.name, &task.key);
        let may_stay = task.policy.overlap != Overlap::Replace;
        same.first().filter(|_| may_stay).map(|run| run.id)
    }

    /// Does what is asked of runs.
    pub(crate) async fn control_tasks(
        self: &Arc<Self>,
        verb: Verb,
        which: &Which,
        visitor: Visitor,
        origin: Option<Origin>,
        notes: &mut Vec<Record>,
    ) -> Result<(), NotStarted> {
        if self.lock_tasks().are_not_of(which, visitor) {
            return Err(NotStarted::NotYours);
        }
        match verb {
            Verb::Cancel => self.cancel_tasks(which, visitor).await,
            Verb::Pause => self.pause_tasks(which, visitor).await,
            Verb::Resume => self.resume_tasks(which, visitor).await,
            Verb::Retry => return self.retry_task(which, visitor, origin, notes).await,
        }
        Ok(())
    }

    /// Records a cancel. From then on no update of these runs lands.
    pub(crate) async fn cancel_tasks(&self, which: &Which, visitor: Visitor) {
        let Some(mut writing) = self.write().await else {
            return;
        };
        let mut tasks = self.lock_tasks();
        // What a task dispatches is let in under this lock.
        let queues = self.lock_queues();
        let concerned = tasks.concerned(which, visitor);
        concerned.iter().for_each(|run| _ = run.cancel());
        drop(queues);
        let mut ended = Vec::new();
        for run in concerned {
            // One that nobody drives has no end but this.
            if tasks.queued.remove(&run.id) {
                tasks.all.remove(&run.id);
                run.runtime.tasks_running.fetch_sub(1, Ordering::Relaxed);
                ended.push(run);
            } else {
                writing.change_record(run.id, |record| record.cancelling = true);
            }
        }
        if !ended.is_empty() && tasks.all.is_empty() {
            writing.notes.push(Record::Busy(false));
        }
        drop(tasks);
        for run in ended {
            // An update each: what one does at its end stands, should the next one's panic.
            writing.commit();
            run.end_in_state(&mut writing, TaskStatus::Cancelled, None);
        }
        writing.publish();
    }

    /// Holds the runs that have begun. Until they are resumed no update of theirs lands.
    async fn pause_tasks(&self, which: &Which, visitor: Visitor) {
        let Some(mut writing) = self.write().await else {
            return;
        };
        let tasks = self.lock_tasks();
        // It would hold up the shutdown, and nobody could resume it. Asked under the lock that
        // `interrupt_endless` takes: whoever comes second sees what the first has done.
        if writing.runtime().is_shutting_down() {
            return;
        }
        for run in tasks.concerned(which, visitor) {
            // What a task dispatches is let in under this lock.
            let queues = self.lock_queues();
            let is_asked = !tasks.queued.contains(&run.id) && run.ask(Control::Pause);
            drop(queues);
            if is_asked {
                writing.change_record(run.id, |record| record.status = TaskStatus::Paused);
            }
        }
        drop(tasks);
        writing.publish();
    }

    async fn resume_tasks(&self, which: &Which, visitor: Visitor) {
        let Some(mut writing) = self.write().await else {
            return;
        };
        let tasks = self.lock_tasks();
        for run in tasks.concerned(which, visitor) {
            if run.is_paused() && run.ask(Control::Go) {
                writing.change_record(run.id, |record| record.status = run.status());
            }
        }
        drop(tasks);
        writing.publish();
    }

    /// Starts the last of the runs that has ended once more, with its arguments.
    async fn retry_task(
        self: &Arc<Self>,
        which: &Which,
        visitor: Visitor,
        origin: Option<Origin>,
        notes: &mut Vec<Record>,
    ) -> Result<(), NotStarted> {
        let find = |tasks: &UcTasks| {
            let is_it = |record: &&TaskRecord| match which.run {
                Some(id) => record.id == id,
                None => record.name == which.task && record.key == which.key,
            };
            let mut ended = tasks.runs.iter().rev().filter(|run| run.status.is_end());
            let record = ended.find(is_it)?;
            let mut kept = tasks.arguments.iter();
            let kept = kept.find(|arguments| arguments.run == record.id)?;
            let by_server = hex::read(&kept.visitor)
                .unwrap_or(Visitor::SERVER)
                .is_server();
            Some((record.name.clone(), kept.json.clone(), by_server))
        };
        let found = self.read(|| true, find).await.ok().flatten();
        let (name, arguments, by_server) = found.ok_or(NotStarted::Unknown)?;
        let runtime = self.runtime.upgrade().ok_or(NotStarted::Full)?;
        let handler = runtime.registry.handler(&name);
        match handler.map(|handler| handler.prepare(Arguments::Json(&arguments))) {
            Some(Ok(Prepared::Task(task)))
                if by_server && !visitor.is_server() && !task.policy.anyone_controls =>
            {
                Err(NotStarted::NotYours)
            }
            Some(Ok(Prepared::Task(task))) => {
                let started = self.start_task(&|| true, task, (visitor, origin), notes);
                started.await.map(drop)
            }
            _ => Err(NotStarted::Unknown),
        }
    }

    /// The server goes down: what still runs is cut off.
    pub(crate) fn interrupt_tasks(&self) {
        for run in self.lock_tasks().all.values() {
            run.ask(Control::Cancel);
        }
    }

    /// The server goes down: a run that is held would hold that up, and so would one that runs for
    /// as long as the server does.
    pub(crate) fn interrupt_endless(&self) {
        for run in self.lock_tasks().all.values() {
            if run.is_paused() || run.visitor.is_server() {
                run.ask(Control::Cancel);
            }
        }
    }

    /// Shows how far a task is, as soon as nobody holds the state.
    pub(crate) fn show_progress(self: &Arc<Self>, run: &Arc<TaskRun>) {
        if let Some(mut writing) = self.try_write() {
            writing.write_progress(run);
            writing.publish();
        } else if run.owes_progress() {
            let (scope, run) = (self.clone(), run.clone());
            run.runtime.tracker.clone().spawn(async move {
                if let Some(mut writing) = scope.write().await {
                    writing.write_progress(&run);
                    writing.publish();
                }
            });
        }
    }

    /// An attempt failed, and the run waits for the next.
    async fn show_retry(&self, run: &TaskRun, attempt: u32, error: String) {
        if let Some(mut writing) = self.write().await {
            run.set_waits(true);
            writing.write_progress(run);
            writing.change_record(run.id, |record| {
                record.status = run.status();
                record.attempt = attempt;
                record.error = Some(error);
            });
            writing.publish();
        }
    }

    /// The next attempt begins, and begins anew.
    async fn show_attempt(&self, run: &TaskRun) {
        if let Some(mut writing) = self.write().await {
            run.set_waits(false);
            run.take_progress();
            writing.change_record(run.id, |record| {
                record.status = run.status();
                record.progress.done = 0;
            });
            writing.publish();
        }
    }

    pub(crate) fn is_task_running(&self, name: &str) -> bool {
        let tasks = self.lock_tasks();
        tasks.all.values().any(|run| run.name == name)
    }

    /// Records the end of a run. The next of its queue, if there is one, begins.
    async fn end_task(&self, run: &TaskRun, status: TaskStatus, error: Option<String>) {
        let Some(mut writing) = self.write().await else {
            return;
        };
        let runtime = &run.runtime;
        runtime.tasks_running.fetch_sub(1, Ordering::Relaxed);
        let mut tasks = self.lock_tasks();
        tasks.all.remove(&run.id);
        let next = tasks.next_after(run);
        if tasks.all.is_empty() {
            writing.notes.push(Record::Busy(false));
        }
        drop(tasks);
        run.end_in_state(&mut writing, status, error);
        if let Some(next) = &next {
            next.set_waits(false);
            writing.change_record(next.id, |record| {
                record.status = TaskStatus::Running;
                record.started_ms = now_ms();
            });
        }
        writing.publish();
        if let Some(next) = next {
            runtime.tracker.spawn(begin_or_end(next));
        }
    }

    fn lock_tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of a queued run has come, be it to run or, in a shutdown, to end. Boxed, since the end
/// of one leads to the next.
fn begin_or_end(run: Arc<TaskRun>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match run.runtime.is_shutting_down() {
            true if run.goes_on_later() => {}
            true => {
                run.scope
                    .end_task(&run, TaskStatus::Interrupted, None)
                    .await
            }
            false => drive(run).await,
        }
    })
}

impl TaskRun {
    /// Where a run is that has not ended.
    fn status(&self) -> TaskStatus {
        match (self.control(), self.waits()) {
            (Control::Pause, _) => TaskStatus::Paused,
            (_, true) => TaskStatus::Queued,
            (_, false) => TaskStatus::Running,
        }
    }
}

// === impl NotStarted ===

impl NotStarted {
    pub(crate) fn kind(self) -> EndKind {
        match self {
            NotStarted::Busy => EndKind::Busy,
            NotStarted::Full => EndKind::Full,
            NotStarted::Cancelled | NotStarted::Unknown | NotStarted::Nested => EndKind::Failed,
            NotStarted::Arguments => EndKind::Misfit,
            NotStarted::NoSuch | NotStarted::NotYours => EndKind::Barred,
        }
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotStarted::Busy => "This task runs already.",
            NotStarted::Cancelled => "The task was cancelled.",
            NotStarted::Unknown => "There is no run that could be started once more.",
            NotStarted::Arguments => "The arguments can't be written as JSON and read again.",
            NotStarted::NoSuch => "There is no scope of this key.",
            NotStarted::NotYours => "The server has started this task, and alone controls it.",
            NotStarted::Nested => "Nothing starts inside the closure of an update.",
            NotStarted::Full => "There is no room for another task. Try again when one has ended.",
        })
    }
}

impl std::error::Error for NotStarted {}
