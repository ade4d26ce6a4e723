//! Background tasks, as a page follows them.

use super::{
    event::{EventHandle, Sent},
    replicas::use_state_of,
    scope::scope_of_view,
};
use crate::{
    Call, CancelTask, PauseTask, Progress, ResumeTask, RetryTask, TaskFn, TaskRecord, TaskStatus,
    Which,
    builtin::UcTasks,
    core::scope::ScopeName,
    message::{EventDef, EventFn},
};
use leptos::prelude::*;

/// One task of the visitor: the last run of a name and a key, or one run.
#[derive(Clone, Copy, Debug)]
pub struct TaskHandle {
    which: StoredValue<Which>,
    name: &'static str,
    scope: StoredValue<ScopeName>,
    run: Signal<Option<TaskRecord>>,
    cancel: EventHandle,
}

/// Many runs: of one task, whatever the key, or all of the visitor.
#[derive(Clone, Copy, Debug)]
pub struct TaskList {
    name: Option<&'static str>,
    scope: StoredValue<ScopeName>,
    runs: Signal<Vec<TaskRecord>>,
}

/// Follows a task: the last run of it in its scope, in this tab or another.
///
/// # Panics
///
/// For a task of a keyed state outside of the component that says which one is meant.
///
/// ```
/// # use leptos::prelude::*; use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] pub struct Monitor { pub up: bool }
/// # #[background(key = name)] async fn watch(cx: TaskContext<Monitor>, name: String) { let _ = (cx, name); }
/// # #[component] fn Page() -> impl IntoView {
/// let github = use_task(watch).key("github");
/// view! {
///     <button disabled=move || github.is_running() on:click=move |_| watch("github".into()).start()>"Watch"</button>
///     <button disabled=move || !github.is_running() on:click=move |_| github.pause()>"Pause"</button>
/// }
/// # }
/// ```
pub fn use_task<Arguments, F: TaskFn<Arguments>>(_task: F) -> TaskHandle {
    let name = <F as EventFn<Arguments>>::Event::NAME;
    let which = Which {
        task: name.to_owned(),
        ..Which::default()
    };
    TaskHandle::new(name, which, scope_of_task::<Arguments, F>())
}

/// Follows all runs of a task in its scope that the server still tells of, whatever their keys.
///
/// # Panics
///
/// For a task of a keyed state outside of the component that says which one is meant.
pub fn use_tasks<Arguments, F: TaskFn<Arguments>>(_task: F) -> TaskList {
    let name = <F as EventFn<Arguments>>::Event::NAME;
    TaskList::new(Some(name), scope_of_task::<Arguments, F>())
}

/// Follows all runs of all tasks of the visitor's session: those that have not ended, and the last
/// that have. For a list of what goes on, on every page.
pub fn use_all_tasks() -> TaskList {
    TaskList::new(None, ScopeName::Session)
}

fn scope_of_task<Arguments, F: TaskFn<Arguments>>() -> ScopeName {
    scope_of_view::<<<F as EventFn<Arguments>>::Event as EventDef>::State>()
}

impl TaskHandle {
    fn new(name: &'static str, which: Which, scope: ScopeName) -> Self {
        let tasks = use_state_of::<UcTasks>(&scope);
        let cancel = CancelTask(which.clone());
        let which = StoredValue::new(which);
        let find = move || {
            which
                .try_with_value(|which| {
                    let is_it = |run: &&TaskRecord| match which.run {
                        Some(id) => run.id == id,
                        None => run.name == which.task && run.key == which.key,
                    };
                    let newest_first =
                        |runs: &crate::List<TaskRecord>| runs.iter().rev().find(is_it).cloned();
                    tasks.runs().with(newest_first)
                })
                .flatten()
        };
        TaskHandle {
            which,
            name,
            run: Memo::new(move |_| find()).into(),
            cancel: EventHandle::new(
                CancelTask::NAME,
                Signal::stored(match serde_json::to_string(&cancel) {
                    Ok(arguments) => Sent::With(arguments),
                    Err(_) => Sent::None,
                }),
                scope.clone(),
            ),
            scope: StoredValue::new(scope),
        }
    }

    /// The instance with this key, of a task that has `key = …`.
    pub fn key(self, key: impl ToString) -> Self {
        let which = Which {
            task: self.name.to_owned(),
            key: key.to_string(),
            run: None,
        };
        TaskHandle::new(self.name, which, self.scope())
    }

    /// The run, if there was one.
    pub fn run(self) -> Option<TaskRecord> {
        self.run.get()
    }

    /// Where the run is; `None` if there was none.
    pub fn status(self) -> Option<TaskStatus> {
        self.of_run(|run| run.status)
    }

