//! Where a run is: a chip with a word and a shape, a bar, a count.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// One line for a run of so many steps.
#[component]
pub fn RunLine(
    /// Whose run, for who listens instead of looking.
    name: &'static str,
    /// Where it is; `None` before the first.
    #[prop(into)]
    status: Signal<Option<TaskStatus>>,
    /// It will stop at the next chance.
    #[prop(into)]
    stopping: Signal<bool>,
    /// Steps done.
    #[prop(into)]
    done: Signal<u64>,
    /// Steps in all.
    of: u64,
) -> impl IntoView {
    let chip = move || match status.get() {
        None => ("none", "Not run yet"),
        Some(status) if stopping.get() && !status.is_end() => ("stopping", "Stopping"),
        Some(TaskStatus::Running) => ("running", "Running"),
        Some(TaskStatus::Queued) => ("queued", "Waiting"),
        Some(TaskStatus::Paused) => ("paused", "Paused"),
        Some(TaskStatus::Done) => ("done", "Done"),
        Some(TaskStatus::Cancelled) => ("stopped", "Stopped"),
        Some(TaskStatus::Interrupted) => ("failed", "Interrupted"),
        Some(TaskStatus::TimedOut) => ("failed", "Timed out"),
        Some(TaskStatus::Failed | TaskStatus::Panicked) => ("failed", "Failed"),
    };
    // Spoken when the status changes and at each fifth step: not for every card.
    let spoken = Memo::new(move |_| (chip().1, done.get() / 5 * 5));
    view! {
        <p class="run">
            <span class="status" data-status=move || chip().0>
                {move || chip().1}
            </span>
            <progress class="bar" aria-label=format!("{name}: progress") max=of value=done></progress>
            <span class="progress-text">{move || format!("{} of {of}", done.get())}</span>
        </p>
        <p class="spoken" aria-live="polite">
            {move || {
                let (word, steps) = spoken.get();
                (steps > 0).then(|| format!("{name}: {word}, {steps} of {of}"))
            }}
        </p>
    }
}
