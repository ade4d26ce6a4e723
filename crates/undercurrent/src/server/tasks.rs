//! Background tasks: start, cancel, end. What they are is state (`UcTasks`), so that a page that
//! was away learns it.

use super::{
    Runtime,
    context::TaskRun,
    forget_panic,
    queue::End,
    registry::{HandlerError, Outcome, Overlap, PreparedTask},
    scope::{Scope, Writing},
};
use crate::{EndKind, Progress, TaskRecord, TaskStatus, Visitor, builtin::UcTasks};
use futures::FutureExt;
use std::{
    any::Any,
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The tasks that run in a scope, by id.
#[derive(Default)]
pub(crate) struct Tasks(BTreeMap<u64, Arc<TaskRun>>);

/// Why a task was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// One of this name and key runs, and `overlap` does not allow another.
    Busy,
    /// There is no room for another task, here or in the process.
    Full,
    /// The task that wanted to start it was cancelled.
    Cancelled,
    /// Its arguments can't be written as JSON and read again.
    Arguments,
}

impl Tasks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Scope {
    /// Starts a task beside the queue and returns its id.
    pub(crate) async fn start_task(
        self: &Arc<Self>,
        task: PreparedTask,
        visitor: Visitor,
    ) -> Result<u64, NotStarted> {
        let PreparedTask {
            name,
            key,
            overlap,
            run,
        } = task;
        let Some(mut writing) = self.write().await else {
            return Err(NotStarted::Full);
        };
        let runtime = writing.runtime().clone();
        let limits = &runtime.limits;
        // The table is looked at and changed under the scope's lock, so that of two starts one
        // sees the other.
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let same = tasks
            .0
            .values()
            .filter(|run| run.name == name && run.key == key)
            .count();
        let allowed = match overlap {
            Overlap::Reject => 1,
            Overlap::Parallel(n) => n,
        };
        if same >= allowed {
            return Err(NotStarted::Busy);
        }
        let in_process = runtime.tasks_running.fetch_add(1, Ordering::Relaxed);
        if tasks.0.len() >= limits.tasks || in_process >= limits.tasks_in_process {
            runtime.tasks_running.fetch_sub(1, Ordering::Relaxed);
            return Err(NotStarted::Full);
        }
        let record = writing.add_record(name, &key);
        let context = Arc::new(TaskRun::new(
            record,
            name,
            key,
            visitor,
            self.clone(),
            runtime.clone(),
        ));
        tasks.0.insert(record, context.clone());
        drop(tasks);
        writing.publish();
        let scope = self.clone();
        let handle = context.clone();
        let future = AssertUnwindSafe(async move { run(context).await }).catch_unwind();
        runtime.tracker.clone().spawn(async move {
            let cancelled = async {
                handle.cancelled().await;
                tokio::time::sleep(runtime.cancel_grace()).await;
            };
            let mut future = Box::pin(future);
            let outcome = tokio::select! {
                outcome = &mut future => outcome,
                () = cancelled => Ok(Err(HandlerError::Cancelled)),
            };
            // What the task held may panic where it is dropped. It has ended all the same.
            if catch_unwind(AssertUnwindSafe(move || drop(future))).is_err() {
                tracing::error!(task = name, "a task panicked while it was dropped");
            }
            scope.end_task(&runtime, &handle, outcome).await;
        });
        Ok(record)
    }

    /// Records a cancel of all tasks of a name and a key. From then on no update of theirs lands.
    pub(crate) async fn cancel_tasks(&self, name: &str, key: &str) {
        let Some(mut writing) = self.write().await else {
            return;
        };
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned: Vec<Arc<TaskRun>> = tasks
            .0
            .values()
            .filter(|run| run.name == name && run.key == key)
            .cloned()
            .collect();
        drop(tasks);
        for run in &concerned {
            run.record_cancel();
            writing.change_record(run.id, |record| record.cancelling = true);
        }
        writing.publish();
        concerned.iter().for_each(|run| run.wake_cancelled());
    }

