//! As `matrix`: what pages get of a task, and what a shutdown leaves.

use super::{
    matrix::{Ledger, add, enter_line, entries, ledger, ops, order},
    *,
};
use crate::Effect;
use std::sync::atomic::Ordering;

// === What pages get ===

#[background]
async fn lingers(cx: TaskContext<Ledger>) -> Result {
    cx.update(|ledger| ledger.counter += 0).await?;
    cx.until(|ledger| ledger.order.first().cloned()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_written_between_a_tasks_last_update_and_its_end_reaches_pages() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, lingers()).await;
    until_status(&scope, TaskStatus::Running).await;
    send(&scope, 2, enter_line("victim".into())).await;
    until_status(&scope, TaskStatus::Done).await;
    let seen = entries(&scope, "ledger");
    assert_eq!(seen.len(), 1);
    assert!(seen[0].public_ops().contains("victim"));
    // The task's end came behind it, and took nothing along.
    let tasks = entries(&scope, "uc_tasks");
    let end = tasks.last().expect("its end was sent");
    assert!(end.offset > seen[0].offset && end.public_ops().contains("done"));
}

#[background]
async fn marks_and_tells(cx: TaskContext<Ledger>) -> Result {
    cx.update(|ledger| ledger.order.push("marker".into()))
        .await?;
    cx.page().toast("Marked.").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_page_has_the_change_before_it_is_asked_for_something() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, marks_and_tells()).await;
    until_status(&scope, TaskStatus::Done).await;
    let asked = |ends: &UcEnds| ends.effects[0].effect.clone();
    let asked = scope.read(|| true, asked).await;
    assert_eq!(asked, Ok(Effect::Toast("Marked.".into())));
    let marked = entries(&scope, "ledger")[0].offset;
    let told = entries(&scope, "uc_ends");
    let told = told
        .iter()
        .find(|entry| entry.public_ops().contains("Marked."));
    assert!(told.is_some_and(|told| told.offset > marked));
}

#[background]
async fn does_nothing(cx: TaskContext<Ledger>, fails: bool) -> Result {
    drop(cx);
    match fails {
        false => Ok(()),
        true => Err("a secret of the server".into()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_changes_nothing_is_seen_to_end_well_or_not() {
    for (fails, end) in [(false, TaskStatus::Done), (true, TaskStatus::Failed)] {
        let runtime = runtime(Limits::default());
        let scope = scope(&runtime);
        send(&scope, 1, does_nothing(fails)).await;
        until_status(&scope, end).await;
        assert!(entries(&scope, "ledger").is_empty());
        let sent = ops(&scope, "uc_tasks").concat();
        let word = if fails { "failed" } else { "done" };
        assert!(sent.contains("running") && sent.contains(word), "{sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_told_of_without_secrets_and_leaves_nothing_behind() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, does_nothing(true)).await;
    until_status(&scope, TaskStatus::Failed).await;
    let error = runs(&scope).await[0].error.clone();
    let error = error.expect("the visitor is told");
    assert!(
        error.contains("went wrong") && !error.contains("secret"),
        "{error}"
    );
    send(&scope, 2, add()).await;
    ended(&scope, 2).await;
    assert_eq!(ledger(&scope).await.counter, 1);
    until(|| async { scope.is_idle() }).await;
    let running = runtime.tasks_running.load(Ordering::Relaxed);
    assert_eq!(running, 0);
}

// === Shutdown ===

async fn shut_down(limits: Limits, work: impl AsyncFnOnce(&Arc<Scope>)) -> (Arc<Scope>, Duration) {
    let uc = builder(limits).build();
    shut_down_of(uc.expect("it starts"), work).await
}

/// The scope of a visitor, and how long the shutdown took.
pub(super) async fn shut_down_of(
    uc: Undercurrent,
    work: impl AsyncFnOnce(&Arc<Scope>),
) -> (Arc<Scope>, Duration) {
    let runtime = uc.runtime.clone();
    let scope = scope(&runtime);
    work(&scope).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("it listens");
    let begin = tokio::time::Instant::now();
    let served = uc.serve_on(listener, axum::Router::new(), async {}).await;
    assert!(served.is_ok());
    (scope, begin.elapsed())
}

#[event]
async fn takes_50_ms(cx: EventContext<Ledger>, n: u32) -> Result {
    cx.sleep(Millis(50)).await?;
    cx.update(|ledger| ledger.order.push(n.to_string())).await?;
    Ok(())
}

#[background]
async fn takes_10_s(cx: TaskContext<Ledger>) -> Result {
    cx.sleep(Millis(10_000)).await?;
    cx.update(|ledger| ledger.counter += 1).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_a_hurry_interrupts_a_long_task() {
    let limits = Limits {
        shutdown_ms: 100,
        ..Limits::default()
    };
    let start = async |scope: &Arc<Scope>| drop(send(scope, 1, takes_10_s()).await);
    let (scope, took) = shut_down(limits, start).await;
    assert!(took <= Duration::from_millis(200), "{took:?}");
    assert_eq!(statuses(&scope).await, [TaskStatus::Interrupted]);
    assert_eq!(ledger(&scope).await.counter, 0);
}

/// It has its grace, in which the server goes down.
#[tokio::test(start_paused = true)]
async fn a_task_that_was_cancelled_ends_so_though_the_server_goes_down_meanwhile() {
    let start = async |scope: &Arc<Scope>| {
        send(scope, 1, stubborn("a".into())).await;
        until(|| async { !seen(scope).await.is_empty() }).await;
        cancel(scope, "trial/stubborn", "a").await;
    };
    let (scope, _) = shut_down(Limits::default(), start).await;
    assert_eq!(statuses(&scope).await, [TaskStatus::Cancelled]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_with_patience_runs_what_is_queued_in_order() {
    let queue = async |scope: &Arc<Scope>| {
        for n in 0..10 {
            let taken = send(scope, u64::from(n) + 1, takes_50_ms(n)).await;
            assert!(matches!(taken, Accepted::Queued));
        }
    };
    let (scope, took) = shut_down(Limits::default(), queue).await;
    let expected: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(order(&scope).await, expected);
    assert!(
        (500..1_000).contains(&took.as_millis()),
        "as long as it takes: {took:?}"
    );
}
