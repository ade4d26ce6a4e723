//! What a task does at its end, and tasks whose visitor has gone.

use super::{matrix_pages::shut_down_of, store::Ground, *};
use crate::{
    core::{ops::Applied, state::apply_ops},
    server::{Durability, follow::Follower},
};
use std::cell::Cell;

#[derive(State, Clone, Debug, Default)]
struct Desk {
    busy: bool,
    ends: List<String>,
    panics: bool,
}

fn settle(desk: &mut Desk, end: &TaskEnd) {
    desk.busy = false;
    let error = end.error.as_deref().unwrap_or("no error");
    desk.ends
        .push(format!("{:?} {} {error}", end.status, end.key));
    assert!(!desk.panics, "on purpose");
}

#[background(key = key, overlap = queue, on_end = settle)]
async fn works(cx: TaskContext<Desk>, key: String, fails: bool, panics: bool) -> Result {
    cx.update(|desk| (desk.busy, desk.panics) = (true, panics))
        .await?;
    cx.sleep(Millis(1_000)).await?;
    if fails {
        return Err(ForVisitor::new("No.").into());
    }
    Ok(())
}

#[background(on_disconnect = cancel_after("10s"))]
async fn for_who_looks(cx: TaskContext<Desk>) -> Result {
    for n in 0..1_000 {
        cx.update(|desk| desk.ends.push(n.to_string())).await?;
        cx.sleep(Millis(1_000)).await?;
    }
    Ok(())
}

async fn desk(scope: &Scope) -> Desk {
    scope.read(|| true, Desk::clone).await.expect("it reads")
}

async fn ends(scope: &Scope) -> Vec<String> {
    desk(scope).await.ends.iter().cloned().collect()
}

// === on_end ===

#[tokio::test(start_paused = true)]
async fn what_is_done_at_the_end_is_one_update_with_it() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, works("a".into(), false, false)).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(ends(&scope).await, ["Done a no error"]);
    assert!(!desk(&scope).await.busy);
    // One offset for both states.
    let follows = ["desk", "uc_tasks"].map(|state| (state, Some(Position::NONE)));
    let last = scope
        .resume(&follows, VISITOR)
        .into_iter()
        .map(|resume| match resume {
            Resume::Entries(entries) => entries.last().map(|entry| entry.offset),
            other => panic!("{other:?}"),
        })
        .collect::<Vec<_>>();
    assert_eq!(last[0], last[1]);
}

#[tokio::test(start_paused = true)]
async fn each_way_to_end_is_told() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, works("a".into(), true, false)).await;
    send(&scope, 2, works("b".into(), false, false)).await;
    send(&scope, 3, works("b".into(), false, false)).await;
    // The second of a name and key waits; it ends where it waits.
    until(|| async { desk(&scope).await.busy }).await;
    cancel(&scope, "desk/works", "b").await;
    until(|| async { runs(&scope).await.iter().all(|run| run.status.is_end()) }).await;
    let mut ends = ends(&scope).await;
    ends.sort_unstable();
    assert_eq!(
        ends,
        [
            "Cancelled b no error",
            "Cancelled b no error",
            "Failed a No."
        ]
    );
}

/// Takes the list out of the state at the second end, and panics: its undo log goes with it.
fn careless(desk: &mut Desk, _end: &TaskEnd) {
    if desk.ends.is_empty() {
        desk.ends.push("the first".into());
    } else {
        let _taken = std::mem::take(&mut desk.ends);
        panic!("on purpose");
    }
}

#[background(overlap = queue, on_end = careless)]
async fn waits_for_ever(cx: TaskContext<Desk>) -> Result {
    cx.until(|desk| desk.busy.then_some(())).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_several_ends_at_once_each_stands_by_itself() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for n in 1..=3 {
        send(&scope, n, waits_for_ever()).await;
    }
    cancel(&scope, "desk/waits_for_ever", "").await;
    until(|| async { runs(&scope).await.iter().all(|run| run.status.is_end()) }).await;
    assert_eq!(ends(&scope).await, ["the first"]);
    // What pages make of it is the same.
    let resumed = scope.resume(&[("desk", Some(Position::NONE))], VISITOR);
    let [Resume::Entries(entries)] = &resumed[..] else {
        panic!("{resumed:?}")
    };
    let mut page = Desk::default();
    for entry in entries {
        let mut applied = Applied::default();
        apply_ops(&mut page, entry.public_ops(), &mut applied).expect("it fits");
    }
    assert_eq!(page.ends.iter().collect::<Vec<_>>(), ["the first"]);
}

#[background(timeout = "3s", on_end = settle)]
async fn takes_too_long(cx: TaskContext<Desk>) -> Result {
    cx.until(|desk| desk.busy.then_some(())).await?;
    Ok(())
}

#[background(on_end = settle)]
async fn breaks_down(cx: TaskContext<Desk>) {
    drop(cx);
    panic!("on purpose");
}

