//! A proxy stands between that cuts, resets, slices and stalls, both ways: a reader ends with what the server
//! has, and sees no gap on the way; an event that is sent again is run once.

use super::{FLOOD, Studio, flood, press_all, proxy, proxy::Proxy, reader, reader::Reader, record};
use serde_json::Value;
use std::sync::{Arc, atomic::Ordering};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};
use undercurrent::Limits;

/// Schedules of faults.
const SEEDS: u64 = 12;
const LINES: u64 = 300;
const PRESSES: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_between_a_reader_ends_with_what_the_server_has() {
    let studio = Studio::open(Limits::default()).await;
    let cookie = studio.visitor().await;
    let faults = Arc::new(proxy::Seen::default());
    let (mut resumed, mut lines, mut presses) = (0, 0, 0);
    for seed in 0..SEEDS {
        let proxy = Proxy::open(studio.at(), seed, faults.clone()).await;
        studio
            .tape(&cookie)
            .start(record(LINES))
            .await
            .expect("it starts");
        (lines, presses) = (lines + LINES, presses + PRESSES);
        let mut reader = Reader::new(proxy.at, &cookie);
        let is_there = |shown: &Value| shown["told"] == lines && shown["pressed"] == presses;
        let hand = format!("hand-{seed}");
        tokio::join!(
            reader.follow(is_there),
            press_all(proxy.at, &cookie, &hand, PRESSES)
        );
        assert_eq!(reader.shown, studio.shown(&cookie).await, "seed {seed}");
        resumed += reader.resumed;
        proxy.close();
    }
    let seen = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let counts = [
        ("cuts", seen(&faults.cuts)),
        ("resets", seen(&faults.resets)),
        ("slices", seen(&faults.slices)),
        ("stalls", seen(&faults.stalls)),
        ("harmed requests", seen(&faults.requests)),
        ("resumed", resumed),
    ];
    assert!(
        counts.iter().all(|(_, count)| *count > 0),
        "each of these was to happen: {counts:?}"
    );
    studio.quiet().await;
    studio.close().await;
}

/// A reader whose window is shut: it opens a stream and reads nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_nothing_holds_nobody_up_and_is_cut_off() {
    // Three times what the system keeps for a connection at most.
    const UPDATES: u64 = 1_500;
    let studio = Studio::open(Limits {
        stall_ms: 2_000,
        ..Limits::default()
    })
    .await;
    let cookie = studio.visitor().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small window");
    let mut shut = socket.connect(studio.at()).await.expect("it listens");
    let request = reader::request(studio.at(), &cookie, "s.tape");
    shut.write_all(request.as_bytes()).await.expect("it reads");
    let mut reader = Reader::new(studio.at(), &cookie);
    studio
        .tape(&cookie)
        .start(flood(UPDATES))
        .await
        .expect("it starts");
    reader.follow(|shown| shown["told"] == UPDATES).await;
    drop(reader);
    studio.quiet().await;
    // What it gets now is what was on its way, and the end.
    let mut heard = Vec::new();
    let _ = shut.read_to_end(&mut heard).await;
    let sent = UPDATES as usize * FLOOD;
    assert!(
        heard.len() < sent / 2,
        "{} of {sent} bytes were kept for it",
        heard.len()
    );
    studio.close().await;
}
