//! What the disk costs: the same clicks with the states in memory alone, and kept in a file.

use super::{
    Plan,
    click::{burst, clicks, one_by_one},
    side::{Side, row},
};
use crate::{
    Fallible,
    clients::{Page, Undercurrent},
    process::{Folder, Kind},
    report::{Goal, Report, Row},
    stats::Samples,
};
use std::{fs::File, os::unix::fs::FileExt, time::Instant};

/// Clients of the throughput.
const CLIENTS: usize = 50;

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    throughput(plan, report).await?;
    latency(plan, report).await
}

async fn throughput(plan: &Plan, report: &mut Report) -> Fallible {
    let mut memory = side(Kind::Undercurrent, CLIENTS).await?;
    let mut relaxed = side(Kind::Relaxed, CLIENTS).await?;
    let mut commit = side(Kind::Commit, CLIENTS).await?;
    for _ in 0..plan.turns {
        for side in [&mut memory, &mut relaxed, &mut commit] {
            burst(side, 2).await?;
        }
    }
    let what = format!("events a second, {CLIENTS} clients × 50, disk");
    let memory = Ok(memory);
    for (side, name, goal) in [
        (&relaxed, "relaxed", Goal::AtLeast(0.8)),
        (&commit, "commit", Goal::None),
    ] {
        let what = format!("{what} ({name})");
        report.details.push(side.detail(&what, String::new()));
        report.rows.push(Row {
            against: "memory".to_owned(),
            ..row(&what, "1/s", side, &memory, goal, Kind::Undercurrent)
        });
    }
    Ok(())
}

async fn latency(plan: &Plan, report: &mut Report) -> Fallible {
    let mut memory = side(Kind::Undercurrent, 1).await?;
    let mut relaxed = side(Kind::Relaxed, 1).await?;
    let mut commit = side(Kind::Commit, 1).await?;
    let folder = Folder::new("disk")?;
    let file = File::create(folder.0.join("flushed"))?;
    let mut flushes = Vec::new();
    let clicks = plan.clicks / plan.turns;
    for _ in 0..plan.turns {
        for side in [&mut memory, &mut relaxed, &mut commit] {
            one_by_one(side, clicks).await?;
        }
        for _ in 0..clicks {
            flushes.push(flush(&file)?);
        }
    }
    let flush = Samples::new(flushes)
        .figure()
        .ok_or("nothing was flushed")?;
    let what = "click → update, one client, disk";
    let memory = Ok(memory);
    report.rows.push(Row {
        against: "memory".to_owned(),
        ..row(
            &format!("{what} (relaxed)"),
            "ms",
            &relaxed,
            &memory,
            Goal::AtMost(1.3),
            Kind::Undercurrent,
        )
    });
    // What memory takes and two flushes: what a click with `commit` may take.
    let mut allowed = memory.ok().and_then(|memory| memory.figure());
    if let Some(allowed) = &mut allowed {
        allowed.median += 2.0 * flush.median;
        allowed.low += 2.0 * flush.low;
        allowed.high += 2.0 * flush.high;
    }
    report.rows.push(Row {
        what: format!("{what} (commit)"),
        against: "memory + 2 flushes".to_owned(),
        unit: "ms",
        ours: commit.figure(),
        theirs: allowed,
        goal: Goal::AtMost(1.0),
        remark: format!(
            "a flush of 4 KiB in place takes {:.2} ms here, by itself",
            flush.median
        ),
    });
    Ok(())
}

async fn side(kind: Kind, clients: usize) -> Fallible<Side<Undercurrent>> {
    let mut side = Side::open(kind, Page::Clicks, clients).await?;
    clicks(&mut side).await?;
    Ok(side)
}

/// How long one flush takes, in milliseconds: a page of the file written over, as a store does.
fn flush(file: &File) -> Fallible<f64> {
    let start = Instant::now();
    file.write_all_at(&[7; 4_096], 0)?;
    file.sync_data()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
