//! What other frameworks' tests of background tasks ask for, and no test here asked yet. The table
//! of all of it is docs/reflex-matrix.md.

use super::*;
use crate::core::log::Entry;
use futures::FutureExt;
use std::{
    collections::BTreeMap,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};

#[derive(State, Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) order: List<String>,
    pub(super) counter: u32,
    table: BTreeMap<String, u32>,
}

/// Shared by whoever names it.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone)]
struct Hall {
    counter: u32,
}

fn anyone(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[event]
pub(super) fn enter_line(ledger: &mut Ledger, text: String) {
    ledger.order.push(text);
}

#[event]
pub(super) fn add(ledger: &mut Ledger) {
    ledger.counter += 1;
}

/// Gets a copy of a value of the state, and changes both.
#[event]
fn keep_table(ledger: &mut Ledger, mut table: BTreeMap<String, u32>) {
    table.insert("b".into(), 2);
    ledger.table = table;
}

// === Helpers ===

pub(super) async fn ledger(scope: &Scope) -> Ledger {
    scope.read(|| true, Ledger::clone).await.expect("it reads")
}

pub(super) async fn order(scope: &Scope) -> Vec<String> {
    ledger(scope).await.order.iter().cloned().collect()
}

/// All that a stream from the beginning gets of a state.
pub(super) fn entries(scope: &Scope, state: &'static str) -> Vec<Arc<Entry>> {
    match scope
        .resume(&[(state, Some(Position::NONE))], VISITOR)
        .remove(0)
    {
        Resume::Entries(entries) => entries,
        Resume::Current => Vec::new(),
        Resume::Snapshot => panic!("the log has all of it"),
    }
}

pub(super) fn ops(scope: &Scope, state: &'static str) -> Vec<String> {
    let entries = entries(scope, state);
    let ops = entries.iter().map(|entry| entry.public_ops().to_owned());
    ops.collect()
}

// === The lock ===

#[background]
async fn nests_by_hand(cx: TaskContext<Ledger>) -> Result {
    let inner = cx
        .update(|ledger| {
            ledger.counter += 1;
            let inner = pin!(cx.update(|ledger| ledger.counter += 100).into_future());
            inner.poll(&mut Context::from_waker(Waker::noop()))
        })
        .await?;
    assert_eq!(inner, Poll::Ready(Err(UpdateError::Nested)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_nested_update_was_refused_the_next_one_goes() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, nests_by_hand()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(ledger(&scope).await.counter, 1);
    send(&scope, 2, add()).await;
    ended(&scope, 2).await;
    assert_eq!(ledger(&scope).await.counter, 2);
}

#[background]
async fn starts_by_hand(cx: TaskContext<Ledger>) -> Result {
    let inner = cx
        .update(|ledger| {
            ledger.counter += 1;
            let mut context = Context::from_waker(Waker::noop());
            let cancel = pin!(cx.cancel(two_steps, ""));
            let cancelled = cancel.poll(&mut context);
            let start = pin!(cx.start(two_steps()));
            (cancelled, start.poll(&mut context))
        })
        .await?;
    let refused = Poll::Ready(Err(NotStarted::Nested));
    assert_eq!(inner, (Poll::Ready(()), refused));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_or_is_cancelled_inside_an_update() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, starts_by_hand()).await;
    until_status(&scope, TaskStatus::Done).await;
    assert_eq!(ledger(&scope).await.counter, 1);
    assert_eq!(runs(&scope).await.len(), 1);
}

#[background]
async fn two_steps(cx: TaskContext<Ledger>) -> Result {
    cx.update(|ledger| ledger.counter += 1).await?;
    cx.until(|ledger| ledger.order.first().cloned()).await?;
    // Nothing that can be seen changes: nothing is sent.
    cx.update(|ledger| ledger.counter += 0).await?;
    cx.update(|ledger| {
        ledger.counter += 1;
        ledger.order.push("both".into());
    })
    .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_update_is_one_delta_sent_when_it_returns_and_not_when_its_task_ends() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, two_steps()).await;
    until(|| async { !entries(&scope, "ledger").is_empty() }).await;
    assert_eq!(status(&scope).await, TaskStatus::Running);
    assert_eq!(ops(&scope, "ledger"), [r#"[["=","counter",1]]"#]);
    send(&scope, 2, enter_line("go".into())).await;
    until_status(&scope, TaskStatus::Done).await;
    let ops = ops(&scope, "ledger");
    assert_eq!(ops.len(), 3, "{ops:?}");
    assert!(
        ops[2].contains("both") && ops[2].contains("counter"),
        "{ops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_given_up_where_it_waits_changes_nothing_and_the_next_one_goes() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let held = scope.write().await.expect("it can be written");
    let given_up = scope.update(|| true, |ledger: &mut Ledger| ledger.counter += 100);
    let given_up = tokio::time::timeout(Duration::from_millis(10), given_up).await;
    assert!(given_up.is_err(), "it waits");
    drop(held);
    let refused = scope.update(|| false, |ledger: &mut Ledger| ledger.counter += 100);
    assert_eq!(refused.await, Err(UpdateError::Cancelled));
    let next = scope.update(|| true, |ledger: &mut Ledger| ledger.counter += 1);
    assert_eq!(next.await, Ok(()));
    assert_eq!(ledger(&scope).await.counter, 1);
}

/// What is written to the log.
#[derive(Clone, Default)]
pub(super) struct Lines(pub(super) Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("it is whole").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_holds_the_state_for_long_is_named_and_loses_nothing_and_who_waits_comes_next() {
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || written.clone());
    let _reads = read_log(log.finish());
    let runtime = runtime(Limits {
        slow_update_ms: 10,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    let hog = scope.update(
        || true,
        |ledger: &mut Ledger| {
            // The clock is paused: so long it has taken.
            let _ = tokio::time::advance(Duration::from_millis(30)).now_or_never();
            ledger.order.push("hog".into());
            ledger.counter = 666;
        },
    );
    let waiter = scope.update(
        || true,
        |ledger: &mut Ledger| {
            ledger.order.push("waiter".into());
            ledger.counter = 4_252;
        },
    );
    assert_eq!(tokio::join!(hog, waiter), (Ok(()), Ok(())));
    assert_eq!(order(&scope).await, ["hog", "waiter"]);
    assert_eq!(ledger(&scope).await.counter, 4_252);
    let log = String::from_utf8(lines.0.lock().expect("it is whole").clone());
    let log = log.expect("it is text");
    assert_eq!(log.matches("held its state for long").count(), 1, "{log}");
    assert!(log.contains("ledger"), "{log}");
}

// === A task and the queue ===

#[background]
async fn polls(cx: TaskContext<Ledger>) -> Result {
    cx.update(|ledger| ledger.order.push("start".into()))
        .await?;
    // Asks again and again, as one should not: the event must get in between all the same.
    while cx.update(|ledger| ledger.order.len()).await? == 1 {
        cx.sleep(Millis(10)).await?;
    }
    cx.update(|ledger| {
        ledger.order.push("stop".into());
        // What an event does is a function that whoever holds the state can call.
        for text in ["other", "private"] {
            ledger.order.push(text.into());
        }
    })
    .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_that_polls_lets_an_event_in() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, polls()).await;
    until(|| async { order(&scope).await == ["start"] }).await;
    send(&scope, 2, enter_line("other".into())).await;
    until_status(&scope, TaskStatus::Done).await;
    let expected = ["start", "other", "stop", "other", "private"];
    assert_eq!(order(&scope).await, expected);
}

#[background]
async fn resets(cx: TaskContext<Ledger>) -> Result {
    cx.update(|ledger| {
        ledger.order.push("foo".into());
        ledger.counter = 7;
        *ledger = Ledger::default();
    })
    .await?;
    cx.update(|ledger| ledger.order.push("reset".into()))
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_state_is_reset_in_an_update() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, enter_line("before".into())).await;
    ended(&scope, 1).await;
    send(&scope, 2, resets()).await;
    until_status(&scope, TaskStatus::Done).await;
    let ledger = ledger(&scope).await;
    let order: Vec<_> = ledger.order.iter().map(String::as_str).collect();
    assert_eq!((order, ledger.counter), (vec!["reset"], 0));
}

#[background]
async fn passes_on(cx: TaskContext<Ledger>) -> Result {
    cx.dispatch(add()).await?;
    cx.update(|ledger| {
        ledger.counter += 10;
        ledger.table.insert("a".into(), 1);
    })
    .await?;
    cx.dispatch(add()).await?;
    let table = cx.read(|ledger| ledger.table.clone()).await?;
    cx.dispatch(keep_table(table)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_task_dispatches_may_change_the_state_and_its_arguments() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    send(&scope, 1, passes_on()).await;
    until(|| async { ledger(&scope).await.table.len() == 2 }).await;
    let ledger = ledger(&scope).await;
    assert_eq!(ledger.counter, 12);
    assert_eq!(ledger.table, [("a".into(), 1), ("b".into(), 2)].into());
}

static FULL: AtomicUsize = AtomicUsize::new(0);

#[background]
async fn pours(cx: TaskContext<Ledger>) -> Result {
    for _ in 0..1_000 {
        loop {
            match cx.dispatch(add()).await {
                Err(UpdateError::QueueFull) => {
                    FULL.fetch_add(1, Ordering::Relaxed);
                    cx.sleep(Millis(5)).await?;
                }
                done => break done?,
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_that_dispatches_faster_than_the_queue_takes_is_told_and_loses_none() {
    let runtime = runtime(Limits {
        queue: 10,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, pours()).await;
    until(|| async { ledger(&scope).await.counter == 1_000 }).await;
    assert!(FULL.load(Ordering::Relaxed) > 0, "it was told");
    until_status(&scope, TaskStatus::Done).await;
    until(|| async { scope.is_idle() }).await;
    assert_eq!(ledger(&scope).await.counter, 1_000);
}

// === Shared ===

#[event]
fn one_more(hall: &mut Hall) {
    hall.counter += 1;
}

#[background(overlap = parallel(3))]
async fn ten_more(cx: TaskContext<Hall>) -> Result {
    for _ in 0..10 {
        cx.update(|hall| hall.counter += 1).await?;
        cx.sleep(Millis(5)).await?;
    }
    Ok(())
}

#[background(overlap = parallel(3))]
async fn five_events(cx: TaskContext<Hall>) -> Result {
    for _ in 0..5 {
        cx.dispatch(one_more()).await?;
        cx.sleep(Millis(5)).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn three_visitors_of_one_shared_state_add_up() {
    let runtime = runtime(Limits::default());
    let name = ScopeName::Keyed {
        space: "hall",
        key: "shared-foo".into(),
    };
    let visitors = [1, 2, 3].map(|n| Visitor([n; 16]));
    let hall = place(&runtime, visitors[0], &name);
    let hall = runtime.scopes.find_or_make(&hall, &runtime);
    let hall = hall.expect("there is room");
    // What each of them sees, by a snapshot and by what came since the beginning.
    let shows = async |counter: u32| {
        for visitor in visitors {
            let snapshot = hall.snapshot(visitor).await;
            let Some((position, state)) = snapshot.states.get("hall") else {
                return false;
            };
            let state = state.downcast_ref::<Hall>().expect("it is one");
            if state.counter != counter {
                return false;
            }
            let last = match hall
                .resume(&[("hall", Some(Position::NONE))], visitor)
                .remove(0)
            {
                Resume::Entries(entries) => entries.last().cloned().expect("it changed"),
                other => panic!("{other:?}"),
            };
            assert_eq!(last.offset, position.offset);
            assert_eq!(last.public_ops(), format!(r#"[["=","counter",{counter}]]"#));
        }
        true
    };
    for visitor in visitors {
        send_as(visitor, &hall, 1, one_more()).await;
    }
    until(|| shows(3)).await;
    for visitor in visitors {
        send_as(visitor, &hall, 2, ten_more()).await;
    }
    until(|| shows(33)).await;
    for visitor in visitors {
        send_as(visitor, &hall, 3, five_events()).await;
    }
    until(|| shows(48)).await;
    until(|| async { hall.is_idle() }).await;
    assert!(shows(48).await);
}