#[background(on_end = settle)]
async fn hears_nothing(cx: TaskContext<Desk>) {
    drop(cx);
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_task_did_not_choose_is_told_too() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, takes_too_long()).await;
    send(&scope, 2, breaks_down()).await;
    send(&scope, 3, hears_nothing()).await;
    cancel(&scope, "desk/hears_nothing", "").await;
    until(|| async { runs(&scope).await.iter().all(|run| run.status.is_end()) }).await;
    send(&scope, 4, works("late".into(), false, false)).await;
    until(|| async { desk(&scope).await.busy }).await;
    runtime.shutdown.cancel();
    scope.interrupt_tasks();
    until(|| async { scope.is_idle() }).await;
    let ends = ends(&scope).await;
    let ways: Vec<_> = ends
        .iter()
        .filter_map(|end| end.split(' ').next())
        .collect();
    assert_eq!(ways, ["Panicked", "TimedOut", "Cancelled", "Interrupted"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_end_is_undone_and_the_end_stands() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, works("a".into(), false, true)).await;
    until_status(&scope, TaskStatus::Done).await;
    let desk = desk(&scope).await;
    assert!(desk.busy && desk.ends.is_empty());
}

thread_local! {
    /// A test has a thread of its own.
    static DEFAULT_BREAKS: Cell<bool> = const { Cell::new(false) };
}

/// Begins with its end.
#[derive(State, Clone, Debug)]
struct Grave {
    words: List<String>,
}

impl Default for Grave {
    fn default() -> Self {
        assert!(!DEFAULT_BREAKS.get(), "on purpose");
        let words = List::new();
        Grave { words }
    }
}

fn inscribe(grave: &mut Grave, end: &TaskEnd) {
    grave.words.push(end.key.clone());
}

#[background(key = key, on_end = inscribe)]
async fn rests(cx: TaskContext<Grave>, key: String) {
    drop((cx, key));
}

#[tokio::test(start_paused = true)]
async fn an_end_stands_though_the_state_can_t_even_begin() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    DEFAULT_BREAKS.set(true);
    send(&scope, 1, rests("a".into())).await;
    until(|| async { scope.is_idle() }).await;
    DEFAULT_BREAKS.set(false);
    assert_eq!(status(&scope).await, TaskStatus::Done);
    send(&scope, 2, rests("b".into())).await;
    until(|| async { scope.is_idle() }).await;
    let words = |grave: &Grave| grave.words.iter().cloned().collect::<Vec<_>>();
    assert_eq!(scope.read(|| true, words).await, Ok(vec!["b".to_owned()]));
}

// === on_disconnect ===

fn follow(runtime: &Arc<Runtime>, visitor: Visitor) -> Arc<Follower> {
    let follower = Arc::new(Follower::new(visitor, Default::default(), 0));
    let place = place(runtime, VISITOR, &ScopeName::Session);
    runtime.scopes.follow(&place, &follower);
    follower
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_when_its_visitor_has_been_gone_for_a_while() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let tab = follow(&runtime, VISITOR);
    send(&scope, 1, for_who_looks()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    // A reload, and another, each within the grace.
    let mut tab = tab;
    for _ in 0..2 {
        scope.slot.followers.remove(&tab);
        tokio::time::sleep(Duration::from_secs(9)).await;
        tab = follow(&runtime, VISITOR);
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    assert_eq!(status(&scope).await, TaskStatus::Running);
    // Another's stream is not the visitor's.
    let other = follow(&runtime, Visitor([9; 16]));
    scope.slot.followers.remove(&tab);
    tokio::time::sleep(Duration::from_millis(9_900)).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    scope.slot.followers.remove(&other);
    until_status(&scope, TaskStatus::Cancelled).await;
    let before = ends(&scope).await.len();
    assert!((105..=110).contains(&before), "{before}");
}

#[tokio::test(start_paused = true)]
async fn whoever_never_had_a_stream_is_gone_from_the_start() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, for_who_looks()).await;
    until_status(&scope, TaskStatus::Cancelled).await;
    assert_eq!(ends(&scope).await.len(), 10);
}

/// Hears of no shutdown while it waits.
#[background(overlap = queue, on_crash = resume, on_disconnect = cancel_after("5s"))]
async fn goes_on_for_who_looks(cx: TaskContext<Desk>) -> Result {
    cx.update(|desk| desk.busy = true).await?;
    std::future::pending::<()>().await;
    Ok(())
}

/// Streams end with the server, and nobody has gone.
#[tokio::test(start_paused = true)]
async fn a_shutdown_is_no_absence_and_waits_for_nobody_to_come_back() {
    let ground = Ground::file();
    let uc = ground.build(Durability::Relaxed).expect("it starts");
    let runtime = uc.runtime.clone();
    let (scope, took) = shut_down_of(uc, async |scope| {
        let tab = follow(&runtime, VISITOR);
        for n in 1..=2 {
            send(scope, n, goes_on_for_who_looks()).await;
        }
        until(|| async { desk(scope).await.busy }).await;
        scope.slot.followers.remove(&tab);
    })
    .await;
    assert!(took < Duration::from_secs(9), "{took:?}");
    drop((scope, runtime));
    let later = ground.build(Durability::Relaxed).expect("it starts");
    let later = later.runtime;
    later.go_on().await.expect("it reads");
    let key = place(&later, VISITOR, &ScopeName::Session).key;
    let scope = later.scopes.find(key).expect("it was read");
    let both = [TaskStatus::Running, TaskStatus::Queued];
    assert_eq!(statuses(&scope).await, both);
    later.store.close();
}
