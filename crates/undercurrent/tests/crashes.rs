//! Kill -9, again and again, at moments that nobody chose: a server is killed in the middle of its
//! work and started again on the same file, and what it then shows is compared with what it had
//! acknowledged.
//!
//! `CRASHES=1000 cargo test -p undercurrent --features ssr --test crashes` kills more often.
#![cfg(feature = "ssr")]

mod process;

use self::process::{Folder, program, with_test};
use leptos::config::LeptosOptions;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use undercurrent::{
    Limits, Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

/// What the server of this test has.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Book {
    /// By events that are one update.
    lines: List<u64>,
    /// How many there are: the same update.
    count: u64,
    /// By the first update of events that make two.
    halves: List<u64>,
    /// By the second.
    wholes: List<u64>,
    /// By tasks that go on after a crash: the run, and the step.
    steps: List<(u64, u64)>,
    /// By what they do at their end: the run, and whether it was done.
    ends: List<(u64, bool)>,
    #[state(server)]
    secret: u64,
}

#[event]
fn line(book: &mut Book, n: u64) {
    book.lines.push(n);
    book.count += 1;
    book.secret = n;
}

#[event]
async fn pair(cx: EventContext<Book>, n: u64) -> Result {
    cx.update(|book| book.halves.push(n)).await?;
    cx.sleep(Millis(1)).await?;
    cx.update(|book| book.wholes.push(n)).await?;
    Ok(())
}

const STEPS: u64 = 10;

fn arrive(book: &mut Book, end: &TaskEnd) {
    let run = end.key.parse().expect("a number");
    book.ends.push((run, end.status == TaskStatus::Done));
}

#[background(key = run, on_crash = resume, on_end = arrive)]
async fn climb(cx: TaskContext<Book>, run: u64) -> Result {
    let first = cx.cursor()?.unwrap_or(1);
    for step in first..=STEPS {
        cx.update(|book| book.steps.push((run, step)))
            .checkpoint(step + 1)
            .await?;
        cx.sleep(Millis(2)).await?;
    }
    Ok(())
}

const FILE: &str = "CRASHES_FILE";
const FIRST: &str = "CRASHES_FIRST";
/// Set where nothing more is sent: what there is comes to its end.
const LAST: &str = "CRASHES_LAST";

/// Not a test by itself: the server, in a process of its own. It tells what it finds, and what it
/// has been promised.
#[test]
#[ignore = "started by the other one"]
fn the_server() {
    let (Ok(file), Ok(first)) = (std::env::var(FILE), std::env::var(FIRST)) else {
        return;
    };
    let first: u64 = first.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(serve(file.into(), first));
}

async fn serve(file: PathBuf, first: u64) {
    let config = Config {
        session_key_file: file.with_extension("key"),
        store: StoreKind::Disk,
        store_file: file,
        limits: Limits {
            // However often it is killed.
            resumes: u32::MAX,
            ..Limits::default()
        },
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("crashes").build();
    let uc = Undercurrent::with(options, config)
        .build()
        .expect("it starts");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let book = uc.process::<Book>();
    tokio::spawn(
        uc.clone()
            .serve_on(listener, axum::Router::new(), std::future::pending()),
    );
    // What waited has ended once this has: it stands behind it in the queue.
    say("send line", first);
    book.dispatch(line(first)).await.expect("there is room");
    say("kept line", first);
    let is_there = |book: &Book| book.lines.iter().any(|n| *n == first);
    while !book.read(is_there).await.expect("it reads") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    say("found", book.read(found).await.expect("it reads"));
    while std::env::var_os(LAST).is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        say("found", book.read(found).await.expect("it reads"));
    }
    for n in first + 1.. {
        if n % 8 == 0 {
            say("send climb", n);
            if book.start(climb(n)).await.is_ok() {
                say("kept climb", n);
            }
        } else if n % 3 == 0 {
            say("send pair", n);
            book.dispatch(pair(n)).await.expect("there is room");
            say("kept pair", n);
        } else {
            say("send line", n);
            book.dispatch(line(n)).await.expect("there is room");
            say("kept line", n);
        }
    }
}

