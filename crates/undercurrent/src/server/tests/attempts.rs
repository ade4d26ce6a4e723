//! Tasks that take too long, fail and are tried again.

use super::*;
use crate::{CancelTask, PauseTask, ResumeTask, RetryTask};
use std::sync::atomic::{AtomicBool, Ordering};

// === Time ===

/// Ticks for ever, but has only a second.
#[background(timeout = "1s")]
async fn hasty(cx: TaskContext<Trial>) -> Result {
    loop {
        cx.update(|trial| trial.seen.push("tick".into())).await?;
        cx.sleep(Millis(100)).await?;
    }
}

#[background(timeout = "1s")]
async fn stuck(cx: TaskContext<Trial>) {
    let _ = cx;
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_time_is_over_ends_so_and_nothing_of_it_lands_after() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, hasty()).await;
    until_status(&scope, TaskStatus::TimedOut).await;
    let then = seen(&scope).await;
    assert!((9..=11).contains(&then.len()), "{}", then.len());
    let run = runs(&scope).await.remove(0);
    assert_eq!(run.error.as_deref(), Some("It took longer than 1 s."));
    assert!(run.ended_ms.is_some());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(seen(&scope).await, then);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_leave_when_its_time_is_over_is_dropped() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begin = tokio::time::Instant::now();
    send(&scope, 1, stuck()).await;
    until_status(&scope, TaskStatus::TimedOut).await;
    assert!(
        begin.elapsed() < Duration::from_secs(7),
        "its second, and the grace"
    );
    assert!(scope.is_idle());
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_task_is_paused_does_not_count() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/hasty", "");
    send(&scope, 1, hasty()).await;
    until(|| async { seen(&scope).await.len() == 3 }).await;
    ask(&scope, 2, PauseTask, task).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(status(&scope).await, TaskStatus::Paused);
    ask(&scope, 3, ResumeTask, task).await;
    until_status(&scope, TaskStatus::TimedOut).await;
    assert!((9..=12).contains(&seen(&scope).await.len()));
}

// === Retries ===

/// Fails so many times, then gets there.
#[background(retries = 3)]
async fn shaky(cx: TaskContext<Trial>, failures: u32) -> Result {
    cx.progress(1, 2);
    let tries = cx
        .update(|trial| {
            trial.secret += 1;
            trial.secret
        })
        .await?;
    if tries <= failures {
        return Err(ForVisitor::new(format!("Try {tries} failed.")).into());
    }
    cx.progress(2, 2);
    cx.update(|trial| trial.seen.push("there".into())).await?;
    Ok(())
}

