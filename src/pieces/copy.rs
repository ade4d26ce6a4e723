//! A button that copies a text.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The button. A browser lets pages copy only where they came by https, or from this machine:
/// elsewhere it says what to do instead.
#[component]
pub fn Copy(
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let copy = Action::new_unsync(move |text: &String| {
        let text = text.clone();
        async move {
            if !window().is_secure_context() {
                return false;
            }
            let copied = window().navigator().clipboard().write_text(&text);
            JsFuture::from(copied).await.is_ok()
        }
    });
    let word = move || match copy.value().get() {
        None => "Copy",
        Some(true) => "Copied",
        Some(false) => "Select it to copy",
    };
    view! {
        <button type="button" class="copy needs-script" on:click=move |_| drop(copy.dispatch(text.get_untracked()))>
            {move || word()}
        </button>
    }
}
