//! The server's tests: real scopes, a paused clock, no sockets.

use super::{
    Config, NotStarted, Runtime, Undercurrent,
    authorize::{Action, Place, authorize},
    queue::{Accepted, Origin},
    registry::{Arguments, Prepared},
    scope::Scope,
    scopes::ScopeKey,
};
use crate::{
    EndKind, Limits, TaskStatus, UpdateError, Visitor,
    builtin::{UcEnds, UcTasks},
    core::{log::Resume, position::Position, scope::ScopeName},
    prelude::*,
};
use leptos::config::LeptosOptions;
use std::{sync::Arc, time::Duration};

#[derive(State, Clone, Debug, Default)]
struct Trial {
    seen: List<String>,
    #[state(server)]
    secret: u32,
}

#[event]
fn note(trial: &mut Trial, text: String) {
    trial.seen.push(text);
}

#[event]
fn refuse(trial: &mut Trial) -> Result<(), ForVisitor> {
    trial.seen.push("undone".into());
    trial.secret = 9;
    Err(ForVisitor::new("Not today."))
}

#[event]
fn panics(trial: &mut Trial) {
    trial.seen.push("undone".into());
    trial.seen = List::new();
    panic!("on purpose");
}

#[event]
fn fails(trial: &mut Trial) -> Result {
    trial.seen.clear();
    Err("a secret of the server".into())
}

#[event]
async fn waits(cx: EventContext<Trial>, name: String) -> Result {
    cx.update(|trial| trial.seen.push(format!("{name} begins")))
        .await?;
    cx.sleep(Millis(1_000)).await?;
    cx.update(|trial| trial.seen.push(format!("{name} ends")))
        .await?;
    cx.dispatch(note(format!("{name} dispatched")));
    Ok(())
}

#[event]
async fn floods(cx: EventContext<Trial>) {
    for n in 0..1_000 {
        cx.dispatch(note(n.to_string()));
    }
}

#[event]
async fn nests(cx: EventContext<Trial>) -> Result {
    let inner = cx
        .update(|_| futures::executor::block_on(cx.update(|_| ())))
        .await?;
    let read = cx
        .update(|_| futures::executor::block_on(cx.read(|_| ())))
        .await?;
    assert_eq!(
        (inner, read),
        (Err(UpdateError::Nested), Err(UpdateError::Nested))
    );
    cx.update(|trial| trial.seen.push("refused twice".into()))
        .await?;
    Ok(())
}

#[background]
async fn ticks(cx: TaskContext<Trial>, times: u32) -> Result {
    for n in 1..=times {
        cx.update(|trial| trial.seen.push(format!("tick {n}")))
            .await?;
        cx.progress(n, times);
        cx.sleep(Millis(100)).await?;
    }
    Ok(())
}

#[background(key = name)]
async fn stubborn(cx: TaskContext<Trial>, name: String) {
    let _ = name;
    loop {
        // It hears nothing of a cancel, and goes on trying.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = cx.update(|trial| trial.seen.push("stubborn".into())).await;
    }
}

#[background(overlap = parallel(2))]
async fn breaks(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(10)).await?;
    let done = cx.update::<()>(|_| panic!("on purpose")).await;
    unreachable!("the panic goes on: {done:?}");
}

/// An error whose text can't be had.
struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("on purpose")
    }
}

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("on purpose")
    }
}

impl std::error::Error for Unspeakable {}

#[event]
async fn unspeakable(cx: EventContext<Trial>) -> Result {
    drop(cx);
    Err(Unspeakable.into())
}

#[event]
async fn starts_twice(cx: EventContext<Trial>) {
    cx.dispatch(ticks(1_000));
    cx.dispatch(ticks(1_000));
}

#[event]
async fn names(cx: EventContext<Trial>, names: Vec<String>, n: u32) -> Result {
    cx.update(|trial| trial.seen.push(format!("{names:?} {n}")))
        .await?;
    Ok(())
}

/// Panics where it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("on purpose")
    }
}

#[background]
async fn explodes(cx: TaskContext<Trial>) {
    let _held = Grenade;
    drop(cx);
    std::future::pending::<()>().await;
}

