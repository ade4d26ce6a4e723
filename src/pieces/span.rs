//! A range on a line: two thumbs, and the part between them.

use super::{Clicks, signed};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The least and the greatest number.
type Ends = (i32, i32);

/// Sets a range between −limit and limit. It shows what the server has, but while a thumb is
/// held it shows the hand; what is set is sent when the thumb is let go. Without JavaScript a
/// button sends it: the event's arguments are called `low` and `high`.
#[component]
pub fn Span<E: EventDef>(
    /// How far the line goes on both sides.
    limit: i32,
    /// The least number, as the server has it.
    #[prop(into)]
    low: Signal<i32>,
    /// The greatest.
    #[prop(into)]
    high: Signal<i32>,
    /// Sets the range.
    event: fn(i32, i32) -> Call<E>,
    /// The page's clicks.
    clicks: Clicks,
    /// What becomes of what is set.
    of: EventHandle,
) -> impl IntoView {
    // Where the thumbs are while they are held, or wait for the answer.
    let held = RwSignal::new(None::<Ends>);
    let shown = move || held.get().unwrap_or_else(|| (low.get(), high.get()));
    // A hand has one of them: what comes from the server moves it only once it was let go.
    let in_hand = RwSignal::new(false);
    Effect::new(move |_| {
        if !in_hand.get() && !of.is_pending() {
            held.set(None);
        }
    });
    let let_go = move |(low, high): Ends| {
        held.set(Some((low, high)));
        clicks.made();
        event(low, high).dispatch();
        in_hand.set(false);
    };
    // `pick` says where this thumb is; `with` moves it, and takes the other one along.
    let thumb = move |name: &'static str,
                      label: &'static str,
                      pick: fn(Ends) -> i32,
                      with: fn(Ends, i32) -> Ends| {
        let moved = move |value: String| with(untrack(shown), value.parse().unwrap_or(0));
        view! {
            <input
                type="range"
                name=name
                aria-label=label
                min=-limit
                max=limit
                prop:value=move || pick(shown()).to_string()
                value=pick((low.get_untracked(), high.get_untracked())).to_string()
                on:input:target=move |event| {
                    held.set(Some(moved(event.target().value())));
                    in_hand.set(true);
                }
                on:blur=move |_| in_hand.set(false)
                on:change:target=move |event| let_go(moved(event.target().value()))
            />
        }
    };
    let now = event(low.get_untracked(), high.get_untracked());
    let line = view! {
        <div class="span" class:waits=move || clicks.waits(of)>
            <span class="span-end number">{move || signed(shown().0)}</span>
            <div class="span-line">
                <svg class="span-track" viewBox="0 0 200 4" preserveAspectRatio="none" aria-hidden="true">
                    <rect width="200" height="4"></rect>
                    <rect
                        class="span-between"
                        height="4"
                        x=move || shown().0 + limit
                        width=move || shown().1 - shown().0
                    ></rect>
                </svg>
                {thumb("low", "The least number", |ends| ends.0, |ends, to| (to, ends.1.max(to)))}
                {thumb("high", "The greatest number", |ends| ends.1, |ends, to| (ends.0.min(to), to))}
            </div>
            <span class="span-end number">{move || signed(shown().1)}</span>
        </div>
    };
    view! {
        <EventForm event=now typed=&["low", "high"]>
            {line}
            <button class="without-script" on:click=move |_| clicks.made()>"Set"</button>
        </EventForm>
    }
    .into_any()
}