fn found(book: &Book) -> serde_json::Value {
    let numbers = |list: &List<u64>| list.iter().copied().collect::<Vec<_>>();
    let steps: Vec<_> = book.steps.iter().copied().collect();
    let ends: Vec<_> = book.ends.iter().copied().collect();
    serde_json::json!({
        "lines": numbers(&book.lines),
        "halves": numbers(&book.halves),
        "wholes": numbers(&book.wholes),
        "steps": steps,
        "ends": ends,
        "count": book.count,
        "secret": book.secret,
    })
}

fn say(what: &str, value: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "\n@ {what} {value}").and_then(|()| out.flush());
    // Whoever listened has gone.
    if said.is_err() {
        std::process::exit(0);
    }
}

/// What was acknowledged, over all runs.
#[derive(Default)]
struct Promised {
    sent: u64,
    lines: BTreeSet<u64>,
    pairs: BTreeSet<u64>,
    climbs: BTreeSet<u64>,
    /// Those of them that have not come to their end: how many run at a time depends on how fast
    /// they are, and on how fast they are sent.
    climbing: BTreeSet<u64>,
    /// What an earlier run showed is not more than what a later one has.
    shown: usize,
}

impl Promised {
    fn check(&mut self, found: &serde_json::Value) {
        let list = |name: &str| -> Vec<u64> {
            serde_json::from_value(found[name].clone()).expect("a list")
        };
        let (lines, halves, wholes) = (list("lines"), list("halves"), list("wholes"));
        for list in [&lines, &halves, &wholes] {
            let is_rising = list.windows(2).all(|two| two[0] < two[1]);
            assert!(is_rising, "in the order accepted, each once: {list:?}");
        }
        let has = |list: &[u64], wanted: &BTreeSet<u64>| {
            let there: BTreeSet<_> = list.iter().copied().collect();
            let lost: Vec<_> = wanted.difference(&there).copied().collect();
            assert_eq!(lost, [0; 0], "acknowledged, and lost");
        };
        has(&lines, &self.lines);
        has(&halves, &self.pairs);
        assert!(wholes.iter().all(|n| halves.contains(n)));
        assert_eq!(found["count"], lines.len(), "one update, in whole");
        assert_eq!(found["secret"].as_u64(), lines.last().copied());
        let steps: Vec<(u64, u64)> = serde_json::from_value(found["steps"].clone()).expect("steps");
        let mut runs = BTreeMap::<u64, u64>::new();
        for (run, step) in steps {
            let last = runs.entry(run).or_default();
            assert_eq!(step, *last + 1, "run {run} takes each step once");
            *last = step;
        }
        let ends: Vec<(u64, bool)> = serde_json::from_value(found["ends"].clone()).expect("ends");
        let mut ended = BTreeSet::new();
        for (run, is_done) in ends {
            assert!(ended.insert(run), "run {run} ends once");
            let last = runs.get(&run).copied().unwrap_or_default();
            assert!(is_done && last == STEPS, "run {run} ended at step {last}");
        }
        self.climbing = self.climbs.difference(&ended).copied().collect();
        assert!(lines.len() >= self.shown);
        self.shown = lines.len();
    }
}

/// A file is killed over so often, and then another is begun: what is compared after each kill grows
/// with what was done before it.
const KILLS_OF_A_FILE: usize = 100;
/// So many files at a time: a server that starts waits for its disk.
const AT_A_TIME: usize = 2;

