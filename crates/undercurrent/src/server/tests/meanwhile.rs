//! What comes in between: while a scope is read, let go or begun anew, and behind an end.

use super::{store::Ground, *};
use crate::{
    core::{ops::Applied, state::apply_ops},
    server::{
        NotSent,
        follow::Follower,
        followed::{Request, open_scopes},
    },
};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// A room whose rule takes its time: all that nobody uses is let go meanwhile.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = slowly)]
struct Landing {
    lamps: u32,
}

static LETS_GO: Mutex<Option<Arc<Runtime>>> = Mutex::new(None);

fn slowly(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    if let Some(runtime) = &*LETS_GO.lock().expect("nobody panics with it") {
        runtime.scopes.expire(u64::MAX);
    }
    Ok(())
}

#[event]
fn light(landing: &mut Landing) {
    landing.lamps += 1;
}

#[background(overlap = queue, on_crash = resume)]
async fn in_line(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

#[tokio::test]
async fn a_scope_that_is_let_go_while_a_stream_opens_is_not_shown_as_empty() {
    let ground = Ground::file();
    let runtime = ground.build(Default::default()).expect("it starts").runtime;
    let session = scope(&runtime);
    send(&session, 1, note("here".into())).await;
    ended(&session, 1).await;
    session.stored().await;
    drop(session);
    *LETS_GO.lock().expect("nobody panics with it") = Some(runtime.clone());
    let request = Request {
        session: vec![("trial", None)],
        others: vec![(
            runtime.scope_name("landing:front").expect("it is one"),
            vec![],
        )],
        page: Default::default(),
        is_hidden: false,
        is_brief: false,
        generation: 0,
    };
    let follower = Arc::new(Follower::new(VISITOR, Default::default(), 0));
    let opened = open_scopes(&runtime, VISITOR, request, &follower);
    *LETS_GO.lock().expect("nobody panics with it") = None;
    let opened = opened.expect("it is open");
    let session = opened.scopes[0].slot.scope();
    assert_eq!(seen(&session.expect("it was read again")).await, ["here"]);
    runtime.store.close();
}

#[tokio::test]
async fn a_run_that_waits_and_is_cancelled_while_its_server_recovers_stays_so() {
    let ground = Ground::file();
    let runtime = ground.build(Default::default()).expect("it starts").runtime;
    let before = scope(&runtime);
    send(&before, 1, in_line()).await;
    send(&before, 2, in_line()).await;
    before.stored().await;
    runtime.store.close();

    let later = ground.build(Default::default()).expect("it starts").runtime;
    let place = place(&later, VISITOR, &ScopeName::Session);
    // What is to be done in it is not done yet when the cancel comes.
    assert!(later.load_now(&place));
    let scope = later.scopes.find(place.key).expect("it is read");
    let second = Which {
        task: "trial/in_line".into(),
        key: String::new(),
        run: Some(2),
    };
    scope.cancel_tasks(&second, VISITOR).await;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let expected = [TaskStatus::Running, TaskStatus::Cancelled];
    assert_eq!(statuses(&scope).await, expected);
    cancel(&scope, "trial/in_line", "").await;
    until(|| async { scope.is_idle() }).await;
    later.store.close();
}

#[tokio::test]
async fn who_is_forgotten_and_comes_again_meanwhile_has_the_number_kept() {
    let ground = Ground::file();
    let limits = Limits {
        visitors_of_scope: 2,
        ..Limits::default()
    };
    let built = ground.build_with(Default::default(), limits);
    let runtime = built.expect("it starts").runtime;
    let [a, b, c] = [1, 2, 3].map(|n| Visitor([n; 16]));
    let name = runtime.scope_name("landing:back").expect("it is one");
    let place = place(&runtime, a, &name);
    let landing = runtime.scope_at(&place).await.expect("there is room");
    send_as(a, &landing, 1, light()).await;
    send_as(b, &landing, 1, light()).await;
    until(|| async { lamps(&landing).await == 2 }).await;
    // For `c` the one is forgotten that has been silent the longest.
    let turn = landing.turn().await;
    send_as(c, &landing, 1, light()).await;
    drop(turn);
    let mut writing = landing.try_write().expect("nobody came before");
    let touch = |_: &mut UcEnds| Ok::<(), std::convert::Infallible>(());
    assert!(writing.change_ends(Visitor([4; 16]), touch).is_ok());
    let again = send_as(a, &landing, 2, light()).await;
    assert!(matches!(again, Accepted::Queued), "{again:?}");
    writing.publish();
    until(|| async { lamps(&landing).await == 4 }).await;
    landing.stored().await;
    let stored = runtime.store.load(place.key).expect("it reads");
    let numbers = stored.expect("it is there").numbers;
    assert!(numbers.contains(&(a, "c".into(), 2)), "{numbers:?}");
    runtime.store.close();
}

async fn lamps(landing: &Scope) -> u32 {
    let lamps = |landing: &Landing| landing.lamps;
    landing.read(|| true, lamps).await.expect("it reads")
}

/// Leaves something running behind its end, and has changed nothing before.
#[event]
async fn leaves_more_behind(cx: EventContext<Trial>) {
    tokio::spawn(async move {
        let landing = cx.keyed::<Landing>("side");
        tokio::time::sleep(Duration::from_millis(100)).await;
        cx.cancel(in_line, "").await;
        let started = cx.start(in_line()).await == Err(NotStarted::Cancelled);
        let sent = landing.dispatch(light()).await == Err(NotSent::Cancelled);
        let read = landing.read(|landing| landing.lamps).await == Err(UpdateError::Cancelled);
        REFUSED.store(started && sent && read, Ordering::Relaxed);
        IS_THROUGH.store(true, Ordering::Relaxed);
    });
}

static IS_THROUGH: AtomicBool = AtomicBool::new(false);
static REFUSED: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn what_an_event_has_left_running_sends_nothing_and_brings_its_event_not_back() {
    let ground = Ground::file();
    let runtime = ground.build(Default::default()).expect("it starts").runtime;
    let scope = scope(&runtime);
    send(&scope, 1, in_line()).await;
    send(&scope, 2, leaves_more_behind()).await;
    ended(&scope, 2).await;
    until(|| async { IS_THROUGH.load(Ordering::Relaxed) }).await;
    assert!(REFUSED.load(Ordering::Relaxed));
    assert_eq!(statuses(&scope).await, [TaskStatus::Running]);
    scope.stored().await;
    let stored = runtime.store.load(scope.slot.key()).expect("it reads");
    let events = stored.expect("it is there").events;
    assert!(events.is_empty(), "it has ended: {events:?}");
    runtime.store.close();
}

// === Limits of an app's states, and the runtime's own ===

#[event]
fn refuses_at_length(_trial: &mut Trial) -> Result<(), ForVisitor> {
    Err(ForVisitor::new("no ".repeat(1_000)))
}

#[background(key = what, overlap = parallel(8))]
async fn fails_at_length(cx: TaskContext<Trial>, what: String) -> Result {
    drop((cx, what));
    Err(ForVisitor::new("no ".repeat(1_000)).into())
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_though_an_apps_states_may_not_take_as_much() {
    let runtime = runtime(Limits {
        state_bytes: 1_000,
        ..Limits::default()
    });
    let scope = scope(&runtime);
    send(&scope, 1, refuses_at_length()).await;
    ended(&scope, 1).await;
    assert_eq!(failures(&scope).await[0].message.len(), 3_000);
    send(&scope, 2, fails_at_length("a".into())).await;
    until_status(&scope, TaskStatus::Failed).await;
    // What it would be started with is more than may be kept.
    let refused = send(&scope, 3, fails_at_length("b".repeat(2_000))).await;
    assert!(
        matches!(refused, Accepted::Ended(EndKind::Full, _)),
        "{refused:?}"
    );
    send(&scope, 4, fails_at_length("c".into())).await;
    until(|| async { statuses(&scope).await == [TaskStatus::Failed; 2] }).await;
    until(|| async { scope.is_idle() }).await;
    assert_eq!(runtime.tasks_running.load(Ordering::Relaxed), 0);
}

// === Arguments that panic where they are dropped ===

/// A word that can't bear to be dropped.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Fragile(String);

thread_local! {
    /// A test has a thread of its own.
    static BREAKS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!BREAKS.get() || std::thread::panicking(), "on purpose");
    }
}

