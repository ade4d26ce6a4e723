//! Between a store and memory: what is read, let go and read again is one scope, and what goes on
//! in it goes on once.

use super::*;
use crate::{
    core::position::Epoch,
    server::{
        NotSent,
        scopes::NoScope,
        store::{Commit, Head, Record},
    },
};
use std::sync::atomic::{AtomicBool, Ordering};

#[event]
async fn spell(cx: EventContext<Trial>, name: String) -> Result {
    cx.update(|trial| trial.seen.push(format!("{name} begins")))
        .await?;
    cx.sleep(Millis(200)).await?;
    cx.update(|trial| trial.seen.push(format!("{name} ends")))
        .await?;
    Ok(())
}

#[event]
async fn orders(cx: EventContext<Trial>) {
    cx.dispatch(serves());
}

#[background(overlap = parallel(8))]
async fn serves(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

/// Nobody uses any scope of the server.
async fn let_go_of_all(runtime: &Runtime) {
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.count() == 0
    })
    .await;
}

/// A session in which something was said, and which the store has.
async fn with_a_word(runtime: &Arc<Runtime>, n: u8) -> Place {
    let place = place(runtime, Visitor([n; 16]), &ScopeName::Session);
    let scope = runtime.scope_at(&place).await.expect("there is room");
    push(&scope, n).await.expect("it is made");
    scope.stored().await;
    place
}

/// As if it had been used for the last time long ago.
async fn used_long_ago(runtime: &Arc<Runtime>, place: &Place, more: Vec<Record>) {
    let scope = runtime.scope_at(place).await.expect("it is there");
    let head = Head {
        used_s: 1,
        ..scope.head()
    };
    let epoch = scope.epoch();
    drop(scope);
    let_go_of_all(runtime).await;
    let records = std::iter::once(Record::Used(head)).chain(more).collect();
    let ticket = runtime
        .store
        .hand_over(Commit::of(place.key, epoch, records));
    runtime.store.stored(ticket).await;
}

async fn words(runtime: &Arc<Runtime>, place: &Place) -> Vec<String> {
    let scope = runtime.scope_at(place).await.expect("there is room");
    seen(&scope).await
}

#[tokio::test]
async fn what_comes_while_a_server_recovers_waits_behind_one_another() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, waits("x".into())).await;
    until(|| async { seen(&scope).await == ["x begins"] }).await;
    send(&scope, 2, spell("a".into())).await;
    scope.stored().await;
    let killed = ground.as_if_killed();

    let later = killed.build(Durability::Relaxed).expect("it starts");
    let later = later.runtime;
    let Ground::Platter(platter) = &killed else {
        panic!("it is one");
    };
    let held = platter.hold();
    later.go_on().await.expect("it reads");
    let scope = scope_of(&later);
    send(&scope, 3, spell("b".into())).await;
    // Nothing of it may have begun; were it so, a second one would begin beside it.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(held);
    ended(&scope, 3).await;
    let expected = ["x begins", "a begins", "a ends", "b begins", "b ends"];
    assert_eq!(seen(&scope).await, expected);
    close(later);
}

fn scope_of(runtime: &Arc<Runtime>) -> Arc<Scope> {
    let key = place(runtime, VISITOR, &ScopeName::Session).key;
    runtime.scopes.find(key).expect("it was read")
}

