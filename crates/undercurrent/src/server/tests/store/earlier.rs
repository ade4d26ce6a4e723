//! What is found in the file's place is from before: an older copy of it, or a file of a version that
//! wrote otherwise.

use super::*;
use crate::{
    core::{log::Resume, position::Epoch},
    server::store::{Lost, Record},
};

/// The rows of a file as the layout before this one has them.
const THIRD_LAYOUT: &str = include_str!("../../../../corpus/layout-3.txt");

/// A server that does as much, and goes down well.
async fn with_pushes(ground: &Ground, durability: Durability, texts: &[&str]) -> Position {
    let runtime = ground.start_as(durability).await;
    let scope = the_scope(&runtime).await;
    for text in texts {
        push(&scope, text).await.expect("it is made");
    }
    scope.stored().await;
    let at = position(&scope);
    drop(scope);
    close(runtime);
    at
}

fn files(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(&folder.0).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("it is there").path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).expect("it is there")))
        .collect()
}

#[tokio::test]
async fn where_a_backup_is_put_back_pages_that_have_seen_more_are_told() {
    for durability in [Durability::Relaxed, Durability::Commit] {
        for (with_notes, was_killed) in [(false, false), (true, false), (false, true)] {
            let what = format!("{durability:?}, notes: {with_notes}, killed: {was_killed}");
            let folder = Arc::new(Folder::new());
            let ground = Ground::File(folder.clone());
            let first = with_pushes(&ground, durability, &["a"]).await;
            let backup = files(&folder);
            let ground = match was_killed {
                false => {
                    with_pushes(&ground, durability, &["lost", "lost too"]).await;
                    ground
                }
                true => {
                    let runtime = ground.start_as(durability).await;
                    let scope = the_scope(&runtime).await;
                    push(&scope, "lost").await.expect("it is made");
                    scope.stored().await;
                    let killed = ground.as_if_killed();
                    drop(scope);
                    close(runtime);
                    killed
                }
            };
            let Ground::File(folder) = &ground else {
                panic!("it is one");
            };
            for (path, bytes) in &backup {
                if with_notes || path.extension().is_some_and(|name| name == "redb") {
                    let name = path.file_name().expect("it has one");
                    // As one that comes back by a new name in its place.
                    let _ = std::fs::remove_file(folder.0.join(name));
                    std::fs::write(folder.0.join(name), bytes).expect("it is written");
                }
            }
            let runtime = ground.start_as(durability).await;
            let scope = the_scope(&runtime).await;
            push(&scope, "other").await.expect("it is made");
            push(&scope, "and more").await.expect("it is made");
            assert_eq!(seen(&scope).await, ["a", "other", "and more"], "{what}");
            // A page that has seen what is lost goes on from where it was.
            let seen_at = Position::new(first.epoch, first.offset + 1);
            assert_ne!(scope.epoch(), first.epoch, "{what}");
            let resumed = scope.published().log.resume(0, seen_at);
            assert!(!matches!(resumed, Resume::Entries(_)), "{what}");
            let is_other_life = scope.epoch().life() != first.epoch.life();
            assert_eq!(
                is_other_life, !with_notes,
                "{what}: events that were accepted"
            );
            drop(scope);
            close(runtime);
            // From then on it is the one that is here.
            let at = with_pushes(&ground, durability, &[]).await;
            assert_eq!(with_pushes(&ground, durability, &[]).await, at, "{what}");
        }
    }
}

#[tokio::test]
async fn an_event_that_a_backup_knows_nothing_of_runs_when_it_is_sent_again_and_no_other_does() {
    let folder = Arc::new(Folder::new());
    let ground = Ground::File(folder.clone());
    let words = [(1, "before"), (2, "after")];
    let (mut backup, mut epochs) = (Vec::new(), Vec::new());
    for (number, word) in words {
        backup = files(&folder);
        let runtime = ground.start().await;
        let scope = the_scope(&runtime).await;
        let accepted = send(&scope, number, note(word.into())).await;
        assert!(matches!(accepted, Accepted::Queued), "{accepted:?}");
        ended(&scope, number).await;
        scope.stored().await;
        epochs.push(scope.epoch());
        drop(scope);
        close(runtime);
    }
    for (path, bytes) in &backup {
        let _ = std::fs::remove_file(path);
        std::fs::write(path, bytes).expect("it is written");
    }
    let runtime = ground.start().await;
    let scope = the_scope(&runtime).await;
    assert_eq!(seen(&scope).await, ["before"]);
    // By that a page knows that it must ask.
    assert!(!epochs.contains(&scope.epoch()));
    assert_eq!(scope.epoch().life(), epochs[1].life());
    for is_there in [false, true] {
        for (number, word) in words {
            let accepted = send(&scope, number, note(word.into())).await;
            let is_known = matches!(accepted, Accepted::Known);
            assert_eq!(is_known, is_there || number == 1, "{accepted:?}");
            ended(&scope, number).await;
        }
    }
    assert_eq!(seen(&scope).await, ["before", "after"]);
    drop(scope);
    close(runtime);
}

