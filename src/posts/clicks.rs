//! How long clicks took during a run, from the click to its effect on the page.

use super::state::count;
use leptos::prelude::*;
use std::collections::VecDeque;
use undercurrent::prelude::*;

/// The two ways to fetch ten posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// By chained events.
    Chained,
    /// By a background task.
    Background,
}

/// The times of each style's clicks. They live in the page and begin anew with each run.
#[derive(Clone, Copy)]
pub struct ClickTimes {
    running: Signal<Option<Style>>,
    /// The style that ran at each click that has not ended, oldest first: ends come in order.
    sent: StoredValue<VecDeque<Option<Style>>>,
    chained: RwSignal<Vec<f64>>,
    background: RwSignal<Vec<f64>>,
}

impl ClickTimes {
    /// Begins to follow; a click counts for the style that is running.
    pub fn follow(running: Signal<Option<Style>>) -> Self {
        let (chained, background) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
        let times = ClickTimes {
            running,
            sent: StoredValue::default(),
            chained,
            background,
        };
        use_event(count).on_end(move |ended| {
            let style = times
                .sent
                .try_update_value(|sent| sent.pop_front())
                .flatten();
            if let Some(style) = style.flatten() {
                times.of(style).update(|all| all.push(ended.elapsed_ms));
            }
        });
        Effect::new(move |before: Option<Option<Style>>| {
            let now = running.get();
            if let Some(style) = now.filter(|_| before.is_some_and(|before| before != now)) {
                times.of(style).set(Vec::new());
            }
            now
        });
        times
    }

    /// The counter was clicked.
    pub fn clicked(self) {
        let style = self.running.get_untracked();
        self.sent.update_value(|sent| sent.push_back(style));
    }

    /// The median and the worst of a style's clicks.
    pub fn view(self, style: Style) -> impl IntoView {
        let sorted = move || {
            let mut all = self.of(style).get();
            all.sort_by(f64::total_cmp);
            all
        };
        let median = move || sorted().get(self.of(style).with(Vec::len) / 2).copied();
        let worst = move || sorted().last().copied();
        let clicks = move || self.of(style).with(Vec::len);
        let text = move || match (median(), worst()) {
            (Some(median), Some(worst)) => {
                format!(
                    "median {median:.0} ms · worst {worst:.0} ms · clicks {}",
                    clicks()
                )
            }
            _ => "No clicks during a run yet.".to_owned(),
        };
        let number = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}"));
        view! {
            <p
                class="click-times"
                data-median-ms=move || number(median())
                data-worst-ms=move || number(worst())
                data-clicks=clicks
            >
                {text}
            </p>
        }
    }

    fn of(self, style: Style) -> RwSignal<Vec<f64>> {
        match style {
            Style::Chained => self.chained,
            Style::Background => self.background,
        }
    }
}
