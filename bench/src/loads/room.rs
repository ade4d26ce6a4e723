//! A room with a thousand members: each has a session and an open page of their own, one of them
//! says something, and all see it.

use super::Plan;
use crate::{
    Fallible,
    clients::{Cookie, Outbox, number_after},
    net::{Wire, events::EventStream},
    process::{Kind, own_cpu},
    report::{Detail, Goal, Report, Row},
    stats::Samples,
};
use std::time::Instant;

const MEMBERS: usize = 1_000;
const ROOM: &str = "room:lobby";

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    let server = Kind::Undercurrent.start().await?;
    let address = server.address;
    let mut wire = Wire::connect(address).await?;
    let follow = format!("0.room&scope={ROOM}");
    let mut streams = Vec::new();
    for _ in 1..MEMBERS {
        let cookie = Cookie::by_page_view(&mut wire).await?;
        streams.push(cookie.stream(address, &follow).await?);
    }
    let cookie = Cookie::by_page_view(&mut wire).await?;
    streams.push(cookie.stream(address, &follow).await?);
    let mut speaker = Outbox::new(address, wire, cookie);
    let mut took = Vec::new();
    let (mut cpu, mut generator) = (server.cpu(), own_cpu());
    let said = plan.turns * 10;
    for nth in 0..=said {
        if nth == 1 {
            (cpu, generator) = (server.cpu(), own_cpu());
            took.clear();
        }
        let start = Instant::now();
        let number = nth as u64 + 1;
        let following: Vec<_> = streams
            .drain(..)
            .map(|stream| tokio::spawn(seen(stream, number, start)))
            .collect();
        speaker.send_to(ROOM, "room/say", "{}").await?;
        let mut last = 0.0_f64;
        for one in following {
            let (stream, after_ms) = one.await??;
            streams.push(stream);
            last = last.max(after_ms);
        }
        took.push(last);
    }
    let what = format!("a room of {MEMBERS}: said by one, seen by all");
    let updates = (said * MEMBERS) as f64;
    let per = |time: std::time::Duration| time.as_secs_f64() * 1e6 / updates;
    report.details.push(Detail {
        what: what.clone(),
        server: Kind::Undercurrent.name(),
        cpu_us: per(server.cpu().saturating_sub(cpu)),
        generator_us: per(own_cpu().saturating_sub(generator)),
        note: format!("for one member; {} MiB in all", server.memory() >> 20),
    });
    report.rows.push(Row {
        what,
        against: "–".to_owned(),
        unit: "ms",
        ours: Samples::new(took).figure(),
        theirs: None,
        goal: Goal::None,
        remark: "until the last of them has it".to_owned(),
    });
    server.stop().await;
    Ok(())
}

/// Follows until the number is there; when that was.
async fn seen(
    mut stream: EventStream,
    number: u64,
    start: Instant,
) -> std::io::Result<(EventStream, f64)> {
    let is = |data: &[u8]| {
        let op = number_after(data, r#""count","#);
        op.or_else(|| number_after(data, r#""count":"#)) == Some(number)
    };
    while !stream
        .skim(|event| is(event.data.as_bytes()))
        .await?
        .is_there
    {}
    Ok((stream, start.elapsed().as_secs_f64() * 1e3))
}
