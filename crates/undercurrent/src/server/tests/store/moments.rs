//! A server in a process of its own is killed, as by `kill -9`, at chosen moments: between an
//! acknowledgement and the start of what it is for, between two updates, between a task's start and
//! its first update, and at each write and each flush of a commit, before it and after it. Another
//! one begins on its file, and has what was acknowledged.

use super::*;
use crate::{
    core::position::Epoch,
    server::store::{Medium, Opened, StoreError, note_begun, note_kept},
};
use redb::{Database, StorageBackend, backends::FileBackend};
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};

// === What is done in it ===

/// Which moment it is, in the process that is killed. In others it is not set.
const MOMENT: &str = "UC_TEST_MOMENT";
const FILE: &str = "UC_TEST_FILE";
const DURABILITY: &str = "UC_TEST_DURABILITY";

fn is_moment(name: &str) -> bool {
    std::env::var(MOMENT).as_deref() == Ok(name)
}

/// It has been said that it is acknowledged.
static IS_SAID: AtomicBool = AtomicBool::new(false);

async fn until_said() {
    while !IS_SAID.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// From outside and at once: nothing of this process goes on.
fn die() -> ! {
    let pid = std::process::id().to_string();
    let killed = Command::new("kill").args(["-9", &pid]).status();
    unreachable!("it lives on: {killed:?}");
}

#[event]
async fn halves(cx: EventContext<Trial>) -> Result {
    cx.update(|trial| trial.seen.push("one half".into()))
        .await?;
    if is_moment("between two updates") {
        until_said().await;
        die();
    }
    if is_moment("between two updates, the first kept") {
        std::future::pending::<()>().await;
    }
    cx.update(|trial| trial.seen.push("other half".into()))
        .await?;
    Ok(())
}

#[background(on_crash = resume)]
async fn climbs(cx: TaskContext<Trial>) -> Result {
    if is_moment("before a task's first update") {
        until_said().await;
        die();
    }
    let first = cx.cursor()?.unwrap_or(1);
    for n in first..=10 {
        cx.update(|trial| trial.seen.push(n.to_string()))
            .checkpoint(n + 1)
            .await?;
        if n == 3 && is_moment("between a task's updates") {
            until_said().await;
            die();
        }
    }
    Ok(())
}

#[background]
async fn rests(cx: TaskContext<Trial>) -> Result {
    if is_moment("in a task that does not go on") {
        until_said().await;
        die();
    }
    cx.update(|trial| trial.seen.push("rested".into())).await?;
    Ok(())
}

// === The process ===

/// A file, and the one of its writes and flushes at which the process is killed.
#[derive(Clone, Debug)]
struct Doom(Arc<Doomed>);

#[derive(Debug)]
struct Doomed {
    path: PathBuf,
    /// How many are left. Below 0 none is chosen.
    left: AtomicI64,
    /// Once it is done, and not before.
    is_after: bool,
}

impl Doomed {
    fn at<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let is_it =
            self.left.load(Ordering::SeqCst) >= 0 && self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if is_it && !self.is_after {
            die();
        }
        let done = act();
        if is_it {
            die();
        }
        done
    }
}

#[derive(Debug)]
struct DoomedFile {
    file: FileBackend,
    doomed: Arc<Doomed>,
}

impl StorageBackend for DoomedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.doomed.at(|| self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.doomed.at(|| self.file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.doomed.at(|| self.file.write(offset, data))
    }
}

impl Medium for Doom {
    fn open(&self) -> Result<Opened, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file: File = options.open(&self.0.path).map_err(StoreError::Io)?;
        let damaged = |error: redb::DatabaseError| StoreError::Broken(error.to_string());
        let file = DoomedFile {
            file: FileBackend::new(file).map_err(damaged)?,
            doomed: self.0.clone(),
        };
        let database = Database::builder().create_with_backend(file);
        Ok(Opened {
            database: database.map_err(damaged)?,
            went_back: false,
        })
    }

    fn open_again(&self) -> Result<Opened, StoreError> {
        self.open()
    }

    fn note_kept(&self) {
        note_kept(&self.0.path);
    }

    fn note_begun(&self, run: u64, _: bool) {
        note_begun(&self.0.path, run);
    }

    fn open_beside(&self) -> Result<Database, StoreError> {
        Err(StoreError::Broken("nothing is damaged here".to_owned()))
    }

    fn put_in_place(&self) -> io::Result<PathBuf> {
        Err(io::Error::other("nothing is damaged here"))
    }

    fn path(&self) -> &Path {
        &self.0.path
    }
}

