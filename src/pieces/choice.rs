//! Buttons of which one is chosen.

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
    /// One was clicked and waits.
    #[prop(optional, into)]
    waits: Option<Callback<T, bool>>,
    /// One is clicked.
    #[prop(optional, into)]
    clicked: Option<Callback<()>>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
    E: EventDef,
{
    let button = move |option: T| {
        view! {
            <EventForm event=event(option)>
                <button
                    aria-label=spoken.map(|spoken| spoken(option))
                    aria-pressed=move || (chosen.get() == option).to_string()
                    class:waits=move || waits.is_some_and(|waits| waits.run(option))
                    on:click=move |_| clicked.iter().for_each(|clicked| clicked.run(()))
                >
                    {label(option)}
                </button>
            </EventForm>
        }
    };
    view! {
        <div class="choice" role="group" aria-label=name>
            {options.iter().copied().map(button).collect_view()}
        </div>
    }
    .into_any()
}
