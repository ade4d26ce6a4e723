//! What a store is for: what was, is there again. Each scenario runs on a file of its own, and the
//! server goes down by closing the store or by losing what was pending.

use super::*;
use crate::server::{StartError, store::StoreError};
use std::path::PathBuf;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("undercurrent-store-{}", crate::server::random_id());
        Folder(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.redb")
    }

    fn build(&self) -> Result<Undercurrent, StartError> {
        let config = Config {
            session_key_file: std::env::temp_dir().join("undercurrent-store-tests.key"),
            store_file: self.file(),
            ..Config::default()
        };
        let options = LeptosOptions::builder().output_name("trial").build();
        Undercurrent::with(options, config).build()
    }

    async fn start(&self) -> Arc<Runtime> {
        let runtime = self.build().expect("it starts").runtime;
        runtime.go_on().await.expect("it reads");
        runtime
    }

    /// The file as it is now: what a server would find that is killed at this moment.
    fn as_if_killed(&self) -> Folder {
        let copy = Folder::new();
        std::fs::create_dir_all(&copy.0).expect("there is room");
        std::fs::copy(self.file(), copy.file()).expect("it is there");
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The server goes down in good order.
fn close(runtime: Arc<Runtime>) {
    runtime.store.close();
}

async fn the_scope(runtime: &Arc<Runtime>) -> Arc<Scope> {
    let place = place(runtime, VISITOR, &ScopeName::Session);
    runtime.load(&place).await;
    scope(runtime)
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

fn numbers(upto: u32) -> Vec<String> {
    (1..=upto).map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn what_was_is_there_again_with_its_position_and_its_numbers() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    for n in 1..=3 {
        send(&scope, n, note(n.to_string())).await;
    }
    send(&scope, 4, refuse()).await;
    ended(&scope, 4).await;
    let at = scope.published().log.position();
    drop(scope);
    close(runtime);

    let runtime = folder.start().await;
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

#[tokio::test]
async fn after_a_kill_what_was_acknowledged_is_there_in_a_new_epoch_of_the_same_life() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    for n in 1..=3 {
        send(&scope, n, note(n.to_string())).await;
    }
    ended(&scope, 3).await;
    scope.stored().await;
    let at = scope.published().log.position();
    let killed = folder.as_if_killed();

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

#[tokio::test]
async fn an_event_that_waits_runs_after_a_kill_and_one_that_was_half_done_is_told() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, twice(true)).await;
    send(&scope, 2, note("behind".into())).await;
    until(|| async { seen(&scope).await.len() == 1 }).await;
    scope.stored().await;
    let killed = folder.as_if_killed();

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

#[tokio::test]
async fn an_event_that_has_done_nothing_begins_again_three_times_and_no_more() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, only_waits()).await;
    send(&scope, 2, note("behind".into())).await;
    scope.stored().await;
    let mut last = folder.as_if_killed();
    for _ in 0..2 {
        let runtime = last.start().await;
        let scope = the_scope(&runtime).await;
        scope.stored().await;
        assert_eq!(seen(&scope).await, Vec::<String>::new(), "it runs again");
        last = last.as_if_killed();
    }
    let runtime = last.start().await;
    let scope = the_scope(&runtime).await;
    ended(&scope, 2).await;
    assert_eq!(seen(&scope).await, ["behind"]);
    assert_eq!(failures(&scope).await[0].kind, EndKind::Interrupted);
}

#[tokio::test]
async fn a_task_goes_on_from_its_cursor_or_ends_as_interrupted() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, counts(10)).await;
    until(|| async { seen(&scope).await.len() >= 3 }).await;
    send(&scope, 2, stubborn("x".into())).await;
    scope.stored().await;
    let killed = folder.as_if_killed();

    let later = killed.start().await;
    let scope = the_scope(&later).await;
    until(|| async { statuses(&scope).await == [TaskStatus::Done, TaskStatus::Interrupted] }).await;
    let mut seen = seen(&scope).await;
    seen.retain(|text| text != "stubborn");
    assert_eq!(seen, numbers(10), "each once");
    assert_eq!(runs(&scope).await[0].id, 1);
}

#[tokio::test]
async fn fields_for_the_server_are_kept_and_large_states_stay_small_in_the_file() {
    let folder = Folder::new();
    let runtime = folder.start().await;
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
    let bytes = std::fs::metadata(folder.file()).expect("it is there").len();
    close(runtime);
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    let read = |trial: &Trial| (trial.secret, trial.seen.len(), trial.seen[0].clone());
    let found = scope.read(|| true, read).await.expect("it reads");
    assert_eq!(found, (7, 1_000, "1999".to_owned()));
    assert!(bytes < 40 << 20, "{bytes}");
}

#[tokio::test]
async fn one_file_has_one_server_and_what_is_none_of_ours_is_left_alone() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let refused = folder.build().expect_err("it is in use");
    assert!(matches!(refused, StartError::Store(_, StoreError::InUse)));
    assert!(
        refused.to_string().contains("another server has it open"),
        "{refused}"
    );
    close(runtime);
    std::fs::write(folder.file(), "some text").expect("it is written");
    let refused = folder.build().expect_err("it is foreign");
    assert!(matches!(refused, StartError::Store(_, StoreError::Foreign)));
    assert_eq!(
        std::fs::read(folder.file()).expect("it is there"),
        b"some text"
    );
    std::fs::write(folder.file(), "").expect("it is written");
    folder.build().expect("an empty one is a new one");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_a_damaged_scope_alone() {
    let folder = Folder::new();
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    send(&scope, 1, note("a text that is looked for".into())).await;
    ended(&scope, 1).await;
    drop(scope);
    close(runtime);
    let whole = std::fs::read(folder.file()).expect("it is there");

    // Truncated.
    std::fs::write(folder.file(), &whole[..whole.len() / 2]).expect("it is written");
    let runtime = folder.start().await;
    assert_eq!(
        seen(&*the_scope(&runtime).await).await,
        Vec::<String>::new()
    );
    close(runtime);
    let names = std::fs::read_dir(&folder.0).expect("it is there");
    let aside = names
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().contains("damaged"));
    assert!(aside, "it is kept");

    // One bit of the state.
    let mut flipped = whole.clone();
    let text = b"a text that is looked for";
    let places = whole.windows(text.len()).enumerate();
    let places = places.filter(|(_, bytes)| bytes == text).map(|(at, _)| at);
    for at in places.collect::<Vec<_>>() {
        flipped[at] ^= 1;
    }
    std::fs::write(folder.file(), &flipped).expect("it is written");
    let runtime = folder.start().await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, Vec::<String>::new(), "not guessed");
    send(&scope, 1, note("anew".into())).await;
    ended(&scope, 1).await;
    drop(scope);
    close(runtime);
    let runtime = folder.start().await;
    assert_eq!(seen(&*the_scope(&runtime).await).await, ["anew"]);
    close(runtime);
}

#[tokio::test]
async fn a_scope_that_nobody_uses_leaves_memory_and_later_the_store() {
    let folder = Folder::new();
    let runtime = folder.start().await;
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
        runtime.store.hand_over(crate::server::store::Commit {
            key,
            epoch: crate::core::position::Epoch::NONE,
            records: vec![crate::server::store::Record::Gone],
        })
    });
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, Vec::<String>::new());
    scope.stored().await;
    close(runtime);
}
