//! A button whose clicks are timed.

use super::Clicks;
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The button, as a form.
#[component]
pub fn Timed(
    /// The page's clicks.
    clicks: Clicks,
    /// What it sends.
    #[prop(into)]
    event: AnyCall,
    /// What becomes of that.
    of: EventHandle,
    /// What stands on it.
    children: Children,
) -> impl IntoView {
    view! {
        <EventForm event>
            <button class:waits=move || clicks.waits(of) on:click=move |_| clicks.made()>{children()}</button>
        </EventForm>
    }
    .into_any()
}
