//! What a task waits for: the state, its children, a thread.

use super::*;
use crate::server::BlockingContext;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(State, Clone, Debug, Default)]
struct Work {
    approved: Option<bool>,
    limit: usize,
    looks: u32,
    running: usize,
    most: usize,
    done: List<u32>,
}

#[event]
fn approve(work: &mut Work, yes: bool) {
    work.approved = Some(yes);
}

#[event]
fn set_limit(work: &mut Work, limit: usize) {
    work.limit = limit;
}

#[background]
async fn ship(cx: TaskContext<Work>) -> Result {
    let yes = cx.until(|work| work.approved).await?;
    cx.update(|work| work.done.push(u32::from(yes))).await?;
    Ok(())
}

#[event]
async fn wait_in_queue(cx: EventContext<Work>) -> Result {
    cx.until(|work| work.done.first().copied()).await?;
    cx.update(|work| work.done.push(100)).await?;
    Ok(())
}

/// A child that takes a second, and counts how many of its kind there are.
async fn child(cx: TaskContext<Work>, n: u32) -> Result {
    cx.update(|work| {
        work.running += 1;
        work.most = work.most.max(work.running);
    })
    .await?;
    cx.sleep(Millis(1_000)).await?;
    cx.update(|work| work.running -= 1).await?;
    if n == 3 {
        return Err(ForVisitor::new("Three is refused.").into());
    }
    cx.update(|work| work.done.push(n)).await?;
    Ok(())
}

#[background]
async fn ten(cx: TaskContext<Work>, limit: usize) -> Result {
    cx.for_each(10..20, limit, child).await
}

#[background]
async fn as_it_says(cx: TaskContext<Work>) -> Result {
    cx.for_each(10..20, |work: &Work| work.limit, child).await
}

#[background]
async fn three_fails(cx: TaskContext<Work>, keeps_going: bool) -> Result {
    let children = cx.for_each(0..10, 2, child);
    match keeps_going {
        true => children.keep_going().await,
        false => children.await,
    }
}

#[background]
async fn stubborn_children(cx: TaskContext<Work>) -> Result {
    cx.for_each(0..3, 3, |cx, n| async move {
        if n == 0 {
            return Err(ForVisitor::new("At once.").into());
        }
        std::future::pending::<()>().await;
        drop(cx);
        Ok::<(), leptos::error::Error>(())
    })
    .await
}

async fn work<R: Send>(scope: &Scope, look: impl FnOnce(&Work) -> R + Send) -> R {
    scope.read(|| true, look).await.expect("it reads")
}

async fn done(scope: &Scope) -> Vec<u32> {
    work(scope, |work| work.done.iter().copied().collect()).await
}

// === until ===

#[tokio::test(start_paused = true)]
async fn a_task_waits_until_the_state_says_so() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ship()).await;
    send(&scope, 2, set_limit(3)).await;
    ended(&scope, 2).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    send(&scope, 3, approve(true)).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(done(&scope).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_a_cancel_and_holds_through_a_pause() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ship()).await;
    ask(&scope, 2, crate::PauseTask, ("work/ship", "")).await;
    until_status(&scope, TaskStatus::Paused).await;
    send(&scope, 3, approve(false)).await;
    ended(&scope, 3).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(done(&scope).await, [0; 0]);
    ask(&scope, 4, crate::ResumeTask, ("work/ship", "")).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(done(&scope).await, [0]);

    let other = session_of(&runtime, Visitor([9; 16]));
    send(&other, 1, ship()).await;
    until_status(&other, TaskStatus::Running).await;
    cancel(&other, "work/ship", "").await;
    until_status(&other, TaskStatus::Cancelled).await;
    assert_eq!(done(&other).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_until_a_task_has_changed_the_state() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, wait_in_queue()).await;
    send(&scope, 2, ten(1)).await;
    ended(&scope, 1).await;
    assert_eq!(done(&scope).await, [10, 100]);
}

// === for_each ===

#[tokio::test(start_paused = true)]
async fn children_run_so_many_at_a_time() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let began = tokio::time::Instant::now();
    send(&scope, 1, ten(4)).await;
    until_status(&scope, TaskStatus::Done).await;
    let mut all = done(&scope).await;
    all.sort_unstable();
    assert_eq!(all, (10..20).collect::<Vec<_>>());
    assert_eq!(work(&scope, |work| work.most).await, 4);
    assert_eq!(began.elapsed().as_secs(), 3, "three rounds of a second");
}

#[tokio::test(start_paused = true)]
async fn the_limit_may_change_while_they_run() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, as_it_says()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(work(&scope, |work| work.running).await, 0, "the limit is 0");
    send(&scope, 2, set_limit(2)).await;
    until(|| async { done(&scope).await.len() == 2 }).await;
    send(&scope, 3, set_limit(0)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let so_far = done(&scope).await.len();
    assert!(
        (2..=4).contains(&so_far),
        "{so_far}: those that ran went on"
    );
    send(&scope, 4, set_limit(6)).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(done(&scope).await.len(), 10);
    assert!(work(&scope, |work| work.most).await <= 6);
}

