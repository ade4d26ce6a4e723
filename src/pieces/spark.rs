//! A line of marks, one a measurement: how high, and whether it went well.

use leptos::prelude::*;
use std::fmt::Write;

/// The last measurements, newest at the right. One that failed is a cross at the top: told by its
/// shape, not by its colour alone.
#[component]
pub fn Spark(
    /// What it is about, for who listens instead of looking.
    name: String,
    /// So many have room.
    slots: usize,
    /// Milliseconds, and whether it went well. Oldest first.
    #[prop(into)]
    values: Signal<Vec<(u32, bool)>>,
) -> impl IntoView {
    let values = Memo::new(move |_| values.get());
    let most = move || values.with(|all| all.iter().filter(|one| one.1).map(|one| one.0).max());
    let x_of = move |index, len: usize| (slots - len + index) as f64 * STEP + STEP / 2.0;
    let well = move || {
        let top = f64::from(most().unwrap_or(0).max(1));
        values.with(|all| {
            let mut path = String::new();
            for (index, (ms, _)) in all.iter().enumerate().filter(|(_, one)| one.1) {
                let height = (f64::from(*ms) / top * HEIGHT).max(1.0);
                let x = x_of(index, all.len());
                let _ = write!(path, "M{x} {BASE}v-{height:.1}");
            }
            path
        })
    };
    let failed = move || {
        values.with(|all| {
            let mut path = String::new();
            for (index, _) in all.iter().enumerate().filter(|(_, one)| !one.1) {
                let x = x_of(index, all.len());
                let _ = write!(path, "M{} 2l4 4m0-4l-4 4", x - 2.0);
            }
            path
        })
    };
    let words = move || match (most(), values.with(Vec::len)) {
        (None, 0) => format!("{name}: no call yet"),
        (None, calls) => format!("{name}: the last {calls} calls failed"),
        (Some(most), calls) => format!("{name}: the last {calls} calls took {most} ms at most"),
    };
    view! {
        <figure class="spark">
            <svg
                viewBox=format!("0 0 {} {}", slots as f64 * STEP, BASE + 1.0)
                preserveAspectRatio="none"
                role="img"
                aria-label=words
            >
                <path class="spark-base" d=format!("M0 {BASE}h{}", slots as f64 * STEP)></path>
                <path class="spark-well" d=well></path>
                <path class="spark-failed" d=failed></path>
            </svg>
            <figcaption aria-hidden="true">
                {move || most().map(|most| format!("{most} ms at most"))}
            </figcaption>
        </figure>
    }
    .into_any()
}

/// The width of a measurement, the height of the longest, where they stand.
const STEP: f64 = 5.0;
const HEIGHT: f64 = 40.0;
const BASE: f64 = 42.0;
