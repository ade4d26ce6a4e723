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
        let median = move || sorted.with(|times| times.get(times.len() / 2).copied());
        let worst = move || sorted.with(|times| times.last().copied());
        let clicks = move || sorted.with(Vec::len);
        let text = move || match (median(), worst()) {
            (Some(median), Some(worst)) => {
                let (n, s) = (clicks(), if clicks() == 1 { "" } else { "s" });
                format!("median {median:.0} ms · worst {worst:.0} ms · {n} click{s}")
            }
            _ => "–".to_owned(),
        };
        let number = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}"));
        view! {
            <p
                class="click-times"
                data-median-ms=move || number(median())
                data-worst-ms=move || number(worst())
                data-clicks=clicks
            >
                <span class="click-times-name">"Clicks answered in "</span>
                {text}
            </p>
        }
    }
}
