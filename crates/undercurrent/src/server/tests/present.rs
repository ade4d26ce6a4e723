//! Who is here, and waiting for what a context knows nothing of.

use super::*;
use crate::server::{
    follow::Follower,
    followed::Request,
    presence::{LEASE, PageId, Presence, RESTING_PAGES, RESTING_VISITORS, Stays, closed},
    stream::Stream,
};
use axum::{Extension, body::HttpBody, extract::Query, http::HeaderMap};
use std::{
    future::pending,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};

#[derive(State, Clone, Debug, Default)]
struct Porch {
    counts: List<u32>,
}

/// Notes how many are here, each time it is another number.
#[background]
async fn count(cx: TaskContext<Porch>) -> Result {
    let mut known = u32::MAX;
    loop {
        let other = |here: &[Visitor]| Some(here.len() as u32).filter(|now| *now != known);
        known = cx.until_present(other).await?;
        cx.update(|porch| porch.counts.push(known)).await?;
    }
}

/// What was dropped so far.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for an answer that never comes.
#[background]
async fn asks(cx: TaskContext<Porch>) -> Result {
    cx.update(|porch| porch.counts.push(0)).await?;
    let answer = async {
        let _connection = Connection;
        pending::<()>().await;
    };
    cx.wait_for(answer).await?;
    Ok(())
}

/// Waits for something that comes after a second.
#[background]
async fn hears(cx: TaskContext<Porch>) -> Result {
    cx.update(|porch| porch.counts.push(0)).await?;
    let answer = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        7
    };
    let answer = cx.wait_for(answer).await?;
    cx.update(|porch| porch.counts.push(answer)).await?;
    Ok(())
}

async fn counts(scope: &Scope) -> Vec<u32> {
    let counts = |porch: &Porch| porch.counts.iter().copied().collect();
    scope.read(|| true, counts).await.expect("it reads")
}

static BARRED: AtomicUsize = AtomicUsize::new(0);

fn unless_barred(visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match BARRED.load(Ordering::SeqCst) == usize::from(visitor.0[0]) {
        true => Err(ForVisitor::new("You have left.")),
        false => Ok(()),
    }
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = unless_barred)]
struct Club {
    said: List<String>,
}

#[event]
fn says(club: &mut Club, text: String) {
    club.said.push(text);
}

/// What a stream has written.
fn written(stream: &mut Pin<Box<Stream>>) -> String {
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = stream.as_mut().poll_frame(&mut cx) {
        all.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    String::from_utf8(all).expect("it is text")
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_any_more_gets_nothing_more_of_a_stream_that_is_open() {
    let runtime = runtime(Limits::default());
    let (barred, other) = (Visitor([7; 16]), Visitor([8; 16]));
    let name = runtime.scope_name("club:a").expect("there is one");
    let scope = {
        let place = place(&runtime, other, &name);
        runtime
            .scopes
            .find_or_make(&place, &runtime)
            .expect("there is room")
    };
    let open = |visitor| {
        let query = [("scope", "club:a"), ("follow", "0.club@0-0,s.porch")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request::parse(&runtime, &query).expect("it reads");
        let stream = Stream::new(runtime.clone(), visitor, Default::default(), request);
        Box::pin(stream.expect("it opens"))
    };
    let mut streams = [open(barred), open(other)];
    for stream in &mut streams {
        written(stream);
    }
    let say = async |number: u64, text: &str| {
        send_as(other, &scope, number, says(text.to_owned())).await;
        let said = |club: &Club| club.said.len() as u64;
        until(|| async { scope.read(|| true, said).await == Ok(number) }).await;
    };
    say(1, "first").await;
    assert!(
        streams
            .iter_mut()
            .all(|stream| written(stream).contains("first"))
    );
    BARRED.store(7, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(11)).await;
    say(2, "second").await;
    let told = streams.each_mut().map(written);
    assert!(
        told[0].contains("{\"refused\":{\"scope\":\"club:a\",\"message\":\"You have left.\"}}")
    );
    assert!(!told[0].contains("second"), "{}", told[0]);
    assert!(told[1].contains("second"), "{}", told[1]);
    // It is not there any more, and hears of nothing.
    assert_eq!(scope.slot.followers.count(), 1);
    say(3, "third").await;
    assert_eq!(written(&mut streams[0]), "");
    // Its own session goes on.
    let session = session_of(&runtime, barred);
    let update = session.update(|| true, |porch: &mut Porch| porch.counts.push(41));
    update.await.expect("it updates");
    assert!(written(&mut streams[0]).contains("41"));
}

/// A quiet scope, too: at its next ping.
#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_any_more_is_gone_at_the_next_ping_though_nothing_happens() {
    let runtime = runtime(Limits::default());
    let query = [("scope", "yard:a"), ("follow", "0.yard")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request::parse(&runtime, &query).expect("it reads");
    let stream = Stream::new(runtime.clone(), VISITOR, Default::default(), request);
    let mut stream = Box::pin(stream.expect("it opens"));
    written(&mut stream);
    IS_SHUT.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(16)).await;
    let limits = &runtime.limits;
    runtime
        .streams
        .sweep(runtime.uptime_ms(), limits.ping_ms, limits.stall_ms);
    let told = written(&mut stream);
    assert!(told.contains("refused") && told.contains("ping"), "{told}");
}

static IS_DEN_SHUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = unless_den_is_shut)]
struct Den {
    foxes: u32,
}

