//! Doors from outside, what starts with the server, and the counters.

use super::*;
use crate::server::{Counters, NotSent};
use crate::{CancelTask, PauseTask, RetryTask};
use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};

/// The server's own.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Clockwork {
    beats: u32,
}

/// Open to nobody but the server.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = nobody)]
struct Vault {
    held: List<String>,
}

fn nobody(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Err(ForVisitor::new("Nobody comes in."))
}

#[background(overlap = reject)]
async fn beat(cx: TaskContext<Clockwork>) -> Result {
    loop {
        cx.update(|clock| clock.beats += 1).await?;
        cx.sleep(Millis(1_000)).await?;
    }
}

#[event]
fn hold(vault: &mut Vault, what: String) {
    vault.held.push(what);
}

#[background]
async fn store(cx: TaskContext<Vault>, what: String) -> Result {
    cx.update(|vault| vault.held.push(what)).await?;
    Ok(())
}

/// From a session to a room and to the process.
#[event]
async fn hand_over(cx: EventContext<Trial>) -> Result {
    let beats = cx.process::<Clockwork>().read(|clock| clock.beats).await?;
    let vault = cx.keyed::<Vault>("gold");
    vault.dispatch(hold(format!("at beat {beats}"))).await?;
    Ok(())
}

fn server(limits: Limits) -> Undercurrent {
    builder(limits).on_start(beat()).build().expect("it starts")
}

async fn held(uc: &Undercurrent) -> Vec<String> {
    let held = |vault: &Vault| vault.held.iter().cloned().collect();
    let vault = uc.keyed::<Vault>("gold");
    vault.read(held).await.expect("it reads")
}