    /// The server goes down: what still runs is cut off.
    pub(crate) fn interrupt_tasks(&self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for run in tasks.0.values() {
            run.record_cancel();
            run.wake_cancelled();
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

    pub(crate) fn is_task_running(&self, name: &str) -> bool {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.0.values().any(|run| run.name == name)
    }

    async fn end_task(
        &self,
        runtime: &Arc<Runtime>,
        run: &TaskRun,
        outcome: Result<Outcome, Box<dyn Any + Send>>,
    ) {
        // What is counted first: nothing of the user's runs before it is right.
        runtime.tasks_running.fetch_sub(1, Ordering::Relaxed);
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .remove(&run.id);
        // However a cancelled run carries the error out, it is a cancelled run.
        let was_cancelled = !run.may_go_on() && matches!(outcome, Ok(Err(_)));
        let (status, error) = if was_cancelled && runtime.is_shutting_down() {
            (TaskStatus::Interrupted, None)
        } else if was_cancelled {
            (TaskStatus::Cancelled, None)
        } else {
            let name = run.name;
            let end = catch_unwind(AssertUnwindSafe(|| End::of(name, outcome)));
            let end = end.unwrap_or_else(|panic| {
                forget_panic(panic);
                End::of_stray_panic(name)
            });
            match end.kind {
                EndKind::Done => (TaskStatus::Done, None),
                EndKind::Panicked => (TaskStatus::Panicked, Some(end.message)),
                _ => (TaskStatus::Failed, Some(end.message)),
            }
        };
        let Some(mut writing) = self.write().await else {
            return;
        };
        writing.write_progress(run);
        writing.change_record(run.id, |record| {
            record.status = status;
            record.error = error;
            record.ended_ms = Some(now_ms());
        });
        writing.publish();
    }
}

impl Writing<'_> {
    fn add_record(&mut self, name: &'static str, key: &str) -> u64 {
        let max_ended = self.runtime().limits.ended_tasks;
        let mut id = 0;
        let added = self.change(|tasks: &mut UcTasks| {
            tasks.last_id += 1;
            id = tasks.last_id;
            let ended: Vec<u64> = tasks
                .runs
                .iter()
                .filter(|run| run.status.is_end())
                .map(|run| run.id)
                .collect();
            let surplus = (ended.len() + 1).saturating_sub(max_ended);
            for old in ended.iter().take(surplus) {
                if let Some(index) = tasks.runs.iter().position(|run| run.id == *old) {
                    tasks.runs.remove(index);
                }
            }
            tasks.runs.push(TaskRecord {
                id,
                name: name.to_owned(),
                key: key.to_owned(),
                started_ms: now_ms(),
                ..TaskRecord::default()
            });
            Ok::<(), Infallible>(())
        });
        debug_assert!(added.is_ok(), "the runtime's own states are plain data");
        id
    }

    fn change_record(&mut self, id: u64, change: impl FnOnce(&mut TaskRecord)) {
        let changed = self.change(|tasks: &mut UcTasks| {
            // From behind: it is one of the last.
            let index = (0..tasks.runs.len())
                .rev()
                .find(|index| tasks.runs[*index].id == id);
            if let Some(index) = index {
                change(&mut tasks.runs[index]);
            }
            Ok::<(), Infallible>(())
        });
        debug_assert!(changed.is_ok(), "the runtime's own states are plain data");
    }

    fn write_progress(&mut self, run: &TaskRun) {
        if let Some((done, of)) = run.take_progress() {
            self.change_record(run.id, |record| record.progress = Progress { done, of });
        }
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

// === impl NotStarted ===

impl NotStarted {
    pub(crate) fn kind(self) -> EndKind {
        match self {
            NotStarted::Busy => EndKind::Busy,
            NotStarted::Full => EndKind::Full,
            NotStarted::Cancelled => EndKind::Failed,
            NotStarted::Arguments => EndKind::Misfit,
        }
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotStarted::Busy => "This task runs already.",
            NotStarted::Cancelled => "The task was cancelled.",
            NotStarted::Arguments => "The arguments can't be written as JSON and read again.",
            NotStarted::Full => "There is no room for another task. Try again when one has ended.",
        })
    }
}

impl std::error::Error for NotStarted {}
