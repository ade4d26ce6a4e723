//! One state that many streams follow: how many updates a second arrive, all streams together.

use super::{
    Plan,
    side::{Side, row},
};
use crate::{
    Fallible,
    clients::{Floor, Undercurrent, number_after},
    net::{
        Wire,
        events::{Event, EventStream},
    },
    process::Kind,
    report::{Goal, Report},
};
use std::io;

/// Updates in one go. Fewer than a log holds, so that none becomes a snapshot.
const UPDATES: u64 = 500;

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    for streams in [100, 1_000] {
        let mut ours = Side::<EventStream>::start(Kind::Undercurrent).await?;
        let address = ours.server.address;
        let mut page = Undercurrent::open(address, &["clicks"]).await?;
        page.send("clicks/click", "{}").await?;
        for _ in 0..streams {
            ours.clients
                .push(page.cookie().stream(address, "s.clicks").await?);
        }
        let mut floor = Side::<EventStream>::start(Kind::Floor).await?;
        let mut wire = Wire::connect(floor.server.address).await?;
        for _ in 0..streams {
            let stream = Floor::open_stream(floor.server.address, 0).await?;
            floor.clients.push(stream);
        }
        let (mut ours_at, mut floor_at) = (1, 0);
        follow(&mut ours, ours_at).await?;
        follow(&mut floor, floor_at).await?;
        let mut lost = 0;
        for _ in 0..plan.turns {
            ours_at += UPDATES;
            let mut arrived = 0;
            let took = ours
                .measure(UPDATES * streams, async |ours| {
                    let arguments = format!(r#"{{"updates":{UPDATES}}}"#);
                    page.send("clicks/burst", &arguments).await?;
                    arrived = follow(ours, ours_at).await?;
                    Ok(())
                })
                .await?;
            ours.samples.push(arrived as f64 / took.as_secs_f64());
            lost += (UPDATES * streams).saturating_sub(arrived);
            floor_at += UPDATES;
            let took = floor
                .measure(UPDATES * streams, async |floor| {
                    Floor::burst(&mut wire, 0, UPDATES).await?;
                    arrived = follow(floor, floor_at).await?;
                    Ok(())
                })
                .await?;
            floor.samples.push(arrived as f64 / took.as_secs_f64());
        }
        let what = format!("delivered updates a second, {streams} streams");
        let note = format!("{lost} updates came as part of a snapshot, and don't count");
        report.details.push(ours.detail(&what, note));
        report.details.push(floor.detail(&what, String::new()));
        let floor = Ok(floor);
        report.rows.push(row(
            &what,
            "1/s",
            &ours,
            &floor,
            Goal::AtLeast(0.9),
            Kind::Floor,
        ));
    }
    Ok(())
}

/// Follows all streams until each has shown the number. Returns how many events that were.
async fn follow(side: &mut Side<EventStream>, number: u64) -> Fallible<u64> {
    let following: Vec<_> = side
        .clients
        .drain(..)
        .map(|stream| tokio::spawn(follow_one(stream, number)))
        .collect();
    let mut events = 0;
    for one in following {
        let (stream, seen) = one.await??;
        side.clients.push(stream);
        events += seen;
    }
    Ok(events)
}

async fn follow_one(mut stream: EventStream, number: u64) -> io::Result<(EventStream, u64)> {
    let mut events = 0;
    loop {
        let seen = stream.skim(|event| shown(event) == Some(number)).await?;
        events += seen.events;
        if seen.is_there {
            return Ok((stream, events));
        }
    }
}

/// The number that an event shows: the floor's bare one, an op's, a snapshot's.
fn shown(event: &Event<'_>) -> Option<u64> {
    let data = event.data.as_bytes();
    let ours = || number_after(data, r#""count","#).or_else(|| number_after(data, r#""count":"#));
    event.data.parse().ok().or_else(ours)
}
