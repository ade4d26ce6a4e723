//! A range on a line: two thumbs, and the part between them.

use leptos::prelude::*;

/// The least and the greatest number.
type Ends = (i32, i32);

/// Sets a range between −limit and limit. It shows what the server has, but while a thumb is
/// held it shows the hand; what is set is told when the thumb is let go. Its inputs are called
/// `low` and `high`, for a form around it.
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
    let held = RwSignal::new(None::<Ends>);
    let shown = move || held.get().unwrap_or_else(|| (low.get(), high.get()));
    Effect::new(move |before: Option<(i32, i32)>| {
        let now = (low.get(), high.get());
        if before.is_some_and(|before| before != now) {
            held.set(None);
        }
        now
    });
    let let_go = move |(low, high): Ends| {
        held.set(Some((low, high)));
        set(low, high);
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
                on:input:target=move |event| held.set(Some(moved(event.target().value())))
                on:change:target=move |event| let_go(moved(event.target().value()))
            />
        }
    };
    let number = |value: i32| value.to_string().replace('-', "−");
    view! {
        <div class="span" class:waits=waits>
            <span class="span-end number">{move || number(shown().0)}</span>
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
            <span class="span-end number">{move || number(shown().1)}</span>
        </div>
    }
    .into_any()
}