#[tokio::test(start_paused = true)]
async fn an_error_cancels_the_others_or_leaves_them_alone() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, three_fails(false)).await;
    until_status(&scope, TaskStatus::Failed).await;
    assert_eq!(done(&scope).await, [0, 1, 2]);
    assert_eq!(
        runs(&scope).await[0].error.as_deref(),
        Some("Three is refused.")
    );
    assert_eq!(work(&scope, |work| work.looks).await, 0);

    let other = session_of(&runtime, Visitor([9; 16]));
    send(&other, 1, three_fails(true)).await;
    until_status(&other, TaskStatus::Failed).await;
    let mut all = done(&other).await;
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
}

#[tokio::test(start_paused = true)]
async fn children_that_do_not_leave_are_dropped_after_the_grace() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let began = tokio::time::Instant::now();
    send(&scope, 1, stubborn_children()).await;
    until_status(&scope, TaskStatus::Failed).await;
    let grace = Limits::default().cancel_grace_ms / 1_000;
    assert_eq!(began.elapsed().as_secs(), grace);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_children() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, ten(3)).await;
    until(|| async { work(&scope, |work| work.running).await == 3 }).await;
    cancel(&scope, "work/ten", "3").await;
    cancel(&scope, "work/ten", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    assert_eq!(done(&scope).await, [0; 0]);
}

// === blocking ===

static OPEN: AtomicUsize = AtomicUsize::new(0);

#[background]
async fn computes(cx: TaskContext<Work>) -> Result {
    let sum = cx
        .blocking(|cx: &BlockingContext<Work>| {
            for n in 0..10 {
                cx.update(|work| work.done.push(n))?;
                cx.progress(n + 1, 10);
            }
            cx.try_update(|work| {
                work.done.push(100);
                Err::<(), _>(ForVisitor::new("undone"))
            })
            .expect_err("it refuses");
            cx.read(|work| work.done.iter().sum::<u32>())
        })
        .await??;
    cx.update(|work| work.done.push(sum)).await?;
    Ok(())
}

#[background]
async fn panics_on_a_thread(cx: TaskContext<Work>) -> Result {
    cx.blocking(|_| panic!("on purpose")).await?;
    Ok(())
}

#[background(overlap = parallel(8))]
async fn turns(cx: TaskContext<Work>) -> Result {
    cx.blocking(|cx| {
        cx.update(|work| {
            work.running += 1;
            work.most = work.most.max(work.running);
        })?;
        // Until two have met: with room for two they do.
        while cx.read(|work| work.most)? < 2 {
            std::thread::yield_now();
        }
        cx.update(|work| work.running -= 1)
    })
    .await??;
    Ok(())
}

#[background]
async fn spins(cx: TaskContext<Work>) -> Result {
    cx.blocking(|cx| {
        OPEN.fetch_add(1, Ordering::SeqCst);
        while cx.go_on().is_ok() {
            std::thread::yield_now();
        }
        let refused = cx.update(|work| work.done.push(7));
        OPEN.fetch_sub(1, Ordering::SeqCst);
        refused
    })
    .await??;
    Ok(())
}

#[test]
fn a_handler_that_blocks_outside_of_it_is_named_and_one_that_waits_is_not() {
    use crate::server::polls::Polls;
    let polls = Arc::new(Polls::new(40));
    let waits = polls.watch("waits", std::future::pending::<()>());
    assert!(polls.warnings() == 0);
    let spins = Box::pin(async {
        while polls.warnings() == 0 {
            std::thread::yield_now();
        }
    });
    futures::executor::block_on(polls.watch("spins", spins));
    drop(waits);
    assert_eq!(polls.warnings(), 1, "once");
}

#[tokio::test]
async fn a_closure_on_a_thread_has_the_same_doors() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, computes()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(done(&scope).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 45]);
    let progress = &runs(&scope).await[0].progress;
    assert_eq!((progress.done, progress.of), (10, 10));
}

#[tokio::test]
async fn a_panic_on_a_thread_is_the_tasks() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, panics_on_a_thread()).await;
    until_status(&scope, TaskStatus::Panicked).await;
}

#[tokio::test]
async fn so_many_threads_at_once() {
    let runtime = runtime(Limits {
        blocking_threads: 2,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    for n in 1..=6 {
        send(&scope, n, turns()).await;
    }
    until(|| async { statuses(&scope).await == [TaskStatus::Done; 6] }).await;
    assert_eq!(work(&scope, |work| work.most).await, 2);
}

#[tokio::test]
async fn a_cancelled_thread_changes_nothing_any_more() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, spins()).await;
    until(|| async { OPEN.load(Ordering::SeqCst) == 1 }).await;
    cancel(&scope, "work/spins", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    until(|| async { OPEN.load(Ordering::SeqCst) == 0 }).await;
    assert_eq!(done(&scope).await, [0; 0]);
}
