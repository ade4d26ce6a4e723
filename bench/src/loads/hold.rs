//! Memory: of a page that is open, of a session whose pages are closed, of a task that waits.

use super::{
    Plan,
    side::{Peer, Side, row},
};
use crate::{
    Fallible,
    clients::{Client, Floor, Page, Reflex, Undercurrent},
    process::Kind,
    report::{Goal, Report, Row},
    stats::Samples,
};
use std::time::Duration;

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    let ours = held::<Undercurrent>(Kind::Undercurrent, plan.held).await?;
    let floor = peer::<Floor>(Kind::Floor, plan.held).await;
    let reflex = peer::<Reflex>(Kind::Reflex, plan.held_reflex).await;
    let what = "memory of an open page that has clicked once";
    report.rows.extend([
        row(
            what,
            "KiB",
            &ours,
            &reflex,
            Goal::AtMost(1.0 / 6.0),
            Kind::Reflex,
        ),
        row(what, "KiB", &ours, &floor, Goal::AtMost(1.2), Kind::Floor),
    ]);
    let session = left_alone(plan.held, false).await?;
    let with_task = left_alone(plan.held, true).await?;
    let of_task = with_task
        .iter()
        .zip(&session)
        .map(|(with, without)| with - without);
    let of_task = of_task.collect();
    for (what, kibibytes) in [
        ("memory of a session without an open page", session),
        ("memory of a task that waits", of_task),
    ] {
        report.rows.push(Row {
            what: what.to_owned(),
            against: "–".to_owned(),
            unit: "KiB",
            ours: Samples::new(kibibytes).figure(),
            theirs: None,
            goal: Goal::None,
            remark: String::new(),
        });
    }
    Ok(())
}

async fn peer<C: Client>(kind: Kind, pages: usize) -> Peer<C> {
    let held = held(kind, pages).await;
    held.map_err(|error| format!("{} can't be measured: {error}", kind.name()))
}

/// Before the first measurement: what is allocated once is there.
const WARM_UP: usize = 50;

/// The samples are KiB a page.
async fn held<C: Client>(kind: Kind, pages: usize) -> Fallible<Side<C>> {
    let mut side = Side::<C>::start(kind).await?;
    let mut streams = Vec::new();
    open(&mut side, WARM_UP, &mut streams).await?;
    for _ in 0..3 {
        let before = settled(&side).await;
        open(&mut side, pages / 3, &mut streams).await?;
        let grown = settled(&side).await.saturating_sub(before);
        side.samples
            .push(grown as f64 / 1_024.0 / (pages / 3) as f64);
    }
    Ok(side)
}

async fn open<C: Client>(
    side: &mut Side<C>,
    pages: usize,
    streams: &mut Vec<C::Stream>,
) -> Fallible {
    let mut left = pages;
    while left > 0 {
        let many = left.min(WARM_UP);
        side.connect(Page::Clicks, many).await?;
        side.all(async |mut client: C| {
            client.click().await?;
            Ok(client)
        })
        .await?;
        streams.extend(side.clients.drain(..).map(C::into_stream));
        left -= many;
    }
    Ok(())
}

async fn settled<C>(side: &Side<C>) -> u64 {
    // Connections that were closed are noticed, and their memory is given back.
    tokio::time::sleep(Duration::from_millis(300)).await;
    side.server.memory()
}

/// KiB of a session whose page was closed again, of each third of so many.
async fn left_alone(sessions: usize, has_task: bool) -> Fallible<Vec<f64>> {
    let mut side = Side::<Undercurrent>::start(Kind::Undercurrent).await?;
    close(&mut side, WARM_UP, has_task).await?;
    let mut samples = Vec::new();
    for _ in 0..3 {
        let before = settled(&side).await;
        close(&mut side, sessions / 3, has_task).await?;
        let grown = settled(&side).await.saturating_sub(before);
        samples.push(grown as f64 / 1_024.0 / (sessions / 3) as f64);
    }
    Ok(samples)
}

async fn close(side: &mut Side<Undercurrent>, sessions: usize, has_task: bool) -> Fallible {
    for _ in 0..sessions {
        let mut page = Undercurrent::connect(side.server.address, Page::Clicks).await?;
        page.click().await?;
        if has_task {
            page.send("ticks/tick", r#"{"times":1,"pause_ms":3600000}"#)
                .await?;
        }
    }
    Ok(())
}
