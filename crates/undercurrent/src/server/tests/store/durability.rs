//! What is shown, and what is kept before: `relaxed` and `commit`.

use super::*;
use crate::{
    EventDef,
    answer::Fate,
    page::ScopeSnapshot,
    server::{
        events::{Batch, handle_server_fn, take_events},
        followed::Request,
        session::Session,
        stream::Stream,
    },
};
use axum::body::HttpBody;
use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use tokio_util::sync::CancellationToken;

/// What a stream of the visitor's session has for its page now.
fn written(stream: &mut Stream) -> String {
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *stream).poll_frame(&mut cx) {
        all.extend_from_slice(&frame.into_data().expect("it is data"));
    }
    String::from_utf8(all).expect("it is text")
}

fn follow(runtime: &Arc<Runtime>, at: Position) -> Stream {
    let query = [("follow".to_owned(), format!("s.trial@{at}"))];
    let request = Request::parse(runtime, &query).unwrap_or_else(|_| panic!("it is known"));
    let stream = Stream::new(runtime.clone(), VISITOR, CancellationToken::new(), request);
    stream.unwrap_or_else(|_| panic!("it opens"))
}

/// What a page would be made of.
fn shown(snapshot: &ScopeSnapshot) -> usize {
    snapshot.states.len()
}

#[tokio::test]
async fn with_commit_nothing_is_shown_before_it_is_kept() {
    let platter = Platter::new(1);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start_as(Durability::Commit).await;
    let scope = the_scope(&runtime).await;
    push(&scope, "kept").await.expect("it is made");
    let before = scope.published().log.position();
    let mut stream = follow(&runtime, before);
    assert!(!written(&mut stream).contains("trial"), "it is current");

    let held = platter.hold();
    let updating = tokio::spawn({
        let scope = scope.clone();
        async move { push(&scope, "not yet").await }
    });
    until(|| async { scope.published().log.position().offset > before.offset }).await;
    assert_eq!(written(&mut stream), "");
    let resumed = scope.resume(&[("trial", Some(before))], VISITOR);
    assert!(matches!(resumed[0], Resume::Current), "{resumed:?}");
    assert!(scope.snapshot_now(VISITOR).is_none());
    let page = tokio::spawn({
        let scope = scope.clone();
        async move { scope.snapshot(VISITOR).await }
    });
    let from_nothing = tokio::spawn({
        let scope = scope.clone();
        async move { scope.snapshots_of(vec!["trial"], VISITOR).await }
    });
    let reading = tokio::spawn({
        let scope = scope.clone();
        async move { seen(&scope).await }
    });
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!updating.is_finished() && !reading.is_finished());
        assert!(!page.is_finished() && !from_nothing.is_finished());
    }

    drop(held);
    updating.await.expect("it ends").expect("it is made");
    // A stream is told just after those who wait.
    let stream = RefCell::new(stream);
    until(|| async { written(&mut stream.borrow_mut()).contains("not yet") }).await;
    assert_eq!(reading.await.expect("it ends"), ["kept", "not yet"]);
    assert_eq!(shown(&page.await.expect("it ends")), 1);
    assert_eq!(from_nothing.await.expect("it ends").len(), 1);
    assert!(scope.snapshot_now(VISITOR).is_some());
    close(runtime);
}

#[tokio::test]
async fn with_commit_an_update_that_there_is_no_room_for_is_shown_to_nobody_and_returns_once_it_is_kept()
 {
    let platter = Platter::new(1);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start_as(Durability::Commit).await;
    let scope = the_scope(&runtime).await;
    push(&scope, "kept").await.expect("it is made");
    let before = scope.published().log.position();
    let mut stream = follow(&runtime, before);
    assert!(!written(&mut stream).contains("trial"), "it is current");
    platter.fill(true);
    let updating = tokio::spawn({
        let scope = scope.clone();
        async move { push(&scope, "waits").await }
    });
    until(|| async { runtime.store.trouble().is_some() }).await;
    let refused = push(&scope, "refused").await;
    assert!(
        matches!(refused, Err(UpdateError::NotStored(_))),
        "{refused:?}"
    );
    assert_eq!(written(&mut stream), "");
    assert!(scope.snapshot_now(VISITOR).is_none());
    assert!(
        !updating.is_finished(),
        "nobody knows whether it will be kept"
    );
    // Who finds the server gone down meanwhile finds all that was shown.
    let later = ground.as_if_killed().start_as(Durability::Commit).await;
    let found = the_scope(&later).await;
    assert_eq!(seen(&found).await, ["kept"]);
    assert_eq!(found.published().log.position(), before);
    drop(found);
    close(later);

    platter.fill(false);
    updating.await.expect("it ends").expect("it is made");
    let stream = RefCell::new(stream);
    until(|| async { written(&mut stream.borrow_mut()).contains("waits") }).await;
    until(|| async { runtime.store.trouble().is_none() }).await;
    push(&scope, "after").await.expect("there is room");
    assert_eq!(seen(&scope).await, ["kept", "waits", "after"]);
    close(runtime);
}