/// Takes the scope's turn as soon as a task has started in it, and keeps it.
async fn hold_once_started(scope: &Arc<Scope>, until: tokio::sync::oneshot::Receiver<()>) {
    loop {
        let turn = scope.turn().await;
        let is_started = {
            let mut states = scope.states();
            let number = states.numbers.find(UcTasks::NAME);
            number.is_some_and(|n| !states.cell::<UcTasks>(n).value().runs.is_empty())
        };
        if is_started {
            let _ = until.await;
            return;
        }
        drop(turn);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_task_that_an_event_dispatches_starts_once_whatever_the_moment() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let (release, released) = tokio::sync::oneshot::channel();
    let holding = tokio::spawn({
        let scope = scope.clone();
        async move { hold_once_started(&scope, released).await }
    });
    send(&scope, 1, orders()).await;
    until(|| async { scope.is_task_running("trial/serves") }).await;
    // It has started, and its event has not ended.
    scope.stored().await;
    let killed = ground.as_if_killed();
    release.send(()).expect("it is waited for");
    holding.await.expect("it ends");

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    send(&scope, 2, note("behind".into())).await;
    ended(&scope, 2).await;
    assert_eq!(runs(&scope).await.len(), 1);
    assert!(failures(&scope).await.is_empty());
    close(later);
}

#[tokio::test]
async fn a_scope_that_is_let_go_before_it_is_used_is_not_begun_beside_itself() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let place = with_a_word(&runtime, 1).await;
    assert!(runtime.load(&place).await);
    let_go_of_all(&runtime).await;
    let found = runtime.scopes.find_or_make(&place, &runtime);
    assert_eq!(found.err(), Some(NoScope::Elsewhere));
    assert_eq!(words(&runtime, &place).await, ["1"]);
    close(runtime);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_there_once_however_often_its_scope_is_let_go() {
    const EACH: u64 = 60;
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let place = with_a_word(&runtime, 1).await;
    let expiring = std::thread::spawn({
        let runtime = Arc::downgrade(&runtime);
        move || {
            while let Some(runtime) = runtime.upgrade().filter(|r| !r.is_shutting_down()) {
                runtime.scopes.expire(u64::MAX);
                std::thread::yield_now();
            }
        }
    });
    let sending = (0..4).map(|client: u64| {
        let (runtime, place) = (runtime.clone(), place.clone());
        tokio::spawn(async move {
            for number in 1..=EACH {
                let scope = runtime.scope_at(&place).await.expect("there is room");
                let text = format!("{client} {number}");
                let origin = Origin {
                    client: client.to_string(),
                    number,
                };
                let queued = runtime.queued(note(text), VISITOR, Some(origin));
                let accepted = scope.accept(queued.expect("it is registered")).await;
                assert!(matches!(accepted, Accepted::Queued));
                scope.stored().await;
            }
        })
    });
    for sending in sending.collect::<Vec<_>>() {
        sending.await.expect("it ends");
    }
    runtime.shutdown.cancel();
    expiring.join().expect("it ends");
    let all = || async {
        let mut all = words(&runtime, &place).await;
        all.sort();
        all
    };
    until(|| async { all().await.len() as u64 > 4 * EACH }).await;
    let all = all().await;
    let mut once = all.clone();
    once.dedup();
    assert_eq!(once.len() as u64, 4 * EACH + 1);
    assert_eq!(all, once);
    close(runtime);
    let runtime = ground.start().await;
    let mut again = words(&runtime, &place).await;
    again.sort();
    assert_eq!(again, all);
    close(runtime);
}

#[tokio::test]
async fn a_scope_that_is_in_use_is_not_forgotten_and_one_that_nobody_uses_is() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let used = with_a_word(&runtime, 1).await;
    let waits = with_a_word(&runtime, 2).await;
    let busy = with_a_word(&runtime, 3).await;
    let unused = with_a_word(&runtime, 4).await;
    used_long_ago(&runtime, &unused, Vec::new()).await;
    used_long_ago(&runtime, &busy, vec![Record::Busy(true)]).await;
    let event = runtime.queued(note("waits".into()), Visitor([2; 16]), None);
    let event = event.expect("it is registered").record();
    used_long_ago(&runtime, &waits, vec![event]).await;
    used_long_ago(&runtime, &used, Vec::new()).await;
    // Since then it has been in memory, all the time.
    let scope = runtime.scope_at(&used).await.expect("it is there");
    let head = Head {
        used_s: 1,
        ..scope.head()
    };
    scope.hand_over(vec![Record::Used(head)]);
    scope.noted_s.store(0, std::sync::atomic::Ordering::Relaxed);
    runtime.forget_unused();
    scope.stored().await;
    let killed = ground.as_if_killed();

    // Before anybody comes back.
    let later = killed
        .build(Durability::Relaxed)
        .expect("it starts")
        .runtime;
    later.forget_unused();
    let ticket = later
        .store
        .hand_over(Commit::of(used.key, Epoch::NONE, Vec::new()));
    later.store.stored(ticket).await;
    assert!(!later.store.has(unused.key), "nobody has used it");
    assert!(later.store.has(busy.key), "a task had not ended in it");
    assert!(later.store.has(waits.key), "an event waits in it");
    assert_eq!(words(&later, &used).await, ["1"]);
    close(later);
}

