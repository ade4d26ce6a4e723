//! Where a run is: a chip, a bar, a count.

use super::status::{StatusChip, status_words};
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
    #[prop(into)]
    of: Signal<u64>,
) -> impl IntoView {
    let word = move || status_words(status.get(), stopping.get()).1;
    // Spoken when the status changes and at each fifth step: not for every card.
    let spoken = Memo::new(move |_| (word(), done.get() / 5 * 5));
    view! {
        <p class="run">
            <StatusChip status stopping/>
            <progress class="bar" aria-label=format!("{name}: progress") max=of value=done></progress>
            <span class="progress-text">{move || format!("{} of {}", done.get(), of.get())}</span>
        </p>
        <p class="spoken" aria-live="polite">
            {move || {
                let (word, steps) = spoken.get();
                (steps > 0).then(|| format!("{name}: {word}, {steps} of {}", of.get()))
            }}
        </p>
    }
}
