//! Where a run is: a chip, a bar, a count.

use super::{
    Seen, Spoken,
    status::{StatusChip, status_words},
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// Where a run is, as far as it is told: what it brought and was cleared is told of no more.
pub fn told(
    status: impl Fn() -> Option<TaskStatus> + Send + Sync + 'static,
    done: impl Fn() -> u32 + Send + Sync + 'static,
    seen: Signal<Seen>,
) -> Signal<Option<TaskStatus>> {
    let is_told =
        move |status: &TaskStatus| !status.is_end() || seen.get().count > 0 || done() == 0;
    Signal::derive(move || status().filter(&is_told))
}

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
    // Not for every step.
    let spoken = Memo::new(move |_| {
        let (_, word) = status_words(status.get(), stopping.get());
        match done.get() / 5 * 5 {
            0 => String::new(),
            steps => format!("{name}: {word}, {steps} of {}", of.get()),
        }
    });
    view! {
        <p class="run">
            <StatusChip status stopping/>
            <progress class="bar" aria-label=format!("{name}: progress") max=of value=done></progress>
            <span class="progress-text">{move || format!("{} of {}", done.get(), of.get())}</span>
        </p>
        <Spoken words=spoken/>
    }
}
