//! 500 streams that are cut at once and come back, and how long a server takes to start.

use super::{
    Plan,
    side::{Peer, Side, details, row},
};
use crate::{
    Fallible,
    clients::{Client, Floor, Page, Reflex, Undercurrent},
    process::Kind,
    report::{Goal, Report},
};
use std::time::Instant;

const STREAMS: usize = 500;

/// From the moment all come back until each knows what it missed.
pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<Undercurrent>::open(Kind::Undercurrent, Page::Clicks, STREAMS).await?;
    let mut floor = Side::<Floor>::peer(Kind::Floor, Page::Clicks, STREAMS).await;
    let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Clicks, STREAMS).await;
    for _ in 0..plan.slow_turns {
        cut(&mut ours).await?;
        if let Ok(floor) = &mut floor {
            cut(floor).await?;
        }
        if let Ok(side) = &mut reflex
            && let Err(error) = cut(side).await
        {
            reflex = Err(format!("Reflex 0.10.1 did not come back: {error}"));
        }
    }
    let what = "500 streams cut at once, until all are back";
    report.rows.extend([
        row(what, "ms", &ours, &reflex, Goal::None, Kind::Reflex),
        row(what, "ms", &ours, &floor, Goal::None, Kind::Floor),
    ]);
    details(report, what, &ours, &[&reflex]);
    report
        .details
        .extend(floor.ok().map(|side| side.detail(what, String::new())));
    Ok(())
}

async fn cut<C: Client>(side: &mut Side<C>) -> Fallible {
    side.all(async |mut client: C| {
        client.cut().await?;
        Ok(client)
    })
    .await?;
    side.all(async |mut client: C| {
        client.click_unseen().await?;
        Ok(client)
    })
    .await?;
    let took = side
        .measure(STREAMS as u64, async |side| {
            side.all(async |mut client: C| {
                client.come_back().await?;
                Ok(client)
            })
            .await
        })
        .await?;
    side.samples.push(took.as_secs_f64() * 1e3);
    Ok(())
}

/// From the start of the process to the first answer.
pub async fn start_up(plan: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<()>::start(Kind::Undercurrent).await?;
    let mut floor = Side::<()>::start(Kind::Floor).await?;
    let mut reflex: Peer<()> = Side::start(Kind::Reflex)
        .await
        .map_err(|error| error.to_string());
    for _ in 0..plan.slow_turns {
        started(&mut ours).await?;
        started(&mut floor).await?;
        if let Ok(reflex) = &mut reflex {
            started(reflex).await?;
        }
    }
    let what = "from the start to the first answer";
    let floor = Ok(floor);
    report.rows.extend([
        row(what, "ms", &ours, &reflex, Goal::None, Kind::Reflex),
        row(what, "ms", &ours, &floor, Goal::None, Kind::Floor),
    ]);
    Ok(())
}

async fn started(side: &mut Side<()>) -> Fallible {
    let begun = Instant::now();
    let server = side.kind.start().await?;
    debug_assert!(server.started_in <= begun.elapsed());
    side.samples.push(server.started_in.as_secs_f64() * 1e3);
    server.stop().await;
    Ok(())
}