    /// It has not ended: it runs, waits for its turn or is paused.
    pub fn is_running(self) -> bool {
        self.status().is_some_and(|status| !status.is_end())
    }

    /// It is held until it is resumed.
    pub fn is_paused(self) -> bool {
        self.status() == Some(TaskStatus::Paused)
    }

    /// It waits for its turn, or for its next attempt.
    pub fn is_queued(self) -> bool {
        self.status() == Some(TaskStatus::Queued)
    }

    /// A cancel was asked for, here or in another tab, and the task has not ended yet.
    pub fn is_cancelling(self) -> bool {
        let is_recorded = self.of_run(|run| run.cancelling) == Some(true);
        self.is_running() && (is_recorded || self.cancel.is_pending())
    }

    /// How far the run is, or was.
    pub fn progress(self) -> Progress {
        self.of_run(|run| run.progress).unwrap_or_default()
    }

    /// Which attempt it is, and how many it has: `(1, 4)` for one with three retries that has
    /// begun.
    pub fn attempt(self) -> (u32, u32) {
        self.of_run(|run| (run.attempt, run.attempts))
            .unwrap_or((1, 1))
    }

    /// What the visitor is told, if the last attempt failed.
    pub fn error(self) -> Option<String> {
        self.of_run(|run| run.error.clone()).flatten()
    }

    /// Cancels it. From the moment the server has it no update of the task lands.
    pub fn cancel(self) {
        self.cancel_event().dispatch();
    }

    /// The cancels that this page has sent, as any event: pending, error.
    pub fn cancelling(self) -> EventHandle {
        self.cancel
    }

    /// Holds it. From the moment the server has it no update of the task lands until
    /// [`resume`](Self::resume).
    pub fn pause(self) {
        self.pause_event().dispatch();
    }

    /// Lets it go on.
    pub fn resume(self) {
        self.resume_event().dispatch();
    }

    /// Starts it once more, with the arguments of its last run that has ended.
    pub fn retry(self) {
        self.retry_event().dispatch();
    }

    /// The message that cancels, for a form: `<EventForm event=fetch.cancel_event()>`.
    pub fn cancel_event(self) -> Call<CancelTask> {
        Call::new(CancelTask(self.which())).sent_to(self.scope())
    }

    /// The message that pauses, for a form.
    pub fn pause_event(self) -> Call<PauseTask> {
        Call::new(PauseTask(self.which())).sent_to(self.scope())
    }

    /// The message that resumes, for a form.
    pub fn resume_event(self) -> Call<ResumeTask> {
        Call::new(ResumeTask(self.which())).sent_to(self.scope())
    }

    /// The message that starts it once more, for a form.
    pub fn retry_event(self) -> Call<RetryTask> {
        Call::new(RetryTask(self.which())).sent_to(self.scope())
    }

    fn scope(self) -> ScopeName {
        self.scope.try_get_value().unwrap_or(ScopeName::Session)
    }

    fn which(self) -> Which {
        self.which.try_get_value().unwrap_or_default()
    }

    fn of_run<R>(self, read: impl FnOnce(&TaskRecord) -> R) -> Option<R> {
        self.run.with(|run| run.as_ref().map(read))
    }
}

impl TaskList {
    fn new(name: Option<&'static str>, scope: ScopeName) -> Self {
        let tasks = use_state_of::<UcTasks>(&scope);
        let runs = move || {
            let is_it = |run: &&TaskRecord| name.is_none_or(|name| run.name == name);
            tasks
                .runs()
                .with(|runs| runs.iter().filter(is_it).cloned().collect::<Vec<_>>())
        };
        TaskList {
            name,
            scope: StoredValue::new(scope),
            runs: Memo::new(move |_| runs()).into(),
        }
    }

    /// The runs, oldest first.
    pub fn runs(self) -> Vec<TaskRecord> {
        self.runs.get()
    }

    /// The ids of the runs, oldest first, for a `<For>` whose rows are
    /// [`handle`](Self::handle)s.
    pub fn ids(self) -> Vec<u64> {
        self.runs
            .with(|runs| runs.iter().map(|run| run.id).collect())
    }

    /// How many have not ended.
    pub fn running(self) -> usize {
        let is_running = |run: &&TaskRecord| !run.status.is_end();
        self.runs
            .with(|runs| runs.iter().filter(is_running).count())
    }

    /// One run, to follow, to cancel, to pause.
    pub fn handle(self, id: u64) -> TaskHandle {
        let which = Which {
            run: Some(id),
            ..Which::default()
        };
        let scope = self.scope.try_get_value().unwrap_or(ScopeName::Session);
        TaskHandle::new(self.name.unwrap_or_default(), which, scope)
    }
}