#[derive(State, Clone, Debug, Default)]
struct Measure {
    last: f64,
    all: List<f64>,
}

// === Helpers ===

pub(super) fn runtime(limits: Limits) -> Arc<Runtime> {
    // No test reads the environment, so that none depends on it.
    let key_file = std::env::temp_dir().join(format!("undercurrent-{}.key", std::process::id()));
    let config = Config {
        limits,
        session_key_file: key_file,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    Undercurrent::with(options, config)
        .build()
        .expect("it starts")
        .runtime
}

const VISITOR: Visitor = Visitor([1; 16]);

pub(super) fn place(runtime: &Runtime, visitor: Visitor, name: &ScopeName) -> Place {
    authorize(runtime, visitor, name, Action::Send).expect("it is open")
}

fn scope(runtime: &Arc<Runtime>) -> Arc<Scope> {
    let place = place(runtime, VISITOR, &ScopeName::Session);
    let scope = runtime.scopes.find_or_make(&place, runtime);
    scope.expect("there is room")
}

/// Sends an event as the client `c` does.
async fn send<E: crate::EventDef>(scope: &Arc<Scope>, number: u64, call: Call<E>) -> Accepted {
    send_as(VISITOR, scope, number, call).await
}

pub(super) async fn send_as<E: crate::EventDef>(
    visitor: Visitor,
    scope: &Arc<Scope>,
    number: u64,
    call: Call<E>,
) -> Accepted {
    let runtime = scope.runtime.upgrade().expect("the test holds it");
    let origin = Origin {
        client: "c".into(),
        number,
    };
    let mut queued = runtime
        .queued(call, visitor, Some(origin))
        .expect("it is registered");
    queued.is_first = true;
    scope.accept(queued).await
}

/// Waits until all events up to a number have ended.
pub(super) async fn ended(scope: &Scope, number: u64) {
    until(|| async {
        let upto = |ends: &UcEnds| ends.clients.first().map_or(0, |ends| ends.upto);
        scope.read(|| true, upto).await.expect("it reads") >= number
    })
    .await;
}

/// Waits for a condition. The clock is paused, so that waiting takes no time.
pub(super) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    for _ in 0..100_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not come to be");
}

async fn seen(scope: &Scope) -> Vec<String> {
    let seen = |trial: &Trial| trial.seen.iter().cloned().collect();
    scope.read(|| true, seen).await.expect("it reads")
}

async fn status(scope: &Scope) -> TaskStatus {
    let last = |tasks: &UcTasks| tasks.runs.last().map(|run| run.status);
    scope
        .read(|| true, last)
        .await
        .expect("it reads")
        .expect("there was a run")
}

pub(super) async fn failures(scope: &Scope) -> Vec<crate::Failure> {
    let all = |ends: &UcEnds| {
        ends.clients
            .iter()
            .flat_map(|ends| ends.failures.clone())
            .collect()
    };
    scope.read(|| true, all).await.expect("it reads")
}

// === The queue ===

