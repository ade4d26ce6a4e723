//! Tasks: start, overlap, cancel, pause, time, retries, ends.

use super::*;
use crate::{CancelTask, PauseTask, ResumeTask, RetryTask};

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_where_it_is_dropped_has_ended_all_the_same() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, explodes()).await;
    cancel(&scope, "trial/explodes", "").await;
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
    cancel(&scope, "trial/ticks", "").await;
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
    cancel(&scope, "trial/stubborn", "a").await;
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

// === Overlap ===

/// What it was started with, in the order in which it ran.
#[background(overlap = queue, key = lane)]
async fn in_turn(cx: TaskContext<Trial>, lane: String, name: String) -> Result {
    let _ = lane;
    cx.update(|trial| trial.seen.push(format!("{name} begins")))
        .await?;
    cx.sleep(Millis(100)).await?;
    cx.update(|trial| trial.seen.push(format!("{name} ends")))
        .await?;
    Ok(())
}

/// Looks something up, as one types.
#[background(overlap = replace)]
async fn search(cx: TaskContext<Trial>, text: String) -> Result {
    cx.sleep(Millis(100)).await?;
    cx.update(|trial| trial.seen.push(text)).await?;
    Ok(())
}

/// Hears of no cancel: it waits for what does not come.
#[background(overlap = replace)]
async fn deaf(cx: TaskContext<Trial>) {
    let _ = cx;
    std::future::pending::<()>().await;
}

async fn statuses(scope: &Scope) -> Vec<TaskStatus> {
    runs(scope).await.iter().map(|run| run.status).collect()
}

async fn until_status(scope: &Scope, wanted: TaskStatus) {
    until(|| async { status(scope).await == wanted }).await;
}

#[tokio::test(start_paused = true)]
async fn queued_runs_take_turns_and_lanes_do_not_meet() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for (n, lane, name) in [(1, "x", "a"), (2, "x", "b"), (3, "y", "c")] {
        let taken = send(&scope, n, in_turn(lane.into(), name.into())).await;
        assert!(
            matches!(taken, Accepted::Ended(EndKind::Done, _)),
            "{taken:?}"
        );
    }
    use TaskStatus::{Done, Queued, Running};
    assert_eq!(statuses(&scope).await, [Running, Queued, Running]);
    let asked = runs(&scope).await[1].started_ms;
    until(|| async { statuses(&scope).await == [Done, Done, Done] }).await;
    let seen = seen(&scope).await;
    let lane_x: Vec<_> = seen.iter().filter(|text| !text.starts_with('c')).collect();
    assert_eq!(lane_x, ["a begins", "a ends", "b begins", "b ends"]);
    let place = |text| seen.iter().position(|seen| seen == text);
    assert!(place("c begins") < place("a ends"), "{seen:?}");
    assert!(scope.is_idle());
    assert!(runs(&scope).await[1].started_ms >= asked);
}

