//! A log: many lines, of which those are in the page that are seen.

use leptos::prelude::*;

/// The frame of a `WindowedList`, twelve lines high: what is said where there is no line, and a way
/// to the end.
#[component]
pub fn Log(
    /// The list is at its end, and follows it.
    at_end: RwSignal<bool>,
    /// The lines have come.
    loaded: Signal<bool>,
    /// There is none.
    #[prop(into)]
    is_empty: Signal<bool>,
    /// What is said then.
    empty: &'static str,
    /// The list.
    children: Children,
) -> impl IntoView {
    let is_known_empty = Memo::new(move |_| loaded.get() && is_empty.get());
    view! {
        <div class="log-box">
            {children()}
            {move || is_known_empty.get().then(|| view! { <p class="log-empty">{empty}</p> })}
            <button class="log-end needs-script" hidden=at_end on:click=move |_| at_end.set(true)>
                "To the end"
            </button>
        </div>
    }
    .into_any()
}
