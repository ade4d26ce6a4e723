//! Sessions that come and go, for as long as one likes: `make soak` lets them for twenty minutes. Each
//! goes to a room, too, which is told who is there and lets now this one in and now that one; what they
//! ask for there is cancelled, takes too long, or ends with who asked. Nothing of them stays.
//!
//! Server and sessions are one process: what is measured is the memory of both.

use super::{Studio, ask, press_all, reader, reader::Reader, record};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    task::JoinSet,
};
use undercurrent::Limits;

/// How long, in seconds.
const SECONDS_VARIABLE: &str = "SOAK_S";
const SECONDS: u64 = 60;

/// So many are there at a time.
const SESSIONS: usize = 200;

/// A soak of so many seconds says what memory does: allocators keep what a first minute takes.
const LONG_S: u64 = 600;

/// Memory may grow so much in ten minutes.
const GROWTH: f64 = 0.01;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_come_and_go_leave_nothing() {
    let seconds = std::env::var(SECONDS_VARIABLE);
    let seconds = seconds.map_or(SECONDS, |text| text.parse().expect("SOAK_S is seconds"));
    let limits = Limits {
        idle_ms: 1_000,
        unload_ms: 1_000,
        rule_ms: 50,
        // A room remembers so many who have gone. All that it may is there after some seconds, and
        // what grows later is a leak.
        visitors_of_scope: 500,
        ..Limits::default()
    };
    let studio = Arc::new(Studio::open(limits).await);
    // It serves by then, and the connection of this has ended.
    studio.visitor().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let tasks_before = alive();
    let (start, lasts) = (Instant::now(), Duration::from_secs(seconds));
    let memory = Arc::new(Mutex::new(Vec::new()));
    let mut sessions = JoinSet::new();
    for nth in 0..SESSIONS {
        let (studio, memory) = (studio.clone(), memory.clone());
        sessions.spawn(async move {
            let mut random = fastrand::Rng::with_seed(nth as u64);
            let mut lives = 0_u64;
            // The first looks at the memory now and then.
            while start.elapsed() < lasts {
                session(&studio, &mut random).await;
                lives += 1;
                if nth == 0 {
                    let now = (start.elapsed().as_secs_f64(), resident());
                    memory.lock().expect("nobody panics").push(now);
                }
            }
            lives
        });
    }
    let mut lives = 0;
    while let Some(one) = sessions.join_next().await {
        lives += one.expect("a session went well");
    }
    assert!(lives >= SESSIONS as u64, "each was there once");
    studio.quiet().await;
    // Their scopes go when nobody has used them for long enough, and what minded those with them.
    let gone = async {
        while studio.counters().scopes > 0 || alive() > tasks_before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), gone).await;
    assert!(
        in_time.is_ok(),
        "it stays: {:?}, and {} of {tasks_before} tasks of tokio's",
        studio.counters(),
        alive()
    );
    let samples = memory.lock().expect("nobody panics").clone();
    println!("{lives} sessions in {seconds} s");
    if seconds >= LONG_S {
        let growth = growth(&samples, seconds as f64);
        println!("memory grew by {:.2} % in ten minutes", growth * 100.0);
        assert!(growth <= GROWTH, "{samples:?}");
    }
    let studio = Arc::into_inner(studio).expect("all have ended");
    studio.close().await;
}

/// One comes, looks, starts a task, presses, and goes: when all is done, or in the middle.
async fn session(studio: &Studio, random: &mut fastrand::Rng) {
    const LINES: u64 = 20;
    let cookie = studio.visitor().await;
    let started = studio.tape(&cookie).start(record(LINES)).await;
    started.expect("it starts");
    let mut reader = Reader::new(studio.at(), &cookie);
    let leaves_at = random.u64(1..LINES * 2).min(LINES);
    let presses = random.u64(0..3);
    let is_there = |shown: &Value| shown["told"].as_u64() >= Some(leaves_at);
    tokio::join!(
        reader.follow(is_there),
        press_all(studio.at(), &cookie, "hand", presses),
        visit(studio, &cookie, random)
    );
}

/// Goes to one of a few rooms, if it is let in, and asks for this and that there. Leaves in the middle.
async fn visit(studio: &Studio, cookie: &str, random: &mut fastrand::Rng) {
    let (at, room) = (studio.at(), random.u8(..4));
    let stream = format!(
        "GET /api/stream?scope=foyer:{room}&follow=0.foyer&client=guest HTTP/1.1\r\nhost: {at}\r\n\
         cookie: {cookie}\r\nsec-fetch-site: same-origin\r\n\r\n"
    );
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    let sent = socket.write_all(stream.as_bytes()).await;
    sent.expect("it listens");
    let mut events = vec![
        "\"foyer/enter\",{}".to_owned(),
        "\"foyer/linger\",{}".to_owned(),
        "\"foyer/linger\",{}".to_owned(),
        format!("\"foyer/mind\",{{\"name\":\"{}\"}}", random.u8(..8)),
    ];
    if random.bool() {
        events.push("\"uc_ends/cancel\",{\"event\":\"foyer/linger\"}".to_owned());
    }
    let numbered = (1..).zip(&events);
    let events: Vec<_> = numbered
        .map(|(n, event)| format!("[{n},{event}]"))
        .collect();
    let events = events.join(",");
    let body = format!(r#"{{"client":"guest","scope":"foyer:{room}","events":[{events}]}}"#);
    let head =
        format!("POST /api/events HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/json");
    let answer = ask(at, &head, &body, reader::PATIENCE).await;
    let answer = answer.expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let until = Instant::now() + Duration::from_millis(random.u64(..400));
    let mut heard = vec![0; 1 << 14];
    let reads = async { while socket.read(&mut heard).await.is_ok_and(|n| n > 0) {} };
    let _ = tokio::time::timeout_at(until.into(), reads).await;
}

/// Tasks of tokio's that have not ended: whoever waits for a timer is one.
fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// The memory of this process, in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1_024.0
}

/// By what part it grew in ten minutes: the slope of the samples' second half.
fn growth(samples: &[(f64, f64)], seconds: f64) -> f64 {
    let later = samples.iter().filter(|(at, _)| *at >= seconds / 2.0);
    let later: Vec<_> = later.copied().collect();
    let count = later.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| later.iter().map(of).sum::<f64>() / count;
    let (middle, level) = (mean(|one| one.0), mean(|one| one.1));
    let (mut along, mut across) = (0.0, 0.0);
    for (at, bytes) in &later {
        along += (at - middle) * (bytes - level);
        across += (at - middle) * (at - middle);
    }
    match across > 0.0 && level > 0.0 {
        true => along / across * 600.0 / level,
        false => 0.0,
    }
}
