//! Tasks that are started again while they run, and tasks that are paused.

use super::*;
use crate::{CancelTask, PauseTask, ResumeTask};

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

#[tokio::test(start_paused = true)]
async fn a_paused_task_holds_up_no_shutdown() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ticks(9)).await;
    ask(&scope, 2, PauseTask, ("trial/ticks", "")).await;
    runtime.shutdown.cancel();
    let before = tokio::time::Instant::now();
    scope.interrupt_endless();
    until_status(&scope, TaskStatus::Interrupted).await;
    assert!(before.elapsed() < Duration::from_secs(1));
    // A pause that comes now is not heard.
    send(&scope, 3, ticks(2)).await;
    ask(&scope, 4, PauseTask, ("trial/ticks", "")).await;
    until_status(&scope, TaskStatus::Done).await;
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
