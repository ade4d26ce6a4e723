//! What has no place of its own on the page: failures that no view shows, and words of handlers.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// The toasts. Each stays until it is dismissed or newer ones push it out: nothing that says what
/// went wrong goes away while it is read.
#[component]
pub fn Toasts() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <ul class="toasts" aria-label="Notices" aria-live="polite">
            <For each=move || toasts.all() key=|toast| toast.id let:toast>
                <li class="toast" class:fails=toast.kind == ToastKind::Failure>
                    <p>{toast.text.clone()}</p>
                    <button aria-label="Dismiss" on:click=move |_| toasts.dismiss(toast.id)>
                        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
                    </button>
                </li>
            </For>
        </ul>
    }
}
