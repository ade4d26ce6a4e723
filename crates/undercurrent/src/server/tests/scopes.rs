//! The table of scopes, and how arguments come in.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test(start_paused = true)]
async fn the_table_is_bounded_and_the_longest_idle_goes_first() {
    let runtime = runtime(Limits {
        scopes: 3,
        ..Limits::default()
    });
    let make = |n| {
        let place = place(&runtime, Visitor([n; 16]), &ScopeName::Session);
        runtime.scopes.find_or_make(&place, &runtime)
    };
    let busy = make(1).expect("there is room");
    send(&busy, 1, stubborn("a".into())).await;
    for n in 2..=3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(make(n).expect("there is room"));
    }
    assert!(make(4).is_ok(), "the second makes room");
    assert!(runtime.scopes.find(ScopeKey([1; 16])).is_some());
    assert!(runtime.scopes.find(ScopeKey([2; 16])).is_none());
    assert!(runtime.scopes.find(ScopeKey([3; 16])).is_some());
    assert_eq!(runtime.scopes.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_goes_is_freed_and_one_that_is_held_stays() {
    let runtime = runtime(Limits {
        scopes: 2,
        ..Limits::default()
    });
    let make = |n| {
        let place = place(&runtime, Visitor([n; 16]), &ScopeName::Session);
        runtime.scopes.find_or_make(&place, &runtime)
    };
    let held = make(1).expect("there is room");
    let mut gone = Vec::new();
    for n in 2..50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        gone.push(Arc::downgrade(&make(n).expect("there is room")));
    }
    assert_eq!(
        gone.iter().filter(|scope| scope.strong_count() > 0).count(),
        1,
        "the last one"
    );
    assert_eq!(runtime.scopes.count(), 2);
    send(&held, 1, note("still here".into())).await;
    ended(&held, 1).await;
    let found = runtime.scopes.find(ScopeKey([1; 16])).expect("it is there");
    assert_eq!(seen(&found).await, ["still here"]);
}

#[background]
async fn naps(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_scope_expires_when_nobody_has_used_it_for_long_and_not_before() {
    let runtime = runtime(Limits {
        idle_ms: 1_000,
        ..Limits::default()
    });
    let key = scope(&runtime).slot.key();
    let look = || {
        let idle_ms = runtime.limits.idle_ms;
        let before_ms = runtime.uptime_ms().saturating_sub(idle_ms);
        runtime.scopes.expire(before_ms);
        runtime.scopes.find(key).is_some()
    };
    // Each use puts it off, and so does an event under way.
    for n in 1..=3 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(look());
        send(&scope(&runtime), n, note(n.to_string())).await;
    }
    send(&scope(&runtime), 4, naps()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(look(), "a task is there, though it does nothing");
    assert_eq!(seen(&scope(&runtime)).await, ["1", "2", "3"]);
    cancel(&scope(&runtime), "trial/naps", "").await;
    until(|| async {
        runs(&scope(&runtime))
            .await
            .iter()
            .all(|run| run.status.is_end())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(look());
    // An open page keeps it, too.
    let follower = Arc::new(super::super::follow::Follower::new(
        VISITOR,
        Default::default(),
        0,
    ));
    let session = place(&runtime, VISITOR, &ScopeName::Session);
    let (slot, _) = runtime.scopes.follow(&session, &follower);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(look(), "a page is open");
    slot.followers.remove(&follower);
    assert!(!look());
    assert_eq!(runtime.logs.used(), 0);
    // It begins anew.
    assert!(seen(&scope(&runtime)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_looks_through_all_scopes_holds_none() {
    let runtime = runtime(Limits {
        scopes: 3,
        ..Limits::default()
    });
    for n in 1..=3 {
        session_of(&runtime, Visitor([n; 16]));
    }
    let looks = runtime.scopes.all();
    session_of(&runtime, Visitor([4; 16]));
    assert_eq!((looks.len(), runtime.scopes.count()), (3, 3));
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);

/// Panics where it is dropped, once: two at a time end the process, as everywhere in Rust.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!IS_ARMED.swap(false, Ordering::SeqCst), "on purpose");
    }
}

#[derive(State, Clone, Debug, Default)]
struct Cellar {
    bomb: Bomb,
    visits: u32,
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_where_it_goes_harms_nobody() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let visit = |cellar: &mut Cellar| cellar.visits += 1;
    scope.update(|| true, visit).await.expect("it is made");
    drop(scope);
    tokio::time::sleep(Duration::from_millis(10)).await;
    IS_ARMED.store(true, Ordering::SeqCst);
    runtime.scopes.expire(runtime.uptime_ms());
    assert!(!IS_ARMED.load(Ordering::SeqCst), "it went off");
    assert_eq!(runtime.scopes.count(), 0);
}

#[test]
fn a_form_decodes_into_the_types_of_the_arguments() {
    let runtime = runtime(Limits::default());
    let handler = runtime
        .registry
        .handler("trial/ticks")
        .expect("it is registered");
    let prepare = |form| handler.prepare(Arguments::Form(form));
    assert!(matches!(
        prepare("times=3&_client=c&_n=1"),
        Ok(Prepared::Task(_))
    ));
    assert!(prepare("times=x").is_err() && prepare("").is_err());
    let handler = runtime
        .registry
        .handler("trial/names")
        .expect("it is registered");
    let form = "n=3&_client=c&_n=1";
    assert!(
        handler.prepare(Arguments::Form(form)).is_ok(),
        "an empty list, and a field called n"
    );
}
