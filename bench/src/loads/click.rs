//! Clicks: how many a second, and how long one takes.

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

/// Each client sends so many.
const EVENTS: u64 = 50;

/// 50 and 200 clients at once.
pub async fn throughput(plan: &Plan, report: &mut Report) -> Fallible {
    for &clients in plan.crowds {
        let what = format!("events a second, {clients} clients × {EVENTS}");
        let mut ours =
            Side::<Undercurrent>::open(Kind::Undercurrent, Page::Clicks, clients).await?;
        let mut floor = Side::<Floor>::peer(Kind::Floor, Page::Clicks, clients).await;
        let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Clicks, clients).await;
        warm_up(&mut ours, &mut floor, &mut reflex).await?;
        for _ in 0..plan.turns {
            burst(&mut ours, 4).await?;
            if let Ok(floor) = &mut floor {
                burst(floor, 4).await?;
            }
            if let Ok(reflex) = &mut reflex {
                burst(reflex, 1).await?;
            }
        }
        let (against_reflex, against_floor) = match clients {
            50 => (Goal::AtLeast(12.0), Goal::AtLeast(0.75)),
            _ => (Goal::None, Goal::None),
        };
        let unit = "1/s";
        report.rows.extend([
            row(&what, unit, &ours, &reflex, against_reflex, Kind::Reflex),
            row(&what, unit, &ours, &floor, against_floor, Kind::Floor),
        ]);
        details(report, &what, &ours, &[&reflex]);
        report
            .details
            .extend(floor.ok().map(|side| side.detail(&what, String::new())));
    }
    Ok(())
}

/// The median of one client that clicks, sees it, and clicks again.
pub async fn latency(plan: &Plan, report: &mut Report) -> Fallible {
    let mut ours = Side::<Undercurrent>::open(Kind::Undercurrent, Page::Clicks, 1).await?;
    let mut floor = Side::<Floor>::peer(Kind::Floor, Page::Clicks, 1).await;
    let mut reflex = Side::<Reflex>::peer(Kind::Reflex, Page::Clicks, 1).await;
    warm_up(&mut ours, &mut floor, &mut reflex).await?;
    for _ in 0..plan.turns {
        let clicks = plan.clicks / plan.turns;
        one_by_one(&mut ours, clicks).await?;
        if let Ok(floor) = &mut floor {
            one_by_one(floor, clicks).await?;
        }
        if let Ok(reflex) = &mut reflex {
            one_by_one(reflex, clicks).await?;
        }
    }
    let what = "click → update, one client";
    report.rows.extend([
        row(what, "ms", &ours, &reflex, Goal::AtMost(0.25), Kind::Reflex),
        row(what, "ms", &ours, &floor, Goal::AtMost(1.3), Kind::Floor),
    ]);
    details(report, what, &ours, &[&reflex]);
    report
        .details
        .extend(floor.ok().map(|side| side.detail(what, String::new())));
    Ok(())
}

/// What is not measured: the first time of everything.
async fn warm_up(
    ours: &mut Side<Undercurrent>,
    floor: &mut Peer<Floor>,
    reflex: &mut Peer<Reflex>,
) -> Fallible {
    clicks(ours).await?;
    if let Ok(floor) = floor {
        clicks(floor).await?;
    }
    if let Ok(reflex) = reflex {
        clicks(reflex).await?;
    }
    Ok(())
}

pub(super) async fn clicks<C: Client>(side: &mut Side<C>) -> Fallible {
    side.all(async |mut client: C| {
        client.clicks(EVENTS).await?;
        Ok(client)
    })
    .await
}

pub(super) async fn burst<C: Client>(side: &mut Side<C>, times: usize) -> Fallible {
    let events = side.clients.len() as u64 * EVENTS;
    for _ in 0..times {
        let took = side
            .measure(events, async |side| clicks(side).await)
            .await?;
        side.samples.push(events as f64 / took.as_secs_f64());
    }
    Ok(())
}

pub(super) async fn one_by_one<C: Client>(side: &mut Side<C>, clicks: usize) -> Fallible {
    side.measure(clicks as u64, async |side| {
        for _ in 0..clicks {
            let took = side.clients[0].click().await?;
            side.samples.push(took.as_secs_f64() * 1e3);
        }
        Ok(())
    })
    .await?;
    Ok(())
}