#[tokio::test]
async fn a_copy_of_a_running_servers_file_is_noticed_where_it_comes_back() {
    for durability in [Durability::Relaxed, Durability::Commit] {
        let folder = Arc::new(Folder::new());
        let ground = Ground::File(folder.clone());
        let runtime = ground.start_as(durability).await;
        let scope = the_scope(&runtime).await;
        push(&scope, "a").await.expect("it is made");
        scope.stored().await;
        let copy = std::fs::read(folder.file()).expect("it is there");
        push(&scope, "lost").await.expect("it is made");
        scope.stored().await;
        let seen_at = position(&scope);
        let killed = ground.as_if_killed();
        drop(scope);
        close(runtime);
        let Ground::File(folder) = &killed else {
            panic!("it is one");
        };
        std::fs::write(folder.file(), &copy).expect("it is written");
        let runtime = killed.start_as(durability).await;
        let scope = the_scope(&runtime).await;
        push(&scope, "other").await.expect("it is made");
        assert_eq!(seen(&scope).await, ["a", "other"], "{durability:?}");
        assert_ne!(scope.epoch(), seen_at.epoch, "{durability:?}");
        drop(scope);
        close(runtime);
    }
}

#[tokio::test]
async fn a_file_that_nobody_touched_goes_on_and_so_does_one_that_was_killed_with_commit() {
    let folder = Arc::new(Folder::new());
    let ground = Ground::File(folder.clone());
    let first = with_pushes(&ground, Durability::Commit, &["a"]).await;
    let again = with_pushes(&ground, Durability::Commit, &["b"]).await;
    assert_eq!(again.epoch, first.epoch);
    let runtime = ground.start_as(Durability::Commit).await;
    let killed = ground.as_if_killed();
    close(runtime);
    let after = with_pushes(&killed, Durability::Commit, &["c"]).await;
    assert_eq!(after.epoch, first.epoch);
}

/// Puts rows into a file that is written by hand.
fn make(path: &std::path::Path, rows: &str) {
    use redb::TableDefinition;
    let bytes = |hex: &str| -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        let digits = pairs.map(|pair| std::str::from_utf8(pair).expect("digits"));
        digits
            .map(|pair| u8::from_str_radix(pair, 16).expect("digits"))
            .collect()
    };
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("there is room");
    let database = redb::Database::create(path).expect("there is room");
    let write = database.begin_write().expect("it is ours");
    for line in rows.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(' ').collect();
        let [table, key, value] = parts[..] else {
            panic!("an odd line: {line}");
        };
        if table == "meta" {
            let table = TableDefinition::<&str, u64>::new("meta");
            let mut table = write.open_table(table).expect("it is one");
            table
                .insert(key, value.parse::<u64>().expect("a number"))
                .expect("there is room");
        } else {
            let table = TableDefinition::<&[u8], &[u8]>::new(table);
            let mut table = write.open_table(table).expect("it is one");
            table
                .insert(bytes(key).as_slice(), bytes(value).as_slice())
                .expect("there is room");
        }
    }
    write.commit().expect("there is room");
}

#[tokio::test]
async fn a_file_of_the_third_layout_is_read_with_its_journal_and_written_on() {
    let folder = Arc::new(Folder::new());
    let ground = Ground::File(folder.clone());
    make(&folder.file(), THIRD_LAYOUT);
    let words = |upto: u32, event: Option<&str>| {
        let words = (1..=upto).map(|n| format!("{n:0100}"));
        let later = ["later".to_owned(), "sent".to_owned()].into_iter();
        let all = words.chain(later).chain(event.map(str::to_owned));
        all.collect::<Vec<_>>()
    };
    let expected = [words(3, None), words(3, Some("waits")), words(40, None)];
    for round in 0..3 {
        let runtime = ground.start().await;
        for (n, expected) in (1..).zip(&expected) {
            let place = place(&runtime, Visitor([n; 16]), &ScopeName::Session);
            assert!(runtime.load(&place).await, "round {round}, {n}");
            let scope = runtime.scope_at(&place).await.expect("it is there");
            until(|| async { scope.is_idle() }).await;
            let mut found = seen(&scope).await;
            let since = found.split_off(expected.len());
            assert_eq!(found, *expected, "round {round}, {n}");
            assert_eq!(since, numbers(round), "round {round}, {n}");
            scope.stored().await;
            let stored = runtime.store.load(place.key).expect("it reads");
            let stored = stored.expect("it is there");
            assert_eq!(stored.lost, Lost::Nothing, "round {round}, {n}");
            let number = (Visitor([n; 16]), "c".to_owned(), 5);
            assert_eq!(stored.numbers, [number], "round {round}, {n}");
            push(&scope, round + 1).await.expect("it is made");
            if round == 1 {
                // Beside entries that are written otherwise.
                scope.hand_over(vec![Record::Used(scope.head())]);
            }
            scope.stored().await;
            assert_ne!(scope.epoch(), Epoch::NONE);
        }
        close(runtime);
    }
}

fn position(scope: &Scope) -> Position {
    scope.published().log.position()
}