#[tokio::test]
async fn a_short_event_is_one_commit() {
    let ground = Ground::Platter(Platter::new(1));
    let runtime = ground.start_as(Durability::Commit).await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, note("first".into())).await;
    let before = scope.ticket();
    send(&scope, 2, note("second".into())).await;
    assert_eq!(scope.ticket().0, before.0 + 1);
    scope.stored().await;
    let killed = ground.as_if_killed().start().await;
    let scope = the_scope(&killed).await;
    assert_eq!(seen(&scope).await, ["first", "second"]);
    let again = send(&scope, 2, note("twice".into())).await;
    assert!(matches!(again, Accepted::Known), "{again:?}");
    close(killed);
    close(runtime);
}

#[tokio::test]
async fn a_relaxed_update_is_shown_at_once() {
    let platter = Platter::new(2);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    push(&scope, "kept").await.expect("it is made");
    scope.stored().await;
    let mut stream = follow(&runtime, scope.published().log.position());
    written(&mut stream);
    let held = platter.hold();
    push(&scope, "at once").await.expect("it is made");
    assert!(written(&mut stream).contains("at once"));
    drop(held);
    close(runtime);
}

#[background]
async fn burns_behind_itself(cx: TaskContext<Trial>, bridge: String) -> Result {
    let may = |trial: &Trial| trial.seen.iter().any(|word| word == "go").then_some(());
    cx.until(may).await?;
    cx.update(|trial| trial.seen.push("over".into())).await?;
    cx.kept().await?;
    std::fs::remove_file(bridge)?;
    Ok(())
}

#[tokio::test]
async fn what_a_task_does_behind_kept_is_done_once_no_crash_takes_back_what_was_before_it() {
    let platter = Platter::new(4);
    let ground = Ground::Platter(platter.clone());
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let bridge = std::env::temp_dir().join(crate::server::random_id());
    std::fs::write(&bridge, "").expect("there is room");
    let path = bridge.to_string_lossy().into_owned();
    send(&scope, 1, burns_behind_itself(path)).await;
    scope.stored().await;
    let held = platter.hold();
    push(&scope, "go").await.expect("it is made");
    until(|| async { seen(&scope).await == ["go", "over"] }).await;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(bridge.exists(), "a crash would take back that it is over");
    }
    drop(held);
    until(|| async { !bridge.exists() }).await;
    let later = ground.as_if_killed().start().await;
    assert_eq!(seen(&*the_scope(&later).await).await, ["go", "over"]);
    close(later);
    close(runtime);
}

/// Updates until the power fails; how many a page has been shown.
async fn shown_until_the_power_fails(runtime: &Arc<Runtime>, platter: &Platter) -> (Position, u64) {
    let scope = the_scope(runtime).await;
    let start = scope.published().log.position();
    let updating = tokio::spawn({
        let scope = scope.clone();
        async move {
            for n in 1_u32.. {
                if push(&scope, n).await.is_err() {
                    break;
                }
            }
        }
    });
    let mut shown = start.offset;
    until(|| {
        let from = Position::new(start.epoch, shown);
        let [resume] = &scope.resume(&[("trial", Some(from))], VISITOR)[..] else {
            panic!("one was asked for");
        };
        if let Resume::Entries(entries) = resume {
            shown = entries.last().map_or(shown, |entry| entry.offset);
        }
        async { platter.has_failed() && runtime.store.trouble().is_some() }
    })
    .await;
    updating.abort();
    (start, shown)
}