fn say(what: &str, value: impl std::fmt::Display) {
    println!("\n@ {what} {value}");
}

/// Not a test by itself: the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the other one"]
async fn the_one_that_is_killed() {
    let variable = |name| std::env::var(name).ok();
    let (Some(moment), Some(file)) = (variable(MOMENT), variable(FILE)) else {
        return;
    };
    let durability = match variable(DURABILITY).as_deref() {
        Some("Commit") => Durability::Commit,
        _ => Durability::Relaxed,
    };
    let commit = moment.strip_prefix("commit ").map(|at| {
        let (nth, is_after) = at.split_once(' ').expect("two words");
        (nth.parse::<i64>().expect("a number"), is_after == "after")
    });
    let doom = Doom(Arc::new(Doomed {
        path: file.into(),
        left: AtomicI64::new(-1),
        is_after: commit.is_some_and(|(_, is_after)| is_after),
    }));
    let medium = doom.clone();
    let config = Config {
        session_key_file: doom.0.path.with_extension("key"),
        durability,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    let built = Undercurrent::with(options, config).build_on(|config| {
        let keeps_first = config.durability == Durability::Commit;
        let disk = Disk::on(Box::new(medium), keeps_first, &config.limits);
        let disk = disk.map_err(|error| StartError::Store("doomed".into(), error))?;
        Ok(Arc::new(disk) as Arc<dyn Store>)
    });
    let runtime = built.expect("it starts").runtime;
    runtime.go_on().await.expect("it reads");
    let scope = the_scope(&runtime).await;
    say("epoch", scope.epoch().to_bits());
    send(&scope, 1, note("1".into())).await;
    scope.stored().await;
    say("kept", 1);
    if let Some((nth, _)) = commit {
        doom.0.left.store(nth, Ordering::SeqCst);
        for n in 2.. {
            send(&scope, n, note(n.to_string())).await;
            scope.stored().await;
            say("kept", n);
        }
    }
    let turn = match moment.as_str() {
        "between an acknowledgement and its start" => Some(scope.turn().await),
        _ => None,
    };
    match second(&moment) {
        Second::Halves => send(&scope, 2, halves()).await,
        Second::Climbs => send(&scope, 2, climbs()).await,
        Second::Rests => send(&scope, 2, rests()).await,
    };
    if moment == "between two updates, the first kept" {
        until(|| async { seen(&scope).await.len() == 2 }).await;
    }
    scope.stored().await;
    say("kept", 2);
    IS_SAID.store(true, Ordering::SeqCst);
    if turn.is_some() || moment == "between two updates, the first kept" {
        die();
    }
    std::future::pending().await
}

/// What is sent second.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    Halves,
    Climbs,
    Rests,
}

fn second(moment: &str) -> Second {
    match moment {
        "before a task's first update" | "between a task's updates" => Second::Climbs,
        "in a task that does not go on" => Second::Rests,
        _ => Second::Halves,
    }
}

// === Who looks ===

