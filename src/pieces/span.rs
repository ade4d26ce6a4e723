//! A range on a line: two thumbs, and the part between them.

use leptos::prelude::*;

/// Sets a range between −limit and limit. It shows what the server has, but while a thumb is
/// held it shows the hand; what is set is told when the thumb is let go.
#[component]
pub fn Span(
    /// How far the line goes on both sides.
    limit: i32,
    /// The least number, as the server has it.
    #[prop(into)]
    low: Signal<i32>,
    /// The greatest.
    #[prop(into)]
    high: Signal<i32>,
    /// Told when a thumb is let go.
    set: impl Fn(i32, i32) + Copy + Send + 'static,
    /// What was set has not been answered.
    #[prop(into)]
    waits: Signal<bool>,
) -> impl IntoView {
    // Where the thumbs are while they are held, or wait for the answer.
    let held = RwSignal::new(None::<(i32, i32)>);
    let shown = move || held.get().unwrap_or_else(|| (low.get(), high.get()));
    Effect::new(move |before: Option<(i32, i32)>| {
        let now = (low.get(), high.get());
        if before.is_some_and(|before| before != now) {
            held.set(None);
        }
        now
    });
    let hold = move |low: i32, high: i32| held.set(Some((low, high)));
    // A thumb takes the other one along.
    let with_low = move |value: i32| (value, untrack(shown).1.max(value));
    let with_high = move |value: i32| (untrack(shown).0.min(value), value);
    let let_go = move |(low, high): (i32, i32)| {
        hold(low, high);
        set(low, high);
    };
    let number = |value: i32| value.to_string().replace('-', "−");
    view! {
        <div class="span" class:waits=waits>
            <output class="span-end">{move || number(shown().0)}</output>
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
                <input
                    type="range"
                    aria-label="The least number"
                    min=-limit
                    max=limit
                    prop:value=move || shown().0.to_string()
                    value=low.get_untracked().to_string()
                    on:input:target=move |event| {
                        let (low, high) = with_low(event.target().value().parse().unwrap_or(0));
                        hold(low, high);
                    }
                    on:change:target=move |event| let_go(with_low(event.target().value().parse().unwrap_or(0)))
                />
                <input
                    type="range"
                    aria-label="The greatest number"
                    min=-limit
                    max=limit
                    prop:value=move || shown().1.to_string()
                    value=high.get_untracked().to_string()
                    on:input:target=move |event| {
                        let (low, high) = with_high(event.target().value().parse().unwrap_or(0));
                        hold(low, high);
                    }
                    on:change:target=move |event| let_go(with_high(event.target().value().parse().unwrap_or(0)))
                />
            </div>
            <output class="span-end">{move || number(shown().1)}</output>
        </div>
    }
    .into_any()
}
