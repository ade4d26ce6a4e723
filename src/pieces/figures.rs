//! What `make bench` has measured against Reflex: docs/benchmark.json, as it was when this was
//! compiled.

use super::grouped;
use leptos::prelude::*;
use serde::Deserialize;

/// The file that the benchmark writes. Before the first run it has no rows.
const MEASURED: &str = include_str!("../../docs/benchmark.json");

/// What the file has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Where it was measured.
    pub machine: String,
    /// Where more of it stands.
    pub rows: Vec<Row>,
}

/// One measurement, made side by side.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Of both figures.
    pub unit: String,
    /// The median of this.
    pub ours: f64,
    /// The median of Reflex.
    pub reflex: f64,
    /// More is better, or less is.
    pub more_is_better: bool,
}

/// The file; without rows if it can't be read, which a test looks for.
pub fn measured() -> serde_json::Result<Measured> {
    serde_json::from_str(MEASURED)
}

impl Row {
    /// How many times better this is; below 1 it is worse.
    pub fn times(&self) -> f64 {
        match self.more_is_better {
            true => self.ours / self.reflex,
            false => self.reflex / self.ours,
        }
    }
}

/// A bar for each row, or how to measure.
#[component]
pub fn Figures() -> impl IntoView {
    let Measured { machine, rows } = measured().unwrap_or_default();
    let body = match rows.is_empty() {
        true => view! {
            <p class="figures-empty">
                "Nothing was measured on this machine yet. " <code>"make bench"</code>
                " starts this and Reflex side by side, drives both with one load, and writes the \
                 figures here."
            </p>
        }
        .into_any(),
        false => view! {
            <dl class="figures-rows">{rows.into_iter().map(figure).collect_view()}</dl>
            <p class="hint">{machine}</p>
        }
        .into_any(),
    };
    view! {
        <section class="figures" aria-labelledby="figures">
            <h2 id="figures">"Beside Reflex"</h2>
            <p class="lead">
                "The idea of background tasks is Reflex’s. Both do the same here, on one machine, in \
                 turns; only the ratios count."
            </p>
            {body}
        </section>
    }
    .into_any()
}

fn figure(row: Row) -> impl IntoView {
    let greatest = row.ours.max(row.reflex).max(f64::MIN_POSITIVE);
    let bar = |value: f64| format!("{:.2}%", (value / greatest * 100.0).max(0.5));
    let (times, unit) = (row.times(), row.unit.clone());
    let side = |name: &'static str, value: f64| {
        view! {
            <p class="figures-side">
                <span>{name}</span>
                <svg aria-hidden="true"><rect width=bar(value) height="100%"></rect></svg>
                <b>{format!("{} {unit}", short(value))}</b>
            </p>
        }
    };
    view! {
        <div class="figures-row">
            <dt>{row.what.clone()} <b>{format!("{} ×", short(times))}</b></dt>
            <dd>{side("this", row.ours)} {side("Reflex", row.reflex)}</dd>
        </div>
    }
}

/// Three digits that mean something.
fn short(value: f64) -> String {
    match value {
        value if value >= 99.95 => grouped(value.round() as usize),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