#[tokio::test]
async fn a_server_that_goes_down_tells_the_store_what_was_in_use() {
    let ground = Ground::platter();
    let uc = ground.build(Durability::Relaxed).expect("it starts");
    let runtime = uc.runtime.clone();
    let used = with_a_word(&runtime, 1).await;
    let scope = runtime.scope_at(&used).await.expect("it is there");
    let head = Head {
        used_s: 1,
        ..scope.head()
    };
    scope.hand_over(vec![Record::Used(head)]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let served = uc
        .clone()
        .serve_on(listener, axum::Router::new(), std::future::ready(()));
    served.await.expect("it goes down");

    let later = ground.start().await;
    let stored = later.store.load(used.key).expect("it is readable");
    let head = stored.expect("it is there").head;
    assert!(head.used_s > 1, "{head:?}");
    close(later);
}

/// An event has run once `accept` is back.
async fn runs_where_it_is_accepted(runtime: &Arc<Runtime>) -> bool {
    let scope = the_scope(runtime).await;
    let before = seen(&scope).await.len();
    send(&scope, before as u64 + 1, note("x".to_owned())).await;
    let has_run = seen(&scope).await.len() > before;
    scope.stored().await;
    has_run
}

#[tokio::test]
async fn what_may_have_taken_the_server_down_is_kept_before_it_begins_again() {
    for ground in [Ground::file(), Ground::platter()] {
        let runtime = ground.start().await;
        assert!(runs_where_it_is_accepted(&runtime).await, "the first run");
        let killed = ground.as_if_killed();
        close(runtime);
        let runtime = ground.start().await;
        assert!(runs_where_it_is_accepted(&runtime).await, "after a stop");
        let runtime = killed.start().await;
        assert!(!runs_where_it_is_accepted(&runtime).await, "after a kill");
        close(runtime);
    }
}

#[event]
async fn hangs(cx: EventContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test]
async fn who_waits_beside_an_event_that_takes_the_server_down_is_not_taken_for_it() {
    let other = Visitor([2; 16]);
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let turn = scope.turn().await;
    // It stands for one that takes the server down: each time soon after it has begun.
    send(&scope, 1, hangs()).await;
    send_as(other, &scope, 1, note("innocent".into())).await;
    scope.stored().await;
    let mut last = ground.as_if_killed();
    drop(turn);
    for tried in [[2, 2], [3, 2]] {
        let Ground::Platter(platter) = &last else {
            panic!("it is one");
        };
        let built = last.build(Durability::Relaxed).expect("it starts");
        let held = platter.hold();
        built.runtime.go_on().await.expect("it reads");
        let scope = scope_of(&built.runtime);
        // What is told of the crash is told, and waits to be kept.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        // The other has no time to do anything.
        let turn = scope.turn().await;
        drop(held);
        until(|| async { tries(&built.runtime, &scope) == tried }).await;
        last = last.as_if_killed();
        drop(turn);
    }
    let runtime = last.start().await;
    let scope = the_scope(&runtime).await;
    until(|| async { seen(&scope).await == ["innocent"] }).await;
    let told = failures(&scope).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, EndKind::Interrupted);
    close(runtime);
}

#[tokio::test]
async fn what_was_read_in_vain_is_neither_put_nor_laid_aside() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let place = with_a_word(&runtime, 1).await;
    let_go_of_all(&runtime).await;
    let slot = runtime.scopes.slot(&place);
    let seen = slot.departures();
    let let_go = |records| {
        let commit = Commit::of(place.key, Epoch::NONE, records);
        runtime.store.hand_over(commit)
    };
    // Another reader finds it damaged, and was faster.
    runtime
        .scopes
        .leave_as_read(&slot, seen, || let_go(vec![Record::Aside(None)]));
    until(|| async { !runtime.store.has(place.key) }).await;
    let scope = runtime.scope_at(&place).await.expect("it begins anew");
    push(&scope, "anew").await.expect("it is made");
    scope.stored().await;
    drop(scope);
    runtime
        .scopes
        .leave_as_read(&slot, seen, || panic!("what is there is another"));
    assert_eq!(words(&runtime, &place).await, ["anew"]);
    close(runtime);
}

