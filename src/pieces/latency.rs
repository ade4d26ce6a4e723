//! How long clicks took, from the click to its effect on the page, for each of two styles.

use super::Chain;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use undercurrent::prelude::*;

/// The two ways to do a thing that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// By events, each of which queues the next.
    Chained,
    /// By a background task.
    Background,
}

/// The style that runs, if one does: a chain of events, or a task.
pub fn running(chain: impl Into<Signal<Chain>>, task: TaskHandle) -> Memo<Option<Style>> {
    let chain = chain.into();
    Memo::new(move |_| match chain.with(Chain::is_running) {
        true => Some(Style::Chained),
        false => task.is_running().then_some(Style::Background),
    })
}

impl Style {
    /// Its heading.
    pub fn name(self) -> &'static str {
        match self {
            Style::Chained => "Chained events",
            Style::Background => "Background task",
        }
    }
}

/// The clicks of a page. One counts for the style that ran when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clicks {
    /// The style that runs.
    pub running: Memo<Option<Style>>,
    /// While the chained events ran.
    pub chained: Latency,
    /// While the background task ran.
    pub background: Latency,
    /// What a click that has not ended waits for. Nothing that is worth a word if it is neither
    /// the step of a chained run nor the connection.
    pub wait_for: Signal<Option<&'static str>>,
    /// Those that have not ended. They end in their order.
    made: StoredValue<VecDeque<Option<Style>>>,
}

impl Clicks {
    /// None yet.
    pub fn new(running: Memo<Option<Style>>) -> Self {
        let link = use_connection();
        let wait_for = Signal::derive(move || match (link.is_connected(), running.get()) {
            (false, _) => Some("the connection"),
            (true, Some(Style::Chained)) => Some("the running step"),
            (true, _) => None,
        });
        Clicks {
            running,
            wait_for,
            chained: Latency::new(move || running.get() == Some(Style::Chained)),
            background: Latency::new(move || running.get() == Some(Style::Background)),
            made: StoredValue::default(),
        }
    }

    /// Times an event. Whoever sends it says so by [`made`](Self::made).
    pub fn time(self, event: EventHandle) -> EventHandle {
        // Those of an earlier visit to the page end before all that is made now.
        let earlier = vec![None; untrack(|| event.pending())];
        self.made
            .update_value(|made| earlier.into_iter().for_each(|none| made.push_front(none)));
        event.on_end(move |ended| {
            let style = self.made.try_update_value(VecDeque::pop_front).flatten();
            match style.flatten() {
                Some(Style::Chained) => self.chained.add(ended.elapsed_ms),
                Some(Style::Background) => self.background.add(ended.elapsed_ms),
                None => {}
            }
        });
        event
    }

    /// A click on a timed event is made now.
    pub fn made(self) {
        let running = self.running.get_untracked();
        self.made.update_value(|made| made.push_back(running));
    }

    /// How long those of a style took.
    pub fn of(self, style: Style) -> Latency {
        match style {
            Style::Chained => self.chained,
            Style::Background => self.background,
        }
    }

    /// It was clicked and waits, and that is worth a mark.
    pub fn waits(self, event: EventHandle) -> bool {
        event.is_pending() && self.wait_for.get().is_some()
    }

    /// Why a style can't be started; `None` if it can.
    pub fn reason(self, style: Style) -> Signal<Option<&'static str>> {
        Signal::derive(move || match self.running.get() {
            Some(running) if running == style => None,
            Some(Style::Chained) => Some("The chained run is under way. One style at a time."),
            Some(Style::Background) => Some("The background task runs. One style at a time."),
            None => None,
        })
    }
}

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

    /// How long they waited in all, and the worst; the median for machines. None where the run is
    /// told of no more.
    pub fn view(self, is_told: impl Fn() -> bool + Send + Sync + 'static) -> impl IntoView {
        let sorted = Memo::new(move |_| {
            let mut times = match is_told() {
                true => self.times.get(),
                false => Vec::new(),
            };
            times.sort_by(f64::total_cmp);
            times
        });
        let median = move || sorted.with(|times| median(times));
        let worst = move || sorted.with(|times| times.last().copied());
        let sum = move || sorted.with(|times| (!times.is_empty()).then(|| times.iter().sum()));
        let clicks = move || sorted.with(Vec::len);
        let number = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}"));
        view! {
            <p
                class="click-times"
                data-median-ms=move || number(median())
                data-worst-ms=move || number(worst())
                data-sum-ms=move || number(sum())
                data-clicks=clicks
            >
                <span class="reading">"your clicks " <b>{move || clicks()}</b></span>
                <span class="reading">"waited in all " <b>{move || or_dash(sum())}</b></span>
                <span class="reading">"worst click " <b>{move || or_dash(worst())}</b></span>
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

/// A dash where there is none yet.
fn or_dash(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), in_words)
}

/// A time with its unit: `0.2 ms`, `412 ms`, `3.9 s`.
pub fn in_words(ms: f64) -> String {
    match ms {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}