#[tokio::test(start_paused = true)]
async fn a_task_starts_with_the_server_once_and_not_before() {
    let uc = server(Limits::default());
    let beats = || async {
        let clock = uc.process::<Clockwork>();
        clock.read(|clock| clock.beats).await.expect("it reads")
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((beats().await, uc.counters().scopes), (0, 0));
    uc.start_up().await.expect("it starts");
    until(|| async { beats().await >= 3 }).await;
    // It was started; a second time does nothing.
    uc.start_up().await.expect("nothing is left to start");
    assert_eq!(uc.counters().tasks, 1);
    let again = uc.process::<Clockwork>().start(beat()).await;
    assert_eq!(again, Err(NotStarted::Busy));
    let again = uc.process::<Clockwork>().dispatch(beat()).await;
    assert_eq!(again, Err(NotSent::Busy));
}

#[tokio::test(start_paused = true)]
async fn what_started_with_the_server_and_what_is_paused_hold_up_no_shutdown() {
    let uc = server(Limits::default());
    let (scope, took) = super::matrix_pages::shut_down_of(uc, async |scope| {
        send(scope, 1, ticks(9)).await;
        ask(scope, 2, crate::PauseTask, ("trial/ticks", "")).await;
        until_status(scope, TaskStatus::Paused).await;
    })
    .await;
    assert_eq!(status(&scope).await, TaskStatus::Interrupted);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[event]
async fn waits_for_nobody(cx: EventContext<Trial>) -> Result {
    cx.until(|trial| (trial.secret == 77).then_some(())).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_is_interrupted_in_time() {
    let uc = server(Limits::default());
    let runtime = uc.runtime.clone();
    let limit = Duration::from_millis(runtime.limits.shutdown_ms);
    let (scope, took) = super::matrix_pages::shut_down_of(uc, async |scope| {
        send(scope, 1, waits_for_nobody()).await;
        send(scope, 2, note("behind".into())).await;
    })
    .await;
    assert!(took < limit, "{took:?}");
    ended(&scope, 2).await;
    let told = failures(&scope).await;
    let kinds: Vec<_> = told.iter().map(|told| (told.number, told.kind)).collect();
    // Nothing outlives this process: what is behind has had its time, too.
    let interrupted = EndKind::Interrupted;
    assert_eq!(kinds, [(1, interrupted), (2, interrupted)]);
    assert_eq!(seen(&scope).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_start_with_the_server_is_named() {
    let uc = server(Limits {
        tasks: 0,
        ..Limits::default()
    });
    let refused = uc.start_up().await;
    assert_eq!(refused, Err(("clockwork/beat", NotStarted::Full)));
}

#[tokio::test(start_paused = true)]
async fn the_server_goes_where_no_visitor_may_and_reading_makes_no_scope() {
    let uc = server(Limits::default());
    assert_eq!(held(&uc).await, [""; 0]);
    assert_eq!(uc.counters().scopes, 0);
    let vault = uc.keyed::<Vault>("gold");
    vault
        .dispatch(hold("a crown".into()))
        .await
        .expect("it is sent");
    until(|| async { held(&uc).await == ["a crown"] }).await;
    vault
        .start(store("a ring".into()))
        .await
        .expect("it starts");
    until(|| async { held(&uc).await == ["a crown", "a ring"] }).await;
    // Another key is another vault.
    let other = uc.keyed::<Vault>("silver");
    assert_eq!(other.read(|vault| vault.held.len()).await, Ok(0));
    assert_eq!(uc.counters().scopes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_scope_can_have_is_refused() {
    let uc = server(Limits::default());
    for key in [String::new(), "x".repeat(uc.runtime.limits.key_bytes + 1)] {
        let vault = uc.keyed::<Vault>(&key);
        let sent = vault.dispatch(hold("a crown".into())).await;
        assert!(matches!(sent, Err(NotSent::NoSuch(_))), "{sent:?}");
        let started = vault.start(store("a ring".into())).await;
        assert_eq!(started, Err(NotStarted::NoSuch));
    }
    assert_eq!(uc.counters().scopes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_reads_and_sends_to_other_scopes() {
    let uc = server(Limits::default());
    uc.start_up().await.expect("it starts");
    until(|| async { uc.process::<Clockwork>().read(|clock| clock.beats).await == Ok(2) }).await;
    let session = scope(&uc.runtime);
    send(&session, 1, hand_over()).await;
    until(|| async { held(&uc).await == ["at beat 2"] }).await;
    assert_eq!(failures(&session).await, []);
}

#[background]
async fn waits_for_a_beat(cx: TaskContext<Trial>) -> Result {
    let clock = cx.process::<Clockwork>();
    let never = |clock: &Clockwork| (clock.beats > 1_000_000).then_some(());
    let waited = clock.until_within(Millis(3_600_000), never).await;
    LEFT_WITH.store(waited == Err(UpdateError::Cancelled), Ordering::Relaxed);
    waited?;
    Ok(())
}

static LEFT_WITH: AtomicBool = AtomicBool::new(false);

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_another_scope_leaves_it_when_it_is_cancelled() {
    let uc = server(Limits::default());
    let session = scope(&uc.runtime);
    send(&session, 1, waits_for_a_beat()).await;
    until_status(&session, TaskStatus::Running).await;
    let began = tokio::time::Instant::now();
    ask(
        &session,
        2,
        crate::CancelTask,
        ("trial/waits_for_a_beat", ""),
    )
    .await;
    until_status(&session, TaskStatus::Cancelled).await;
    assert!(LEFT_WITH.load(Ordering::Relaxed), "by its own way out");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_counters_follow_scopes_tasks_and_events_and_come_back_to_nothing() {
    let uc = server(Limits::default());
    let session = scope(&uc.runtime);
    let idle = Counters {
        scopes: 1,
        ..Counters::default()
    };
    let now = || Counters {
        uptime: Duration::ZERO,
        ..uc.counters()
    };
    assert_eq!(now(), idle);
    send(&session, 1, waits("first".into())).await;
    send(&session, 2, note("second".into())).await;
    send(&session, 3, ticks(3)).await;
    assert_eq!(
        now(),
        Counters {
            tasks: 1,
            events: 2,
            ..idle
        }
    );
    ended(&session, 2).await;
    until(|| async { now() == idle }).await;
    // What panics and what is refused ends, too.
    send(&session, 4, panics()).await;
    send(&session, 5, floods()).await;
    ended(&session, 5).await;
    until(|| async { now() == idle }).await;
    assert!(uc.counters().uptime >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_route_of_the_apps_own_reaches_the_session_of_who_asks_and_no_other() {
    let uc = server(Limits::default());
    let cookie = |session: &super::super::session::Session| {
        let set = uc.runtime.sessions.issue(session);
        let cookie = set
            .to_str()
            .expect("text")
            .split(';')
            .next()
            .map(str::to_owned);
        let mut headers = axum::http::HeaderMap::new();
        let cookie = cookie.expect("a cookie").parse().expect("a header");
        headers.insert(axum::http::header::COOKIE, cookie);
        headers
    };
    assert!(uc.session::<Trial>(&axum::http::HeaderMap::new()).is_none());
    let (one, other) = (uc.runtime.sessions.fresh(), uc.runtime.sessions.fresh());
    let session = uc.session::<Trial>(&cookie(&one)).expect("a cookie");
    assert_eq!(session.visitor(), one.visitor);
    // To look makes nothing.
    let seen = || async {
        session
            .read(|trial| trial.seen.len())
            .await
            .expect("it reads")
    };
    assert_eq!((seen().await, session.exists()), (0, false));
    assert_eq!(uc.counters().scopes, 0);
    // It waits behind what the visitor has sent, and is the visitor's own.
    session
        .dispatch(waits("first".into()))
        .await
        .expect("it is sent");
    session
        .dispatch(note("second".into()))
        .await
        .expect("it is sent");
    session.start(ticks(1)).await.expect("it starts");
    until(|| async { seen().await >= 4 }).await;
    let all = session.read(|trial| trial.seen.iter().cloned().collect::<Vec<_>>());
    let all = all.await.expect("it reads");
    let at = |text: &str| all.iter().position(|seen| seen == text).expect(text);
    assert!(at("first ends") < at("second"), "{all:?}");
    assert!(all.contains(&"tick 1".to_owned()));
    assert!(session.exists());
    let other = uc.session_of::<Trial>(other.visitor);
    assert!(!other.exists());
    assert_eq!(other.read(|trial| trial.seen.len()).await, Ok(0));
    // A key that was kept leads back to it.
    let kept = Visitor::from_key(&one.visitor.key()).expect("a key");
    assert!(uc.session_of::<Trial>(kept).exists());
    assert_eq!(Visitor::from_key(&Visitor::SERVER.key()), None);
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Station {
    trains: u32,
}

#[background(key = line, overlap = replace)]
async fn runs_trains(cx: TaskContext<Station>, line: u32) -> Result {
    cx.update(|station| station.trains += line).await?;
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[background(control = anyone)]
async fn shows_trains(cx: TaskContext<Station>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[event]
async fn closes_line(cx: EventContext<Station>, line: u32) {
    cx.cancel(runs_trains, line).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_started_nobody_else_controls_unless_the_task_says_so() {
    let uc = builder(Limits::default()).build().expect("it starts");
    let station = uc.process::<Station>();
    for line in [1, 2] {
        station.start(runs_trains(line)).await.expect("it starts");
    }
    station.start(shows_trains()).await.expect("it starts");
    let name = uc.runtime.scope_name("station:").expect("there is one");
    let scope = uc
        .runtime
        .scopes
        .find(place(&uc.runtime, VISITOR, &name).key);
    let scope = scope.expect("it is there");
    // A visitor's own run obeys.
    send(&scope, 1, runs_trains(3)).await;
    until(|| async { runs(&scope).await.len() == 4 }).await;
    let statuses_of = || async { statuses(&scope).await };
    use TaskStatus::{Cancelled, Paused, Running};
    for (number, key) in [(2, "1"), (3, "3")] {
        let asked = ask(&scope, number, PauseTask, ("station/runs_trains", key)).await;
        let is_refused =
            matches!(&asked, Accepted::Ended(EndKind::Barred, why) if why.contains("server"));
        assert_eq!(is_refused, key == "1", "{asked:?}");
    }
    assert_eq!(statuses_of().await, [Running, Running, Running, Paused]);
    let by_id = Which {
        run: Some(runs(&scope).await[0].id),
        ..Which::default()
    };
    let cancelled = send(&scope, 4, Call::new(CancelTask(by_id))).await;
    assert!(matches!(cancelled, Accepted::Ended(EndKind::Barred, _)));
    // Another start would replace it.
    let replaced = send(&scope, 5, runs_trains(1)).await;
    assert!(
        matches!(replaced, Accepted::Ended(EndKind::Busy, _)),
        "{replaced:?}"
    );
    ask(&scope, 6, CancelTask, ("station/shows_trains", "")).await;
    until(|| async { statuses_of().await == [Running, Running, Cancelled, Paused] }).await;
    // By an event of the app's they are cancelled, and then not retried.
    send(&scope, 7, closes_line(1)).await;
    until(|| async { statuses_of().await[0] == Cancelled }).await;
    let retried = ask(&scope, 8, RetryTask, ("station/runs_trains", "1")).await;
    assert!(
        matches!(retried, Accepted::Ended(EndKind::Barred, _)),
        "{retried:?}"
    );
    // The server itself may.
    station.start(runs_trains(1)).await.expect("it starts");
}

/// Asks for a task in another scope, and hears of nothing.
#[event]
async fn starts_elsewhere(cx: EventContext<Trial>) {
    let vault = cx.keyed::<Vault>("held");
    let started = vault.start(store("a ring".into())).await;
    assert_eq!(started, Err(NotStarted::Cancelled));
    STARTED_ELSEWHERE.store(true, Ordering::SeqCst);
}

static STARTED_ELSEWHERE: AtomicBool = AtomicBool::new(false);

#[tokio::test(start_paused = true)]
async fn of_an_event_that_is_cancelled_while_it_waits_elsewhere_nothing_starts_there() {
    let uc = server(Limits::default());
    let vault = uc.keyed::<Vault>("held");
    vault.dispatch(hold("a crown".into())).await.expect("sent");
    let name = uc.runtime.scope_name("vault:held").expect("it is one");
    let place = place(&uc.runtime, Visitor::SERVER, &name);
    let held = uc.runtime.scopes.find(place.key).expect("it is there");
    let session = scope(&uc.runtime);
    let turn = held.turn().await;
    send(&session, 1, starts_elsewhere()).await;
    // It stands in the line there by then.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let which = crate::WhichEvents {
        event: "trial/starts_elsewhere".to_owned(),
        numbers: Vec::new(),
    };
    session.cancel_events(&which, VISITOR, None).await;
    drop(turn);
    ended(&session, 1).await;
    assert!(STARTED_ELSEWHERE.load(Ordering::SeqCst), "it was told so");
    assert!(runs(&held).await.is_empty());
    assert_eq!(failures(&session).await[0].kind, EndKind::Cancelled);
}

#[background]
async fn winds_by_hand(cx: TaskContext<Clockwork>) -> Result {
    let door = cx.process::<Clockwork>();
    let inner = cx
        .update(|clock| {
            clock.beats += 1;
            let sent = pin!(door.dispatch(beat()));
            sent.poll(&mut Context::from_waker(Waker::noop()))
        })
        .await?;
    assert_eq!(inner, Poll::Ready(Err(NotSent::Nested)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_task_is_sent_through_a_door_inside_an_update() {
    let uc = server(Limits::default());
    let clock = uc.process::<Clockwork>();
    clock.start(winds_by_hand()).await.expect("it starts");
    until(|| async { uc.counters().tasks == 0 }).await;
    assert_eq!(clock.read(|clock| clock.beats).await, Ok(1));
    let name = uc.runtime.scope_name("clockwork:").expect("it is one");
    let place = place(&uc.runtime, Visitor::SERVER, &name);
    let scope = uc.runtime.scopes.find(place.key).expect("it is there");
    assert_eq!(statuses(&scope).await, [TaskStatus::Done]);
}
