//! The two pages. Their elements are the same.

use super::state::*;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use std::time::Duration;
use undercurrent::prelude::*;

/// Changes come from a task on the server.
#[component]
pub fn PacePage() -> impl IntoView {
    let pace = use_state::<LabPace>();
    let run = use_task(keep_pace);
    view! {
        <Head/>
        <p>
            <button id="start" on:click=keep_pace.on_click()>"Start"</button>
            <button id="stop" on:click=move |_| run.cancel()>"Stop"</button>
            <output id="changes">{move || pace.changes().get()}</output>
        </p>
        <ul id="list">
            <ForList each=pace.rows() let:row><li>{row}</li></ForList>
        </ul>
    }
    .into_any()
}

/// Changes come from a clock in the page.
#[component]
pub fn BarePacePage() -> impl IntoView {
    let rows: Vec<_> = (0..ROWS).map(|_| RwSignal::new(0_u64)).collect();
    let changes = RwSignal::new(0_u64);
    let clock = StoredValue::new(None::<IntervalHandle>);
    let cells = rows.clone();
    let start = move |_| {
        let cells = cells.clone();
        let window = web_sys::window().and_then(|window| window.performance());
        let Some(watch) = window else { return };
        let begun = watch.now();
        let tick = move || {
            let due = ((watch.now() - begun) / 1_000.0 * A_SECOND as f64) as u64;
            while changes.get_untracked() < due {
                let nth = changes.get_untracked() + 1;
                cells[nth as usize % ROWS].update(|cell| *cell += 1);
                changes.set(nth);
            }
        };
        let handle = set_interval_with_handle(tick, Duration::from_millis(2));
        clock.set_value(handle.ok());
    };
    let stop = move |_| {
        if let Some(handle) = clock.get_value() {
            handle.clear();
        }
    };
    view! {
        <Head/>
        <p>
            <button id="start" on:click=start>"Start"</button>
            <button id="stop" on:click=stop>"Stop"</button>
            <output id="changes">{changes}</output>
        </p>
        <ul id="list">
            {rows.into_iter().map(|row| view! { <li>{row}</li> }).collect_view()}
        </ul>
    }
    .into_any()
}

/// What both have above their rows.
#[component]
fn Head() -> impl IntoView {
    view! {
        <Title text="Pace"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Pace"</h1>
        <p class="lead">"A fixture: a thousand rows, of which five hundred a second change."</p>
        <p><label>"Type " <input id="type"/></label></p>
    }
}
