//! The scenarios that every store passes: a server begins on it, goes down in good order or is
//! killed, and another one begins.

use super::*;
use crate::{
    core::position::Epoch,
    server::store::{Commit, Record},
};

/// Each scenario on each ground.
macro_rules! conformance {
    ($($scenario:ident)*) => {
        mod on_a_file {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::Ground::file()).await;
            })*
        }
        mod on_a_disk_that_loses_what_was_not_flushed {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(super::Ground::platter()).await;
            })*
        }
    };
}

conformance! {
    what_was_is_there_again_with_its_position_and_its_numbers
    after_a_kill_what_was_acknowledged_is_there_in_a_new_epoch_of_the_same_life
    an_event_that_waits_runs_after_a_kill_and_one_that_was_half_done_is_told
    an_event_that_has_done_nothing_begins_again_three_times_and_no_more
    restarts_in_good_order_are_not_counted
    what_has_not_begun_at_a_shutdown_begins_with_the_next_start
    what_a_shutdown_cuts_is_told_as_interrupted_and_what_was_behind_it_runs_later
    after_an_event_that_was_half_done_events_run_one_at_a_time
    a_task_goes_on_from_its_cursor_or_ends_as_interrupted
    an_event_that_was_cancelled_stays_so_over_a_kill_and_ends_in_its_turn
    fields_for_the_server_are_kept_and_large_states_stay_small_in_the_file
    a_scope_that_nobody_uses_leaves_memory_and_later_the_store
}

#[event]
async fn twice(cx: EventContext<Trial>, wait: bool) -> Result {
    cx.update(|trial| trial.seen.push("first".into())).await?;
    if wait {
        cx.sleep(Millis(3_600_000)).await?;
    }
    cx.update(|trial| trial.seen.push("second".into())).await?;
    Ok(())
}

#[event]
async fn only_waits(cx: EventContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[background(on_crash = resume)]
async fn counts(cx: TaskContext<Trial>, upto: u32) -> Result {
    let from = cx.cursor()?.unwrap_or(1);
    for n in from..=upto {
        cx.update(|trial| trial.seen.push(n.to_string()))
            .checkpoint(n + 1)
            .await?;
        cx.sleep(Millis(100)).await?;
    }
    Ok(())
}

async fn what_was_is_there_again_with_its_position_and_its_numbers(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    for n in 1..=3 {
        send(&scope, n, note(n.to_string())).await;
    }
    send(&scope, 4, refuse()).await;
    ended(&scope, 4).await;
    let at = scope.published().log.position();
    drop(scope);
    close(runtime);

    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, numbers(3));
    assert_eq!(scope.published().log.position(), at, "nothing was lost");
    assert!(matches!(
        send(&scope, 3, note("3".into())).await,
        Accepted::Known
    ));
    assert_eq!(failures(&scope).await.len(), 1);
    send(&scope, 5, note("4".into())).await;
    ended(&scope, 5).await;
    assert_eq!(seen(&scope).await, numbers(4));
    let resumed = scope.resume(
        &[("trial", Some(Position::new(at.epoch, at.offset - 1)))],
        VISITOR,
    );
    assert!(!matches!(resumed[0], Resume::Current));
    close(runtime);
}

async fn after_a_kill_what_was_acknowledged_is_there_in_a_new_epoch_of_the_same_life(
    ground: Ground,
) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    for n in 1..=3 {
        send(&scope, n, note(n.to_string())).await;
    }
    ended(&scope, 3).await;
    scope.stored().await;
    let at = scope.published().log.position();
    let killed = ground.as_if_killed();

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    assert_eq!(seen(&scope).await, numbers(3));
    let now = scope.published().log.position();
    assert_ne!(now.epoch, at.epoch, "something shown might be missing");
    assert_eq!(now.epoch.life(), at.epoch.life());
    assert!(now.offset >= at.offset);
    let resumed = scope.resume(&[("trial", Some(at))], VISITOR);
    assert!(matches!(resumed[0], Resume::Snapshot));
}

async fn an_event_that_waits_runs_after_a_kill_and_one_that_was_half_done_is_told(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, twice(true)).await;
    send(&scope, 2, note("behind".into())).await;
    until(|| async { seen(&scope).await.len() == 1 }).await;
    scope.stored().await;
    let killed = ground.as_if_killed();

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["first", "behind"]);
    let failures = failures(&scope).await;
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (failures[0].number, failures[0].kind),
        (1, EndKind::Interrupted)
    );
    assert!(matches!(
        send(&scope, 1, twice(false)).await,
        Accepted::Known
    ));
}

