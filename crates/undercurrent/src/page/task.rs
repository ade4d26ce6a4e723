//! A background task, as a page follows it.

use super::{replicas::use_state_of, scope::scope_of_view};
use crate::{
    Call, CancelTask, Progress, TaskFn, TaskRecord, TaskStatus,
    builtin::UcTasks,
    core::scope::ScopeName,
    message::{EventDef, EventFn},
};
use leptos::prelude::*;

/// One task of the visitor: the last run of a name and a key.
#[derive(Clone, Copy, Debug)]
pub struct TaskHandle {
    name: &'static str,
    key: StoredValue<String>,
    scope: StoredValue<ScopeName>,
    run: Signal<Option<TaskRecord>>,
}

/// Follows a task: the last run of it in its scope, in this tab or another.
///
/// # Panics
///
/// For a task of a keyed state outside of the component that says which one is meant.
pub fn use_task<Arguments, F: TaskFn<Arguments>>(_task: F) -> TaskHandle {
    let scope = scope_of_view::<<<F as EventFn<Arguments>>::Event as EventDef>::State>();
    let name = <F as EventFn<Arguments>>::Event::NAME;
    TaskHandle::new(name, String::new(), scope)
}

impl TaskHandle {
    fn new(name: &'static str, key: String, scope: ScopeName) -> Self {
        let tasks = use_state_of::<UcTasks>(&scope);
        let key = StoredValue::new(key);
        let find = move || {
            tasks.runs().with(|runs| {
                let mut newest_first = runs.iter().rev();
                let of_this = |run: &&TaskRecord| {
                    run.name == name && key.try_with_value(|key| run.key == *key) == Some(true)
                };
                newest_first.find(of_this).cloned()
            })
        };
        TaskHandle {
            name,
            key,
            scope: StoredValue::new(scope),
            run: Memo::new(move |_| find()).into(),
        }
    }

    /// The instance with this key, of a task that has `key = …`.
    pub fn key(self, key: impl ToString) -> Self {
        TaskHandle::new(self.name, key.to_string(), self.scope())
    }

    /// The last run, if there was one.
    pub fn run(self) -> Option<TaskRecord> {
        self.run.get()
    }

    /// Where the last run is; `None` if there was none.
    pub fn status(self) -> Option<TaskStatus> {
        self.run.with(|run| run.as_ref().map(|run| run.status))
    }

    /// It runs.
    pub fn is_running(self) -> bool {
        self.status() == Some(TaskStatus::Running)
    }

    /// A cancel is recorded, and the task has not ended yet.
    pub fn is_cancelling(self) -> bool {
        self.run.with(|run| {
            run.as_ref()
                .is_some_and(|run| run.cancelling && !run.status.is_end())
        })
    }

    /// How far the last run is, or was.
    pub fn progress(self) -> Progress {
        self.run
            .with(|run| run.as_ref().map(|run| run.progress).unwrap_or_default())
    }

    /// What the visitor is told, if the last run failed.
    pub fn error(self) -> Option<String> {
        self.run
            .with(|run| run.as_ref().and_then(|run| run.error.clone()))
    }

    /// Cancels what runs under this name and key.
    pub fn cancel(self) {
        self.cancel_event().dispatch();
    }

    /// The message that cancels, for a form: `<EventForm event=fetch.cancel_event()>`.
    pub fn cancel_event(self) -> Call<CancelTask> {
        let key = self.key.try_get_value().unwrap_or_default();
        let cancel = CancelTask {
            task: self.name.to_owned(),
            key,
        };
        Call::new(cancel).sent_to(self.scope())
    }

    fn scope(self) -> ScopeName {
        self.scope.try_get_value().unwrap_or(ScopeName::Session)
    }
}
