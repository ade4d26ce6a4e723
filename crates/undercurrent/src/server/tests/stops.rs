//! Events that are told to end: their visitor cancels them, or their time is over.

use super::*;
use crate::{CancelEvent, WhichEvents};
use futures::FutureExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

#[event(timeout = "10s")]
async fn slow(cx: EventContext<Trial>) -> Result {
    cx.update(|trial| trial.seen.push("slow begins".into()))
        .await?;
    let slept = cx.sleep(Millis(3_600_000)).await;
    assert_eq!(slept, Err(UpdateError::Cancelled));
    CLEANED.fetch_add(1, Ordering::Relaxed);
    slept?;
    Ok(())
}

static CLEANED: AtomicUsize = AtomicUsize::new(0);

/// Hears of nothing, and goes on trying.
#[event]
async fn deaf_to_all(cx: EventContext<Trial>) {
    loop {
        let _ = cx.update(|trial| trial.seen.push("deaf".into())).await;
        cx.dispatch(note("dispatched".into()));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Tells itself done whatever it was told.
#[event]
async fn denies(cx: EventContext<Trial>) {
    cx.dispatch(note("dispatched".into()));
    let _ = cx.sleep(Millis(3_600_000)).await;
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Elsewhere {
    says: Option<u32>,
}

#[event]
async fn waits_elsewhere(cx: EventContext<Trial>) -> Result {
    let says = cx.process::<Elsewhere>();
    let said = says
        .until_within(Millis(3_600_000), |elsewhere| elsewhere.says)
        .await;
    CLEANED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
    said?;
    Ok(())
}

static CLEANED_ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

/// Cancels events of the visitor, by their name or by numbers of the client `c`.
async fn cancel_event(
    visitor: Visitor,
    scope: &Arc<Scope>,
    number: u64,
    (event, numbers): (&str, &[u64]),
) {
    let which = WhichEvents {
        event: event.to_owned(),
        numbers: numbers.to_vec(),
    };
    let done = send_as(visitor, scope, number, Call::new(CancelEvent(which))).await;
    assert!(
        matches!(done, Accepted::Ended(EndKind::Done, _)),
        "{done:?}"
    );
}

async fn kinds(scope: &Scope) -> Vec<(u64, EndKind)> {
    let failures = failures(scope).await;
    let kind = |failure: &crate::Failure| (failure.number, failure.kind);
    failures.iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_time_is_over_leaves_and_is_told_so_and_the_queue_goes_on() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begin = Instant::now();
    send(&scope, 1, slow()).await;
    send(&scope, 2, note("next".into())).await;
    ended(&scope, 2).await;
    assert_eq!(begin.elapsed().as_secs(), 10);
    assert_eq!(CLEANED.load(Ordering::Relaxed), 1);
    // What it has changed before stays.
    assert_eq!(seen(&scope).await, ["slow begins", "next"]);
    assert_eq!(kinds(&scope).await, [(1, EndKind::TimedOut)]);
    let told = failures(&scope).await.remove(0).message;
    assert_eq!(told, "It took longer than 10 s.");
    until(|| async { scope.is_idle() }).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_listen_is_dropped_after_the_grace_and_lands_nothing_in_it() {
    let runtime = runtime(Limits {
        event_ms: 2_500,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let begin = Instant::now();
    send(&scope, 1, deaf_to_all()).await;
    send(&scope, 2, note("next".into())).await;
    ended(&scope, 2).await;
    // Its time, and the grace of 5 s.
    assert_eq!(begin.elapsed().as_millis() / 100, 75);
    let deaf = seen(&scope).await;
    let deaf = deaf.iter().filter(|said| *said == "deaf").count();
    assert_eq!(deaf, 3, "at 0, 1 and 2 s");
    assert!(!seen(&scope).await.contains(&"dispatched".to_owned()));
    assert_eq!(kinds(&scope).await, [(1, EndKind::TimedOut)]);
}

#[tokio::test(start_paused = true)]
async fn without_a_bound_an_event_takes_as_long_as_it_takes() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, denies()).await;
    tokio::time::sleep(Duration::from_secs(3_599)).await;
    ended(&scope, 1).await;
    assert_eq!(kinds(&scope).await, []);
    until(|| async { seen(&scope).await == ["dispatched"] }).await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_cancels_an_event_that_runs_and_the_queue_goes_on_at_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begin = Instant::now();
    send(&scope, 1, waits("a".into())).await;
    send(&scope, 2, denies()).await;
    send(&scope, 3, waits_elsewhere()).await;
    send(&scope, 4, note("next".into())).await;
    until(|| async { !seen(&scope).await.is_empty() }).await;
    cancel_event(VISITOR, &scope, 5, ("trial/waits", &[])).await;
    ended(&scope, 1).await;
    cancel_event(VISITOR, &scope, 6, ("trial/denies", &[2])).await;
    ended(&scope, 2).await;
    until(|| async { runtime.scopes.count() == 2 }).await;
    cancel_event(VISITOR, &scope, 7, ("trial/waits_elsewhere", &[3])).await;
    ended(&scope, 4).await;
    assert!(begin.elapsed().as_millis() < 500, "{:?}", begin.elapsed());
    assert_eq!(CLEANED_ELSEWHERE.load(Ordering::Relaxed), 1);
    until(|| async { scope.is_idle() }).await;
    // Nothing of what they dispatched has come behind.
    assert_eq!(seen(&scope).await, ["a begins", "next"]);
    let cancelled = [1, 2, 3].map(|number| (number, EndKind::Cancelled));
    assert_eq!(kinds(&scope).await, cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_cancelled_while_it_waits_ends_in_its_turn_and_nothing_of_it_runs() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, waits("a".into())).await;
    send(&scope, 2, note("two".into())).await;
    send(&scope, 3, note("three".into())).await;
    send(&scope, 4, waits("b".into())).await;
    // Another client's, of the same visitor and name: numbers are those of who asks.
    cancel_event(VISITOR, &scope, 5, ("trial/note", &[2, 4])).await;
    cancel_event(VISITOR, &scope, 6, ("trial/waits", &[4])).await;
    // Who hears that 2 has ended takes 1 as ended, which runs.
    assert_eq!(kinds(&scope).await, []);
    ended(&scope, 4).await;
    until(|| async { scope.is_idle() }).await;
    let expected = ["a begins", "a ends", "three", "a dispatched"];
    assert_eq!(seen(&scope).await, expected);
    let cancelled = [(2, EndKind::Cancelled), (4, EndKind::Cancelled)];
    assert_eq!(kinds(&scope).await, cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_the_scope_is_cancelled_before_it_begins() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let turn = scope.turn().await;
    let which = WhichEvents {
        event: "trial/note".to_owned(),
        numbers: Vec::new(),
    };
    let mut cancel = Box::pin(scope.cancel_events(&which, VISITOR, None));
    assert!((&mut cancel).now_or_never().is_none(), "it waits");
    send(&scope, 1, note("never".into())).await;
    // It is out of the queue, and waits for the turn behind the cancel.
    until(|| async {
        let mut queues = scope.queues.lock().expect("nobody panics");
        let queue = queues.of(VISITOR).expect("it is there");
        queue.waiting.is_empty() && queue.is_running
    })
    .await;
    drop(turn);
    cancel.await;
    ended(&scope, 1).await;
    assert_eq!(seen(&scope).await, [""; 0]);
    assert_eq!(kinds(&scope).await, [(1, EndKind::Cancelled)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_cancels_the_events_of_another() {
    let (runtime, other) = (runtime(Limits::default()), Visitor([2; 16]));
    let scope = scope(&runtime);
    send(&scope, 1, waits("a".into())).await;
    send(&scope, 2, note("next".into())).await;
    send_as(other, &scope, 1, note("other".into())).await;
    for (number, numbers) in [(2, &[][..]), (3, &[1, 2])] {
        for event in ["trial/waits", "trial/note"] {
            let number = 2 * number + u64::from(event == "trial/note");
            cancel_event(other, &scope, number, (event, numbers)).await;
        }
    }
    ended(&scope, 2).await;
    until(|| async { scope.is_idle() }).await;
    let expected = ["other", "a begins", "a ends", "next", "a dispatched"];
    let mut seen = seen(&scope).await;
    seen.sort_unstable();
    let mut expected = expected.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert_eq!(kinds(&scope).await, []);
}

#[test]
fn an_end_of_a_kind_that_a_build_does_not_know_is_read_as_failed() {
    let read = |kind: &str| serde_json::from_str::<EndKind>(kind).expect("it reads");
    assert_eq!(read("\"timed_out\""), EndKind::TimedOut);
    assert_eq!(read("\"of_next_year\""), EndKind::Failed);
}

#[event]
async fn waits_long(cx: EventContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_cancelled_ends_so_in_a_shutdown_too() {
    let uc = builder(Limits::default()).build().expect("it starts");
    let (scope, _) = super::matrix_pages::shut_down_of(uc, async |scope| {
        send(scope, 1, waits_long()).await;
        send(scope, 2, note("never".into())).await;
        send(scope, 3, note("nor this".into())).await;
        cancel_event(VISITOR, scope, 4, ("trial/note", &[2])).await;
    })
    .await;
    ended(&scope, 3).await;
    let [interrupted, cancelled] = [EndKind::Interrupted, EndKind::Cancelled];
    let expected = [(1, interrupted), (2, cancelled), (3, interrupted)];
    assert_eq!(kinds(&scope).await, expected);
}