#[tokio::test]
async fn with_commit_a_power_cut_takes_back_nothing_that_was_shown() {
    let mut most = 0;
    for seed in 0..40 {
        let platter = Platter::new(seed);
        let ground = Ground::Platter(platter.clone());
        let runtime = ground.start_as(Durability::Commit).await;
        push(&*the_scope(&runtime).await, 0)
            .await
            .expect("it is made");
        platter.fail_after(fastrand::Rng::with_seed(seed).u64(1..200));
        let (at, shown) = shown_until_the_power_fails(&runtime, &platter).await;
        most = most.max(shown);

        let later = ground.as_if_killed().start_as(Durability::Commit).await;
        let scope = the_scope(&later).await;
        let now = scope.published().log.position();
        assert_eq!(now.epoch, at.epoch, "pages go on from where they are");
        assert!(
            now.offset >= shown,
            "seed {seed}: {shown} was shown, {now} is there"
        );
        let resumed = scope.resume(&[("trial", Some(Position::new(at.epoch, shown)))], VISITOR);
        assert!(!matches!(resumed[0], Resume::Snapshot), "{resumed:?}");
        let seen = seen(&scope).await;
        let made: Vec<_> = (0..seen.len()).map(|n| n.to_string()).collect();
        assert_eq!(seen, made);
    }
    assert!(most > 5, "updates were shown: {most}");
}

#[tokio::test]
async fn relaxed_a_power_cut_begins_a_new_epoch() {
    for seed in 0..20 {
        let platter = Platter::new(seed);
        let ground = Ground::Platter(platter.clone());
        let runtime = ground.start().await;
        let scope = the_scope(&runtime).await;
        push(&scope, 0).await.expect("it is made");
        scope.stored().await;
        platter.fail_after(fastrand::Rng::with_seed(seed).u64(1..100));
        let (at, _) = shown_until_the_power_fails(&runtime, &platter).await;

        let later = ground.as_if_killed().start().await;
        let scope = the_scope(&later).await;
        let now = scope.published().log.position();
        assert_ne!(now.epoch, at.epoch, "something shown might be missing");
        assert_eq!(now.epoch.life(), at.epoch.life());
        let seen = seen(&scope).await;
        let made: Vec<_> = (0..seen.len()).map(|n| n.to_string()).collect();
        assert_eq!(seen, made, "and it is one of its commits");
        assert!(!seen.is_empty(), "what was kept is there");
    }
}

fn the_event<A: EventDef>(_: &Call<A>) -> &'static str {
    A::NAME
}

/// As a script posts it to the event's own path.
fn posted<A: EventDef>(
    runtime: &Arc<Runtime>,
    session: &Session,
    call: &Call<A>,
) -> impl Future<Output = axum::http::StatusCode> + Send + use<A> {
    let cookie = runtime.sessions.issue(session);
    let cookie = cookie.to_str().expect("it is text");
    let (cookie, _) = cookie.split_once(';').expect("it has more to say");
    let json = serde_json::to_string(call).expect("it is JSON");
    let request = axum::http::Request::post(format!("/api/{}?client=d&n=1", A::NAME))
        .header("cookie", cookie)
        .header("content-type", "application/json")
        .extension(runtime.clone())
        .body(axum::body::Body::from(json))
        .expect("it is a request");
    async move { handle_server_fn::<A>(request).await.status() }
}

#[tokio::test]
async fn an_event_is_answered_once_it_is_kept_and_not_before() {
    for durability in [Durability::Relaxed, Durability::Commit] {
        let platter = Platter::new(5);
        let ground = Ground::Platter(platter.clone());
        let runtime = ground.start_as(durability).await;
        let session = runtime.sessions.fresh();
        session_of(&runtime, session.visitor).stored().await;
        let held = platter.hold();
        let batch = tokio::spawn({
            let (runtime, call) = (runtime.clone(), note("one".into()));
            async move {
                let json = serde_json::value::to_raw_value(&call).expect("it is JSON");
                let batch = Batch {
                    client: "c".into(),
                    session: None,
                    scope: None,
                    events: vec![(1, the_event(&call).into(), &json)],
                };
                let answers = take_events(&runtime, &session, batch).await;
                answers.expect("it is answered").events[0].is
            }
        });
        let single = tokio::spawn(posted(&runtime, &session, &note("two".into())));
        let scope = session_of(&runtime, session.visitor);
        let is_accepted = || {
            let mut queues = scope.queues.lock().expect("it is whole");
            let numbers = &queues.existing(session.visitor);
            let known = |client| {
                let queue = numbers.as_ref();
                queue.is_some_and(|queue| queue.numbers.is_known(client, 1))
            };
            known("c") && known("d")
        };
        until(|| async { is_accepted() }).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(!batch.is_finished() && !single.is_finished());
        }
        drop(held);
        assert_eq!(batch.await.expect("it ends"), Fate::Queued);
        let status = single.await.expect("it ends");
        assert_eq!(status, axum::http::StatusCode::ACCEPTED);
        close(runtime);
    }
}
