//! Log-in and log-out: which cookie opens a session.

use super::{
    crawlers::{get, heard, router},
    store::Ground,
    *,
};
use crate::server::{
    Durability, NotRenewed,
    renewal::NoSession,
    session::Session,
    store::{Record, StateId},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
};
use futures::FutureExt;
use tower::ServiceExt;

const STREAM: &str = "/api/stream?follow=s.trial";

/// As a browser sends it back.
fn cookie_in(set: &HeaderValue) -> String {
    let cookie = set.to_str().expect("it is text").split(';').next();
    cookie.expect("a cookie").to_owned()
}

fn with(cookie: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().expect("a header"));
    headers
}

/// A click.
async fn click(app: &Router, cookie: &str, number: u32) -> StatusCode {
    let body =
        format!(r#"{{"client":"c","events":[[{number},"trial/note",{{"text":"{number}"}}]]}}"#);
    let request = Request::post("/api/events")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookie)
        .body(Body::from(body));
    let request = request.expect("it is one");
    let response = app.clone().oneshot(request).await.expect("it answers");
    response.status()
}

/// The cookie that a page view sets.
async fn set_by_page(app: &Router, cookie: &str) -> Option<String> {
    let response = get(app, "/gallery/a", Some(cookie)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let set = response.headers().get(header::SET_COOKIE)?;
    Some(cookie_in(set))
}

fn server() -> (Undercurrent, Router) {
    let uc = builder(Limits::default()).build().expect("it starts");
    let app = router(&uc);
    (uc, app)
}

async fn renewed(uc: &Undercurrent, cookie: &str) -> String {
    let renewed = uc.renew_session(&with(cookie)).await;
    cookie_in(&renewed.expect("it is the newest"))
}

async fn seen_by(uc: &Undercurrent, cookie: &str) -> Vec<String> {
    let session = uc.session::<Trial>(&with(cookie)).expect("a session");
    let seen = session.read(|trial| trial.seen.iter().cloned().collect());
    seen.await.expect("it reads")
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_was_replaced_opens_nothing_and_its_streams_end() {
    let (uc, app) = server();
    let session = uc.runtime.sessions.fresh();
    let old = cookie_in(&uc.runtime.sessions.issue(&session));
    assert_eq!(click(&app, &old, 1).await, StatusCode::ACCEPTED);
    let stream = get(&app, STREAM, Some(&old)).await.into_body();
    let new = renewed(&uc, &old).await;
    assert_ne!(new, old);
    // The one that was open is told to come back with the new one.
    let within_1_s = tokio::time::timeout(Duration::from_secs(1), to_bytes(stream, 1 << 20));
    let told = within_1_s.await.expect("it ends").expect("it is whole");
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains(r#"{"bye":{"reason":"turn","#), "{told}");

    // A browser may not have heard of it yet: nothing of its own is lost, or takes the new one's
    // place.
    assert_eq!(click(&app, &old, 2).await, StatusCode::SERVICE_UNAVAILABLE);
    let told = heard(&app, STREAM, &old).await;
    assert!(told.contains(r#"{"bye":{"reason":"turn","#), "{told}");
    assert!(!told.contains("trial"), "{told}");
    assert_eq!(set_by_page(&app, &old).await, None);
    assert!(uc.session::<Trial>(&with(&old)).is_none());
    let again = uc.renew_session(&with(&old)).await;
    assert_eq!(again, Err(NotRenewed::NoSession));

    // The session is as it was, and goes on.
    assert_eq!(click(&app, &new, 2).await, StatusCode::ACCEPTED);
    until(|| async { seen_by(&uc, &new).await == ["1", "2"] }).await;
    let told = heard(&app, STREAM, &new).await;
    assert!(
        told.contains(r#"["trial",null,{"seen":["1","2"]}]"#),
        "{told}"
    );
    assert_eq!(set_by_page(&app, &new).await, None);

    // Later it is nobody's.
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(click(&app, &old, 3).await, StatusCode::UNAUTHORIZED);
    let told = heard(&app, STREAM, &old).await;
    assert!(told.contains(r#"{"bye":{"reason":"no_session","#), "{told}");
    let other = set_by_page(&app, &old).await.expect("another session");
    let of_other = uc.session::<Trial>(&with(&other)).expect("a session");
    assert_ne!(of_other.visitor(), session.visitor);
    assert_eq!(seen_by(&uc, &new).await, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_opened_by_no_cookie() {
    let (uc, app) = server();
    let session = uc.runtime.sessions.fresh();
    let first = cookie_in(&uc.runtime.sessions.issue(&session));
    let second = renewed(&uc, &first).await;
    let stream = get(&app, STREAM, Some(&second)).await.into_body();
    let ended = uc.end_session(&with(&second)).await.expect("it ends");
    let ended = ended.to_str().expect("it is text");
    assert!(ended.starts_with("trial-session=; ") && ended.contains("Max-Age=0"));
    let within_1_s = tokio::time::timeout(Duration::from_secs(1), to_bytes(stream, 1 << 20));
    within_1_s.await.expect("it ends").expect("it is whole");
    tokio::time::sleep(Duration::from_secs(11)).await;
    for cookie in [first, second] {
        assert_eq!(click(&app, &cookie, 1).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(uc.counters().streams, 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_renew_one_cookie_at_once_one_is_refused() {
    let (uc, _) = server();
    let cookie = uc.runtime.sessions.issue(&uc.runtime.sessions.fresh());
    let headers = with(&cookie_in(&cookie));
    let (one, other) = tokio::join!(uc.renew_session(&headers), uc.renew_session(&headers));
    assert_eq!(
        [&one, &other]
            .iter()
            .filter(|renewed| renewed.is_ok())
            .count(),
        1
    );
    let refused = [one, other].into_iter().find_map(Result::err);
    assert_eq!(refused, Some(NotRenewed::NoSession));
}

/// Whoever clicks twice gives up the first request, and a proxy one that takes long.
#[tokio::test]
async fn who_gives_up_while_it_is_kept_has_renewed_or_ended_the_session_all_the_same() {
    let ground = Ground::file();
    let uc = ground.build(Durability::Commit).expect("it starts");
    let session = uc.runtime.sessions.fresh();
    let cookie = cookie_in(&uc.runtime.sessions.issue(&session));
    let scope = session_of(&uc.runtime, session.visitor);
    push(&scope, "something").await;
    scope.stored().await;
    let headers = with(&cookie);
    // Nothing but the disk is waited for.
    let ended = uc.end_session(&headers).now_or_never();
    assert!(ended.is_none(), "it is not kept yet");
    assert_eq!(proof(&uc, &cookie).await, Err(NoSession::ReplacedLately));
    let noted = |own: &crate::builtin::UcSession| own.generation == 1;
    assert_eq!(scope.read(|| true, noted).await, Ok(true));
    drop(scope);
    uc.runtime.store.close();
}

/// What the cookie proves, in a server that has one of these kinds of memory.
async fn proof(uc: &Undercurrent, cookie: &str) -> Result<Visitor, NoSession> {
    let session = uc.runtime.session_of(&with(cookie)).await;
    session.map(|session: Session| session.visitor)
}

#[tokio::test]
async fn a_cookie_that_was_replaced_stays_so_over_a_restart() {
    let ground = Ground::file();
    let start = || ground.build(Durability::Relaxed).expect("it starts");
    let uc = start();
    let session = uc.runtime.sessions.fresh();
    let old = cookie_in(&uc.runtime.sessions.issue(&session));
    let new = renewed(&uc, &old).await;
    // As it stands when the browser hears of it.
    let killed_ground = ground.as_if_killed();
    let killed = killed_ground.build(Durability::Relaxed);
    let killed = killed.expect("it starts");
    uc.runtime.store.close();
    for uc in [start(), killed] {
        assert_eq!(proof(&uc, &old).await, Err(NoSession::Nothing));
        assert_eq!(proof(&uc, &new).await, Ok(session.visitor));
        uc.runtime.store.close();
    }
}

#[tokio::test]
async fn where_it_is_forgotten_which_cookie_is_the_newest_the_newest_that_comes_is() {
    let ground = Ground::file();
    let start = || ground.build(Durability::Relaxed).expect("it starts");
    let uc = start();
    let mut session = uc.runtime.sessions.fresh();
    let old = cookie_in(&uc.runtime.sessions.issue(&session));
    session.generation = 1;
    let new = cookie_in(&uc.runtime.sessions.issue(&session));
    // There is nothing that either could open.
    assert_eq!(proof(&uc, &old).await, Ok(session.visitor));
    let scope = session_of(&uc.runtime, session.visitor);
    push(&scope, "something").await;
    assert_eq!(proof(&uc, &new).await, Ok(session.visitor));
    assert_eq!(proof(&uc, &old).await, Err(NoSession::ReplacedLately));
    let noted = |own: &crate::builtin::UcSession| own.generation == 1;
    until(|| async { scope.read(|| true, noted).await == Ok(true) }).await;
    scope.stored().await;
    drop(scope);
    uc.runtime.store.close();
    let uc = start();
    assert_eq!(proof(&uc, &old).await, Err(NoSession::Nothing));
    uc.runtime.store.close();
}

async fn push(scope: &Scope, text: &str) {
    let push = |trial: &mut Trial| trial.seen.push(text.to_owned());
    scope.update(|| true, push).await.expect("it is made");
}

#[tokio::test]
async fn where_it_can_t_be_read_which_cookie_is_the_newest_none_opens_what_was_there() {
    let ground = Ground::file();
    let start = || ground.build(Durability::Relaxed).expect("it starts");
    let uc = start();
    let session = uc.runtime.sessions.fresh();
    let old = cookie_in(&uc.runtime.sessions.issue(&session));
    push(&session_of(&uc.runtime, session.visitor), "mine").await;
    let new = renewed(&uc, &old).await;
    {
        let scope = session_of(&uc.runtime, session.visitor);
        let behind = scope.published().log.position().offset + 1;
        let odd = r#"{"generation":"odd"}"#.to_owned();
        let own = StateId::shared("uc_session");
        scope.hand_over(vec![Record::Snapshot(own, behind, odd)]);
        scope.stored().await;
    }
    uc.runtime.store.close();
    // Over a second restart, too.
    for _ in 0..2 {
        let uc = start();
        for cookie in [&old, &new] {
            assert_eq!(seen_by(&uc, cookie).await, [""; 0]);
        }
        uc.runtime.store.close();
    }
}
