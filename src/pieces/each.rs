//! Rows that are told apart by a number.

use leptos::prelude::*;

/// A row for each number, as leptos' `<For>` makes them. What the rows are is forgotten, so that its
/// code is loaded once and not for each list.
#[component]
pub fn Each<I, V>(
    /// The numbers in order, each once.
    of: impl Fn() -> I + Send + Sync + 'static,
    /// Makes the row of a number.
    children: impl Fn(u64) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    I: IntoIterator<Item = u64>,
    V: IntoView + 'static,
{
    let numbers = move || of().into_iter().collect();
    let row = move |number| children(number).into_any();
    rows(Box::new(numbers), Callback::new(row))
}

fn rows(numbers: Box<dyn Fn() -> Vec<u64> + Send + Sync>, row: Callback<u64, AnyView>) -> AnyView {
    view! { <For each=move || numbers() key=|number| *number children=move |number| row.run(number)/> }
        .into_any()
}