fn unless_den_is_shut(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match IS_DEN_SHUT.load(Ordering::SeqCst) {
        true => Err(ForVisitor::new("It is shut.")),
        false => Ok(()),
    }
}

/// A snapshot waits for the scope, or for what is to be kept first: as long as that takes.
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_had_to_wait_is_not_for_who_is_not_let_in_any_more() {
    let runtime = runtime(Limits::default());
    let name = runtime.scope_name("den:a").expect("there is one");
    let place = place(&runtime, VISITOR, &name);
    let scope = runtime.scope_at(&place).await.expect("there is room");
    let settle = |den: &mut Den| den.foxes = 41;
    scope.update(|| true, settle).await.expect("it is made");
    let query = [("scope", "den:a"), ("follow", "0.den,s.porch")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request::parse(&runtime, &query).expect("it reads");
    let stream = Stream::new(runtime.clone(), VISITOR, Default::default(), request);
    let mut stream = Box::pin(stream.expect("it opens"));
    let turn = scope.turn().await;
    let told = written(&mut stream);
    assert!(!told.contains("refused"), "{told}");
    seconds(1).await;
    IS_DEN_SHUT.store(true, Ordering::SeqCst);
    seconds(10).await;
    assert_eq!(written(&mut stream), "", "it waits");
    drop(turn);
    seconds(1).await;
    let told = written(&mut stream);
    assert!(told.contains("It is shut."), "{told}");
    assert!(!told.contains("41"), "{told}");
    assert_eq!(scope.slot.followers.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_goes_leaves_nobody_in_the_line() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let update = scope.update(|| true, |porch: &mut Porch| porch.counts.push(1));
    update.await.expect("it is made");
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    let turn = scope.turn().await;
    for _ in 0..10 {
        let request = Request::parse(&runtime, &query("page", false)).expect("it reads");
        let stream = Stream::new(runtime.clone(), VISITOR, Default::default(), request);
        let mut stream = Box::pin(stream.expect("it opens"));
        written(&mut stream);
        seconds(1).await;
        assert!(alive() > before, "its snapshot waits");
    }
    seconds(1).await;
    assert_eq!(alive(), before);
    drop(turn);
}

static IS_SHUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = unless_shut)]
struct Yard {
    cats: u32,
}

fn unless_shut(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match IS_SHUT.load(Ordering::SeqCst) {
        true => Err(ForVisitor::new("It is shut.")),
        false => Ok(()),
    }
}