#[tokio::test(start_paused = true)]
async fn events_run_one_at_a_time_and_what_is_dispatched_comes_behind_what_waits() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    assert!(matches!(
        send(&scope, 1, waits("a".into())).await,
        Accepted::Queued
    ));
    assert!(matches!(
        send(&scope, 2, waits("b".into())).await,
        Accepted::Queued
    ));
    send(&scope, 3, note("click".into())).await;
    ended(&scope, 3).await;
    let expected = [
        "a begins",
        "a ends",
        "b begins",
        "b ends",
        "click",
        "a dispatched",
        "b dispatched",
    ];
    until(|| async { seen(&scope).await.len() == expected.len() }).await;
    assert_eq!(seen(&scope).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_was_accepted_is_not_run_again() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    assert!(matches!(
        send(&scope, 1, note("once".into())).await,
        Accepted::Queued
    ));
    assert!(matches!(
        send(&scope, 1, note("twice".into())).await,
        Accepted::Known
    ));
    send(&scope, 2, note("next".into())).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["once", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_keeps_what_it_has() {
    let runtime = runtime(Limits {
        queue: 2,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, waits("a".into())).await;
    until(|| async { !seen(&scope).await.is_empty() }).await;
    assert!(matches!(
        send(&scope, 2, note("b".into())).await,
        Accepted::Queued
    ));
    assert!(matches!(
        send(&scope, 3, note("c".into())).await,
        Accepted::Queued
    ));
    assert!(matches!(
        send(&scope, 4, note("d".into())).await,
        Accepted::Full
    ));
    // Its number was not used up: the same event is taken once there is room.
    ended(&scope, 3).await;
    assert!(matches!(
        send(&scope, 4, note("d".into())).await,
        Accepted::Queued
    ));
    ended(&scope, 4).await;
    // `a` could dispatch only while there was room, and said so.
    assert!(
        seen(&scope)
            .await
            .ends_with(&["b".into(), "c".into(), "d".into()])
    );
    assert_eq!(failures(&scope).await[0].kind, EndKind::Full);
}

#[tokio::test(start_paused = true)]
async fn what_an_event_dispatches_enters_whole_or_not_at_all() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, floods()).await;
    ended(&scope, 1).await;
    assert_eq!(seen(&scope).await, [""; 0]);
    assert_eq!(failures(&scope).await[0].kind, EndKind::Full);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_changes_nothing_and_tells_its_sender_what_it_may_know() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, note("kept".into())).await;
    send(&scope, 2, refuse()).await;
    send(&scope, 3, panics()).await;
    send(&scope, 4, fails()).await;
    send(&scope, 5, note("after".into())).await;
    ended(&scope, 5).await;
    assert_eq!(seen(&scope).await, ["kept", "after"]);
    assert_eq!(
        scope.read(|| true, |trial: &Trial| trial.secret).await,
        Ok(0)
    );
    let failures = failures(&scope).await;
    let kinds: Vec<_> = failures
        .iter()
        .map(|failure| (failure.number, failure.kind))
        .collect();
    let expected = [
        (2, EndKind::Failed),
        (3, EndKind::Panicked),
        (4, EndKind::Failed),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(failures[0].message, "Not today.");
    assert!(
        !failures[2].message.contains("secret"),
        "{}",
        failures[2].message
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_inside_an_update_is_an_error_and_no_deadlock() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, nests()).await;
    ended(&scope, 1).await;
    assert_eq!(seen(&scope).await, ["refused twice"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_text_panics_ends_its_event_and_the_queue_goes_on() {
    // Somebody reads the log, so that it is written.
    let reader = tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .finish();
    let _reads = tracing::subscriber::set_default(reader);
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, unspeakable()).await;
    send(&scope, 2, note("after".into())).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["after"]);
    assert_eq!(failures(&scope).await[0].kind, EndKind::Panicked);
    until(|| async { scope.is_idle() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_outlives_the_request_that_brought_it_and_its_retry_hears_the_same() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let held = scope.write().await.expect("it can be written");
    {
        // The client goes away while the start waits for the scope.
        let lost = send(&scope, 1, ticks(1_000));
        let lost = tokio::time::timeout(Duration::from_millis(10), lost).await;
        assert!(lost.is_err(), "it waits");
    }
    drop(held);
    let retried = send(&scope, 1, ticks(1_000)).await;
    assert!(
        matches!(retried, Accepted::Ended(EndKind::Done, _)),
        "{retried:?}"
    );
    let runs = scope
        .read(|| true, |tasks: &UcTasks| tasks.runs.len())
        .await;
    assert_eq!(runs, Ok(1));
    for _ in 0..2 {
        let busy = send(&scope, 2, ticks(1_000)).await;
        assert!(
            matches!(busy, Accepted::Ended(EndKind::Busy, _)),
            "{busy:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_an_event_dispatches_and_that_is_refused_is_told_of() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, starts_twice()).await;
    until(|| async { !failures(&scope).await.is_empty() }).await;
    let failure = failures(&scope).await.remove(0);
    assert_eq!(
        (failure.event.as_str(), failure.kind),
        ("trial/ticks", EndKind::Busy)
    );
}

// === Tasks ===

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_where_it_is_dropped_has_ended_all_the_same() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, explodes()).await;
    scope.cancel_tasks("trial/explodes", "").await;
    until(|| async { status(&scope).await == TaskStatus::Cancelled }).await;
    assert!(scope.is_idle());
    let again = send(&scope, 2, explodes()).await;
    assert!(
        matches!(again, Accepted::Ended(EndKind::Done, _)),
        "{again:?}"
    );
    let running = runtime
        .tasks_running
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(running, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_beside_the_queue_and_a_click_does_not_wait_for_it() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    assert!(matches!(
        send(&scope, 1, ticks(3)).await,
        Accepted::Ended(EndKind::Done, _)
    ));
    until(|| async { !seen(&scope).await.is_empty() }).await;
    send(&scope, 2, note("click".into())).await;
    until(|| async { status(&scope).await == TaskStatus::Done }).await;
    assert_eq!(seen(&scope).await, ["tick 1", "click", "tick 2", "tick 3"]);
    let progress = |tasks: &UcTasks| tasks.runs[0].progress;
    let progress = scope.read(|| true, progress).await.expect("it reads");
    assert_eq!((progress.done, progress.of), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_second_start_is_refused_while_the_first_runs() {
    let runtime = runtime(Limits {
        tasks: 3,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, ticks(9)).await;
    assert!(matches!(
        send(&scope, 2, ticks(9)).await,
        Accepted::Ended(EndKind::Busy, _)
    ));
    send(&scope, 3, stubborn("a".into())).await;
    assert!(matches!(
        send(&scope, 4, stubborn("a".into())).await,
        Accepted::Ended(EndKind::Busy, _)
    ));
    assert!(matches!(
        send(&scope, 5, stubborn("b".into())).await,
        Accepted::Ended(EndKind::Done, _)
    ));
    assert!(matches!(
        send(&scope, 6, stubborn("c".into())).await,
        Accepted::Ended(EndKind::Full, _)
    ));
    assert_eq!(NotStarted::Full.kind(), EndKind::Full);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancel_no_update_lands_and_the_end_is_seen() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ticks(1_000)).await;
    until(|| async { seen(&scope).await.len() == 3 }).await;
    scope.cancel_tasks("trial/ticks", "").await;
    let then = seen(&scope).await;
    until(|| async { status(&scope).await == TaskStatus::Cancelled }).await;
    assert_eq!(seen(&scope).await, then);
    assert!(scope.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_listen_is_dropped_after_the_grace() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, stubborn("a".into())).await;
    until(|| async { seen(&scope).await.len() == 2 }).await;
    scope.cancel_tasks("trial/stubborn", "a").await;
    let then = seen(&scope).await;
    until(|| async { status(&scope).await == TaskStatus::Cancelled }).await;
    assert_eq!(
        seen(&scope).await,
        then,
        "what it tried after the cancel did not land"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_ends_so_and_others_go_on() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, breaks()).await;
    until(|| async { status(&scope).await == TaskStatus::Panicked }).await;
    send(&scope, 2, note("fine".into())).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["fine"]);
    assert!(scope.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_then_interrupts_and_every_end_is_recorded_in_time() {
    let key_file = std::env::temp_dir().join(format!("undercurrent-{}.key", std::process::id()));
    let config = Config {
        session_key_file: key_file,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    let uc = Undercurrent::with(options, config)
        .build()
        .expect("it starts");
    let runtime = uc.runtime.clone();
    let scope = scope(&runtime);
    send(&scope, 1, ticks(5)).await;
    send(&scope, 2, stubborn("a".into())).await;
    send(&scope, 3, waits("event".into())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("it listens");
    let begin = tokio::time::Instant::now();
    let served = uc.serve_on(listener, axum::Router::new(), async {}).await;
    assert!(served.is_ok());
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let ends = |tasks: &UcTasks| tasks.runs.iter().map(|run| run.status).collect::<Vec<_>>();
    let ends = scope.read(|| true, ends).await;
    assert_eq!(ends, Ok(vec![TaskStatus::Done, TaskStatus::Interrupted]));
    assert!(
        seen(&scope).await.contains(&"event dispatched".to_owned()),
        "the queue ran empty"
    );
}

// === Updates and the log ===

#[tokio::test]
async fn no_update_is_lost() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let adders = (0..100).map(|_| {
        let scope = scope.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                scope
                    .update(|| true, |trial: &mut Trial| trial.secret += 1)
                    .await
                    .expect("it updates");
                tokio::task::yield_now().await;
            }
        })
    });
    for adder in adders.collect::<Vec<_>>() {
        adder.await.expect("it ends");
    }
    assert_eq!(
        scope.read(|| true, |trial: &Trial| trial.secret).await,
        Ok(10_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_grows_beyond_its_limit_is_left_as_it_was() {
    let runtime = runtime(Limits {
        state_bytes: 1_000,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let push = |text: String| scope.update(|| true, move |trial: &mut Trial| trial.seen.push(text));
    push("a".repeat(400)).await.expect("it fits");
    // What was there and is gone does not count.
    scope
        .update(|| true, |trial: &mut Trial| trial.seen.clear())
        .await
        .expect("it fits");
    push("b".repeat(600)).await.expect("it fits");
    let refused = push("c".repeat(600)).await;
    assert!(
        matches!(refused, Err(UpdateError::TooLarge { limit: 1_000, .. })),
        "{refused:?}"
    );
    assert_eq!(seen(&scope).await, ["b".repeat(600)]);
    push("d".into()).await.expect("it fits");
    assert_eq!(seen(&scope).await, ["b".repeat(600), "d".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_json_has_no_word_for_is_refused_and_others_come_back_as_they_were() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for in_list in [true, false] {
            let update = scope.update(
                || true,
                move |measure: &mut Measure| match in_list {
                    true => measure.all.push(odd),
                    false => measure.last = odd,
                },
            );
            let refused = update.await;
            assert!(
                matches!(refused, Err(UpdateError::NotRecorded(_))),
                "{refused:?}"
            );
        }
    }
    for n in 0..2_000 {
        let number = f64::from(n) * 0.1 + 1.0 / 3.0;
        let update = scope.update(
            || true,
            move |measure: &mut Measure| measure.all.push(number),
        );
        update.await.expect("it updates");
    }
    let json = scope.snapshots_of(vec!["measure"], VISITOR).await.remove(0);
    let event = String::from_utf8(json.event("s").to_vec()).expect("it is text");
    let data = event
        .trim_end()
        .split_once("data: ")
        .expect("it has data")
        .1;
    let Ok(crate::core::frame::Frame::State(frame)) = crate::core::frame::Frame::parse(data) else {
        panic!("{data}");
    };
    let read: Measure = crate::core::state::from_json(frame.body).expect("it is read");
    let same = scope
        .read(|| true, move |measure: &Measure| measure.all == read.all)
        .await;
    assert_eq!(same, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_value_whose_undo_log_is_gone_is_read_anew_from_base_and_log() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    // Enough for the base to move on in between.
    for n in 0..3_000 {
        let text = format!("{n} {}", "x".repeat(n % 97));
        scope
            .update(
                || true,
                move |trial: &mut Trial| {
                    trial.seen.push(text);
                    trial.secret += 1;
                    if trial.seen.len() > 40 {
                        trial.seen.remove(0);
                    }
                },
            )
            .await
            .expect("it updates");
    }
    let before = seen(&scope).await;
    let mut kept = List::new();
    let refused = scope.try_update(
        || true,
        |trial: &mut Trial| {
            std::mem::swap(&mut trial.seen, &mut kept);
            trial.secret = 0;
            Err::<(), _>("no")
        },
    );
    assert_eq!(refused.await, Ok(Err("no")));
    assert_eq!((seen(&scope).await, kept.len()), (before, 40));
    assert_eq!(
        scope.read(|| true, |trial: &Trial| trial.secret).await,
        Ok(3_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_from_where_it_was_or_takes_a_snapshot() {
    let runtime = runtime(Limits {
        log_entries: 5,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let from = |offset| Some(Position::new(scope.epoch(), offset));
    let resume = |at: Option<Position>| {
        scope
            .resume(&[("trial", at)], VISITOR)
            .pop()
            .expect("one for one")
    };
    assert!(
        matches!(resume(Some(Position::NONE)), Resume::Current),
        "nothing happened yet"
    );
    for n in 0..8 {
        scope
            .update(|| true, |trial: &mut Trial| trial.seen.push(n.to_string()))
            .await
            .expect("it updates");
    }
    assert!(matches!(resume(from(8)), Resume::Current));
    assert!(matches!(resume(from(3)), Resume::Entries(entries) if entries.len() == 5));
    assert!(matches!(resume(from(2)), Resume::Snapshot), "cut off");
    assert!(
        matches!(resume(from(9)), Resume::Snapshot),
        "ahead of the server"
    );
    assert!(matches!(resume(None), Resume::Snapshot));
    assert!(matches!(resume(Some(Position::NONE)), Resume::Snapshot));
    let snapshots = scope.snapshots_of(vec!["trial", "uc_tasks"], VISITOR).await;
    assert_eq!(Some(snapshots[0].at()), from(8));
    assert_eq!(Some(snapshots[1].at()), from(0));
    let again = scope.snapshots_of(vec!["trial"], VISITOR).await;
    assert!(
        Arc::ptr_eq(&snapshots[0], &again[0]),
        "one snapshot for all who need it"
    );
}

// === The table ===

#[tokio::test(start_paused = true)]
async fn the_table_is_bounded_and_the_longest_idle_goes_first() {
    let runtime = runtime(Limits {
        scopes: 3,
        ..Limits::default()
    });
    let make = |n| {
        let place = place(&runtime, Visitor([n; 16]), &ScopeName::Session);
        runtime.scopes.find_or_make(&place, &runtime)
    };
    let busy = make(1).expect("there is room");
    send(&busy, 1, stubborn("a".into())).await;
    for n in 2..=3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(make(n).expect("there is room"));
    }
    assert!(make(4).is_some(), "the second makes room");
    assert!(runtime.scopes.find(ScopeKey([1; 16])).is_some());
    assert!(runtime.scopes.find(ScopeKey([2; 16])).is_none());
    assert!(runtime.scopes.find(ScopeKey([3; 16])).is_some());
    assert_eq!(runtime.scopes.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_goes_is_freed_and_one_that_is_held_stays() {
    let runtime = runtime(Limits {
        scopes: 2,
        ..Limits::default()
    });
    let make = |n| {
        let place = place(&runtime, Visitor([n; 16]), &ScopeName::Session);
        runtime.scopes.find_or_make(&place, &runtime)
    };
    let held = make(1).expect("there is room");
    let mut gone = Vec::new();
    for n in 2..50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        gone.push(Arc::downgrade(&make(n).expect("there is room")));
    }
    assert_eq!(
        gone.iter().filter(|scope| scope.strong_count() > 0).count(),
        1,
        "the last one"
    );
    assert_eq!(runtime.scopes.count(), 2);
    send(&held, 1, note("still here".into())).await;
    ended(&held, 1).await;
    let found = runtime.scopes.find(ScopeKey([1; 16])).expect("it is there");
    assert_eq!(seen(&found).await, ["still here"]);
}

#[test]
fn a_form_decodes_into_the_types_of_the_arguments() {
    let runtime = runtime(Limits::default());
    let handler = runtime
        .registry
        .handler("trial/ticks")
        .expect("it is registered");
    let prepare = |form| handler.prepare(Arguments::Form(form));
    assert!(matches!(
        prepare("times=3&_client=c&_n=1"),
        Ok(Prepared::Task(_))
    ));
    assert!(prepare("times=x").is_err() && prepare("").is_err());
    let handler = runtime
        .registry
        .handler("trial/names")
        .expect("it is registered");
    let form = "n=3&_client=c&_n=1";
    assert!(
        handler.prepare(Arguments::Form(form)).is_ok(),
        "an empty list, and a field called n"
    );
}
