//! The queue: order, numbers, room, ends.

use super::*;
use futures::FutureExt;
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Two fast clicks over two connections: the second may come first.
#[tokio::test(start_paused = true)]
async fn a_click_that_comes_behind_a_later_one_is_refused_and_not_lost_nor_swapped() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 2, note("second".into())).await;
    let late = send(&scope, 1, note("first".into())).await;
    assert!(
        matches!(&late, Accepted::Ended(EndKind::Late, why) if why.contains("not done")),
        "{late:?}"
    );
    // Its sender knows that it was not done, and sends it as a new one.
    let again = send(&scope, 3, note("first".into())).await;
    assert!(matches!(again, Accepted::Queued), "{again:?}");
    for number in [2, 3] {
        let known = send(&scope, number, note("once more".into())).await;
        assert!(matches!(known, Accepted::Known), "{known:?}");
    }
    ended(&scope, 3).await;
    assert_eq!(seen(&scope).await, ["second", "first"]);
}

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
async fn a_short_event_that_nothing_is_before_has_ended_when_it_is_accepted() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for number in 1..=3 {
        send(&scope, number, note(number.to_string())).await;
        assert!(scope.is_idle() && runtime.tracker.is_empty());
    }
    assert_eq!(seen(&scope).await, ["1", "2", "3"]);
    send(&scope, 4, panics()).await;
    assert!(scope.is_idle() && runtime.tracker.is_empty());
    assert_eq!(failures(&scope).await[0].kind, EndKind::Panicked);
    assert_eq!(seen(&scope).await.len(), 3);
}

static MAY_GO: AtomicBool = AtomicBool::new(false);

#[event]
fn held(trial: &mut Trial) {
    waits::spin_until(|| MAY_GO.load(Ordering::SeqCst));
    trial.seen.push("held".into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_short_event_runs_its_retry_and_what_follows_wait_for_its_commit() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let running = tokio::spawn({
        let scope = scope.clone();
        async move { send(&scope, 1, held()).await }
    });
    until(|| async {
        let mut queues = scope.queues.lock().expect("nobody panics");
        queues.of(VISITOR).is_some_and(|queue| queue.is_at_once)
    })
    .await;
    let mut retry = Box::pin(send(&scope, 1, held()));
    assert!((&mut retry).now_or_never().is_none(), "it is not kept");
    let mut next = Box::pin(send(&scope, 2, note("next".into())));
    assert!((&mut next).now_or_never().is_none(), "its number is higher");
    MAY_GO.store(true, Ordering::SeqCst);
    assert!(matches!(retry.await, Accepted::Known));
    assert!(matches!(next.await, Accepted::Queued));
    assert!(matches!(running.await, Ok(Accepted::Queued)));
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["held", "next"]);
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
    let _reads = read_log(reader);
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

/// Leaves something running behind its end.
#[event]
async fn leaves_behind(cx: EventContext<Trial>) -> Result {
    cx.update(|trial| trial.seen.push("before".into())).await?;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let updated = cx.update(|trial| trial.seen.push("behind".into())).await;
        let started = cx.start(ticks(1)).await;
        let read = cx.read(|trial| trial.seen.len()).await;
        let waited = cx.until(|trial| Some(trial.seen.len())).await;
        let told = cx.page().toast("behind").await;
        let refused = [updated.err(), read.err(), waited.err(), told.err()];
        let is_refused = refused == [const { Some(UpdateError::Cancelled) }; 4];
        let is_stopped = is_refused && started == Err(NotStarted::Cancelled);
        IS_STOPPED.set(is_stopped).expect("it is run once");
    });
    Ok(())
}

/// Whether nothing of what is left behind went through, once that is known.
static IS_STOPPED: OnceLock<bool> = OnceLock::new();

#[tokio::test(start_paused = true)]
async fn what_an_event_has_left_running_changes_nothing_once_it_has_ended() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, leaves_behind()).await;
    ended(&scope, 1).await;
    until(|| async { IS_STOPPED.get().is_some() }).await;
    assert_eq!(IS_STOPPED.get(), Some(&true));
    assert_eq!(seen(&scope).await, ["before"]);
    assert!(runs(&scope).await.is_empty());
}
