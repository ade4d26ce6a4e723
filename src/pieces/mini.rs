//! What a page looks like from afar: the parts of the miniatures on the first page.

use leptos::prelude::*;

/// A number and what it counts, by one and by many.
#[component]
pub fn MiniFact(
    /// The number.
    #[prop(into)]
    value: Signal<String>,
    /// What one is called.
    one: &'static str,
    /// What many are called.
    many: &'static str,
) -> impl IntoView {
    let unit = move || match value.with(|value| value == "1") {
        true => one,
        false => many,
    };
    view! { <p class="mini-fact"><b>{value}</b> " " {move || unit()}</p> }
}

/// A name, a bar, a number.
#[component]
pub fn MiniBar(
    /// What it is about.
    name: &'static str,
    /// How far.
    #[prop(into)]
    value: Signal<u32>,
    /// Of how much.
    max: u32,
) -> impl IntoView {
    view! {
        <p class="mini-line">
            <span>{name}</span>
            <progress class="bar" aria-label=format!("{name}: how many") max=max value=value></progress>
            <b>{value}</b>
        </p>
    }
}

/// A few words, or what is said where there are none.
#[component]
pub fn MiniWords(
    /// The words.
    #[prop(into)]
    words: Signal<String>,
    /// Where there are none.
    none: &'static str,
) -> impl IntoView {
    view! {
        <p class="mini-words">{move || match words.get() {
            words if words.is_empty() => none.to_owned(),
            words => words,
        }}</p>
    }
}

/// Bars around zero.
#[component]
pub fn MiniBars(
    /// The values.
    #[prop(into)]
    values: Signal<Vec<i32>>,
    /// So many have room.
    slots: usize,
    /// The highest.
    limit: u32,
) -> impl IntoView {
    let bar = move |(at, value): (usize, i32)| {
        let height = value.unsigned_abs() * 19 / limit + 1;
        let y = if value < 0 { 20 } else { 20 - height };
        view! { <rect x=at * 12 + 1 y=y width="9" height=height></rect> }
    };
    view! {
        <svg class="mini-chart" viewBox=format!("0 0 {} 40", slots * 12) preserveAspectRatio="xMinYMid" aria-hidden="true">
            <path d=format!("M0 20h{}", slots * 12)></path>
            {move || values.get().into_iter().enumerate().map(bar).collect_view()}
        </svg>
    }
}
