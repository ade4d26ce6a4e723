//! Random schedules over the tasks of rooms, on one thread, under a clock that a seed turns: tasks of
//! every overlap that step, fail, panic, take too long and are tried again are started, paused,
//! resumed, cancelled and retried by pages that are cut off, closed and opened again; the server is
//! started anew in between, and rooms expire.
//!
//! The tasks write what they do into a list that only grows. So it can be read whether a lane's
//! turns meet, whether a run goes on that another has replaced, and whether each run has ended once.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use simulation::seeds;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};
use undercurrent::{
    EndKind, Limits,
    prelude::*,
    testing::{Refused, TestApp, TestClient},
};

/// So many seeds in an ordinary run.
const SEEDS: u64 = 60;
const STEPS: usize = 120;
const PAGES: usize = 3;
const ROOMS: [&str; 2] = ["north", "south"];
const KEYS: [&str; 2] = ["a", "b"];
const TRIES: usize = 3;

fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone)]
struct Hall {
    /// It only grows.
    did: List<Did>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Did {
    kind: Kind,
    key: String,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Lane,
    Latest,
    Once,
    Two,
    Watched,
}

/// A number tells one attempt from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Step(u64),
    Ended(TaskStatus),
}

/// What a run is to do: so many steps of so long each, and how it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plan {
    steps: u32,
    ms: u64,
    ends: u8,
}

static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

async fn work(cx: &TaskContext<Hall>, kind: Kind, key: &str, plan: &Plan) -> Result {
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    for step in 0..plan.steps {
        let what = What::Step(attempt);
        cx.update(|hall| hall.did.push(did(kind, key, what)))
            .await?;
        cx.progress(step, plan.steps);
        match plan.ends {
            // It hears nothing of a cancel, and tries all the same.
            0 => tokio::time::sleep(std::time::Duration::from_millis(plan.ms)).await,
            _ => cx.sleep(Millis(plan.ms)).await?,
        }
    }
    match plan.ends {
        1 => Err("No.".into()),
        2 => panic!("on purpose"),
        // Fails at first, and then does not.
        3 if attempt.is_multiple_of(2) => Err("Not yet.".into()),
        _ => Ok(()),
    }
}

fn did(kind: Kind, key: &str, what: What) -> Did {
    let key = key.to_owned();
    Did { kind, key, what }
}

fn ended(hall: &mut Hall, kind: Kind, end: &TaskEnd) {
    let what = What::Ended(end.status);
    hall.did.push(did(kind, &end.key, what));
}

fn lane_ended(hall: &mut Hall, end: &TaskEnd) {
    ended(hall, Kind::Lane, end);
}

fn latest_ended(hall: &mut Hall, end: &TaskEnd) {
    ended(hall, Kind::Latest, end);
}

fn once_ended(hall: &mut Hall, end: &TaskEnd) {
    ended(hall, Kind::Once, end);
}

fn two_ended(hall: &mut Hall, end: &TaskEnd) {
    ended(hall, Kind::Two, end);
}

fn watched_ended(hall: &mut Hall, end: &TaskEnd) {
    ended(hall, Kind::Watched, end);
}

#[background(key = key, overlap = queue, retries = 2, timeout = "200ms", on_end = lane_ended)]
async fn lane(cx: TaskContext<Hall>, key: String, plan: Plan) -> Result {
    work(&cx, Kind::Lane, &key, &plan).await
}

#[background(key = key, overlap = replace, retries = 2, timeout = "200ms", on_end = latest_ended)]
async fn latest(cx: TaskContext<Hall>, key: String, plan: Plan) -> Result {
    work(&cx, Kind::Latest, &key, &plan).await
}

#[background(key = key, overlap = reject, retries = 2, timeout = "200ms", on_end = once_ended)]
async fn once(cx: TaskContext<Hall>, key: String, plan: Plan) -> Result {
    work(&cx, Kind::Once, &key, &plan).await
}

#[background(key = key, overlap = parallel(2), retries = 2, timeout = "200ms", on_end = two_ended)]
async fn two(cx: TaskContext<Hall>, key: String, plan: Plan) -> Result {
    work(&cx, Kind::Two, &key, &plan).await
}

#[background(key = key, overlap = reject, on_disconnect = cancel_after("5s"), on_end = watched_ended)]
async fn watched(cx: TaskContext<Hall>, key: String) -> Result {
    let plan = Plan {
        steps: u32::MAX,
        ms: 2_000,
        ends: 9,
    };
    work(&cx, Kind::Watched, &key, &plan).await
}

