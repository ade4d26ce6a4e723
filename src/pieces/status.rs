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
pub fn TaskChip(task: TaskHandle) -> impl IntoView {
    let status = Signal::derive(move || task.status());
    let stopping = Signal::derive(move || task.is_cancelling());
    view! { <StatusChip status stopping/> }
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
