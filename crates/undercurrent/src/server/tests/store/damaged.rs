//! One bit of a file, or its end, is not what was written: a server begins on it all the same, or says
//! why not. What it can read is there, what it can't is laid aside and begins anew; nothing is a bit of
//! both, and what is written from then on stays.

use super::*;
use crate::{
    core::position::Epoch,
    server::store::{Record, StoreError},
};

/// What a file was at a moment, with the epochs that pages saw then.
struct Written {
    how: &'static str,
    bytes: Vec<u8>,
    epochs: [Epoch; 3],
}

/// A file with three scopes, of 3, 3 and 300 words, and an event that waits in the second: as it was
/// closed, as a kill leaves it, and as it was left before, when all of it was in the journal.
async fn written(ground: &Ground, folder: &Folder, durability: Durability) -> [Written; 3] {
    let runtime = ground.start_as(durability).await;
    let places = places(&runtime);
    for (place, words) in places.iter().zip(WORDS) {
        let scope = runtime.scope_at(place).await.expect("there is room");
        for word in words_of(words) {
            push(&scope, word).await.expect("it is made");
        }
        scope.stored().await;
    }
    {
        // Where the file's head is damaged, redb goes back by one commit, and says so.
        let scope = runtime.scope_at(&places[2]).await.expect("it is there");
        scope.hand_over(vec![Record::Used(scope.head())]);
        scope.stored().await;
    }
    let fresh = as_it_is("fresh", &runtime, folder).await;
    close(runtime);
    let runtime = ground.start_as(durability).await;
    let event = runtime.queued(note("waits".into()), Visitor([2; 16]), None);
    let mut event = event.expect("it is registered");
    event.id = 7;
    let event = event.record();
    runtime.load(&places[1]).await;
    let scope = runtime.scope_at(&places[1]).await.expect("it is there");
    scope.hand_over(vec![event]);
    scope.stored().await;
    let killed = as_it_is("killed", &runtime, folder).await;
    drop(scope);
    close(runtime);
    let closed = Written {
        how: "closed",
        bytes: std::fs::read(folder.file()).expect("it is there"),
        ..killed
    };
    [closed, killed, fresh]
}

async fn as_it_is(how: &'static str, runtime: &Arc<Runtime>, folder: &Folder) -> Written {
    let mut epochs = [Epoch::NONE; 3];
    for (place, epoch) in places(runtime).iter().zip(&mut epochs) {
        let scope = runtime.scope_at(place).await.expect("it is there");
        *epoch = scope.epoch();
        scope.stored().await;
    }
    let bytes = std::fs::read(folder.file()).expect("it is there");
    Written { how, bytes, epochs }
}

const WORDS: [u32; 3] = [3, 3, 300];

fn words_of(words: u32) -> Vec<String> {
    (1..=words).map(|n| format!("{n:0100}")).collect()
}

fn places(runtime: &Runtime) -> [Place; 3] {
    [1, 2, 3].map(|n| place(runtime, Visitor([n; 16]), &ScopeName::Session))
}

/// Bits of pages that something is in, and lengths.
fn damages(whole: &[u8], flips: usize, random: &mut fastrand::Rng) -> Vec<(String, Vec<u8>)> {
    let mut damaged = Vec::new();
    for nth in 0..flips {
        let mut bytes = whole.to_vec();
        let used = |at: &usize| whole[at / 4_096 * 4_096..][..4_096].iter().any(|b| *b != 0);
        let at = std::iter::repeat_with(|| random.usize(..whole.len())).find(used);
        let at = at.expect("there is one");
        let at = match nth % 4 {
            // Where a page says what is in it.
            0 => at / 4_096 * 4_096 + random.usize(..16),
            1 => random.usize(..320),
            _ => at,
        };
        bytes[at] ^= 1 << random.u8(..8);
        damaged.push((format!("a bit of byte {at}"), bytes));
    }
    for length in [0, 1, 8, 9, 64, 193, 320, 4_095, 4_096, whole.len() / 2] {
        damaged.push((format!("{length} bytes"), whole[..length].to_vec()));
    }
    let all_but_one = whole[..whole.len() - 1].to_vec();
    damaged.push(("all bytes but one".to_owned(), all_but_one));
    damaged
}

/// How often what was found.
#[derive(Debug, Default)]
struct Counts {
    refused: u32,
    as_it_was: u32,
    /// As it was after an earlier update.
    before: u32,
    anew: u32,
    event_ran: u32,
}

#[tokio::test]
async fn whatever_bit_is_flipped_each_scope_is_as_it_was_or_anew_and_stays_so() {
    let flips = std::env::var("FLIPS").map_or(50, |n| n.parse().expect("a number"));
    let seed = std::env::var("FLIPS_SEED").map_or(7, |n| n.parse().expect("a number"));
    for durability in [Durability::Relaxed, Durability::Commit] {
        let folder = Arc::new(Folder::new());
        let ground = Ground::File(folder.clone());
        let mut random = fastrand::Rng::with_seed(seed);
        for written in &written(&ground, &folder, durability).await {
            let how = written.how;
            let mut counts = Counts::default();
            for (what, bytes) in damages(&written.bytes, flips, &mut random) {
                let what = format!("{durability:?}, {how}, {what}");
                let _ = std::fs::remove_dir_all(&folder.0);
                std::fs::create_dir_all(&folder.0).expect("there is room");
                std::fs::write(folder.file(), &bytes).expect("it is written");
                begins_on(&ground, &folder, durability, written, &what, &mut counts).await;
            }
            println!("{durability:?}, {how}: {counts:?}");
            let kept = counts.as_it_was + counts.before;
            assert!(kept > 2 * counts.anew, "{how}: {counts:?}");
            assert!(counts.anew > 0, "something was damaged: {how}: {counts:?}");
            let events = counts.event_ran * 4;
            assert!(
                how == "fresh" || events > counts.as_it_was,
                "{how}: {counts:?}"
            );
        }
    }
}