/// Takes too long the first time.
#[background(retries = 1, timeout = "1s")]
async fn warms_up(cx: TaskContext<Trial>) -> Result {
    let tries = cx
        .update(|trial| {
            trial.secret += 1;
            trial.secret
        })
        .await?;
    if tries == 1 {
        cx.sleep(Millis(5_000)).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_made_again_after_a_while_that_doubles() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begin = tokio::time::Instant::now();
    send(&scope, 1, shaky(2)).await;
    until_status(&scope, TaskStatus::Queued).await;
    let run = runs(&scope).await.remove(0);
    assert_eq!((run.attempt, run.attempts), (2, 4));
    assert_eq!(run.error.as_deref(), Some("Try 1 failed."));
    assert!(run.ended_ms.is_none());
    until_status(&scope, TaskStatus::Done).await;
    let run = runs(&scope).await.remove(0);
    assert_eq!((run.attempt, run.error), (3, None));
    assert_eq!((run.progress.done, run.progress.of), (2, 2));
    assert_eq!(seen(&scope).await, ["there"]);
    let took = begin.elapsed();
    assert!(
        (3.0..3.5).contains(&took.as_secs_f64()),
        "1 s and 2 s: {took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn when_no_retries_are_left_the_last_error_stands() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, shaky(9)).await;
    until_status(&scope, TaskStatus::Failed).await;
    let run = runs(&scope).await.remove(0);
    assert_eq!((run.attempt, run.attempts), (4, 4));
    assert_eq!(run.error.as_deref(), Some("Try 4 failed."));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_made_again() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, warms_up()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(runs(&scope).await[0].attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn between_two_attempts_a_task_is_cancelled_at_once_and_paused() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/shaky", "");
    send(&scope, 1, shaky(9)).await;
    until_status(&scope, TaskStatus::Queued).await;
    ask(&scope, 2, PauseTask, task).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let run = runs(&scope).await.remove(0);
    assert_eq!((run.status, run.attempt), (TaskStatus::Paused, 2));
    ask(&scope, 3, ResumeTask, task).await;
    until(|| async { runs(&scope).await[0].attempt == 3 }).await;
    let begin = tokio::time::Instant::now();
    ask(&scope, 4, CancelTask, task).await;
    until_status(&scope, TaskStatus::Cancelled).await;
    assert!(begin.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_tried_again() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, panics_each_time()).await;
    until_status(&scope, TaskStatus::Panicked).await;
    assert_eq!(runs(&scope).await[0].attempt, 1);
}

#[background(retries = 5)]
async fn panics_each_time(cx: TaskContext<Trial>) {
    drop(cx);
    panic!("on purpose");
}

#[tokio::test(start_paused = true)]
async fn what_an_attempt_left_behind_changes_nothing_any_more() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, leaves_a_loop()).await;
    until_status(&scope, TaskStatus::Done).await;
    let then = seen(&scope).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(seen(&scope).await, then);
    assert_eq!(runs(&scope).await[0].progress.done, 0);
}

/// Gives its context to a task of its own making.
#[background]
async fn leaves_a_loop(cx: TaskContext<Trial>) {
    tokio::spawn(async move {
        for n in 1..1_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            cx.progress(n, 1_000);
            let _ = cx.update(|trial| trial.seen.push("left".into())).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn an_ended_task_is_started_once_more_with_its_arguments() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/shaky", "");
    let none = ask(&scope, 1, RetryTask, task).await;
    assert!(
        matches!(none, Accepted::Ended(EndKind::Failed, _)),
        "{none:?}"
    );
    send(&scope, 2, shaky(4)).await;
    until_status(&scope, TaskStatus::Failed).await;
    let again = ask(&scope, 3, RetryTask, task).await;
    assert!(
        matches!(again, Accepted::Ended(EndKind::Done, _)),
        "{again:?}"
    );
    until_status(&scope, TaskStatus::Done).await;
    use TaskStatus::{Done, Failed};
    assert_eq!(statuses(&scope).await, [Failed, Done]);
    // What it was started with left the server in no way.
    let snapshot = scope
        .snapshots_of(vec!["uc_tasks"], VISITOR)
        .await
        .remove(0);
    let event = String::from_utf8(snapshot.event("s").to_vec()).expect("it is text");
    assert!(
        !event.contains("arguments") && !event.contains("failures"),
        "{event}"
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_are_kept_as_long_as_their_run() {
    let runtime = runtime(Limits {
        ended_tasks: 3,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    for n in 1..=20 {
        send(&scope, n, ticks(0)).await;
        until_status(&scope, TaskStatus::Done).await;
    }
    let kept = |tasks: &UcTasks| {
        let runs: Vec<_> = tasks.runs.iter().map(|run| run.id).collect();
        let arguments: Vec<_> = tasks.arguments.iter().map(|kept| kept.run).collect();
        (runs, arguments)
    };
    let (runs, arguments) = scope.read(|| true, kept).await.expect("it reads");
    assert_eq!(runs, [18, 19, 20]);
    assert_eq!(arguments, runs);
}

// === What a cancelled task asks for ===

#[background]
async fn starts_another(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(100)).await?;
    cx.start(ticks(1)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_cancel_nothing_starts_though_it_was_asked_for_before() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, starts_another()).await;
    until_status(&scope, TaskStatus::Running).await;
    let held = scope.write().await;
    // The cancel stands in the line before the start.
    let cancelling = tokio::spawn({
        let scope = scope.clone();
        async move { cancel(&scope, "trial/starts_another", "").await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(held);
    cancelling.await.expect("it ends");
    until_status(&scope, TaskStatus::Cancelled).await;
    assert_eq!(runs(&scope).await.len(), 1, "nothing was started");
    assert_eq!(seen(&scope).await, [""; 0]);
}

static HAS_HEARD: AtomicBool = AtomicBool::new(false);

#[background]
async fn hears_its_cancel(cx: TaskContext<Trial>) -> Result {
    let heard = cx.wait_for(std::future::pending::<()>()).await;
    HAS_HEARD.store(true, Ordering::SeqCst);
    Ok(heard?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_waits_for_whoever_lets_an_event_in() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, hears_its_cancel()).await;
    until_status(&scope, TaskStatus::Running).await;
    let cancelling = {
        // What a task dispatches is let in, or not, under this lock.
        let _letting_in = scope.lock_queues();
        let cancelling = tokio::spawn({
            let scope = scope.clone();
            async move { cancel(&scope, "trial/hears_its_cancel", "").await }
        });
        while scope.try_write().is_some() {
            std::thread::yield_now();
        }
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(1));
            assert!(!HAS_HEARD.load(Ordering::SeqCst));
        }
        cancelling
    };
    cancelling.await.expect("it ends");
    until_status(&scope, TaskStatus::Cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_dispatched_passes_its_gate_where_it_is_let_in() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let queued = || {
        runtime
            .queued(note("x".into()), VISITOR, None)
            .expect("it fits")
    };
    let refused = scope.dispatch_through(&|| false, VISITOR, queued()).await;
    assert_eq!(refused, Err(UpdateError::Cancelled));
    assert!(scope.accept_through(&|| false, queued()).await.is_none());
    let let_in = scope.dispatch_through(&|| true, VISITOR, queued()).await;
    assert_eq!(let_in, Ok(()));
    until(|| async { seen(&scope).await == ["x"] }).await;
}

#[tokio::test(start_paused = true)]
async fn once_tasks_are_interrupted_none_starts() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    runtime.interrupted.cancel();
    let started = send(&scope, 1, ticks(1)).await;
    assert!(matches!(started, Accepted::Ended(EndKind::Failed, _)));
    assert_eq!(runs(&scope).await, []);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_has_been_there_is_nothing_to_be_tried_again() {
    let runtime = runtime(Limits::default());
    let session = runtime.sessions.fresh();
    let which = r#"{"task":"trial/hasty","key":""}"#;
    let asks = [(1, "uc_tasks/cancel"), (2, "uc_tasks/retry")];
    let asks = asks.map(|(n, name)| format!("[{n},{name:?},{which}]"));
    let batch = format!(r#"{{"client":"c","events":[{}]}}"#, asks.join(","));
    let batch = serde_json::from_str(&batch).expect("it is one");
    let answers = crate::server::events::take_events(&runtime, &session, batch).await;
    let answers = serde_json::to_value(answers.expect("it is taken")).expect("it is JSON");
    assert_eq!(answers["events"][0]["is"], "ended");
    assert_eq!(answers["events"][1]["kind"], "failed");
    assert_eq!(runtime.scopes.count(), 0);
}
