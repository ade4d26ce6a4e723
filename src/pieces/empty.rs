//! What stands where nothing is: words, or, while it is not known, the outline of what may come.

use leptos::prelude::*;

/// Where the first card will be, of its size. It says that there is none only once that is known.
#[component]
pub fn Empty(
    /// The class that gives it its size.
    class: &'static str,
    /// The state has come.
    loaded: Signal<bool>,
    /// There is nothing.
    #[prop(into)]
    is_empty: Signal<bool>,
    /// What makes the first.
    words: &'static str,
) -> impl IntoView {
    let shown = Memo::new(move |_| (loaded.get(), is_empty.get()));
    move || match shown.get() {
        (false, _) => Some(
            view! {
                <div class=format!("empty coming {class}") aria-hidden="true">
                    <span></span>
                    <span></span>
                    <span></span>
                </div>
            }
            .into_any(),
        ),
        (true, true) => Some(view! { <p class=format!("empty {class}")>{words}</p> }.into_any()),
        (true, false) => None,
    }
}
