//! The server's meters: a chart for each, over five minutes.

use super::{state::*, tasks::sample};
use crate::pieces::{Chart, TaskButtons, TaskChip};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// All meters. They belong to the server: who pauses one pauses it for all.
#[component]
pub fn Meters() -> impl IntoView {
    Meter::ALL
        .map(|meter| view! { <MeterCard meter/> })
        .collect_view()
}

#[component]
fn MeterCard(meter: Meter) -> impl IntoView {
    let vitals = use_state::<Vitals>();
    let (name, unit, least, digits) = meter.face();
    let samples = match meter {
        Meter::Cpu => vitals.cpu(),
        Meter::Memory => vitals.memory(),
        Meter::Streams => vitals.streams(),
        Meter::Tasks => vitals.tasks(),
        Meter::Queue => vitals.queue(),
    };
    let task = use_task(sample).key(meter);
    let number = move |sample: &Sample| format!("{:.digits$}{unit}", sample.1);
    let now = move || samples.with(|all| all.last().map(number));
    let points = move || samples.with(Vitals::points);
    view! {
        <article class="panel meter" aria-label=name data-meter=meter.to_string()>
            <header>
                <h2>{name}</h2>
                <b class="meter-now">{move || now().unwrap_or_else(|| "–".to_owned())}</b>
            </header>
            <Chart name unit least span=SAMPLES as u32 points=Signal::derive(points)/>
            <footer>
                <TaskChip task/>
                <TaskButtons task name=name.to_lowercase() start=sample(meter)/>
            </footer>
            <p class="fault" role="alert">{move || task.error()}</p>
        </article>
    }
    .into_any()
}
