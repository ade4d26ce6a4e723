//! The log: ten thousand lines, of which those are in the page that are seen.

use super::{state::*, tasks::tick};
use crate::pieces::{Choice, Log, TaskButtons, TaskChip, fault_of, grouped};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The log with its controls.
#[component]
pub(super) fn LogPart() -> impl IntoView {
    let dashboard = use_state::<Dashboard>();
    let task = use_task(tick);
    let fault = fault_of([use_event(set_pace), use_event(clear_log)], Some(task));
    let lines = Memo::new(move |_| dashboard.log().with(|log| log.len()));
    let (at_end, loaded) = (RwSignal::new(true), use_loaded::<Dashboard>());
    // Lines that are later than this are marked. It is this page's own affair.
    let limit = RwSignal::new("2".to_owned());
    let limit_us = Memo::new(move |_| limit.read().parse().map_or(f64::MAX, |ms: f64| ms * 1e3));
    view! {
        <article class="panel log" aria-label="Log">
            <header>
                <h2>"Log"</h2>
                <p class="log-count">
                    <b>{move || grouped(lines.get())}</b> {move || if lines.get() == 1 { " line" } else { " lines" }}
                </p>
            </header>
            <p class="about">
                {format!("A timer in the server. Each line says how late it rang; the last {} are kept.", grouped(LINES))}
            </p>
            <div class="log-controls">
                <Choice
                    name="Lines a second"
                    options=&PACES
                    chosen=dashboard.pace()
                    label=|pace| format!("{pace}/s")
                    spoken=|pace| format!("{pace} lines a second")
                    event=set_pace
                />
                <EventForm event=clear_log()><button>"Clear"</button></EventForm>
                <label class="field needs-script">
                    "Mark over, ms"
                    <input type="number" min="0" step="0.1" value="2" bind:value=limit/>
                </label>
            </div>
            <Log
                at_end
                loaded
                is_empty=Signal::derive(move || lines.get() == 0)
                empty="No line yet. Start the log, and it tails here."
            >
                <WindowedList each=dashboard.log() label="Lines of the log" rows=12 at_end let:line>
                    <LogLine line limit_us/>
                </WindowedList>
            </Log>
            <footer>
                <TaskChip task/>
                <TaskButtons task name="the log".to_owned() start=tick()/>
            </footer>
            <p class="fault" role="alert">{fault}</p>
        </article>
    }
    .into_any()
}

#[component]
fn LogLine(line: ReadSignal<Tick>, limit_us: Memo<f64>) -> impl IntoView {
    let Tick(at, late) = line.get_untracked();
    let (s, ms) = (at / 1_000, at % 1_000);
    let (hours, minutes, seconds) = (s / 3_600, s / 60 % 60, s % 60);
    let is_marked = move || f64::from(late) > limit_us.get();
    let text = format!(
        "{hours:02}:{minutes:02}:{seconds:02}.{ms:03} {:7.2} ms",
        f64::from(late) / 1e3
    );
    // One element and one text: two hundred rows a second are made, and dropped again.
    view! { <p class="log-line" class:marked=is_marked data-bar="█".repeat(blocks(late))>{text}</p> }
}

/// Four blocks a millisecond, up to forty.
fn blocks(late_us: u32) -> usize {
    (late_us / 250).min(40) as usize
}
