//! A table of many rows in a box that scrolls. The rows are the server's: a route gives some of
//! them at a time, and only those around what is seen are in the page.

use super::grouped;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, Response};

/// How high a row is, in rem. The stylesheet has the same.
const ROW: f64 = 2.0;
/// The rows in the page begin with one of so many, and are three times as many.
const PAGE: u64 = 50;
/// Who scrolls fast passes rows that need not be fetched.
const SETTLED: Duration = Duration::from_millis(60);
/// What could not be fetched is asked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// Which rows are wanted: of which table, from where, up to where.
type Wanted = (u32, u64, u64);

/// Rows that were fetched.
#[derive(Clone, Debug, PartialEq)]
struct Fetched {
    wanted: Wanted,
    /// `None` if they could not be.
    rows: Option<Vec<Vec<String>>>,
}

/// The table. `path?from=0&count=150` gives rows as JSON, each a list of texts.
#[component]
pub fn PagedTable(
    path: &'static str,
    /// What it is, for who listens instead of looking.
    label: &'static str,
    columns: &'static [&'static str],
    /// How many rows there are.
    #[prop(into)]
    count: Signal<u64>,
    /// What is said where there is none, once that is known.
    empty: &'static str,
    /// It is known how many there are.
    loaded: Signal<bool>,
    /// Tells one table from another that takes its place.
    #[prop(into)]
    table: Signal<u32>,
) -> impl IntoView {
    // The first row that is seen.
    let top = RwSignal::new(0_u64);
    let wanted = Memo::new(move |_| -> Wanted {
        let from = (top.get() / PAGE).saturating_sub(1) * PAGE;
        (table.get(), from, count.get().min(from + 3 * PAGE))
    });
    let fetch = Action::new_unsync(move |wanted: &Wanted| {
        let wanted = *wanted;
        async move {
            let rows = rows(path, wanted).await;
            Fetched { wanted, rows }
        }
    });
    let fetch_if = move |still: Wanted| {
        if wanted.try_get_untracked() == Some(still) {
            drop(fetch.dispatch(still));
        }
    };
    Effect::new(move |_| {
        let (table, from, to) = wanted.get();
        if from < to {
            set_timeout(move || fetch_if((table, from, to)), SETTLED);
        }
    });
    let has_failed = move || {
        let last = fetch.value();
        let last = last.read();
        last.as_ref().is_some_and(|last| last.rows.is_none())
    };
    Effect::new(move |_| {
        if has_failed() {
            set_timeout(
                move || wanted.try_get_untracked().into_iter().for_each(fetch_if),
                AGAIN,
            );
        }
    });
    // Where the rows in the page begin, and how many they are. Those of before stay until others
    // are here.
    let shown = Memo::new(move |before: Option<&(Wanted, Vec<Vec<String>>)>| {
        let last = fetch.value().get();
        let last = last.and_then(|last| Some((last.wanted, last.rows?)));
        let (table, count) = (table.get(), count.get());
        let fits = |shown: &(Wanted, _)| shown.0.0 == table && shown.0.1 < count;
        last.or(before.cloned()).filter(fits).unwrap_or_default()
    });
    let place = move || shown.with(|((_, from, _), rows)| (*from, rows.len() as u64));
    let above = move || format!("{}rem", place().0 as f64 * ROW);
    let below = move || {
        let (from, len) = place();
        format!("{}rem", count.get().saturating_sub(from + len) as f64 * ROW)
    };
    let keys = move || {
        let ((table, from, _), len) = shown.with(|(wanted, rows)| (*wanted, rows.len() as u64));
        (from..from + len).map(|at| (table, at)).collect::<Vec<_>>()
    };
    let row = move |(_, at): (u32, u64)| {
        let values = shown.with_untracked(|((_, from, _), rows)| {
            let at = usize::try_from(at - from).unwrap_or(usize::MAX);
            rows.get(at).cloned().unwrap_or_default()
        });
        view! {
            <div class="paged-row" role="row" aria-rowindex=at + 2>
                <span role="rowheader" class="paged-number">{grouped(at as usize + 1)}</span>
                {values.into_iter().map(|value| view! { <span role="cell">{value}</span> }).collect_view()}
            </div>
        }
    };
    let scrolled = move |event: Event| {
        let node: Element = event_target(&event);
        let rows = f64::from(node.scroll_top()) / f64::from(node.scroll_height().max(1));
        top.set((rows * (count.get_untracked() + 1) as f64) as u64);
    };
    let is_empty = Memo::new(move |_| loaded.get() && count.get() == 0);
    view! {
        <div class="log-box">
            <div class="paged" role="region" aria-label=label tabindex="0" on:scroll=scrolled>
                <div class="paged-table" role="table" aria-label=label aria-rowcount=move || count.get() + 1>
                    <div class="paged-row paged-head" role="row" aria-rowindex="1">
                        <span role="columnheader" class="paged-number">"Row"</span>
                        {columns.iter().map(|name| view! { <span role="columnheader">{*name}</span> }).collect_view()}
                    </div>
                    <svg class="paged-gap" width="1" height=above aria-hidden="true"></svg>
                    <div role="rowgroup" class="paged-rows"><For each=keys key=|key| *key children=row/></div>
                    <svg class="paged-gap" width="1" height=below aria-hidden="true"></svg>
                </div>
            </div>
            {move || is_empty.get().then(|| view! { <p class="log-empty">{empty}</p> })}
            // Over the rows of before, so that nothing moves.
            <p class="fault paged-fault" role="status">
                {move || has_failed().then_some("Rows could not be fetched. They are asked for again.")}
            </p>
        </div>
    }
    .into_any()
}

async fn rows(path: &str, (_, from, to): Wanted) -> Option<Vec<Vec<String>>> {
    let url = format!("{path}?from={from}&count={}", to - from);
    let response = JsFuture::from(window().fetch_with_str(&url)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    let text = text.as_string().filter(|_| response.ok())?;
    serde_json::from_str(&text).ok()
}
