//! How long the clicks of a run took, from the click to its effect on the page.

use leptos::prelude::*;

/// The times of a run's clicks, in milliseconds. They live in the page.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    times: RwSignal<Vec<f64>>,
}

impl Latency {
    /// No times yet. They begin anew when `running` turns true.
    pub fn new(running: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let times = RwSignal::new(Vec::new());
        Effect::new(move |before: Option<bool>| {
            let now = running();
            if now && before == Some(false) {
                times.set(Vec::new());
            }
            now
        });
        Latency { times }
    }

    /// A click took so long.
    pub fn add(self, ms: f64) {
        self.times.update(|times| times.push(ms));
    }

    /// The median and the worst, in words and for machines.
    pub fn view(self) -> impl IntoView {
        let sorted = Memo::new(move |_| {
            let mut times = self.times.get();
            times.sort_by(f64::total_cmp);
            times
        });
        let median = move || sorted.with(|times| median(times));
        let worst = move || sorted.with(|times| times.last().copied());
        let clicks = move || sorted.with(Vec::len);
        let number = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}"));
        view! {
            <p
                class="click-times"
                data-median-ms=move || number(median())
                data-worst-ms=move || number(worst())
                data-clicks=clicks
            >
                <span class="reading">"median click " <b>{move || in_words(median())}</b></span>
                <span class="reading">"worst click " <b>{move || in_words(worst())}</b></span>
                <span class="reading">"clicks timed " <b>{clicks}</b></span>
            </p>
        }
    }
}

/// Of an even number, the middle between the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// With its unit; a dash where there is none yet.
fn in_words(ms: Option<f64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms < 9.95 => format!("{ms:.1} ms"),
        Some(ms) => format!("{ms:.0} ms"),
    }
}