#[tokio::test]
async fn a_thread_that_writes_and_panics_is_told_as_trouble() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    runtime.store.hand_over(Commit {
        then: Some(Box::new(|| panic!("on purpose"))),
        ..Commit::of(ScopeKey([9; 16]), Epoch::NONE, Vec::new())
    });
    until(|| async { runtime.store.trouble().is_some() }).await;
    let scope = scope(&runtime);
    let refused = push(&scope, "lost").await.expect_err("it can't be kept");
    assert!(matches!(refused, UpdateError::NotStored(_)), "{refused:?}");
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Bell {
    rings: u32,
}

#[event]
fn ring(bell: &mut Bell) {
    bell.rings += 1;
}

#[event]
async fn rings_elsewhere(cx: EventContext<Trial>) -> Result {
    cx.process::<Bell>().dispatch(ring()).await?;
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

async fn rings(uc: &Undercurrent) -> u32 {
    let rings = uc.process::<Bell>().read(|bell| bell.rings).await;
    rings.expect("it reads")
}

#[tokio::test]
async fn an_event_that_has_sent_something_to_another_scope_does_not_send_it_again() {
    let ground = Ground::platter();
    let uc = ground.build(Durability::Relaxed).expect("it starts");
    let scope = the_scope(&uc.runtime).await;
    send(&scope, 1, rings_elsewhere()).await;
    until(|| async { rings(&uc).await == 1 }).await;
    scope.stored().await;
    let killed = ground.as_if_killed();

    let uc = killed.build(Durability::Relaxed).expect("it starts");
    uc.runtime.go_on().await.expect("it reads");
    let scope = the_scope(&uc.runtime).await;
    ended(&scope, 1).await;
    assert_eq!(failures(&scope).await[0].kind, EndKind::Interrupted);
    assert_eq!(rings(&uc).await, 1);
    close(uc.runtime.clone());
}

#[event]
async fn leaves_late(cx: EventContext<Trial>) -> Result {
    tokio::spawn(async move {
        // It is asked until it is refused: then the event is over.
        let bell = cx.process::<Bell>();
        while bell.read(|_| ()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sent = bell.dispatch(ring()).await == Err(NotSent::Cancelled);
        let looked =
            bell.until_within(Millis(0), |_| Some(())).await == Err(UpdateError::Cancelled);
        let started = cx.start(falls()).await == Err(NotStarted::Cancelled);
        IS_REFUSED.store(sent && looked && started, Ordering::Relaxed);
    });
    Ok(())
}

static IS_REFUSED: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn what_an_event_has_left_running_sends_nothing_and_brings_it_back_to_no_store() {
    let ground = Ground::platter();
    let uc = ground.build(Durability::Relaxed).expect("it starts");
    let scope = the_scope(&uc.runtime).await;
    send(&scope, 1, leaves_late()).await;
    ended(&scope, 1).await;
    until(|| async { IS_REFUSED.load(Ordering::Relaxed) }).await;
    scope.stored().await;
    assert_eq!(tries(&uc.runtime, &scope), [0; 0]);
    assert_eq!(rings(&uc).await, 0);
    close(uc.runtime.clone());
}

#[event]
async fn toasts(cx: EventContext<Trial>) -> Result {
    cx.page().toast("It rings.").await?;
    Ok(())
}

#[tokio::test]
async fn what_a_page_is_asked_to_do_has_no_number_twice_though_a_crash_took_one_back() {
    let ground = Ground::platter();
    let mut last = 0;
    let killed = ground.as_if_killed();
    for ground in [ground, killed] {
        let runtime = ground.start().await;
        let scope = the_scope(&runtime).await;
        send(&scope, 1, toasts()).await;
        ended(&scope, 1).await;
        let newest = |ends: &UcEnds| ends.effects.last().map_or(0, |asked| asked.n);
        let n = scope.read(|| true, newest).await.expect("it reads");
        assert!(n > last, "{n} comes after {last}");
        last = n;
        drop(scope);
        close(runtime);
    }
}

#[background(on_crash = resume)]
async fn tolls(cx: TaskContext<Bell>) -> Result {
    let from = cx.cursor::<u32>()?.unwrap_or(0);
    for toll in from.. {
        let tolled = cx.update(|bell| bell.rings = toll + 1);
        tolled.checkpoint(toll + 1).await?;
        cx.sleep(Millis(1)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_starts_with_the_server_goes_on_after_each_restart_and_is_there_once() {
    let ground = Ground::platter();
    let mut before = 0;
    for start in 1..=3 {
        let with_it = |builder: Builder| builder.on_start(tolls());
        let uc = ground.build_and(Durability::Relaxed, Limits::default(), with_it);
        let uc = uc.expect("it starts");
        let has_tolled = async {
            until(|| async { rings(&uc).await > before }).await;
            before = rings(&uc).await;
            assert_eq!(uc.counters().tasks, 1, "start {start}");
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("it listens");
        let served = uc
            .clone()
            .serve_on(listener, axum::Router::new(), has_tolled);
        served
            .await
            .expect("it starts, and goes down in good order");
    }
}

#[background(retries = 2, on_crash = resume)]
async fn falls(cx: TaskContext<Trial>) -> Result {
    cx.update(|trial| trial.seen.push("falls".into())).await?;
    Err("on purpose".into())
}

#[tokio::test]
async fn a_task_that_goes_on_has_no_more_attempts_than_one_that_was_never_cut() {
    let limits = || Limits {
        retry_first_ms: 50,
        ..Limits::default()
    };
    let ground = Ground::platter();
    let runtime = ground.start_with(Durability::Relaxed, limits()).await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, falls()).await;
    until(|| async { runs(&scope).await[0].attempt == 2 }).await;
    scope.stored().await;
    let killed = ground.as_if_killed();
    until_status(&scope, TaskStatus::Failed).await;
    assert_eq!(seen(&scope).await.len(), 3);
    close(runtime);

    let runtime = killed.start_with(Durability::Relaxed, limits()).await;
    let scope = the_scope(&runtime).await;
    let before = seen(&scope).await.len();
    until_status(&scope, TaskStatus::Failed).await;
    assert_eq!(runs(&scope).await[0].attempt, 3);
    assert!(
        seen(&scope).await.len() - before <= 2,
        "the second and the third"
    );
    close(runtime);
}

#[background]
async fn floods_slowly(cx: TaskContext<Trial>, times: u32) -> Result {
    for n in 0..times {
        while cx.dispatch(note(n.to_string())).await.is_err() {
            cx.sleep(Millis(1)).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_task_dispatches_is_not_kept_after_its_end_and_does_not_run_again() {
    const TIMES: u32 = 2_000;
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, floods_slowly(TIMES)).await;
    until(|| async { seen(&scope).await.len() == TIMES as usize && scope.is_idle() }).await;
    scope.stored().await;
    assert_eq!(tries(&runtime, &scope), Vec::<u32>::new(), "none waits");
    close(runtime);
}

/// It may have taken the server down twice, and waits to begin by itself.
#[tokio::test]
async fn an_event_that_is_cancelled_before_it_begins_again_is_kept_so() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, hangs()).await;
    scope.stored().await;
    let second = ground.as_if_killed();
    let again = second.start().await;
    let scope_again = scope_of(&again);
    until(|| async { tries(&again, &scope_again) == [2] }).await;
    let third = second.as_if_killed();
    let last = third.build(Durability::Relaxed).expect("it starts").runtime;
    let suspect = last.suspects.clone().acquire_owned().await;
    last.go_on().await.expect("it reads");
    let scope_last = scope_of(&last);
    let is_out = || {
        let mut queues = scope_last.queues.lock().expect("nobody panics");
        let queue = queues.of(VISITOR).expect("it is there");
        queue.waiting.is_empty() && queue.is_running
    };
    until(|| async { is_out() }).await;
    let which = crate::WhichEvents {
        event: "trial/hangs".to_owned(),
        numbers: Vec::new(),
    };
    scope_last.cancel_events(&which, VISITOR, None).await;
    // It can't end yet.
    let turn = scope_last.turn().await;
    drop(suspect);
    until(|| async { tries(&last, &scope_last) == [3] }).await;
    let stored = last.store.load(scope_last.slot.key()).expect("it reads");
    let (_, event) = &stored.expect("it is there").events[0];
    assert!(event.is_cancelled, "the next start would begin it again");
    drop(turn);
    ended(&scope_last, 1).await;
    assert_eq!(failures(&scope_last).await[0].kind, EndKind::Cancelled);
    close(last);
    close(again);
    close(runtime);
}

static MAY_DISPATCH: tokio::sync::Notify = tokio::sync::Notify::const_new();

#[event]
async fn dispatches_late(cx: EventContext<Trial>) {
    MAY_DISPATCH.notified().await;
    cx.dispatch(note("dispatched".into()));
}

/// What the store has of it, and what memory has: whether each event that waits was cancelled.
fn cancelled(runtime: &Runtime, scope: &Scope) -> [Vec<bool>; 2] {
    let stored = runtime.store.load(scope.slot.key()).expect("it reads");
    let stored = stored.expect("it is there").events.into_iter();
    let stored: std::collections::BTreeMap<_, _> = stored.collect();
    let mut queues = scope.lock_queues();
    let waiting = &queues.existing(VISITOR).expect("it is there").waiting;
    let kept = waiting.iter().map(|event| stored[&event.id].is_cancelled);
    let here = waiting.iter().map(|event| event.is_cancelled);
    [kept.collect(), here.collect()]
}

#[tokio::test]
async fn what_an_event_dispatches_and_what_is_cancelled_meanwhile_is_kept_as_it_is() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, dispatches_late()).await;
    send(&scope, 2, waits("behind".into())).await;
    let turn = scope.turn().await;
    let which = crate::WhichEvents {
        event: "trial/note".to_owned(),
        numbers: Vec::new(),
    };
    let cancel = scope.cancel_events(&which, VISITOR, None);
    let mut cancel = Box::pin(cancel);
    assert!(futures::FutureExt::now_or_never(&mut cancel).is_none());
    MAY_DISPATCH.notify_one();
    // It has ended by then, and stands in the line behind the cancel.
    tokio::time::sleep(Duration::from_millis(15)).await;
    drop(turn);
    cancel.await;
    ended(&scope, 1).await;
    scope.stored().await;
    let [kept, here] = cancelled(&runtime, &scope);
    assert_eq!(here.len(), 1);
    assert_eq!(kept, here);
    close(runtime);
}

/// Two requests at once: the first waits for the scope, and the second need not.
#[tokio::test]
async fn a_number_is_not_kept_before_an_earlier_one_that_starts_a_task() {
    let ground = Ground::platter();
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let turn = scope.turn().await;
    let sent = [1, 2].map(|number| {
        let scope = scope.clone();
        tokio::spawn(async move {
            match number {
                1 => send(&scope, 1, serves()).await,
                _ => send(&scope, 2, note("two".into())).await,
            }
        })
    });
    let numbers = || {
        let stored = runtime.store.load(scope.slot.key()).expect("it reads");
        let stored = stored.expect("it is there").numbers.into_iter();
        stored.map(|(_, _, number)| number).collect::<Vec<_>>()
    };
    tokio::time::sleep(Duration::from_millis(15)).await;
    scope.stored().await;
    assert_eq!(numbers(), [0; 0], "neither is kept");
    drop(turn);
    for sent in sent {
        sent.await.expect("it is taken");
    }
    ended(&scope, 2).await;
    scope.stored().await;
    assert_eq!(numbers(), [2]);
    close(runtime);
}

/// Who was called.
static CALLED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

/// Calls somebody before it asks its context for anything.
#[background(key = name, on_crash = resume)]
async fn calls(cx: TaskContext<Trial>, name: String) -> Result {
    CALLED.lock().expect("nobody panics").push(name);
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test]
async fn a_task_that_is_paused_begins_nothing_behind_a_restart_until_it_is_resumed() {
    let ground = Ground::platter();
    let called = || CALLED.lock().expect("nobody panics").clone();
    let paused = ("trial/calls", "ada");
    let before = ground.start().await;
    let scope = the_scope(&before).await;
    send(&scope, 1, calls("ada".into())).await;
    until(|| async { called() == ["ada"] }).await;
    ask(&scope, 2, crate::PauseTask, paused).await;
    send(&scope, 3, calls("bob".into())).await;
    until(|| async { called() == ["ada", "bob"] }).await;
    scope.stored().await;
    drop(scope);
    close(before);
    let after = ground.start().await;
    let scope = the_scope(&after).await;
    // The other one, which goes on behind it, has begun.
    until(|| async { called().len() > 2 }).await;
    assert_eq!(called(), ["ada", "bob", "bob"]);
    ask(&scope, 4, crate::ResumeTask, paused).await;
    until(|| async { called() == ["ada", "bob", "bob", "ada"] }).await;
    drop(scope);
    close(after);
}
