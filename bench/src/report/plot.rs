//! The table as a picture: for each goal, how far it is met or missed.

use super::{Report, Row, number, ratio};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 430.0;
const LINE: f64 = 26.0;
const TOP: f64 = 48.0;
/// The axis is logarithmic and ends here on both sides.
const END: f64 = 32.0;

/// The picture, as SVG. It brings its own colours for light and dark.
pub fn plot(report: &Report) -> String {
    let rows: Vec<(&Row, f64)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row, row.margin()?)))
        .collect();
    let height = TOP + LINE * rows.len() as f64 + 16.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="How far each goal is met or missed" font-family="system-ui, sans-serif" font-size="13">
<style>text {{ fill: #1c2733 }} .axis {{ stroke: #8895a3 }} .met {{ fill: #2b7a78 }} .missed {{ fill: #b4472e }} .paper {{ fill: #fff }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e4e9ee }} .paper {{ fill: #10161c }} .met {{ fill: #4fb3ae }} .missed {{ fill: #e07a5f }} }}</style>
<rect class="paper" width="{WIDTH}" height="{height}"/>
<text x="12" y="22" font-weight="600">How many times better than the goal</text>
"#
    );
    for mark in [1.0 / 16.0, 0.25, 1.0, 4.0, 16.0] {
        let (x, bottom) = (place(mark), height - 12.0);
        let (width, dash) = if mark == 1.0 { (2, "none") } else { (1, "2 4") };
        let label = if mark == 1.0 {
            "goal".to_owned()
        } else {
            ratio(mark)
        };
        svg.push_str(&format!(
            r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}" stroke-width="{width}" stroke-dasharray="{dash}"/><text x="{x:.1}" y="{}" text-anchor="middle" font-size="11">{label}</text>
"#,
            TOP - 6.0
        ));
    }
    for (nth, (row, margin)) in rows.iter().enumerate() {
        svg.push_str(&bar(row, *margin, TOP + LINE * nth as f64));
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(row: &Row, margin: f64, y: f64) -> String {
    let (goal, end) = (place(1.0), place(margin));
    let (x, width) = (goal.min(end), (goal - end).abs().max(1.0));
    let class = if margin >= 1.0 { "met" } else { "missed" };
    let value = row.ratio().map_or_else(
        || row.ours.map_or(String::new(), |ours| number(ours.median)),
        ratio,
    );
    let label = escape(&format!("{} / {}: {value}", row.what, row.against));
    let (text, bar) = (y + 17.0, y + 6.0);
    format!(
        r#"<text x="12" y="{text}" font-size="12">{label}</text><rect class="{class}" x="{x:.1}" y="{bar}" width="{width:.1}" height="14" rx="2"/>
"#
    )
}

fn place(margin: f64) -> f64 {
    let share = (margin.clamp(1.0 / END, END).ln() / END.ln() + 1.0) / 2.0;
    LABELS + share * (WIDTH - LABELS - 16.0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
