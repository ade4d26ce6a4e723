//! A strip of latencies: what each beat of the metronome took, one after the other.

use super::{Beats, Style, in_words, metronome::SHOWN};
use leptos::prelude::*;

/// What feels instant takes no longer, in milliseconds.
const INSTANT: u32 = 100;
/// The height of the drawing, and the width of a beat, in units of its own.
const HEIGHT: f64 = 100.0;
const BEAT: f64 = 10.0;

/// The least scale that holds so many milliseconds. Strips side by side share one.
pub fn scale(worst_ms: u32) -> u32 {
    let scales = [500, 750, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000];
    scales
        .into_iter()
        .find(|scale| worst_ms <= *scale)
        .unwrap_or(worst_ms)
}

/// The strip, and the same in words.
#[component]
pub fn Strip(
    /// What ran meanwhile.
    style: Style,
    /// What was measured.
    #[prop(into)]
    beats: Signal<Beats>,
    /// Milliseconds from the bottom to the top.
    #[prop(into)]
    scale: Signal<u32>,
) -> impl IntoView {
    let name = match style {
        Style::Chained => "chained",
        Style::Background => "background",
    };
    let drawn = Memo::new(move |_| beats.with(|beats| Drawn::of(&beats.last, scale.get())));
    let mark = move || format!("{}%", 100 - INSTANT * 100 / scale.get());
    // Its words stay inside of the drawing.
    let mark_words = move || format!("{}%", (100 - INSTANT * 100 / scale.get()).min(74));
    let top = move || match scale.get() {
        ms if ms < 1_000 => format!("{ms} ms"),
        ms => format!("{} s", ms / 1_000),
    };
    let words = move || beats.with(in_sentence);
    view! {
        <figure
            class=format!("strip {name}")
            data-events=move || beats.with(|beats| beats.count)
            data-worst-ms=move || beats.with(|beats| f64::from(beats.worst) / 10.0)
            data-sum-ms=move || beats.with(|beats| beats.sum as f64 / 10.0)
        >
            <svg class="strip-plot" aria-hidden="true">
                <svg
                    viewBox=format!("0 0 {} {HEIGHT}", BEAT * SHOWN as f64)
                    width="100%"
                    height="100%"
                    preserveAspectRatio="none"
                >
                    <path class="strip-area" d=move || drawn.with(|drawn| drawn.area.clone())></path>
                    <path class="strip-line" d=move || drawn.with(|drawn| drawn.line.clone())></path>
                </svg>
                <line class="strip-mark" x1="0" x2="100%" y1=mark y2=mark></line>
            </svg>
            <svg class="strip-scale" aria-hidden="true">
                <text x="0" y="11">{move || top()}</text>
                <text x="0" y=mark_words dy="2">"100 ms"</text>
                <text x="0" y=mark_words dy="13">"feels instant"</text>
            </svg>
            <figcaption>{move || words()}</figcaption>
        </figure>
    }
}

/// The paths of a strip.
#[derive(Clone, Debug, Default, PartialEq)]
struct Drawn {
    line: String,
    area: String,
}

impl Drawn {
    fn of(tenths: &[u32], scale: u32) -> Self {
        let point = |(at, tenths): (usize, &u32)| {
            let x = (at as f64 + 0.5) * BEAT;
            // A line at the very edge would be cut in half.
            let y = HEIGHT - f64::from(*tenths) / 10.0 / f64::from(scale.max(1)) * HEIGHT;
            format!("{x:.0} {:.1}", y.clamp(2.0, HEIGHT - 1.5))
        };
        let points: Vec<String> = tenths.iter().enumerate().map(point).collect();
        if points.is_empty() {
            return Drawn::default();
        }
        let (first, last) = (0.5 * BEAT, (tenths.len() as f64 - 0.5) * BEAT);
        // A line from a point to itself is a point, where a point alone is none.
        let through = [&points[..1], &points[..]].concat().join("L");
        Drawn {
            area: format!("M{first:.0} {HEIGHT}L{through}L{last:.0} {HEIGHT}Z"),
            line: format!("M{through}"),
        }
    }
}

fn in_sentence(beats: &Beats) -> String {
    let ms = |tenths: f64| in_words(tenths / 10.0);
    let (sum, worst) = (ms(beats.sum as f64), ms(beats.worst.into()));
    match beats.count {
        0 => "Five events a second are timed here while it runs.".to_owned(),
        1 => format!("1 event waited {worst}."),
        count => format!("{count} events waited {sum} in all, the longest {worst}."),
    }
}
