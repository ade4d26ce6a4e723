//! Who is here, and waiting for what a context knows nothing of.

use super::*;
use crate::server::follow::Follower;
use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

#[derive(State, Clone, Debug, Default)]
struct Porch {
    counts: List<u32>,
}

/// Notes how many are here, each time it is another number.
#[background]
async fn count(cx: TaskContext<Porch>) -> Result {
    let mut known = u32::MAX;
    loop {
        let other = |here: &[Visitor]| Some(here.len() as u32).filter(|now| *now != known);
        known = cx.until_present(other).await?;
        cx.update(|porch| porch.counts.push(known)).await?;
    }
}

/// What was dropped so far.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for an answer that never comes.
#[background]
async fn asks(cx: TaskContext<Porch>) -> Result {
    cx.update(|porch| porch.counts.push(0)).await?;
    let answer = async {
        let _connection = Connection;
        pending::<()>().await;
    };
    cx.wait_for(answer).await?;
    Ok(())
}

/// Waits for something that comes after a second.
#[background]
async fn hears(cx: TaskContext<Porch>) -> Result {
    cx.update(|porch| porch.counts.push(0)).await?;
    let answer = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        7
    };
    let answer = cx.wait_for(answer).await?;
    cx.update(|porch| porch.counts.push(answer)).await?;
    Ok(())
}

async fn counts(scope: &Scope) -> Vec<u32> {
    let counts = |porch: &Porch| porch.counts.iter().copied().collect();
    scope.read(|| true, counts).await.expect("it reads")
}

fn follow(runtime: &Arc<Runtime>, visitor: u8) -> Arc<Follower> {
    let follower = Arc::new(Follower::new(Visitor([visitor; 16]), Default::default(), 0));
    let place = place(runtime, VISITOR, &ScopeName::Session);
    runtime.scopes.follow(&place, &follower);
    follower
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_is_told_each_visitor_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, count()).await;
    let told = async |wanted: &[u32]| until(|| async { counts(&scope).await == wanted }).await;
    told(&[0]).await;
    let ada = follow(&runtime, 1);
    told(&[0, 1]).await;
    // A second tab of the same browser is nobody else.
    let tab = follow(&runtime, 1);
    let bob = follow(&runtime, 2);
    told(&[0, 1, 2]).await;
    scope.slot.followers.remove(&tab);
    scope.slot.followers.remove(&bob);
    told(&[0, 1, 2, 1]).await;
    scope.slot.followers.remove(&ada);
    told(&[0, 1, 2, 1, 0]).await;
    cancel(&scope, "porch/count", "").await;
    until_status(&scope, TaskStatus::Cancelled).await;
    follow(&runtime, 3);
    assert_eq!(counts(&scope).await, [0, 1, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_drops_what_is_waited_for_at_once() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, asks()).await;
    until(|| async { counts(&scope).await == [0] }).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(DROPPED.load(Ordering::SeqCst), 0);
    let cancelled = tokio::time::Instant::now();
    cancel(&scope, "porch/asks", "").await;
    until(|| async { DROPPED.load(Ordering::SeqCst) == 1 }).await;
    // Long before the grace is over.
    assert!(cancelled.elapsed() < Duration::from_millis(100));
    until_status(&scope, TaskStatus::Cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_task_is_paused_is_had_when_it_goes_on() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, hears()).await;
    until(|| async { counts(&scope).await == [0] }).await;
    ask(&scope, 2, crate::PauseTask, ("porch/hears", "")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(counts(&scope).await, [0]);
    ask(&scope, 3, crate::ResumeTask, ("porch/hears", "")).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(counts(&scope).await, [0, 7]);
}
