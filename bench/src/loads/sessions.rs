//! Ten thousand sessions, each with an open page and a task that ticks once a second, while some
//! of them click.

use super::Plan;
use crate::{
    Fallible,
    clients::{Client, Cookie, Outbox, Undercurrent},
    net::{Wire, events::EventStream},
    process::{Kind, Server},
    report::{Detail, Goal, Report, Row},
    stats::{Figure, Samples},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Connections that open sessions, one after another each.
const OPENERS: usize = 50;
/// Sessions that click, ten times a second each.
const CLICKERS: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// What the streams saw.
#[derive(Debug, Default)]
struct Seen {
    events: AtomicU64,
    lost: AtomicU64,
}

pub async fn run(plan: &Plan, report: &mut Report) -> Fallible {
    let server = Kind::Undercurrent.start().await?;
    let seen = Arc::new(Seen::default());
    let start = Instant::now();
    let mut openers = Vec::new();
    for nth in 0..OPENERS {
        let sessions = plan.sessions / OPENERS + usize::from(nth < plan.sessions % OPENERS);
        openers.push(tokio::spawn(open(server.address, sessions, seen.clone())));
    }
    for opener in openers {
        opener.await??;
    }
    let opened_in = start.elapsed();
    let clicks = clicks(plan, &server, &seen).await?;
    let clicked = Samples::of_millis(&clicks.took);
    let (Some(median), Some(p99)) = (clicked.quantile(0.5), clicked.quantile(0.99)) else {
        return Err("nobody clicked".into());
    };
    let lost = seen.lost.load(Ordering::Relaxed);
    let what = format!(
        "{} sessions with a task each that ticks once a second",
        plan.sessions
    );
    report.rows.push(Row {
        what: format!("p99 of a click beside {what}"),
        against: "–".to_owned(),
        unit: "ms",
        ours: Some(Figure::exact(p99)),
        theirs: None,
        // A lost stream is a miss, however fast the clicks were.
        goal: Goal::Value(if lost == 0 { 20.0 } else { 0.0 }),
        remark: format!(
            "{} clicks, median {median:.2} ms; {lost} streams lost; {:.1} % of the ticks arrived; all were open after {:.1} s",
            clicks.took.len(),
            clicks.ticks_arrived * 100.0,
            opened_in.as_secs_f64(),
        ),
    });
    report.details.push(Detail {
        what,
        server: Kind::Undercurrent.name(),
        cpu_us: clicks.cpu_us,
        generator_us: clicks.generator_us,
        note: format!("for one tick; {} MiB in all", server.memory() >> 20),
    });
    server.stop().await;
    Ok(())
}

/// Opens sessions over one connection: page, task, stream.
async fn open(address: SocketAddr, sessions: usize, seen: Arc<Seen>) -> Fallible {
    let mut wire = Wire::connect(address).await?;
    for _ in 0..sessions {
        let cookie = Cookie::by_page_view(&mut wire).await?;
        let mut outbox = Outbox::new(address, wire, cookie.clone());
        start_ticking(&mut outbox).await?;
        wire = outbox.into_wire();
        let stream = cookie.stream(address, "s.ticks").await?;
        tokio::spawn(watch(stream, seen.clone()));
    }
    Ok(())
}

async fn start_ticking(outbox: &mut Outbox) -> std::io::Result<()> {
    let arguments = r#"{"times":1000000,"pause_ms":1000}"#;
    outbox.send("ticks/tick", arguments).await
}

async fn watch(mut stream: EventStream, seen: Arc<Seen>) {
    while let Ok(skimmed) = stream.skim(|_| false).await {
        seen.events.fetch_add(skimmed.events, Ordering::Relaxed);
    }
    seen.lost.fetch_add(1, Ordering::Relaxed);
}

struct Clicks {
    took: Vec<Duration>,
    ticks_arrived: f64,
    cpu_us: f64,
    generator_us: f64,
}

async fn clicks(plan: &Plan, server: &Server, seen: &Seen) -> Fallible<Clicks> {
    let mut pages = Vec::new();
    for _ in 0..CLICKERS {
        let states = ["clicks", "uc_ends", "ticks"];
        let mut page = Undercurrent::open(server.address, &states).await?;
        page.send("ticks/tick", r#"{"times":1000000,"pause_ms":1000}"#)
            .await?;
        page.click().await?;
        pages.push(page);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (cpu, generator, start) = (server.cpu(), crate::process::own_cpu(), Instant::now());
    let before = seen.events.load(Ordering::Relaxed);
    let until = start + Duration::from_secs(plan.sessions_s);
    let clicking: Vec<_> = pages
        .into_iter()
        .map(|page| tokio::spawn(click_until(page, until)))
        .collect();
    let mut took = Vec::new();
    for one in clicking {
        took.extend(one.await??);
    }
    let events = seen.events.load(Ordering::Relaxed) - before;
    let ticks = plan.sessions as f64 * start.elapsed().as_secs_f64();
    Ok(Clicks {
        took,
        ticks_arrived: events as f64 / ticks,
        cpu_us: (server.cpu().saturating_sub(cpu)).as_secs_f64() * 1e6 / ticks,
        generator_us: (crate::process::own_cpu().saturating_sub(generator)).as_secs_f64() * 1e6
            / ticks,
    })
}

async fn click_until(mut page: Undercurrent, until: Instant) -> std::io::Result<Vec<Duration>> {
    let mut took = Vec::new();
    while Instant::now() < until {
        took.push(page.click().await?);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(took)
}