async fn begins_on(
    ground: &Ground,
    folder: &Folder,
    durability: Durability,
    written: &Written,
    what: &str,
    counts: &mut Counts,
) {
    let built = match ground.build(durability) {
        Ok(built) => built.runtime,
        Err(StartError::Store(_, StoreError::Foreign | StoreError::Newer)) => {
            counts.refused += 1;
            return;
        }
        Err(error) => panic!("{what}: {error}"),
    };
    if let Err(error) = built.go_on().await {
        panic!("{what}: {error}");
    }
    let mut expected = Vec::new();
    for ((place, words), epoch) in places(&built).iter().zip(WORDS).zip(written.epochs) {
        until(|| async { built.load(place).await }).await;
        let scope = built.scope_at(place).await.expect("it can be read");
        until(|| async { scope.is_idle() }).await;
        let mut found = seen(&scope).await;
        let has_run = found.pop_if(|text| text == "waits").is_some();
        let all = words_of(words);
        let is_all = found == all;
        // What the journal has of it may end earlier.
        let is_before = written.how != "closed" && all.starts_with(&found);
        assert!(
            found.is_empty() || is_all || is_before,
            "{what}: neither what was nor anew: {found:?}"
        );
        assert!(
            is_all || scope.epoch() != epoch,
            "{what}: pages that saw what is lost are not told"
        );
        match (is_all, found.is_empty()) {
            (true, _) => counts.as_it_was += 1,
            (false, true) => counts.anew += 1,
            (false, false) => counts.before += 1,
        }
        counts.event_ran += u32::from(has_run && !found.is_empty());
        push(&scope, "anew")
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let in_time = tokio::time::timeout(Duration::from_secs(10), scope.stored());
        assert!(in_time.await.is_ok(), "{what}: it is kept");
        expected.push(seen(&scope).await);
    }
    let is_lost = expected.iter().any(|found| found.len() < 3);
    let names = std::fs::read_dir(&folder.0).expect("it is there");
    let names = names.filter_map(Result::ok);
    let aside = names.filter(|name| name.file_name().to_string_lossy().contains("damaged"));
    // An empty file has nothing that could be kept.
    let is_empty = what.ends_with(" 0 bytes");
    assert!(
        !is_lost || is_empty || aside.count() == 1,
        "{what}: what was is kept"
    );
    close(built);
    let again = ground.start_as(durability).await;
    for (place, expected) in places(&again).iter().zip(expected) {
        let scope = again.scope_at(place).await.expect("it can be read");
        until(|| async { scope.is_idle() }).await;
        assert_eq!(
            seen(&scope).await,
            expected,
            "{what}: what was written since"
        );
    }
    close(again);
}

/// The file after one update and after two, as kills leave it, and where the pages of the two part.
async fn with_one_more_update(durability: Durability) -> (Ground, Arc<Folder>, Epoch, Vec<usize>) {
    let folder = Arc::new(Folder::new());
    let ground = Ground::File(folder.clone());
    let runtime = ground.start_as(durability).await;
    let scope = the_scope(&runtime).await;
    push(&scope, "first").await.expect("it is made");
    scope.stored().await;
    let before = std::fs::read(folder.file()).expect("it is there");
    push(&scope, "second").await.expect("it is made");
    scope.stored().await;
    let epoch = scope.epoch();
    let Ground::File(killed) = ground.as_if_killed() else {
        panic!("it is one");
    };
    drop(scope);
    close(runtime);
    let after = std::fs::read(killed.file()).expect("it is there");
    let parts = (320..after.len()).filter(|at| before.get(*at) != Some(&after[*at]));
    (Ground::File(killed.clone()), killed, epoch, parts.collect())
}

#[tokio::test]
async fn pages_are_told_where_the_last_commit_can_t_be_read_though_a_kill_takes_nothing_back() {
    let durability = Durability::Commit;
    let (ground, folder, epoch, parts) = with_one_more_update(durability).await;
    let whole = std::fs::read(folder.file()).expect("it is there");
    let (mut back, mut random) = (0, fastrand::Rng::with_seed(7));
    for nth in 0..200 {
        let mut bytes = whole.clone();
        let at = parts[random.usize(..parts.len())];
        bytes[at] ^= 1 << random.u8(..8);
        std::fs::write(folder.file(), &bytes).expect("it is written");
        let runtime = ground.start_as(durability).await;
        let scope = the_scope(&runtime).await;
        let found = seen(&scope).await;
        assert!(
            ["first", "second"].starts_with(&found.iter().map(|text| &**text).collect::<Vec<_>>())
        );
        let is_all = found.len() == 2;
        assert!(
            is_all || scope.epoch() != epoch,
            "{nth}, byte {at}: pages that saw both stay with them"
        );
        back += u32::from(!is_all);
        drop(scope);
        close(runtime);
    }
    assert!(back > 3, "something was lost");
}