#[derive(Debug, Default)]
struct Seen {
    started: usize,
    refused: usize,
    paused: usize,
    cancelled: usize,
    retried: usize,
    restarted: usize,
    closed: usize,
    ends: BTreeMap<String, usize>,
}

/// A room, and how many runs were taken there.
type Runs = BTreeMap<(usize, Kind, &'static str), usize>;

async fn start(
    page: &mut TestClient,
    room: &str,
    kind: Kind,
    key: &str,
    random: &mut Rng,
) -> Result<(), Refused> {
    let plan = Plan {
        steps: random.u32(1..6),
        ms: random.u64(1..80),
        ends: random.u8(..9),
    };
    let key = key.to_owned();
    match kind {
        Kind::Lane => page.send_to(room, lane(key, plan)).await,
        Kind::Latest => page.send_to(room, latest(key, plan)).await,
        Kind::Once => page.send_to(room, once(key, plan)).await,
        Kind::Two => page.send_to(room, two(key, plan)).await,
        Kind::Watched => page.send_to(room, watched(key)).await,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Pause,
    Resume,
    Cancel,
    Retry,
}

async fn ask(
    page: &mut TestClient,
    room: &str,
    kind: Kind,
    key: &str,
    ask: Ask,
) -> Result<(), Refused> {
    let task = match kind {
        Kind::Lane => page.task_in(room, lane),
        Kind::Latest => page.task_in(room, latest),
        Kind::Once => page.task_in(room, once),
        Kind::Two => page.task_in(room, two),
        Kind::Watched => page.task_in(room, watched),
    };
    let task = task.key(key);
    match ask {
        Ask::Pause => task.pause().await,
        Ask::Resume => task.resume().await,
        Ask::Cancel => task.cancel().await,
        Ask::Retry => task.retry().await,
    }
}

/// What the server has of a room, whoever looks.
async fn look(app: &TestApp, room: &str) -> Vec<Did> {
    let did = |hall: &Hall| hall.did.iter().cloned().collect();
    let read = app.keyed::<Hall>(room).read(did).await;
    read.unwrap_or_default()
}

fn steps(all: &[Did], kind: Kind, key: &str) -> usize {
    let is_it =
        |did: &&Did| did.kind == kind && did.key == key && matches!(did.what, What::Step(_));
    all.iter().filter(is_it).count()
}

async fn check(seed: u64, seen: &mut Seen) {
    let mut random = Rng::with_seed(seed);
    let limits = Limits {
        tasks: random.usize(4..40),
        log_entries: random.usize(2..40),
        // Long behind anything else.
        shutdown_ms: 2_000,
        cancel_grace_ms: random.u64(1..300),
        retry_first_ms: random.u64(1..100),
        ended_tasks: random.usize(1..40),
        ..Limits::default()
    };
    let is_kept = seed.is_multiple_of(5);
    let app = match is_kept {
        true => TestApp::kept(limits, |builder| builder),
        false => TestApp::with(limits, |builder| builder),
    };
    let mut pages: Vec<TestClient> = (0..PAGES).map(|_| app.client()).collect();
    let mut runs = Runs::new();
    for step in 0..STEPS {
        let at = random.usize(..ROOMS.len());
        let (room, key) = (ROOMS[at], KEYS[random.usize(..KEYS.len())]);
        let kind = match random.u8(..9) {
            0 | 1 => Kind::Lane,
            2 | 3 => Kind::Latest,
            4 | 5 => Kind::Once,
            6 | 7 => Kind::Two,
            _ => Kind::Watched,
        };
        let nth = random.usize(..PAGES);
        let page = &mut pages[nth];
        match random.u8(..24) {
            0..=8 => match start(page, room, kind, key, &mut random).await {
                Ok(()) => {
                    seen.started += 1;
                    *runs.entry((at, kind, key)).or_default() += 1;
                }
                Err(why) => {
                    let kinds = [EndKind::Busy, EndKind::Full];
                    assert!(kinds.contains(&why.kind), "{why:?}");
                    seen.refused += 1;
                }
            },
            9 | 10 => {
                let paused = ask(page, room, kind, key, Ask::Pause).await;
                paused.expect("it is asked");
                // One that waits for its turn is not held: only such may step.
                let before = look(&app, room).await;
                app.advance(Millis(random.u64(1..50))).await;
                let after = look(&app, room).await;
                if kind != Kind::Lane {
                    let counts = [&before, &after].map(|all| steps(all, kind, key));
                    assert_eq!(counts[0], counts[1], "{kind:?} {key} is paused");
                }
                seen.paused += 1;
            }
            11 | 12 => {
                let resumed = ask(page, room, kind, key, Ask::Resume).await;
                resumed.expect("it is asked");
            }
            13 | 14 => {
                let cancelled = ask(page, room, kind, key, Ask::Cancel).await;
                cancelled.expect("it is asked");
                let before = look(&app, room).await;
                app.advance(Millis(random.u64(1..400))).await;
                let after = look(&app, room).await;
                let counts = [&before, &after].map(|all| steps(all, kind, key));
                assert_eq!(counts[0], counts[1], "nothing lands after a cancel");
                seen.cancelled += 1;
            }
            15 => {
                if ask(page, room, kind, key, Ask::Retry).await.is_ok() {
                    *runs.entry((at, kind, key)).or_default() += 1;
                    seen.retried += 1;
                }
            }
            16 => {
                *page = app.client();
                page.see_in::<Hall>(room).await;
                seen.closed += 1;
            }
            17 => {
                page.cut();
                app.advance(Millis(random.u64(1..10_000))).await;
                assert!(page.heal().await.is_empty());
            }
            18 if is_kept && step > 10 => {
                app.restart().await;
                seen.restarted += 1;
            }
            _ => app.advance(Millis(random.u64(1..150))).await,
        }
    }
    for room in ROOMS {
        for key in KEYS {
            for kind in [
                Kind::Lane,
                Kind::Latest,
                Kind::Once,
                Kind::Two,
                Kind::Watched,
            ] {
                let cancelled = ask(&mut pages[0], room, kind, key, Ask::Cancel).await;
                cancelled.expect("it is asked");
            }
        }
    }
    app.quiet().await;
    for (at, room) in ROOMS.into_iter().enumerate() {
        let all = look(&app, room).await;
        for kind in [
            Kind::Lane,
            Kind::Latest,
            Kind::Once,
            Kind::Two,
            Kind::Watched,
        ] {
            for key in KEYS {
                let mine = all.iter().filter(|did| did.kind == kind && did.key == key);
                let mine: Vec<What> = mine.map(|did| did.what).collect();
                let expected = runs.get(&(at, kind, key)).copied().unwrap_or(0);
                check_lane(kind, &mine, expected, seen);
            }
        }
        // What pages show is what there is.
        for page in &mut pages {
            let shown = page.see_in::<Hall>(room).await;
            assert!(shown.did.iter().eq(&all), "{room}");
            let open = page.tasks_in::<Hall>(room).await;
            let open = open.iter().filter(|run| !run.status.is_end());
            assert_eq!(open.count(), 0, "all have ended");
        }
    }
    drop(pages);
    app.advance(Millis(1)).await;
    let counters = app.counters();
    let left = (counters.streams, counters.tasks, counters.events);
    assert_eq!(left, (0, 0, 0), "nothing is left");
}

fn check_lane(kind: Kind, mine: &[What], runs: usize, seen: &mut Seen) {
    // First and last step of each attempt, in the order of their first.
    let mut spans: Vec<(u64, usize, usize)> = Vec::new();
    let mut ends = 0;
    for (at, what) in mine.iter().enumerate() {
        match what {
            What::Step(attempt) => match spans.iter_mut().find(|span| span.0 == *attempt) {
                Some(span) => span.2 = at,
                None => spans.push((*attempt, at, at)),
            },
            What::Ended(status) => {
                ends += 1;
                *seen.ends.entry(format!("{status:?}")).or_default() += 1;
            }
        }
    }
    assert_eq!(ends, runs, "each run ends once: {kind:?} {mine:?}");
    assert!(
        spans.len() <= TRIES * runs,
        "{kind:?}: {} attempts of {runs} runs",
        spans.len()
    );
    let most = if kind == Kind::Two { 2 } else { 1 };
    for (_, from, _) in &spans {
        let beside = spans
            .iter()
            .filter(|(_, first, last)| first <= from && from <= last);
        assert!(beside.count() <= most, "{kind:?} meets itself: {mine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_asked_of_tasks_each_run_ends_once_and_none_meets_another() {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("on purpose") {
            eprintln!("{info}");
        }
    }));
    let mut seen = Seen::default();
    let seeds = seeds(SEEDS);
    let is_all = seeds.end - seeds.start > 1;
    for seed in seeds {
        println!("seed {seed}; SIMULATION_SEED={seed} replays it");
        check(seed, &mut seen).await;
    }
    println!("{seen:?}");
    let Seen {
        started,
        refused,
        paused,
        cancelled,
        retried,
        restarted,
        closed,
        ends,
    } = seen;
    let all = [
        started, refused, paused, cancelled, retried, restarted, closed,
    ];
    assert!(!is_all || all.iter().all(|&count| count > 20), "{all:?}");
    // However a run can end.
    assert!(!is_all || ends.len() >= 6, "{ends:?}");
}