#[tokio::test(start_paused = true)]
async fn a_queued_run_is_cancelled_where_it_waits_and_the_next_takes_its_turn() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for (n, name) in [(1, "a"), (2, "b"), (3, "c")] {
        send(&scope, n, in_turn("x".into(), name.into())).await;
    }
    let second = Which {
        run: Some(runs(&scope).await[1].id),
        ..Which::default()
    };
    send(&scope, 4, Call::new(CancelTask(second))).await;
    use TaskStatus::{Cancelled, Done, Queued, Running};
    assert_eq!(statuses(&scope).await, [Running, Cancelled, Queued]);
    until(|| async { statuses(&scope).await == [Done, Cancelled, Done] }).await;
    assert_eq!(
        seen(&scope).await,
        ["a begins", "a ends", "c begins", "c ends"]
    );
    assert_eq!(
        runtime
            .tasks_running
            .load(std::sync::atomic::Ordering::Relaxed),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_task_is_bounded_by_the_tasks_of_the_scope() {
    let runtime = runtime(Limits {
        tasks: 2,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    for n in 1..=2 {
        send(&scope, n, in_turn("x".into(), "a".into())).await;
    }
    let third = send(&scope, 3, in_turn("x".into(), "b".into())).await;
    assert!(
        matches!(third, Accepted::Ended(EndKind::Full, _)),
        "{third:?}"
    );
    until(|| async { scope.is_idle() }).await;
    assert_eq!(seen(&scope).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn of_runs_that_replace_each_other_only_the_latest_lands() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for (n, text) in [(1, "r"), (2, "re"), (3, "red")] {
        send(&scope, n, search(text.into())).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    use TaskStatus::{Cancelled, Done};
    until(|| async { statuses(&scope).await == [Cancelled, Cancelled, Done] }).await;
    assert_eq!(seen(&scope).await, ["red"]);
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_replaced_and_linger_do_not_pile_up() {
    let runtime = runtime(Limits {
        tasks: 3,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    for n in 1..=20 {
        let taken = send(&scope, n, deaf()).await;
        assert!(
            matches!(taken, Accepted::Ended(EndKind::Done, _)),
            "{n}: {taken:?}"
        );
        // Not long enough for a grace.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel(&scope, "trial/deaf", "").await;
    until(|| async { scope.is_idle() }).await;
}

// === Pause and resume ===

#[tokio::test(start_paused = true)]
async fn a_paused_task_changes_nothing_until_it_is_resumed_and_then_goes_on() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/ticks", "");
    send(&scope, 1, ticks(6)).await;
    until(|| async { seen(&scope).await.len() == 3 }).await;
    let paused = ask(&scope, 2, PauseTask, task).await;
    assert!(
        matches!(paused, Accepted::Ended(EndKind::Done, _)),
        "{paused:?}"
    );
    assert_eq!(status(&scope).await, TaskStatus::Paused);
    let then = seen(&scope).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(seen(&scope).await, then);
    // It still runs, as far as a second start is concerned.
    let busy = send(&scope, 3, ticks(6)).await;
    assert!(
        matches!(busy, Accepted::Ended(EndKind::Busy, _)),
        "{busy:?}"
    );
    ask(&scope, 4, ResumeTask, task).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    until_status(&scope, TaskStatus::Done).await;
    let ticks: Vec<_> = (1..=6).map(|n| format!("tick {n}")).collect();
    assert_eq!(seen(&scope).await, ticks);
}

#[tokio::test(start_paused = true)]
async fn pausing_and_resuming_within_a_step_runs_no_second_loop() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/ticks", "");
    send(&scope, 1, ticks(20)).await;
    for n in 0..20 {
        ask(&scope, 2 + 2 * n, PauseTask, task).await;
        tokio::time::sleep(Duration::from_millis(7)).await;
        ask(&scope, 3 + 2 * n, ResumeTask, task).await;
        tokio::time::sleep(Duration::from_millis(13)).await;
    }
    until_status(&scope, TaskStatus::Done).await;
    let ticks: Vec<_> = (1..=20).map(|n| format!("tick {n}")).collect();
    assert_eq!(seen(&scope).await, ticks);
    assert_eq!(runs(&scope).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_waits_for_the_state_when_the_pause_comes_waits_for_the_resume() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ticks(3)).await;
    until(|| async { seen(&scope).await.len() == 1 }).await;
    // The state is held, so that the pause stands in line before the task's next update.
    let held = scope.write().await.expect("it can be written");
    let pause = tokio::spawn({
        let scope = scope.clone();
        async move { ask(&scope, 2, PauseTask, ("trial/ticks", "")).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(held);
    pause.await.expect("it ends");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(seen(&scope).await, ["tick 1"]);
    ask(&scope, 3, ResumeTask, ("trial/ticks", "")).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(seen(&scope).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_paused_task_can_be_cancelled_and_an_ended_one_cannot_be_paused() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("trial/ticks", "");
    send(&scope, 1, ticks(100)).await;
    ask(&scope, 2, PauseTask, task).await;
    ask(&scope, 3, CancelTask, task).await;
    until_status(&scope, TaskStatus::Cancelled).await;
    ask(&scope, 4, PauseTask, task).await;
    ask(&scope, 5, ResumeTask, task).await;
    assert_eq!(status(&scope).await, TaskStatus::Cancelled);
    assert!(scope.is_idle());
}

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
    let snapshot = scope.snapshots_of(vec!["uc_tasks"]).await.remove(0);
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

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_what_waits_and_what_is_paused() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for n in 1..=3 {
        send(&scope, n, in_turn("x".into(), "a".into())).await;
    }
    send(&scope, 4, ticks(9)).await;
    ask(&scope, 5, PauseTask, ("trial/ticks", "")).await;
    runtime.shutdown.cancel();
    scope.interrupt_tasks();
    until(|| async { scope.is_idle() }).await;
    assert_eq!(statuses(&scope).await, [TaskStatus::Interrupted; 4]);
}
