//! One number on a line: a thumb that is drawn along it.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Follows a state by its input. Without JavaScript a button sends the number.
#[component]
pub fn Slider<E: EventDef>(
    /// The one argument of the event that is set. It is the input's id, too.
    typed: &'static [&'static str; 1],
    /// What stands before the line.
    label: &'static str,
    /// The greatest number; the least is 1.
    max: u32,
    /// What the line shows, and what is told of it.
    input: InputHandle,
    /// What the button sends.
    event: Call<E>,
) -> impl IntoView {
    let [name] = *typed;
    view! {
        <EventForm event typed>
            <div class="slider">
                <label for=name>{label}</label>
                <input type="range" id=name name=name min="1" max={max} {..input.bind()}/>
                <b aria-hidden="true">{move || input.value().get()}</b>
            </div>
            <button class="without-script">"Set"</button>
        </EventForm>
    }
    .into_any()
}
