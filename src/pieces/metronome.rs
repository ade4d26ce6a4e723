//! A metronome: while a style runs, the page sends five events a second that do nothing but come
//! back, and measures how long each takes. They wait as clicks wait, and nobody has to click.

use super::{Chain, Seen, Strip, Style, running, told};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};
use undercurrent::{EndKind, prelude::*};

/// Between two beats.
const BEAT: Duration = Duration::from_millis(200);
/// So many beats may be under way. While there are more, none is sent: a queue has an end.
const UNDER_WAY: usize = 25;
/// So many beats a strip shows.
pub(super) const SHOWN: usize = 24;

/// What was measured. It outlives the page: it is there again after a reload.
#[derive(State, Clone, Debug, Default)]
pub struct Metronome {
    /// While the chained events ran last.
    pub chained: Beats,
    /// While the background task ran last.
    pub background: Beats,
}

/// The beats of a run. Times are in tenths of a millisecond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beats {
    /// The number of the run.
    pub run: u64,
    /// The last ones, oldest first.
    pub last: Vec<u32>,
    /// How many there were.
    pub count: u32,
    /// How long they took in all.
    pub sum: u64,
    /// The longest.
    pub worst: u32,
}

/// A beat, of a run. It tells what earlier ones have taken. With the first of a run, what was
/// measured in the one before goes.
#[event]
pub fn beat(metronome: &mut Metronome, of: Option<(Style, u64)>, times: Vec<(Style, u32)>) {
    if let Some((style, run)) = of
        && metronome.of(style).run != run
    {
        *metronome.of(style) = Beats {
            run,
            ..Beats::default()
        };
    }
    for (style, tenths) in times {
        metronome.of(style).add(tenths);
    }
}

impl Metronome {
    /// What belongs to a style.
    pub fn of(&mut self, style: Style) -> &mut Beats {
        match style {
            Style::Chained => &mut self.chained,
            Style::Background => &mut self.background,
        }
    }
}

impl Beats {
    /// One more.
    pub fn add(&mut self, tenths: u32) {
        self.last.push(tenths);
        if self.last.len() > SHOWN {
            self.last.remove(0);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(tenths.into());
        self.worst = self.worst.max(tenths);
    }
}

/// The strips of both styles, on one scale.
#[derive(Clone, Copy, Debug)]
pub struct Strips {
    metronome: MetronomeSignals,
    /// Where the run of each style is, as far as it is told.
    told: [Signal<Option<TaskStatus>>; 2],
    /// Milliseconds from the bottom to the top.
    scale: Memo<u32>,
}

/// The page's side of the metronome.
#[derive(Clone, Copy)]
struct Pendulum {
    /// The beats under way, oldest first. They end in their order. `None` belongs to no run.
    under_way: StoredValue<VecDeque<Option<Style>>>,
    /// What no beat has told of.
    measured: StoredValue<Vec<(Style, u32)>>,
}

/// Beats while a style runs: in one of the visitor's pages, however many are open. What is `seen` of
/// each style says whether its last run is told of.
pub fn use_metronome(
    chain: impl Into<Signal<Chain>>,
    task: TaskHandle,
    seen: [Signal<Seen>; 2],
) -> Strips {
    let metronome = use_state::<Metronome>();
    let (beats, link, leads) = (use_event(beat), use_connection(), use_leader("metronome"));
    let chain = chain.into();
    let style = running(chain, task);
    let number = move |style| match style {
        Style::Chained => chain.with(|chain| chain.run.into()),
        Style::Background => task.run().map_or(0, |run| run.id),
    };
    let run = Memo::new(move |_| style.get().map(|style| (style, number(style))));
    let pendulum = Pendulum {
        // Those of an earlier visit to the page belong to no run that it has seen.
        under_way: StoredValue::new(vec![None; untrack(|| beats.pending())].into()),
        measured: StoredValue::default(),
    };
    beats.on_end(move |ended| {
        let tenths = (ended.elapsed_ms * 10.0) as u32;
        pendulum.ended((ended.kind == EndKind::Done).then_some(tenths));
        if run.get_untracked().is_none() {
            pendulum.rest();
        }
    });
    Effect::new(move |before: Option<Option<(Style, u64)>>| {
        // One that was refused is a gap in the strip, and no notice.
        untrack(|| beats.error());
        let (now, leads) = (run.get(), leads.get());
        let Some((style, _)) = now.filter(|_| leads) else {
            pendulum.rest();
            return now;
        };
        if before != Some(now) {
            pendulum.forget(style);
        }
        pendulum.swing(now);
        let tick = move || {
            let has_room = pendulum.under_way.with_value(VecDeque::len) < UNDER_WAY;
            if has_room && untrack(|| link.is_connected()) {
                pendulum.swing(now);
            }
        };
        let timer = set_interval_with_handle(tick, BEAT);
        on_cleanup(move || {
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
        now
    });
    let [chained, background] = seen;
    let told = [
        told(
            move || chain.with(|chain| chain.status),
            move || chain.with(|chain| chain.done),
            chained,
        ),
        told(
            move || task.status(),
            move || task.progress().done as u32,
            background,
        ),
    ];
    let scale = Memo::new(move |_| {
        let worst = [Style::Chained, Style::Background].map(|style| {
            let beats = beats_of(metronome, told, style);
            beats.last.into_iter().max().unwrap_or(0)
        });
        super::strip::scale(worst[0].max(worst[1]) / 10)
    });
    Strips {
        metronome,
        told,
        scale,
    }
}

impl Pendulum {
    /// What was measured in an earlier run of a style, and not told.
    fn forget(self, style: Style) {
        self.measured
            .update_value(|all| all.retain(|(of, _)| *of != style));
    }

    fn swing(self, of: Option<(Style, u64)>) {
        let times = self.measured.try_update_value(std::mem::take);
        let style = of.map(|(style, _)| style);
        self.under_way.update_value(|all| all.push_back(style));
        beat(of, times.unwrap_or_default()).dispatch();
    }

    fn ended(self, tenths: Option<u32>) {
        let style = self.under_way.try_update_value(VecDeque::pop_front);
        if let (Some(style), Some(tenths)) = (style.flatten().flatten(), tenths) {
            self.measured.update_value(|all| all.push((style, tenths)));
        }
    }

    /// No beat of a run follows that could tell of the last ones: once nothing is under way, one of
    /// no run does.
    fn rest(self) {
        let is_still = self.under_way.with_value(VecDeque::is_empty);
        if is_still && !self.measured.with_value(Vec::is_empty) {
            self.swing(None);
        }
    }
}

impl Strips {
    /// Where the run of a style is; nothing if it is told of no more.
    pub fn told(self, style: Style) -> Signal<Option<TaskStatus>> {
        self.told[style as usize]
    }

    /// The strip of a style. Of a run that is told of no more it is empty.
    pub fn view(self, style: Style) -> impl IntoView {
        let beats = Signal::derive(move || beats_of(self.metronome, self.told, style));
        view! { <Strip style beats scale=self.scale/> }
    }
}

/// What is shown of a style.
fn beats_of(
    metronome: MetronomeSignals,
    told: [Signal<Option<TaskStatus>>; 2],
    style: Style,
) -> Beats {
    match style {
        _ if told[style as usize].get().is_none() => Beats::default(),
        Style::Chained => metronome.chained().get(),
        Style::Background => metronome.background().get(),
    }
}
