//! The table as a page.

use super::{Detail, Report, Row, Verdict, figure, number, ratio};

const HEAD: &str = "\
# How fast it is

Made by `make bench`, which starts every server here on this machine, drives them all with one load
generator, in turns, and writes this page. Only the ratios of one run count: absolute figures move
from machine to machine. Figures are medians, with the quartiles in brackets.
";

const SIDES: &str = "
## Who is measured

- **Undercurrent**: a small app on the public API (`bench/src/servers/undercurrent.rs`), release build, memory store. Its client is written from [PROTOCOL.md](../PROTOCOL.md) and applies every frame to plain JSON. The limits are the defaults, but for the number of streams of one visitor.
- **The floor**: axum and a leptos server function, by hand (`bench/src/servers/floor.rs`). It bumps a counter in a map and sends it on an SSE channel: no session, no queue, no log, no resume.
- **Reflex 0.10.1** from PyPI, backend only, memory state, one worker (`bench/reflex/`). Its client looks for the numbers it waits for and parses nothing else, and sends events without waiting for answers, as the protocol allows.
- **leptos_ws 0.9.10** (`bench/src/servers/leptos_ws.rs`). Each update is sent before the next one begins; without that several share one patch.

Server and load generator share the machine's processors. Where the load generator uses more of them than the server, its part is what is measured: the last table tells.
";

/// The page.
pub fn markdown(report: &Report) -> String {
    let mut page = format!("{HEAD}\n{}\n", report.machine);
    if report.is_quick {
        page.push_str("\nThis is the quick form: fewer turns, wider spread.\n");
    }
    page.push_str("\n![How far each goal is met or missed](benchmark.svg)\n\n");
    page.push_str(
        "| what | against | ours | theirs | ratio | goal | |\n|---|---|---|---|---|---|---|\n",
    );
    report.rows.iter().for_each(|row| page.push_str(&line(row)));
    page.push_str(SIDES);
    page.push_str("\n## Where the processors were\n\n");
    page.push_str("Processor time for one operation, in microseconds: of the server, and of the load generator.\n\n");
    page.push_str("| what | server | server µs | generator µs | |\n|---|---|---|---|---|\n");
    report
        .details
        .iter()
        .for_each(|detail| page.push_str(&detail_line(detail)));
    page
}

fn line(row: &Row) -> String {
    let verdict = match row.verdict() {
        Verdict::Met => "met",
        Verdict::Missed => "**missed**",
        Verdict::Shown => "",
        Verdict::Open => "open",
    };
    let verdict = [verdict, &row.remark];
    let verdict: Vec<&str> = verdict.into_iter().filter(|one| !one.is_empty()).collect();
    format!(
        "| {}{} | {} | {} | {} | {} | {} | {} |\n",
        row.what,
        if row.unit.is_empty() {
            String::new()
        } else {
            format!(", {}", row.unit)
        },
        row.against,
        figure(row.ours),
        figure(row.theirs),
        row.ratio().map_or("–".to_owned(), ratio),
        row.goal.text(row.unit),
        verdict.join(": "),
    )
}

fn detail_line(detail: &Detail) -> String {
    let Detail {
        what,
        server,
        cpu_us,
        generator_us,
        note,
    } = detail;
    format!(
        "| {what} | {server} | {} | {} | {note} |\n",
        number(*cpu_us),
        number(*generator_us)
    )
}
