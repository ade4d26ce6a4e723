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

- **Undercurrent**: a small app on the public API (`bench/src/servers/undercurrent.rs`), release build, memory store. Its client is written from [PROTOCOL.md](../PROTOCOL.md); where clicks are timed it looks at a frame for the number that it brings and whether it fits, and prepares its requests, as those of the others do. The limits are the defaults, but for the number of streams of one visitor.
- **The floor**: axum and a leptos server function, by hand (`bench/src/servers/floor.rs`). It bumps a counter in a map and sends it on an SSE channel: no session, no queue, no log, no resume.
- **Reflex 0.10.1** from PyPI, backend only, memory state, one worker (`bench/reflex/`). Its client looks for the numbers it waits for and parses nothing else, and sends events without waiting for answers, as the protocol allows.
- **leptos_ws 0.9.10** (`bench/src/servers/leptos_ws.rs`). Each update is sent before the next one begins; without that several share one patch.

Server and load generator share the machine's processors. Where the load generator uses more of them than the server, its part is what is measured: the last table tells.
";

/// Profiles age: whoever changes the hot path looks again.
const MISSED: &str = "
## What the missed goals cost

Seen with `perf` on two processors, server and generator together (`BENCH_UNDER=\"perf record …\" target/release/bench run clicks`).

- **A click beside the floor.** A third of the server's time is the kernel's, for sockets; the floor pays for those, too. What the floor does not have: the queue, which runs the event, records its change and its end (15 %), and taking an event in (14 %), of which the check of its session's signature is 3 to 4; memory that is asked for is 7 % over all. A binary search in the log for each wake was 3 %; followers are found from the log's end now. What did not help: to tell axum's router that it is complete (`with_state`) before it serves, so that layers are not put around a route at each request. Five runs with it and five without, in turns: 86 and 84 µs of the server for a click, which differ less than two runs of one.
- **A crowd on a disk.** An event is answered once it is kept, so that each client waits for a commit of the file. One thread writes: a third of the processor time, half of which is redb's commit, with 7 % inside `fdatasync`. Nobody waits for it who sends one click: what it changed is shown before it is kept.
- **One click with `commit`** is two commits, one after another: of the event before its answer, and of its update before it is shown. Each writes a handful of pages that lie apart, and waits for more than the single page that a flush is measured with.
- **What a page loads first** is the code of all pages, of their fixtures, and of a parser of Markdown. Before it is optimised a sixth of the code is the runtime's, which each type of items and each state has a copy of; most of the rest are views, of which each has code to hydrate, to hydrate later, to build and to change. Without the types of the views (`always-erase-components`) the wasm became 1,097 KB where it was 1,428. Each page in a file of its own (`--split`, 24 lazy routes) was tried and did not help: the first file was 519 KB, but what pages share came in 421 further ones, of which the first page needs 212 and 984 KB in all, /posts 158 and 749 KB; a browser asks for six at a time. The first page shows a miniature of each page, and a state that a page follows costs about 20 KB, whichever file it is in.
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
    page.push_str(MISSED);
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
