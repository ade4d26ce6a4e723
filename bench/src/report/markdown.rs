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

- **Undercurrent**: a small app on the public API (`bench/src/servers/undercurrent.rs`), release build, memory store. Its client is written from [PROTOCOL.md](../PROTOCOL.md). Where clicks and rows are counted it looks for the number that it waits for, and checks that each frame goes on from the one before, as the other clients do or less; else it applies every frame to plain JSON. The limits are the defaults, but for the number of streams of one visitor.
- **The floor**: axum and a leptos server function, by hand (`bench/src/servers/floor.rs`). It bumps a counter in a map and sends it on an SSE channel: no session, no queue, no log, no resume.
- **Reflex 0.10.1** from PyPI, backend only, memory state, one worker (`bench/reflex/`). Its client looks for the numbers it waits for and parses nothing else, and sends events without waiting for answers, as the protocol allows.
- **leptos_ws 0.9.10** (`bench/src/servers/leptos_ws.rs`). Each update is sent before the next one begins; without that several share one patch.

Server and load generator share the machine's processors. Where the load generator uses more of them than the server, its part is what is measured: the last table tells.
";

/// Profiles age: whoever changes the hot path looks again. None of this says what was met: the table
/// does.
const PROFILES: &str = "
## Where a click's time goes, and what was tried

Time moves from run to run; instructions do not. `bench run instructions` counts them with valgrind; the figures here are of a build without link-time optimisation, one client, memory store, the clicks and their ends followed.

- **A click** was 126,600 instructions of the server, and is 62,100; the floor's is 48,400. What went: the proof of the cookie's signature for each request, a quarter (on a processor with instructions for SHA-256, which valgrind's has not, it was less); the task of a queue that had nothing to do but this event, 11,000; two frames by `format!`, 5,400; the layers that axum puts around a handler anew for each request; hyper's timer for each head and one for each body; a look of the stream for what nobody has told it of; a lock that all connections shared, at each poll; the list of ops for the store, where it was the same as the one for pages. With link-time optimisation, as in the table, it was 54,800, and is about 50,400 since: the scope is looked up twice and was four times; the cookie is compared by words, and its letters are not looked at one by one, 670 less; of what is a hash itself half is hashed, and a visitor's queue is found once less, 570; the stream makes room for its entries at once, 630. What is left beside the floor is the record of the change and of its end, the log, and two frames in place of one.
- **On a disk** an event that nothing is before is one commit of the file and was two: of the event before its answer, and of its change. One thread writes. A batch of 50 clients rewrote 90 pages of the file, one or two for each scope that it touched; it goes into a journal now, and into the rows of scopes later, many batches at once, which are 16 pages a batch in all. With that a click with `relaxed` takes 1.1 times what it takes in memory, where it took 2.5, and the crowd came from 0.46 to 0.47 in one run and 0.55 in another. What is left of that is processor time, and not the disk: in a file in memory, where a flush takes nothing, the ratio is the same. A third of it is the writer's, between redb and the calls of the system; the rest is in the workers: in memory a busy server finds the next request there, while clients that wait for a flush sleep and are woken. The writer had woken each of them; one task of the runtime does now, which gave a tenth beside other work, and on a quiet machine no more than runs differ by (0.486 to 0.493 of memory, with `commit` 0.455 to 0.482). With `commit` a click waits for the writer to wake, for its flush, and for the stream to wake. It waited a third longer (0.64 ms, and 0.48 since): the number of the last commit that is kept, beside the file, went into a file that was emptied first, for which the system looks for a block and begins to write it as it is closed.
- **An update that nobody follows** does not let others run before its handler goes on. One that is followed does, so that a page has it before the handler computes: one write of the socket for each. To let four gather, and then to push the stream to another worker, was not tried.
- **What a page loads first** is the code of all pages, of their fixtures, and of a parser of Markdown. Most of it are views, of which each has code to hydrate, to hydrate later, to build and to change. Without the types of the views (`always-erase-components`) the wasm became 1,097 KB where it was 1,428. Then the whole, 1,130 KB, became 1,037: what a page's list does with an op is now done item by item, without the code that joins and splits trees, which each type of items had a copy of; how a list is compared with a snapshot, how a replica is fed, what a form, a button that is off and Break it are made of is compiled once, where it was once for each type of items, state, message, button and page; what is for the server alone a page has no code to read. Rows by number from one piece, and offsets folded into instructions (`--low-memory-unused`), made it 1,018. To sort the functions by how often they are called made it 4 % more: similar ones stand side by side, and gzip sees 32 KB. What is where, counted by following the calls and tables of that build: without the fixtures a tenth less; the first page and the runtime alone would be 56 %, without the miniatures of the other pages 43 %, router, tray and notices alone 33 %. So one split in two would bring the first page to about 600 KB and not to the goal, and the others would load as much as now. It is not done: every command would need `--split`, and a part that can't be loaded ends the page's program. Each page in a file of its own (`--split`, 24 lazy routes) was tried and did not help: the first file was 519 KB, but what pages share came in 421 further ones, of which the first page needs 212 and 984 KB in all, /posts 158 and 749 KB; a browser asks for six at a time. The first page shows a miniature of each page, and a state that a page follows costs about 20 KB, whichever file it is in.

What did not help: to tell axum's router that it is complete (`with_state`), by itself: five runs with it and five without differ less than two of one. A binary search in the log for each wake was 3 % of a click; followers are found from the log's end now. To let a crowd that was answered a moment ago come again before the next batch, for a millisecond at most: as many events a second, or fewer.
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
    page.push_str(PROFILES);
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