async fn an_event_that_has_done_nothing_begins_again_three_times_and_no_more(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, only_waits()).await;
    send(&scope, 2, note("behind".into())).await;
    scope.stored().await;
    let mut last = ground.as_if_killed();
    for begun in 2..=3 {
        let runtime = last.start().await;
        let scope = the_scope(&runtime).await;
        until(|| async { tries(&runtime, &scope)[0] == begun }).await;
        assert_eq!(seen(&scope).await, Vec::<String>::new(), "it runs again");
        last = last.as_if_killed();
    }
    let runtime = last.start().await;
    let scope = the_scope(&runtime).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["behind"]);
    assert_eq!(failures(&scope).await[0].kind, EndKind::Interrupted);
}

#[background(on_crash = resume)]
async fn stays(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

async fn restarts_in_good_order_are_not_counted(ground: Ground) {
    let mut runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, only_waits()).await;
    send(&scope, 2, stays()).await;
    scope.stored().await;
    drop(scope);
    for _ in 0..7 {
        close(runtime);
        runtime = ground.start().await;
        let scope = the_scope(&runtime).await;
        until_status(&scope, TaskStatus::Running).await;
        scope.stored().await;
        assert_eq!(tries(&runtime, &scope).len(), 1, "it waits");
        assert!(failures(&scope).await.is_empty());
    }
    close(runtime);
}

/// Serves, and is told to stop at once.
async fn shut_down(uc: Undercurrent) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let served = uc.serve_on(
        listener.expect("a port"),
        axum::Router::new(),
        std::future::ready(()),
    );
    served.await.expect("it served");
}

fn in_a_hurry() -> Limits {
    Limits {
        shutdown_ms: 200,
        ..Limits::default()
    }
}

async fn what_has_not_begun_at_a_shutdown_begins_with_the_next_start(ground: Ground) {
    let uc = ground.build_with(Durability::Relaxed, in_a_hurry());
    let uc = uc.expect("it starts");
    let scope = the_scope(&uc.runtime).await;
    // It has begun, and done nothing: it begins again.
    send(&scope, 1, only_waits()).await;
    send(&scope, 2, note("sync".into())).await;
    send(&scope, 3, waits("async".into())).await;
    scope.stored().await;
    shut_down(uc.clone()).await;
    assert_eq!(seen(&scope).await, [""; 0]);
    assert_eq!(failures(&scope).await, []);
    drop((uc, scope));

    let runtime = ground.start().await;
    let events = &runtime.events_under_way;
    assert_eq!(events.load(std::sync::atomic::Ordering::Relaxed), 3);
    runtime.interrupted.cancel();
    close(runtime);
}

async fn what_a_shutdown_cuts_is_told_as_interrupted_and_what_was_behind_it_runs_later(
    ground: Ground,
) {
    let uc = ground.build_with(Durability::Relaxed, in_a_hurry());
    let uc = uc.expect("it starts");
    let scope = the_scope(&uc.runtime).await;
    send(&scope, 1, twice(true)).await;
    send(&scope, 2, note("sync".into())).await;
    send(&scope, 3, waits("async".into())).await;
    until(|| async { seen(&scope).await.len() == 1 }).await;
    shut_down(uc.clone()).await;
    assert_eq!(seen(&scope).await, ["first"]);
    let told = failures(&scope).await;
    assert_eq!((told[0].number, told[0].kind), (1, EndKind::Interrupted));
    drop((uc, scope));

    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    ended(&scope, 3).await;
    let expected = ["first", "sync", "async begins", "async ends"];
    assert_eq!(seen(&scope).await[..4], expected);
    assert_eq!(failures(&scope).await.len(), 1);
    close(runtime);
}

async fn after_an_event_that_was_half_done_events_run_one_at_a_time(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, twice(true)).await;
    until(|| async { !seen(&scope).await.is_empty() }).await;
    scope.stored().await;
    let killed = ground.as_if_killed();

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    send(&scope, 2, waits("a".into())).await;
    // All but the queue's own runner has ended: what is interrupted is told.
    until(|| async { !failures(&scope).await.is_empty() && later.tracker.len() == 1 }).await;
    send(&scope, 3, note("behind".into())).await;
    until(|| async { seen(&scope).await.len() >= 5 }).await;
    let expected = ["first", "a begins", "a ends", "behind", "a dispatched"];
    assert_eq!(seen(&scope).await, expected);
}

