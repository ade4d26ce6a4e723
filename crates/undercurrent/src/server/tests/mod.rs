//! The server's tests: real scopes, a paused clock, no sockets. Here is what they share: handlers
//! to send, and ways to wait and to look.

mod attempts;
mod attendance;
mod bounds;
mod crawlers;
mod doors;
mod ends;
mod faults;
mod matrix;
mod matrix_pages;
mod meanwhile;
mod moods;
mod overlap;
mod page;
mod parsers;
mod positions;
mod present;
mod queue;
mod renewal;
mod scopes;
mod slow;
mod stops;
mod store;
mod tasks;
mod updates;
mod waits;

use super::{
    Builder, Config, NotStarted, Runtime, StoreKind, Undercurrent,
    authorize::{Place, authorize},
    queue::{Accepted, Origin},
    registration::{Arguments, Prepared},
    scope::Scope,
    scopes::ScopeKey,
};
use crate::{
    EndKind, Limits, TaskRecord, TaskStatus, UpdateError, Visitor, Which,
    builtin::{UcEnds, UcTasks},
    core::{log::Resume, position::Position, scope::ScopeName},
    prelude::*,
};
use leptos::config::LeptosOptions;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

#[derive(State, Clone, Debug, Default)]
struct Trial {
    seen: List<String>,
    #[state(server)]
    secret: u32,
}

#[event]
fn note(trial: &mut Trial, text: String) {
    trial.seen.push(text);
}

#[event]
fn refuse(trial: &mut Trial) -> Result<(), ForVisitor> {
    trial.seen.push("undone".into());
    trial.secret = 9;
    Err(ForVisitor::new("Not today."))
}

#[event]
fn panics(trial: &mut Trial) {
    trial.seen.push("undone".into());
    trial.seen = List::new();
    panic!("on purpose");
}

#[event]
fn fails(trial: &mut Trial) -> Result {
    trial.seen.clear();
    Err("a secret of the server".into())
}

#[event]
async fn waits(cx: EventContext<Trial>, name: String) -> Result {
    cx.update(|trial| trial.seen.push(format!("{name} begins")))
        .await?;
    cx.sleep(Millis(1_000)).await?;
    cx.update(|trial| trial.seen.push(format!("{name} ends")))
        .await?;
    cx.dispatch(note(format!("{name} dispatched")));
    Ok(())
}

#[event]
async fn floods(cx: EventContext<Trial>) {
    for n in 0..1_000 {
        cx.dispatch(note(n.to_string()));
    }
}

#[event]
async fn nests(cx: EventContext<Trial>) -> Result {
    let inner = cx
        .update(|_| futures::executor::block_on(cx.update(|_| ())))
        .await?;
    let read = cx
        .update(|_| futures::executor::block_on(cx.read(|_| ())))
        .await?;
    assert_eq!(
        (inner, read),
        (Err(UpdateError::Nested), Err(UpdateError::Nested))
    );
    cx.update(|trial| trial.seen.push("refused twice".into()))
        .await?;
    Ok(())
}

#[background]
async fn ticks(cx: TaskContext<Trial>, times: u32) -> Result {
    for n in 1..=times {
        cx.update(|trial| trial.seen.push(format!("tick {n}")))
            .await?;
        cx.progress(n, times);
        cx.sleep(Millis(100)).await?;
    }
    Ok(())
}

#[background(key = name)]
async fn stubborn(cx: TaskContext<Trial>, name: String) {
    let _ = name;
    loop {
        // It hears nothing of a cancel, and goes on trying.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = cx.update(|trial| trial.seen.push("stubborn".into())).await;
    }
}

#[background(overlap = parallel(2u8), retries = 0u8)]
async fn breaks(cx: TaskContext<Trial>) -> Result {
    cx.sleep(Millis(10)).await?;
    let done = cx.update::<()>(|_| panic!("on purpose")).await;
    unreachable!("the panic goes on: {done:?}");
}

/// An error whose text can't be had.
struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("on purpose")
    }
}

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("on purpose")
    }
}

impl std::error::Error for Unspeakable {}

#[event]
async fn unspeakable(cx: EventContext<Trial>) -> Result {
    drop(cx);
    Err(Unspeakable.into())
}

#[event]
async fn starts_twice(cx: EventContext<Trial>) {
    cx.dispatch(ticks(1_000));
    cx.dispatch(ticks(1_000));
}

#[event]
async fn names(cx: EventContext<Trial>, names: Vec<String>, n: u32) -> Result {
    cx.update(|trial| trial.seen.push(format!("{names:?} {n}")))
        .await?;
    Ok(())
}

/// Panics where it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("on purpose")
    }
}

#[background]
async fn explodes(cx: TaskContext<Trial>) {
    let _held = Grenade;
    drop(cx);
    std::future::pending::<()>().await;
}

