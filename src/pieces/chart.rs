//! A chart over time, drawn from state.

use leptos::prelude::*;
use std::fmt::Write;

/// A line over the last so many seconds, newest at the right. Where nothing was measured it has a
/// gap.
#[component]
pub fn Chart(
    /// What it is about, for who listens instead of looking.
    name: &'static str,
    /// The unit, with its space.
    unit: &'static str,
    /// The scale goes up to this at least.
    least: f32,
    /// Seconds from the left edge to the right.
    span: u32,
    /// When, in seconds, and how much. Oldest first.
    #[prop(into)]
    points: Signal<Vec<(u32, f32)>>,
) -> impl IntoView {
    let points = Memo::new(move |_| points.get());
    let most = move || points.with(|all| all.iter().map(|one| one.1).fold(0.0, f32::max));
    let top = Memo::new(move |_| round_up(most().max(least)));
    let line = Memo::new(move |_| points.with(|all| line(all, span, top.get())));
    let words = move || match points.with(|all| all.last().copied()) {
        None => format!("{name}: nothing measured yet"),
        Some((_, now)) => format!("{name}: {now}{unit} now, {}{unit} at most", most()),
    };
    view! {
        <figure class="chart">
            <svg viewBox=format!("0 0 {span} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=words>
                <path class="chart-grid" d=format!("M0 0h{span}M0 {}h{span}M0 {HEIGHT}h{span}", HEIGHT / 2.0)></path>
                <path class="chart-area" d=move || line.with(|line| line.area.clone())></path>
                <path class="chart-line" d=move || line.with(|line| line.stroke.clone())></path>
            </svg>
            <figcaption aria-hidden="true">
                <span class="chart-top">{move || format!("{}{unit}", top.get())}</span>
                <span class="chart-from">{format!("{} min ago", span / 60)}</span>
                <span class="chart-to">"now"</span>
            </figcaption>
        </figure>
    }
    .into_any()
}

const HEIGHT: f32 = 60.0;
/// Seconds without a point that break the line.
const GAP: u32 = 3;

/// The paths of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// The line itself.
    pub stroke: String,
    /// What is below it.
    pub area: String,
}

/// Draws points over the last so many seconds.
pub fn line(points: &[(u32, f32)], span: u32, top: f32) -> Line {
    let mut line = Line::default();
    let Some(&(newest, _)) = points.last() else {
        return line;
    };
    let x_of = |at: u32| span.saturating_sub(newest.saturating_sub(at));
    let recent = points
        .iter()
        .filter(|(at, _)| newest.saturating_sub(*at) <= span);
    // Where the stroke under way stands.
    let mut before = None;
    for &(at, value) in recent {
        let (x, y) = (x_of(at), HEIGHT - value / top * HEIGHT);
        let goes_on = before.is_some_and(|before| at.saturating_sub(before) <= GAP);
        if !goes_on {
            close(&mut line.area, before.map(x_of));
            let _ = write!(line.area, "M{x} {HEIGHT}");
        }
        let _ = write!(line.stroke, "{}{x} {y:.1}", if goes_on { 'L' } else { 'M' });
        let _ = write!(line.area, "L{x} {y:.1}");
        before = Some(at);
    }
    close(&mut line.area, before.map(x_of));
    line
}

/// The area goes down to the ground.
fn close(area: &mut String, x: Option<u32>) {
    if let Some(x) = x {
        let _ = write!(area, "L{x} {HEIGHT}Z");
    }
}

/// The next number that reads well: 1, 2 or 5 with zeros.
pub fn round_up(value: f32) -> f32 {
    let power = 10f32.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}

/// With a real minus.
pub fn signed(number: impl ToString) -> String {
    number.to_string().replace('-', "−")
}