async fn a_task_goes_on_from_its_cursor_or_ends_as_interrupted(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, counts(10)).await;
    until(|| async { seen(&scope).await.len() >= 3 }).await;
    send(&scope, 2, stubborn("x".into())).await;
    scope.stored().await;
    let killed = ground.as_if_killed();

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    until(|| async { statuses(&scope).await == [TaskStatus::Done, TaskStatus::Interrupted] }).await;
    let mut seen = seen(&scope).await;
    seen.retain(|text| text != "stubborn");
    assert_eq!(seen, numbers(10), "each once");
    assert_eq!(runs(&scope).await[0].id, 1);
}

async fn fields_for_the_server_are_kept_and_large_states_stay_small_in_the_file(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let fill = |trial: &mut Trial| {
        trial.secret = 7;
        trial.seen = (0..1_000).map(|n| format!("{n:0100}")).collect();
    };
    scope.update(|| true, fill).await.expect("it is made");
    for n in 0..2_000_u32 {
        let change = move |trial: &mut Trial| trial.seen[0] = n.to_string();
        scope.update(|| true, change).await.expect("it is made");
    }
    scope.stored().await;
    let bytes = ground.bytes();
    close(runtime);
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let read = |trial: &Trial| (trial.secret, trial.seen.len(), trial.seen[0].clone());
    let found = scope.read(|| true, read).await.expect("it reads");
    assert_eq!(found, (7, 1_000, "1999".to_owned()));
    assert!(bytes < 40 << 20, "{bytes}");
}

async fn a_scope_that_nobody_uses_leaves_memory_and_later_the_store(ground: Ground) {
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    let key = scope.slot.key();
    send(&scope, 1, note("1".into())).await;
    ended(&scope, 1).await;
    scope.stored().await;
    drop(scope);
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.count() == 0
    })
    .await;
    assert_eq!(
        seen(&*the_scope(&runtime).await).await,
        ["1"],
        "it is read again"
    );
    until(|| async {
        runtime.scopes.expire(u64::MAX);
        runtime.scopes.count() == 0
    })
    .await;
    assert!(runtime.store.has(key));
    runtime.scopes.leave_unless_here(key, || {
        let gone = Commit::of(key, Epoch::NONE, vec![Record::Gone]);
        runtime.store.hand_over(gone)
    });
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, Vec::<String>::new());
    scope.stored().await;
    close(runtime);
}

/// Hears of nothing.
#[event]
async fn is_deaf(cx: EventContext<Trial>, changes: bool) -> Result {
    if changes {
        cx.update(|trial| trial.seen.push("first".into())).await?;
    }
    std::future::pending().await
}

async fn an_event_that_was_cancelled_stays_so_over_a_kill_and_ends_in_its_turn(ground: Ground) {
    for changes in [true, false] {
        let begun = match changes {
            true => vec!["first"],
            // It would begin again.
            false => Vec::new(),
        };
        let ground = match ground {
            Ground::File(_) => Ground::file(),
            Ground::Platter(_) => Ground::platter(),
        };
        let runtime = ground.start().await;
        let scope = the_scope(&runtime).await;
        let cancel = |number, event: &str, numbers: Vec<u64>| {
            let which = crate::WhichEvents {
                event: event.to_owned(),
                numbers,
            };
            let scope = scope.clone();
            async move { send(&scope, number, Call::new(crate::CancelEvent(which))).await }
        };
        send(&scope, 1, is_deaf(changes)).await;
        until(|| async { seen(&scope).await == begun }).await;
        send(&scope, 2, note("cancelled".into())).await;
        send(&scope, 3, note("next".into())).await;
        cancel(4, "trial/note", vec![2]).await;
        scope.stored().await;
        let before = changes.then(|| ground.as_if_killed());
        cancel(5, "trial/is_deaf", Vec::new()).await;
        scope.stored().await;
        let before = before.map(|before| (before, EndKind::Interrupted));
        let after = (ground.as_if_killed(), EndKind::Cancelled);
        for (ground, first) in before.into_iter().chain([after]) {
            let runtime = ground.start().await;
            let scope = the_scope(&runtime).await;
            ended(&scope, 3).await;
            assert_eq!(seen(&scope).await, [&begun[..], &["next"]].concat());
            let told = failures(&scope).await;
            let told: Vec<_> = told.iter().map(|told| (told.number, told.kind)).collect();
            assert_eq!(told, [(1, first), (2, EndKind::Cancelled)]);
            close(runtime);
        }
        close(runtime);
    }
}