#[derive(State, Clone, Debug, Default)]
struct Measure {
    last: f64,
    all: List<f64>,
}

// === Helpers ===

pub(super) fn runtime(limits: Limits) -> Arc<Runtime> {
    builder(limits).build().expect("it starts").runtime
}

fn builder(limits: Limits) -> Builder {
    // No test reads the environment, so that none depends on it.
    let key_file = std::env::temp_dir().join(format!("undercurrent-{}.key", std::process::id()));
    let config = Config {
        limits,
        session_key_file: key_file,
        store: StoreKind::Memory,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    Undercurrent::with(options, config)
}

const VISITOR: Visitor = Visitor([1; 16]);

pub(super) fn place(runtime: &Runtime, visitor: Visitor, name: &ScopeName) -> Place {
    authorize(runtime, visitor, name).expect("it is open")
}

fn scope(runtime: &Arc<Runtime>) -> Arc<Scope> {
    session_of(runtime, VISITOR)
}

/// The session of a visitor.
fn session_of(runtime: &Arc<Runtime>, visitor: Visitor) -> Arc<Scope> {
    let place = place(runtime, visitor, &ScopeName::Session);
    let scope = runtime.scopes.find_or_make(&place, runtime);
    scope.expect("there is room")
}

/// Sends an event as the client `c` does.
async fn send<E: crate::EventDef>(scope: &Arc<Scope>, number: u64, call: Call<E>) -> Accepted {
    send_as(VISITOR, scope, number, call).await
}

pub(super) async fn send_as<E: crate::EventDef>(
    visitor: Visitor,
    scope: &Arc<Scope>,
    number: u64,
    call: Call<E>,
) -> Accepted {
    let runtime = scope.runtime.upgrade().expect("the test holds it");
    let origin = Origin {
        client: "c".into(),
        number,
    };
    let mut queued = runtime
        .queued(call, visitor, Some(origin))
        .expect("it is registered");
    queued.is_first = true;
    scope.accept(queued).await
}

/// Waits until all events up to a number have ended.
pub(super) async fn ended(scope: &Scope, number: u64) {
    until(|| async {
        let upto = |ends: &UcEnds| ends.clients.first().map_or(0, |ends| ends.upto);
        scope.read(|| true, upto).await.expect("it reads") >= number
    })
    .await;
}

/// Waits for a condition. The clock is paused, so that waiting takes no time.
/// Has what this thread logs read, until the guard goes.
///
/// While there is one reader in the process, tracing asks that of the thread that first comes upon a
/// line whether anybody wants it: one of another test, which has none. So there are always two.
fn read_log(reader: impl Into<tracing::Dispatch>) -> tracing::subscriber::DefaultGuard {
    static SECOND: LazyLock<tracing::Dispatch> =
        LazyLock::new(|| tracing::subscriber::NoSubscriber::new().into());
    LazyLock::force(&SECOND);
    tracing::dispatcher::set_default(&reader.into())
}

pub(super) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    for _ in 0..100_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not come to be");
}

async fn seen(scope: &Scope) -> Vec<String> {
    let seen = |trial: &Trial| trial.seen.iter().cloned().collect();
    scope.read(|| true, seen).await.expect("it reads")
}

async fn status(scope: &Scope) -> TaskStatus {
    let last = |tasks: &UcTasks| tasks.runs.last().map(|run| run.status);
    scope
        .read(|| true, last)
        .await
        .expect("it reads")
        .expect("there was a run")
}

pub(super) async fn failures(scope: &Scope) -> Vec<crate::Failure> {
    let all = |ends: &UcEnds| {
        ends.clients
            .iter()
            .flat_map(|ends| ends.failures.clone())
            .collect()
    };
    scope.read(|| true, all).await.expect("it reads")
}

/// Asks something of the tasks of a name and a key, as a page does.
async fn ask<E: crate::EventDef>(
    scope: &Arc<Scope>,
    number: u64,
    message: impl FnOnce(Which) -> E,
    (task, key): (&str, &str),
) -> Accepted {
    let which = Which {
        task: task.into(),
        key: key.into(),
        run: None,
    };
    send(scope, number, Call::new(message(which))).await
}

async fn cancel(scope: &Arc<Scope>, task: &str, key: &str) {
    let which = Which {
        task: task.into(),
        key: key.into(),
        run: None,
    };
    scope.cancel_tasks(&which, Visitor::SERVER).await;
}

async fn runs(scope: &Scope) -> Vec<TaskRecord> {
    let runs = |tasks: &UcTasks| tasks.runs.iter().cloned().collect();
    scope.read(|| true, runs).await.expect("it reads")
}

async fn statuses(scope: &Scope) -> Vec<TaskStatus> {
    runs(scope).await.iter().map(|run| run.status).collect()
}

async fn until_status(scope: &Scope, wanted: TaskStatus) {
    until(|| async { status(scope).await == wanted }).await;
}