fn follow(runtime: &Arc<Runtime>, visitor: u8) -> Arc<Follower> {
    let follower = Arc::new(Follower::new(Visitor([visitor; 16]), Default::default(), 0));
    let place = place(runtime, VISITOR, &ScopeName::Session);
    runtime.scopes.follow(&place, &follower);
    follower
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_is_told_each_visitor_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, count()).await;
    let told = async |wanted: &[u32]| until(|| async { counts(&scope).await == wanted }).await;
    told(&[0]).await;
    let ada = follow(&runtime, 1);
    told(&[0, 1]).await;
    // A second tab of the same browser is nobody else.
    let tab = follow(&runtime, 1);
    let bob = follow(&runtime, 2);
    told(&[0, 1, 2]).await;
    scope.slot.followers.remove(&tab);
    scope.slot.followers.remove(&bob);
    told(&[0, 1, 2, 1]).await;
    scope.slot.followers.remove(&ada);
    told(&[0, 1, 2, 1, 0]).await;
    cancel(&scope, "porch/count", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    follow(&runtime, 3);
    assert_eq!(counts(&scope).await, [0, 1, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_drops_what_is_waited_for_at_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, asks()).await;
    until(|| async { counts(&scope).await == [0] }).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(DROPPED.load(Ordering::SeqCst), 0);
    let cancelled = tokio::time::Instant::now();
    cancel(&scope, "porch/asks", "").await;
    until(|| async { DROPPED.load(Ordering::SeqCst) == 1 }).await;
    // Long before the grace is over.
    assert!(cancelled.elapsed() < Duration::from_millis(100));
    until_status(&scope, TaskStatus::Cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_task_is_paused_is_had_when_it_goes_on() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, hears()).await;
    until(|| async { counts(&scope).await == [0] }).await;
    ask(&scope, 2, crate::PauseTask, ("porch/hears", "")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(counts(&scope).await, [0]);
    ask(&scope, 3, crate::ResumeTask, ("porch/hears", "")).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(counts(&scope).await, [0, 7]);
}

// === Pages, as they follow ===

/// Cancelled when nobody has a page open.
#[background(overlap = reject, on_disconnect = cancel_after("10s"))]
async fn for_who_looks(cx: TaskContext<Porch>) -> Result {
    cx.wait_for(pending::<()>()).await?;
    Ok(())
}

fn query(client: &str, is_hidden: bool) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut query = vec![pair("follow", "s.porch"), pair("client", client)];
    query.extend(is_hidden.then(|| pair("hidden", "1")));
    query
}

/// A page's stream, read as far as there is something. Says when it is to come back, if it ended.
async fn open(runtime: &Arc<Runtime>, client: &str, is_hidden: bool) -> (Stream, Option<u64>) {
    open_as(VISITOR, runtime, client, is_hidden).await
}

async fn open_as(
    visitor: Visitor,
    runtime: &Arc<Runtime>,
    client: &str,
    is_hidden: bool,
) -> (Stream, Option<u64>) {
    let request = Request::parse(runtime, &query(client, is_hidden));
    let request = request.unwrap_or_else(|why| panic!("it is not read: {why:?}"));
    let stream = Stream::new(runtime.clone(), visitor, Default::default(), request);
    let mut stream = stream.unwrap_or_else(|why| panic!("it does not open: {why:?}"));
    let mut cx = Context::from_waker(Waker::noop());
    let mut told = String::new();
    // What is there is there after some turns of others: a snapshot is taken by a task.
    for _ in 0..50 {
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut stream).poll_frame(&mut cx) {
            let data = frame.into_data().expect("it is data");
            told.push_str(std::str::from_utf8(&data).expect("it is text"));
        }
        tokio::task::yield_now().await;
    }
    let retry = told.split_once("\"retry_ms\":");
    let retry = retry.and_then(|(_, rest)| rest.split('}').next()?.parse().ok());
    (stream, retry)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_page_is_gone_within_ten_seconds_and_a_reload_never_shows() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, count()).await;
    let (mut page, _) = open(&runtime, "page-0", false).await;
    until(|| async { counts(&scope).await == [0, 1] }).await;
    for nth in 1..=5 {
        // Slowly: the next page follows five seconds after the one before has gone.
        drop(page);
        seconds(5).await;
        (page, _) = open(&runtime, &format!("page-{nth}"), false).await;
        seconds(20).await;
    }
    assert_eq!(counts(&scope).await, [0, 1], "it never flickered");
    drop(page);
    let closed = tokio::time::Instant::now();
    until(|| async { counts(&scope).await == [0, 1, 0] }).await;
    assert!(closed.elapsed() < Duration::from_secs(10));
    assert!(closed.elapsed() >= LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_takes_turns_is_there_and_its_task_runs_on() {
    let runtime = runtime(Limits {
        streams_of_visitor: 1,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, count()).await;
    // Another page of the browser holds the one stream, elsewhere in the session.
    let (holds, is_brief) = open(&runtime, "holds", false).await;
    assert_eq!(is_brief, None);
    send(&scope, 2, for_who_looks()).await;
    drop(holds);
    let follower = Arc::new(Follower::new(Visitor([9; 16]), Default::default(), 0));
    let place = place(&runtime, VISITOR, &ScopeName::Session);
    runtime.scopes.follow(&place, &follower);
    for _ in 0..120 {
        let (turn, retry_ms) = open(&runtime, "turns", false).await;
        drop(turn);
        let retry_ms = retry_ms.expect("it is told to come back");
        tokio::time::sleep(Duration::from_millis(retry_ms * 5 / 4)).await;
    }
    let most = counts(&scope).await;
    assert_eq!(most[most.len() - 2..], [1, 2], "{most:?}");
    assert_eq!(status(&scope).await, TaskStatus::Running);
    let left = tokio::time::Instant::now();
    until_status(&scope, TaskStatus::Cancelled).await;
    assert!(left.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_hidden_page_is_there_until_it_is_closed_or_silent_for_long() {
    let runtime = runtime(Limits::default());
    let session = runtime.sessions.fresh();
    let visitor = session.visitor;
    let scope = session_of(&runtime, visitor);
    let open = |client, is_hidden| open_as(visitor, &runtime, client, is_hidden);
    send_as(visitor, &scope, 1, count()).await;
    send_as(visitor, &scope, 2, for_who_looks()).await;
    let (page, _) = open("page", false).await;
    seconds(30).await;
    let (hidden, retry_ms) = open("page", true).await;
    drop((page, hidden));
    let retry_ms = retry_ms.expect("it needs no stream");
    for _ in 0..10 {
        // As late as a browser that draws its timers out to a minute lets it.
        tokio::time::sleep(Duration::from_millis(retry_ms * 5 / 4 + 60_000)).await;
        drop(open("page", true).await);
    }
    assert_eq!(counts(&scope).await, [0, 1]);
    assert_eq!(status(&scope).await, TaskStatus::Running);
    // Another page says that it closes: that is not this one.
    let mut headers = HeaderMap::new();
    headers.insert("cookie", runtime.sessions.issue(&session));
    let says = async |client: &str| {
        let query = Query(query(client, true));
        closed(Extension(runtime.clone()), query, headers.clone()).await
    };
    assert!(says("another").await.is_success());
    seconds(30).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    assert!(says("page").await.is_success());
    let left = tokio::time::Instant::now();
    until_status(&scope, TaskStatus::Cancelled).await;
    assert!(left.elapsed() < Duration::from_secs(11));
    assert_eq!(counts(&scope).await, [0, 1, 0]);
    // One that vanishes without a word is gone after three minutes.
    send_as(visitor, &scope, 3, for_who_looks()).await;
    drop(open("vanishes", true).await);
    let left = tokio::time::Instant::now();
    seconds(170).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    until_status(&scope, TaskStatus::Cancelled).await;
    let took = left.elapsed().as_secs();
    assert!((180..=184).contains(&took), "{took}");
}

static IS_LOFT_SHUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = unless_loft_is_shut)]
struct Loft {
    doves: u32,
}

fn unless_loft_is_shut(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match IS_LOFT_SHUT.load(Ordering::SeqCst) {
        true => Err(ForVisitor::new("It is shut.")),
        false => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_page_that_is_closed_or_looks_again_has_gone_though_its_scope_is_shut_to_it() {
    for is_closed in [true, false] {
        IS_LOFT_SHUT.store(false, Ordering::SeqCst);
        let runtime = runtime(Limits::default());
        let session = runtime.sessions.fresh();
        let name = runtime.scope_name("loft:a").expect("there is one");
        let place = place(&runtime, session.visitor, &name);
        let scope = runtime.scope_at(&place).await.expect("there is room");
        let query = ["scope=loft:a", "client=page", "hidden=1", "follow=0.loft"];
        let pair = |pair: &str| {
            pair.split_once('=')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        let query: Vec<_> = query.into_iter().filter_map(pair).collect();
        let look = || {
            let request = Request::parse(&runtime, &query).expect("it reads");
            let stream = Stream::new(
                runtime.clone(),
                session.visitor,
                Default::default(),
                request,
            );
            drop(stream.expect("it opens"));
        };
        look();
        seconds(10).await;
        IS_LOFT_SHUT.store(true, Ordering::SeqCst);
        if is_closed {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", runtime.sessions.issue(&session));
            let query = Query(query.clone());
            closed(Extension(runtime.clone()), query, headers).await;
        } else {
            look();
        }
        let presence = &scope.slot.followers.presence;
        assert!(matches!(presence.stays(session.visitor), Stays::Until(_)));
        tokio::time::sleep(LEASE).await;
        assert_eq!(presence.stays(session.visitor), Stays::Gone, "{is_closed}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_under_ever_new_names_fills_no_memory_and_open_pages_stay() {
    let presence = Presence::default();
    let open = PageId::of("open");
    presence.comes(VISITOR, open, false);
    for n in 0..10_000 {
        let page = PageId::of(&n.to_string());
        presence.comes(VISITOR, page, true);
        presence.goes(VISITOR, page);
    }
    assert!(presence.pages_of(VISITOR) <= RESTING_PAGES + 1);
    seconds(600).await;
    assert_eq!(presence.stays(VISITOR), Stays::Open);
    presence.goes(VISITOR, open);
    seconds(8).await;
    assert_eq!(presence.stays(VISITOR), Stays::Gone);
}

#[tokio::test(start_paused = true)]
async fn who_comes_as_ever_new_visitors_fills_no_memory_and_who_has_a_stream_stays() {
    let presence = Presence::default();
    let page = PageId::of("page");
    presence.comes(VISITOR, page, false);
    let mut most = 0;
    for n in 1..=3 * RESTING_VISITORS as u128 {
        let visitor = Visitor(n.to_be_bytes());
        presence.comes(visitor, page, true);
        presence.goes(visitor, page);
        most = most.max(presence.count());
    }
    assert!(most <= 2 * RESTING_VISITORS + 1, "{most}");
    assert_eq!(presence.stays(VISITOR), Stays::Open);
    let last = Visitor((3 * RESTING_VISITORS as u128).to_be_bytes());
    assert!(matches!(presence.stays(last), Stays::Until(_)));
}
