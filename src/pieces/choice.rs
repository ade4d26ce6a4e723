//! Buttons of which one is chosen.

use super::Clicks;
use leptos::prelude::*;
use undercurrent::prelude::*;

/// A row of them. Each is a form.
#[component]
pub fn Choice<T, E>(
    /// What is chosen, for who listens instead of looking.
    name: &'static str,
    /// What there is to choose from.
    options: &'static [T],
    /// The one that is chosen.
    #[prop(into)]
    chosen: Signal<T>,
    /// What stands on a button.
    label: fn(T) -> String,
    /// What is read out in its place.
    #[prop(optional)]
    spoken: Option<fn(T) -> String>,
    /// Chooses one.
    event: impl Fn(T) -> Call<E> + 'static,
    /// Times them: the page's clicks, and what becomes of what is sent.
    #[prop(optional)]
    timed: Option<(Clicks, EventHandle)>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
    E: EventDef,
{
    let button = move |option: T| {
        let event = event(option);
        let timed = timed.map(|(clicks, all)| (clicks, all.of(event.clone())));
        let is_chosen = Signal::derive(move || chosen.get() == option);
        let spoken = spoken.map(|spoken| spoken(option));
        button(event.into(), label(option), spoken, is_chosen, timed)
    };
    view! {
        <div class="choice" role="group" aria-label=name>
            {options.iter().copied().map(button).collect_view()}
        </div>
    }
    .into_any()
}

/// One of them, whatever it chooses from.
fn button(
    event: AnyCall,
    label: String,
    spoken: Option<String>,
    is_chosen: Signal<bool>,
    timed: Option<(Clicks, EventHandle)>,
) -> impl IntoView {
    view! {
        <EventForm event>
            <button
                aria-label=spoken
                aria-pressed=move || is_chosen.get().to_string()
                class:waits=move || timed.is_some_and(|(clicks, of)| clicks.waits(of))
                on:click=move |_| timed.iter().for_each(|(clicks, _)| clicks.made())
            >
                {label}
            </button>
        </EventForm>
    }
}
