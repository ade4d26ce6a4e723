//! Bad inputs and bad luck, as docs/faults.md counts them, where a socket is not needed.

use super::{
    crawlers::{Gallery, hear, heard, router, speak},
    *,
};
use crate::core::{
    state::{from_json, to_json},
    untyped::apply_json,
};
use axum::{Router, http::header};

/// A visitor with a cookie, and the scope of their session.
pub(super) fn somebody(uc: &Undercurrent) -> (Visitor, String, Arc<Scope>) {
    let session = uc.runtime.sessions.fresh();
    let cookie = uc.runtime.sessions.issue(&session);
    let cookie = cookie.to_str().expect("it is text").split(';').next();
    let cookie = cookie.expect("a cookie").to_owned();
    let scope = session_of(&uc.runtime, session.visitor);
    (session.visitor, cookie, scope)
}

fn server(limits: Limits) -> (Undercurrent, Router) {
    let uc = builder(limits).build().expect("it starts");
    let app = router(&uc);
    (uc, app)
}

/// What a stream brings of a state: snapshots, and lists of ops.
fn frames<'h>(heard: &'h str, state: &str) -> Vec<&'h str> {
    let begin = format!(r#"data: ["{state}","#);
    let lines = heard.lines().filter_map(|line| line.strip_prefix(&*begin));
    lines.collect()
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_none_gets_a_snapshot() {
    let (uc, app) = server(Limits::default());
    let (visitor, cookie, scope) = somebody(&uc);
    send_as(visitor, &scope, 1, note("a".into())).await;
    ended(&scope, 1).await;
    let offset = scope.published().log.position().offset;
    let epoch = scope.epoch();
    for odd in [
        "garbage".to_owned(),
        "-1--1".to_owned(),
        "%00".to_owned(),
        "%F0%9F%90%8E".to_owned(),
        "x".repeat(10_000),
        format!("{epoch}-"),
        format!("{epoch}-0{offset}"),
        format!("{epoch}--1"),
        format!("{epoch}-18446744073709551616"),
        format!("{epoch}-{}", offset + 1),
        format!("{epoch}1-{offset}"),
        "zzzzzzzz-1".to_owned(),
    ] {
        let address = format!("/api/stream?follow=s.trial@{odd}");
        let heard = heard(&app, &address, &cookie).await;
        let frames = frames(&heard, "trial");
        assert!(
            matches!(frames[..], [one] if one.starts_with(r#"null,{"seen":["a"]"#)),
            "{odd}: {heard}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_the_same_whatever_last_event_id_says() {
    let (uc, app) = server(Limits::default());
    let (visitor, cookie, scope) = somebody(&uc);
    for number in 1..=3 {
        send_as(visitor, &scope, number, note(number.to_string())).await;
    }
    ended(&scope, 3).await;
    let address = format!("/api/stream?follow=s.trial@{}-1", scope.epoch());
    let plain = heard(&app, &address, &cookie).await;
    assert_eq!(frames(&plain, "trial").len(), 2, "{plain}");
    for ids in [&["s-1-1"][..], &["s-1-1", "s-2-2"], &[""], &["\u{1f40e}"]] {
        let mut request = axum::http::Request::get(&address).header(header::COOKIE, &cookie);
        for id in ids {
            request = request.header("last-event-id", id.as_bytes());
        }
        let said = hear(&app, request).await;
        assert_eq!(said, plain, "{ids:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_not_packed_and_nobody_on_the_way_keeps_it() {
    let (uc, app) = server(Limits::default());
    let (_, cookie, _scope) = somebody(&uc);
    let request = axum::http::Request::get("/api/stream?follow=s.trial")
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT_ENCODING, "gzip, br, zstd")
        .body(axum::body::Body::empty());
    let response = tower::ServiceExt::oneshot(app, request.expect("it is one"));
    let response = response.await.expect("it answers");
    let headers = response.headers();
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
    assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream");
    let cache = headers[header::CACHE_CONTROL].to_str().expect("it is text");
    assert!(cache.contains("no-store") && cache.contains("private"));
    assert_eq!(headers["x-accel-buffering"], "no");
}

#[tokio::test(start_paused = true)]
async fn a_log_of_one_entry_or_none_leads_by_snapshots() {
    for log_entries in [0, 1] {
        let (uc, app) = server(Limits {
            log_entries,
            ..Limits::default()
        });
        let (visitor, cookie, scope) = somebody(&uc);
        for number in 1..=5 {
            send_as(visitor, &scope, number, note(number.to_string())).await;
        }
        ended(&scope, 5).await;
        let address = format!("/api/stream?follow=s.trial@{}-1", scope.epoch());
        let heard = heard(&app, &address, &cookie).await;
        let frames = frames(&heard, "trial");
        let all = r#"null,{"seen":["1","2","3","4","5"]"#;
        assert!(
            matches!(frames[..], [one] if one.starts_with(all)),
            "{log_entries}: {heard}"
        );
    }
}

/// A cut of all connections at once, and all come back.
#[tokio::test(start_paused = true)]
async fn five_hundred_streams_that_come_back_at_once_share_one_snapshot() {
    const STREAMS: usize = 500;
    let (uc, app) = server(Limits::default());
    let vault = uc.keyed::<Gallery>("one");
    for number in 0..10 {
        let said = vault.dispatch(speak(number.to_string()));
        said.await.expect("there is room");
    }
    let said = |gallery: &Gallery| gallery.said.len();
    until(|| async { vault.read(said).await.expect("it reads") == 10 }).await;
    let cookies: Vec<_> = (0..STREAMS)
        .map(|_| uc.runtime.sessions.issue(&uc.runtime.sessions.fresh()))
        .map(|cookie| cookie.to_str().expect("it is text").to_owned())
        .collect();
    let address = "/api/stream?follow=0.gallery&scope=gallery:one";
    let streams = cookies.iter().map(|cookie| heard(&app, address, cookie));
    let all = futures::future::join_all(streams).await;
    for heard in &all {
        assert_eq!(frames(heard, "gallery"), frames(&all[0], "gallery"));
    }
    assert!(
        frames(&all[0], "gallery")[0].starts_with("null,"),
        "{}",
        all[0]
    );
    // The next one is given the same, as long as nothing changes.
    let name = uc.runtime.scope_name("gallery:one").expect("it is one");
    let place = place(&uc.runtime, VISITOR, &name);
    let scope = uc.runtime.scopes.find(place.key).expect("it is there");
    let snapshots = || async { scope.snapshots_of(vec!["gallery"], VISITOR).await.remove(0) };
    assert!(Arc::ptr_eq(&snapshots().await, &snapshots().await));
}

#[background]
async fn flickers(cx: TaskContext<Trial>, times: u32) -> Result {
    for n in 0..times {
        cx.update(|trial| {
            trial.seen.push(n.to_string());
            if trial.seen.len() > 3 {
                trial.seen.remove(0);
            }
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_small_updates_take_no_memory_and_a_page_has_the_last() {
    let (uc, app) = server(Limits::default());
    let (visitor, cookie, scope) = somebody(&uc);
    send_as(visitor, &scope, 1, flickers(10_000)).await;
    until_status(&scope, TaskStatus::Done).await;
    let limits = &uc.runtime.limits;
    assert!(
        uc.runtime.logs.used() <= 2 * limits.log_bytes,
        "{}",
        uc.runtime.logs.used()
    );
    let heard = heard(&app, "/api/stream?follow=s.trial", &cookie).await;
    let frames = frames(&heard, "trial");
    assert!(
        matches!(frames[..], [one] if one.starts_with(r#"null,{"seen":["9997","9998","9999"]"#)),
        "{heard}"
    );
    // Who has followed from the middle is led on by what is left.
    let from = scope.published().log.position().offset - 50;
    let address = format!("/api/stream?follow=s.trial@{}-{from}", scope.epoch());
    let led_on = self::heard(&app, &address, &cookie).await;
    let followed = self::frames(&led_on, "trial");
    assert!(!followed.is_empty(), "{led_on}");
    let mut shown: serde_json::Value = serde_json::from_str(r#"{"seen":["a","b","c"]}"#).unwrap();
    for frame in followed {
        let (since, ops) = frame.split_once(',').expect("a frame");
        let ops = &ops[..ops.len() - 1];
        match since {
            "null" => shown = serde_json::from_str(ops).expect("a state"),
            _ => apply_json(&mut shown, ops).expect("it fits"),
        }
    }
    let truth = |trial: &Trial| to_json(trial).expect("it is written");
    let truth = scope.read(|| true, truth).await.expect("it reads");
    let shown: Trial = from_json(&shown.to_string()).expect("it is one");
    assert_eq!(to_json(&shown).expect("it is written"), truth);
}

#[tokio::test(start_paused = true)]
async fn a_scope_outlasts_its_tasks_and_an_end_brings_back_none() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let key = scope.slot.key();
    send(&scope, 1, ticks(30)).await;
    drop(scope);
    let expire = || runtime.scopes.expire(runtime.uptime_ms());
    tokio::time::sleep(Duration::from_secs(1)).await;
    expire();
    assert!(runtime.scopes.find(key).is_some(), "its task runs");
    until(|| async {
        expire();
        runtime.scopes.find(key).is_none()
    })
    .await;
    assert!(runtime.uptime_ms() >= 3_000, "it had its time");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((runtime.scopes.count(), runtime.scopes.places()), (0, 0));
}

#[background(key = depth.to_string())]
async fn multiplies(cx: TaskContext<Trial>, depth: u32) -> Result {
    let below = cx.start(multiplies(depth + 1)).await;
    cx.update(|trial| trial.seen.push(format!("{depth} {}", below.is_ok())))
        .await?;
    cx.sleep(Millis(60_000)).await?;
    below?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_starts_and_a_task_that_starts_itself_find_an_end() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let (mut started, mut full) = (0, 0);
    for number in 1..=10_000 {
        match send(&scope, number, stubborn(number.to_string())).await {
            Accepted::Ended(EndKind::Done, _) => started += 1,
            Accepted::Ended(EndKind::Full, why) => {
                assert!(why.contains(' '), "{why}");
                full += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    let tasks = runtime.limits.tasks;
    assert_eq!((started, full), (tasks, 10_000 - tasks));
    // Elsewhere there is room, and a task that starts itself takes no more than that.
    let other = session_of(&runtime, Visitor([2; 16]));
    send_as(Visitor([2; 16]), &other, 1, multiplies(1)).await;
    until(|| async { seen(&other).await.len() == tasks }).await;
    let last = format!("{tasks} false");
    assert_eq!(seen(&other).await.last(), Some(&last));
}
