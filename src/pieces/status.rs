//! Where a run is, as a chip: a word and a shape.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// The chip.
#[component]
pub fn StatusChip(
    /// Where the run is; `None` before the first.
    #[prop(into)]
    status: Signal<Option<TaskStatus>>,
    /// It will stop at the next chance.
    #[prop(into)]
    stopping: Signal<bool>,
) -> impl IntoView {
    let chip = move || status_words(status.get(), stopping.get());
    view! {
        <span class="status" data-status=move || chip().0>
            {move || chip().1}
        </span>
    }
}

/// The chip of a task.
#[component]
pub fn TaskChip(
    task: TaskHandle,
    /// It waits until the visitor has answered.
    #[prop(optional, into)]
    asks: Signal<bool>,
    /// What it brought was cleared: of one that has ended nothing is told.
    #[prop(optional, into)]
    cleared: Signal<bool>,
) -> impl IntoView {
    let status = move || {
        let status = task.status();
        status.filter(|status| !status.is_end() || !cleared.get())
    };
    let chip = move || match status_words(status(), task.is_cancelling()) {
        ("running", _) if asks.get() => ("queued", "Asks you"),
        chip => chip,
    };
    view! {
        <span class="status" data-status=move || chip().0>
            {move || chip().1}
        </span>
    }
}

/// What a stylesheet calls a status, and what a person does.
pub fn status_words(status: Option<TaskStatus>, stopping: bool) -> (&'static str, &'static str) {
    match status {
        None => ("none", "Not run yet"),
        Some(status) if stopping && !status.is_end() => ("stopping", "Stopping"),
        Some(TaskStatus::Running) => ("running", "Running"),
        Some(TaskStatus::Queued) => ("queued", "Waiting"),
        Some(TaskStatus::Paused) => ("paused", "Paused"),
        Some(TaskStatus::Done) => ("done", "Done"),
        Some(TaskStatus::Cancelled) => ("stopped", "Stopped"),
        Some(TaskStatus::TimedOut) => ("failed", "Timed out"),
        Some(TaskStatus::Interrupted) => ("failed", "Interrupted"),
        Some(TaskStatus::Failed | TaskStatus::Panicked) => ("failed", "Failed"),
    }
}
