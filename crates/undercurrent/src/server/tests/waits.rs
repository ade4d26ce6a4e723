//! What a task waits for: the state, its children, a thread.

use super::*;
use crate::server::BlockingContext;
use futures::{FutureExt, StreamExt, stream};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(State, Clone, Debug, Default)]
struct Work {
    approved: Option<bool>,
    limit: usize,
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

/// 7 stands for nobody.
#[background]
async fn ship_within(cx: TaskContext<Work>, patience: u64) -> Result {
    let yes = cx.until_within(Millis(patience), |work| work.approved);
    let yes = yes.await?.map_or(7, u32::from);
    cx.update(|work| work.done.push(yes)).await?;
    Ok(())
}

/// Each round takes 300 ms of its second.
#[background]
async fn by_the_clock(cx: TaskContext<Work>) -> Result {
    let mut clock = cx.clock();
    loop {
        let late = clock.wait(Millis(1_000)).await?;
        let late = u32::try_from(late.as_millis())?;
        cx.update(|work| work.done.push(late)).await?;
        cx.sleep(Millis(300)).await?;
    }
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
async fn a_wait_with_an_end_takes_what_comes_before_it_and_nothing_after() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begun = tokio::time::Instant::now();
    send(&scope, 1, ship_within(5_000)).await;
    until_status(&scope, TaskStatus::Done).await;
    assert!(begun.elapsed() >= Duration::from_secs(5));
    assert_eq!(done(&scope).await, [7]);
    send(&scope, 2, ship_within(u64::from(u32::MAX))).await;
    send(&scope, 3, approve(true)).await;
    ended(&scope, 3).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(done(&scope).await, [7, 1]);
    // Not even the end of its patience comes through a pause.
    let other = session_of(&runtime, Visitor([9; 16]));
    send(&other, 1, ship_within(1_000)).await;
    ask(&other, 2, crate::PauseTask, ("work/ship_within", "")).await;
    until_status(&other, TaskStatus::Paused).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(done(&other).await, [0; 0]);
    cancel(&other, "work/ship_within", "").await;
    until_status(&other, TaskStatus::Cancelled).await;
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

#[tokio::test(start_paused = true)]
async fn a_clock_is_not_late_by_what_is_done_and_makes_up_for_no_pause() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let task = ("work/by_the_clock", "");
    send(&scope, 1, by_the_clock()).await;
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(
        done(&scope).await,
        [0; 10],
        "one a second, none of them late"
    );
    ask(&scope, 2, crate::PauseTask, task).await;
    tokio::time::sleep(Duration::from_millis(60_000)).await;
    assert_eq!(done(&scope).await.len(), 10);
    ask(&scope, 3, crate::ResumeTask, task).await;
    tokio::time::sleep(Duration::from_millis(3_400)).await;
    let all = done(&scope).await;
    // The one that waited comes at once and says how late it is; then one a second.
    assert_eq!(all.len(), 14, "{all:?}");
    assert!(all[10] >= 59_000, "{all:?}");
    assert_eq!(all[11..], [0; 3]);
    cancel(&scope, "work/by_the_clock", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
}

#[background]
async fn by_no_clock(cx: TaskContext<Work>) -> Result {
    cx.clock().wait(Duration::MAX).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_clock_waits_for_what_no_clock_shows() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, by_no_clock()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    cancel(&scope, "work/by_no_clock", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
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

#[background]
async fn none(cx: TaskContext<Work>) -> Result {
    cx.for_each(0..0, |work: &Work| work.limit, child).await
}

#[tokio::test(start_paused = true)]
async fn of_none_all_have_ended_whatever_the_limit() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, none()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(work(&scope, |work| work.limit).await, 0);
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

    let other = session_of(&runtime, Visitor([9; 16]));
    send(&other, 1, three_fails(true)).await;
    until_status(&other, TaskStatus::Failed).await;
    let mut all = done(&other).await;
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
}

/// Its first child cancels the task, and ends well.
#[background]
async fn cancels_itself(cx: TaskContext<Work>) -> Result {
    cx.for_each(0..3, 1, |cx, n| async move {
        cx.update(|work| work.done.push(n)).await?;
        cx.cancel(cancels_itself, "").await;
        Ok::<(), leptos::error::Error>(())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_cancel_between_two_children_is_one() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, cancels_itself()).await;
    until(|| async { status(&scope).await.is_end() }).await;
    assert_eq!(status(&scope).await, TaskStatus::Cancelled);
    assert_eq!(done(&scope).await, [0]);
}

static FETCHED: AtomicUsize = AtomicUsize::new(0);

/// Its children ask their context for nothing.
#[background]
async fn fetches(cx: TaskContext<Work>) -> Result {
    cx.for_each(0..20, 2, |cx, _| async move {
        drop(cx);
        tokio::time::sleep(Duration::from_secs(1)).await;
        FETCHED.fetch_add(1, Ordering::SeqCst);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn while_a_task_is_paused_no_other_child_of_it_begins() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, fetches()).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    ask(&scope, 2, crate::PauseTask, ("work/fetches", "")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(FETCHED.load(Ordering::SeqCst), 4, "those that had begun");
    ask(&scope, 3, crate::ResumeTask, ("work/fetches", "")).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(FETCHED.load(Ordering::SeqCst), 20);
}

#[background]
async fn busy_children(cx: TaskContext<Work>) -> Result {
    cx.for_each(
        0..40,
        |work: &Work| 4 + work.limit % 5,
        |cx, n| async move {
            for _ in 0..25 {
                cx.update(|work| work.limit += 1).await?;
            }
            cx.update(|work| work.done.push(n)).await
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_in_the_line_for_the_state_is_never_forgotten_there() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, busy_children()).await;
    let others = (0..3).map(|_| {
        let scope = scope.clone();
        tokio::spawn(async move {
            while !status(&scope).await.is_end() {
                let hold = |work: &mut Work| {
                    // Long enough for others to stand in line.
                    spin_until(elapsed(Duration::from_micros(300)));
                    work.limit += 1;
                };
                scope.update(|| true, hold).await.expect("it is made");
            }
        })
    });
    let all = futures::future::join_all(others.collect::<Vec<_>>());
    let ended = tokio::time::timeout(Duration::from_secs(60), all).await;
    assert!(
        ended.is_ok(),
        "the state is held by a child that nobody polls"
    );
    assert_eq!(status(&scope).await, TaskStatus::Done);
    assert_eq!(done(&scope).await.len(), 40);
}

fn elapsed(span: Duration) -> impl Fn() -> bool {
    let begin = std::time::Instant::now();
    move || begin.elapsed() >= span
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
    let mut waits = polls.watch("waits", std::future::pending::<()>());
    // It has run, and waits now: for longer than one that is named.
    assert!((&mut waits).now_or_never().is_none());
    let spins = Box::pin(async { spin_until(|| !polls.named().is_empty()) });
    futures::executor::block_on(polls.watch("spins", spins));
    drop(waits);
    assert_eq!(*polls.named(), ["spins"]);
}

/// Holds up its thread, as no handler should.
pub(super) fn spin_until(is_so: impl Fn() -> bool) {
    let begin = std::time::Instant::now();
    while !is_so() {
        assert!(begin.elapsed().as_secs() < 30, "it did not come to be");
        std::thread::yield_now();
    }
}

static NAMED: AtomicUsize = AtomicUsize::new(0);

#[background]
async fn computes_outside(cx: TaskContext<Work>) -> Result {
    spin_until(|| NAMED.load(Ordering::SeqCst) == 1);
    cx.until(|work| work.approved).await?;
    Ok(())
}

#[event]
async fn computes_in_queue(cx: EventContext<Work>) -> Result {
    spin_until(|| NAMED.load(Ordering::SeqCst) == 2);
    cx.update(|work| work.approved = Some(true)).await?;
    Ok(())
}

#[tokio::test]
async fn tasks_and_events_are_watched_while_they_run() {
    let runtime = runtime(Limits {
        slow_poll_ms: 40,
        ..Limits::default()
    });
    let polls = runtime.polls.clone();
    let watch = std::thread::spawn(move || {
        spin_until(|| {
            let named = polls.named().len();
            NAMED.store(named, Ordering::SeqCst);
            named == 2
        });
    });
    let scope = scope(&runtime);
    send(&scope, 1, computes_outside()).await;
    until_status(&scope, TaskStatus::Running).await;
    send(&scope, 2, computes_in_queue()).await;
    until_status(&scope, TaskStatus::Done).await;
    watch.join().expect("both are named");
    let mut named = runtime.polls.named().clone();
    named.sort_unstable();
    assert_eq!(named, ["work/computes_in_queue", "work/computes_outside"]);
}

static MAY_END: AtomicUsize = AtomicUsize::new(0);

/// Computes in its closure.
#[event]
fn computes_in_an_update(work: &mut Work) {
    spin_until(|| MAY_END.load(Ordering::SeqCst) == 1);
    work.approved = Some(true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_computes_is_named_within_a_second() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let begin = std::time::Instant::now();
    let sender = scope.clone();
    tokio::spawn(async move { send(&sender, 1, computes_in_an_update()).await });
    until(|| async { !runtime.polls.named().is_empty() }).await;
    let took = begin.elapsed();
    MAY_END.store(1, Ordering::SeqCst);
    ended(&scope, 1).await;
    assert_eq!(*runtime.polls.named(), ["work/computes_in_an_update"]);
    assert!(took < Duration::from_secs(1), "{took:?}");
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

/// Asks for several threads at once, and for one more for each that comes: those that wait for theirs
/// are not polled meanwhile.
#[background]
async fn pours_into_threads(cx: TaskContext<Work>) -> Result {
    let ask = |n: u32| cx.blocking(move |_| n);
    let mut all = stream::iter(0..12).map(ask).buffer_unordered(6);
    while let Some(n) = all.next().await {
        let n = n?;
        cx.blocking(move |cx| cx.update(|work| work.done.push(n)))
            .await??;
    }
    Ok(())
}

#[tokio::test]
async fn a_thread_that_nobody_minds_is_kept_from_nobody() {
    let runtime = runtime(Limits {
        blocking_threads: 1,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, pours_into_threads()).await;
    let is_done = until_status(&scope, TaskStatus::Done);
    let is_done = tokio::time::timeout(Duration::from_secs(60), is_done).await;
    is_done.expect("none waits for ever");
    assert_eq!(done(&scope).await.len(), 12);
    // The last gives it back behind its answer.
    until(|| async { runtime.blocking_threads.available_permits() == 1 }).await;
}

#[background]
async fn nests_on_a_thread(cx: TaskContext<Work>) -> Result {
    let inner = cx.blocking(|cx| cx.update(|_| [cx.read(|_| ()), cx.go_on()]));
    let inner = inner.await??;
    let refused = inner[0] == Err(UpdateError::Nested);
    cx.update(|work| work.approved = Some(refused)).await?;
    Ok(())
}

#[tokio::test]
async fn a_call_inside_of_a_call_is_an_error_on_a_thread_too() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, nests_on_a_thread()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(work(&scope, |work| work.approved).await, Some(true));
}

/// Goes on until it is told to stop.
#[background]
async fn goes_on(cx: TaskContext<Work>) -> Result {
    cx.blocking(|cx| {
        while cx.update(|work| {
            work.running += 1;
            work.approved.is_none()
        })? {
            cx.go_on()?;
        }
        Ok::<(), UpdateError>(())
    })
    .await??;
    Ok(())
}

#[tokio::test]
async fn a_paused_closure_leaves_its_turn_to_others_and_takes_another_to_go_on() {
    let runtime = runtime(Limits {
        blocking_threads: 1,
        ..Limits::default()
    });
    let [paused, other] = [1, 2].map(|n| session_of(&runtime, Visitor([n; 16])));
    send(&paused, 1, goes_on()).await;
    until(|| async { work(&paused, |work| work.running).await > 0 }).await;
    ask(&paused, 2, crate::PauseTask, ("work/goes_on", "")).await;
    until_status(&paused, TaskStatus::Paused).await;
    send(&other, 1, computes()).await;
    until_status(&other, TaskStatus::Done).await;
    let before = work(&paused, |work| work.running).await;
    ask(&paused, 3, crate::ResumeTask, ("work/goes_on", "")).await;
    until(|| async { work(&paused, |work| work.running).await > before }).await;
    send(&paused, 4, approve(true)).await;
    until_status(&paused, TaskStatus::Done).await;
    // The thread gives it back behind its answer.
    until(|| async { runtime.blocking_threads.available_permits() == 1 }).await;
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

static BEGUN: AtomicUsize = AtomicUsize::new(0);

#[background]
async fn begins_on_a_thread(cx: TaskContext<Work>) -> Result {
    cx.blocking(|cx| {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        cx.go_on()
    })
    .await??;
    Ok(())
}

#[tokio::test]
async fn who_is_paused_in_the_line_for_a_thread_does_not_begin() {
    let runtime = runtime(Limits {
        blocking_threads: 1,
        ..Limits::default()
    });
    let [busy, paused] = [1, 2].map(|n| session_of(&runtime, Visitor([n; 16])));
    send(&busy, 1, goes_on()).await;
    until(|| async { work(&busy, |work| work.running).await > 0 }).await;
    let task = ("work/begins_on_a_thread", "");
    send(&paused, 1, begins_on_a_thread()).await;
    // It stands in the line by then.
    tokio::time::sleep(Duration::from_millis(20)).await;
    ask(&paused, 2, crate::PauseTask, task).await;
    until_status(&paused, TaskStatus::Paused).await;
    send(&busy, 2, approve(true)).await;
    until_status(&busy, TaskStatus::Done).await;
    until(|| async { runtime.blocking_threads.available_permits() == 1 }).await;
    assert_eq!(BEGUN.load(Ordering::SeqCst), 0);
    ask(&paused, 3, crate::ResumeTask, task).await;
    until_status(&paused, TaskStatus::Done).await;
    assert_eq!(BEGUN.load(Ordering::SeqCst), 1);
}