#[test]
fn what_was_acknowledged_survives_any_kill() {
    let rounds = std::env::var("CRASHES").map_or(50, |rounds| rounds.parse().expect("a number"));
    let seed: u64 = std::env::var("CRASHES_SEED").map_or(7, |seed| seed.parse().expect("a number"));
    let folder = Folder::new("crashes");
    let next = AtomicUsize::new(0);
    let files = || {
        let mut kept = Kept::default();
        loop {
            let nth = next.fetch_add(1, Ordering::SeqCst);
            let before = nth * KILLS_OF_A_FILE;
            if before >= rounds {
                return kept;
            }
            let kills = KILLS_OF_A_FILE.min(rounds - before);
            let file = folder.file(&format!("{nth}.redb"));
            kept.add(over_kills(&file, seed + nth as u64, kills));
        }
    };
    let kept = std::thread::scope(|scope| {
        let running: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(files)).collect();
        let mut all = Kept::default();
        for running in running {
            all.add(running.join().expect("nothing was lost"));
        }
        all
    });
    println!("{rounds} kills; {kept:?}");
    assert!(kept.lines > rounds, "it does something between two kills");
}

/// How much of what was acknowledged is there, and the longest from a start to what was found.
#[derive(Debug, Default)]
struct Kept {
    lines: usize,
    pairs: usize,
    climbs: usize,
    slowest: Duration,
}

impl Kept {
    fn add(&mut self, other: Kept) {
        self.lines += other.lines;
        self.pairs += other.pairs;
        self.climbs += other.climbs;
        self.slowest = self.slowest.max(other.slowest);
    }
}

fn over_kills(file: &Path, seed: u64, kills: usize) -> Kept {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut promised = Promised::default();
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        let lives = Duration::from_micros(random.u64(1_000..120_000));
        slowest = slowest.max(one_life(file, &mut promised, Some(lives)));
    }
    one_life(file, &mut promised, None);
    let left = &promised.climbing;
    assert!(left.is_empty(), "acknowledged, and left behind: {left:?}");
    Kept {
        lines: promised.lines.len(),
        pairs: promised.pairs.len(),
        climbs: promised.climbs.len(),
        slowest,
    }
}

/// So long the last server has for what is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the server, looks at what it finds, lets it work for a while and kills it. Without a while
/// it is the last one: it sends nothing, and goes when all there is has come to its end.
fn one_life(file: &Path, promised: &mut Promised, lives: Option<Duration>) -> Duration {
    let started = Instant::now();
    let mut server = with_test(Command::new(program()), "the_server");
    if lives.is_none() {
        server.env(LAST, "");
    }
    let mut server = server
        .env(FILE, file)
        .env(FIRST, (promised.sent + 1).to_string())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts");
    let out = BufReader::new(server.stdout.take().expect("it is piped"));
    let pid = server.id();
    let mut took = None;
    let mut killer = None;
    for told in out.lines().map_while(std::result::Result::ok) {
        let Some(told) = told.strip_prefix("@ ") else {
            continue;
        };
        if let Some(found) = told.strip_prefix("found ") {
            took.get_or_insert_with(|| started.elapsed());
            match serde_json::from_str(found) {
                Ok(found) => promised.check(&found),
                // It was killed as it said so.
                Err(_) if killer.is_some() => continue,
                Err(error) => panic!("{error}: {found}"),
            }
            let is_over = promised.climbing.is_empty() || started.elapsed() > PATIENCE;
            let lives = lives.or(is_over.then_some(Duration::ZERO));
            if let (Some(lives), None) = (lives, &killer) {
                killer = Some(std::thread::spawn(move || {
                    std::thread::sleep(lives);
                    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
                    assert!(killed.expect("there is such a command").success());
                }));
            }
            continue;
        }
        let mut words = told.split(' ');
        let (Some(verb), Some(what), Some(n)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Ok(n) = n.parse::<u64>() else { continue };
        promised.sent = promised.sent.max(n);
        let kept = match what {
            _ if verb == "send" => continue,
            "line" => &mut promised.lines,
            "pair" => &mut promised.pairs,
            _ => &mut promised.climbs,
        };
        kept.insert(n);
    }
    killer
        .expect("it found something")
        .join()
        .expect("it was killed");
    server.wait().expect("it has ended");
    took.expect("it found something")
}
