//! Tasks: start, cancel, ends.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let uc = builder(Limits::default()).build().expect("it starts");
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

/// How often the one below began, in all its tests.
static BEGAN: AtomicUsize = AtomicUsize::new(0);

#[background(overlap = queue)]
async fn charges(cx: TaskContext<Trial>) -> Result {
    BEGAN.fetch_add(1, Ordering::Relaxed);
    cx.sleep(Millis(100)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_before_it_begins_does_not_begin() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let start = async || {
        let task = runtime.prepared_task(charges()).expect("it is registered");
        let mut notes = Vec::new();
        let started = scope.start_task(&|| true, task, (VISITOR, None), &mut notes);
        started.await.expect("there is room")
    };
    // Nobody else runs in between.
    start().await;
    cancel(&scope, "trial/charges", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    assert_eq!(BEGAN.load(Ordering::Relaxed), 0);
    // The next one takes its turn all the same.
    start().await;
    start().await;
    until(|| async { statuses(&scope).await[1..] == [TaskStatus::Done; 2] }).await;
    assert_eq!(BEGAN.load(Ordering::Relaxed), 2);
}
