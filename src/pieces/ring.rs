//! A ring that fills, step by step.

use leptos::prelude::*;

/// So many steps of so many, around a label.
#[component]
pub fn Ring(
    /// What it is about, for who listens instead of looking.
    name: String,
    /// What stands in it.
    label: String,
    /// Steps done.
    #[prop(into)]
    done: Signal<u32>,
    /// Steps in all.
    #[prop(into)]
    of: Signal<u32>,
) -> impl IntoView {
    // The length of the circle is 100 by `pathLength`.
    let filled = move || f64::from(done.get()) * 100.0 / f64::from(of.get().max(1));
    view! {
        <svg
            class="ring"
            viewBox="0 0 40 40"
            role="progressbar"
            aria-label=name
            aria-valuemin="0"
            aria-valuemax=move || of.get()
            aria-valuenow=move || done.get()
        >
            <circle class="ring-track" cx="20" cy="20" r="17" pathLength="100"></circle>
            <circle
                class="ring-filled"
                cx="20"
                cy="20"
                r="17"
                pathLength="100"
                stroke-dasharray=move || format!("{:.1} 100", filled())
            ></circle>
            <text x="20" y="20">{label}</text>
        </svg>
    }
}