/// Lets a process come to its moment. What it said: its epoch, and what was acknowledged.
fn killed_at(moment: &str, durability: Durability, file: &Path) -> (Epoch, BTreeSet<u64>) {
    let name = concat!(module_path!(), "::the_one_that_is_killed");
    let (_, name) = name.split_once("::").expect("it is in a crate");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(MOMENT, moment)
        .env(FILE, file)
        .env(DURABILITY, format!("{durability:?}"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("it starts");
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(signal, Some(9), "{moment}: {:?}", output.status);
    let said = String::from_utf8(output.stdout).expect("it is text");
    let values = |what: &str| -> Vec<u64> {
        let lines = said.lines().filter_map(|line| line.strip_prefix("@ "));
        let values = lines.filter_map(|line| line.strip_prefix(what));
        values
            .filter_map(|value| value.trim().parse().ok())
            .collect()
    };
    let epoch = Epoch::from_bits(values("epoch")[0]);
    (epoch, values("kept").into_iter().collect())
}

/// The server that comes after, with its scope: in the epoch that it should have.
async fn after(
    ground: &Ground,
    durability: Durability,
    epoch: Epoch,
) -> (Arc<Runtime>, Arc<Scope>) {
    let runtime = ground.start_as(durability).await;
    let scope = the_scope(&runtime).await;
    assert_eq!(scope.epoch().life(), epoch.life());
    // Who shows nothing before it is kept has nothing to take back.
    let is_same = scope.epoch() == epoch;
    assert_eq!(is_same, durability == Durability::Commit);
    (runtime, scope)
}

fn a_file() -> (Ground, PathBuf) {
    let folder = Arc::new(Folder::new());
    std::fs::create_dir_all(&folder.0).expect("there is room");
    let file = folder.file();
    (Ground::File(folder), file)
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_chosen_moment_of_an_event_or_a_task() {
    for durability in [Durability::Relaxed, Durability::Commit] {
        for moment in [
            "between an acknowledgement and its start",
            "between two updates",
            "between two updates, the first kept",
            "before a task's first update",
            "between a task's updates",
            "in a task that does not go on",
        ] {
            let (ground, file) = a_file();
            let (epoch, kept) = killed_at(moment, durability, &file);
            let what = format!("{moment}, {durability:?}");
            assert_eq!(kept, BTreeSet::from([1, 2]), "{what}");
            let (runtime, scope) = after(&ground, durability, epoch).await;
            match second(moment) {
                Second::Halves => ended(&scope, 2).await,
                _ => until(|| async { statuses(&scope).await[0].is_end() }).await,
            }
            let (seen, told) = (seen(&scope).await, failures(&scope).await);
            let told: Vec<_> = told.iter().map(|end| (end.number, end.kind)).collect();
            let interrupted = [(2, EndKind::Interrupted)];
            let statuses = statuses(&scope).await;
            match moment {
                "between an acknowledgement and its start" => {
                    assert_eq!(seen, ["1", "one half", "other half"], "{what}");
                    assert!(told.is_empty(), "{what}: {told:?}");
                }
                "between two updates" if durability == Durability::Relaxed && told.is_empty() => {
                    // The first one was not kept yet, and was made once more.
                    assert_eq!(seen, ["1", "one half", "other half"], "{what}");
                }
                "between two updates" | "between two updates, the first kept" => {
                    assert_eq!(seen, ["1", "one half"], "{what}");
                    assert_eq!(told, interrupted, "{what}");
                }
                "in a task that does not go on" => {
                    assert_eq!(statuses, [TaskStatus::Interrupted], "{what}");
                    assert_eq!(seen, ["1"], "{what}");
                }
                _ => {
                    assert_eq!(statuses, [TaskStatus::Done], "{what}");
                    let expected: Vec<_> =
                        std::iter::once("1".to_owned()).chain(numbers(10)).collect();
                    assert_eq!(seen, expected, "{what}: each step once");
                }
            }
            drop(scope);
            close(runtime);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_before_and_after_each_write_of_a_commit() {
    for durability in [Durability::Relaxed, Durability::Commit] {
        let mut most = 0;
        for moment in 0..20 {
            let moment = format!(
                "commit {} {}",
                moment / 2,
                if moment % 2 == 0 { "before" } else { "after" }
            );
            let (ground, file) = a_file();
            let (epoch, kept) = killed_at(&moment, durability, &file);
            let what = format!("{moment}, {durability:?}");
            let (runtime, scope) = after(&ground, durability, epoch).await;
            let last = *kept.last().expect("the first was kept");
            most = most.max(last);
            let found = seen(&scope).await;
            // The one that was under way is there, or it is not.
            let is_there = found.len() as u64 == last + 1;
            assert_eq!(
                found,
                numbers(u32::try_from(found.len()).expect("few")),
                "{what}"
            );
            assert!(
                is_there || found.len() as u64 == last,
                "{what}: {found:?}, {last} kept"
            );
            // It was not acknowledged: its page sends it again, and it is done once.
            send(&scope, last + 1, note((last + 1).to_string())).await;
            ended(&scope, last + 1).await;
            assert_eq!(seen(&scope).await.len() as u64, last + 1, "{what}");
            drop(scope);
            close(runtime);
        }
        assert!(most > 1, "it came to the second commit: {most}");
    }
}