#[background(overlap = queue)]
async fn carries(cx: TaskContext<Trial>, what: Fragile) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    drop(what);
    Ok(())
}

#[event]
async fn handles(cx: EventContext<Trial>, what: Fragile) -> Result {
    let word = what.0.clone();
    cx.update(|trial| trial.seen.push(word)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_arguments_panic_as_they_are_dropped_ends_where_it_waits() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    for n in 1..=3 {
        send(&scope, n, carries(Fragile("glass".into()))).await;
    }
    BREAKS.set(true);
    cancel(&scope, "trial/carries", "").await;
    until(|| async { scope.is_idle() }).await;
    BREAKS.set(false);
    // The first had begun, and what it held then panicked in its own hands.
    let expected = [
        TaskStatus::Panicked,
        TaskStatus::Cancelled,
        TaskStatus::Cancelled,
    ];
    assert_eq!(statuses(&scope).await, expected);
    // Pages hear of it.
    let resumed = scope.resume(&[("uc_tasks", Some(Position::NONE))], VISITOR);
    let [Resume::Entries(entries)] = &resumed[..] else {
        panic!("{resumed:?}")
    };
    let mut page = UcTasks::default();
    for entry in entries {
        let mut applied = Applied::default();
        apply_ops(&mut page, entry.public_ops(), &mut applied).expect("it fits");
    }
    assert!(page.runs.iter().all(|run| run.status.is_end()), "{page:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_arguments_panic_as_they_are_dropped_can_be_sent_again() {
    let runtime = runtime(Limits::default());
    let scope = scope(&runtime);
    let [one, again] = [0, 1].map(|_| handles(Fragile("glass".into())));
    send(&scope, 1, one).await;
    ended(&scope, 1).await;
    let origin = Origin {
        client: "c".into(),
        number: 1,
    };
    let queued = runtime.queued(again, VISITOR, Some(origin));
    let queued = queued.expect("it is registered");
    BREAKS.set(true);
    let known = scope.accept(queued).await;
    BREAKS.set(false);
    assert!(matches!(known, Accepted::Known), "{known:?}");
    assert_eq!(seen(&scope).await, ["glass"]);
}
