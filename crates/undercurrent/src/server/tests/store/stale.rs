//! Pages of a file are what they were before: writes that the disk has reported and not made, or a copy
//! that was made while a server wrote. Each row has a right checksum then, and may be an old one. A
//! server that begins on it shows each scope as it was after one of its updates, or anew, and whoever has
//! seen more is told.

use super::*;
use crate::core::position::Epoch;
use std::ops::Range;

const PAGE: usize = 4_096;

/// What a file was, again and again.
struct Grown {
    moments: Vec<Vec<u8>>,
    epochs: [Epoch; 3],
    words: [Vec<String>; 3],
    notes: Vec<(PathBuf, Vec<u8>)>,
}

/// How old pages come into a file.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Some writes were not made.
    Lost(usize),
    /// The file was copied from its beginning to its end, while it was written.
    Copied { with_notes: bool },
}

/// A file that three scopes grew in, closed or as a kill leaves it.
async fn grown(ground: &Ground, folder: &Folder, durability: Durability, is_closed: bool) -> Grown {
    let mut random = fastrand::Rng::with_seed(5);
    let mut grown = Grown {
        moments: Vec::new(),
        epochs: [Epoch::NONE; 3],
        words: Default::default(),
        notes: Vec::new(),
    };
    for run in 0..3 {
        let runtime = ground.start_as(durability).await;
        for _ in 0..6 {
            for nth in 0..3 {
                let place = at(&runtime, nth);
                let scope = runtime.scope_at(&place).await.expect("there is room");
                for _ in 0..random.usize(..6) {
                    let word = format!("{:0100}", grown.words[nth].len());
                    push(&scope, &word).await.expect("it is made");
                    grown.words[nth].push(word);
                }
                grown.epochs[nth] = scope.epoch();
                scope.stored().await;
            }
            let now = std::fs::read(folder.file()).expect("it is there");
            grown.moments.push(now);
        }
        let is_last = run == 2;
        if is_last && !is_closed {
            grown.notes = notes(folder);
        }
        close(runtime);
        if !is_last || is_closed {
            let now = std::fs::read(folder.file()).expect("it is there");
            grown.moments.push(now);
            grown.notes = notes(folder);
        }
    }
    grown
}

fn at(runtime: &Runtime, nth: usize) -> Place {
    let visitor = Visitor([nth as u8 + 1; 16]);
    place(runtime, visitor, &ScopeName::Session)
}

fn notes(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let notes = [folder.note(), folder.run_note()].into_iter();
    notes
        .filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?)))
        .collect()
}

impl Grown {
    /// What is found later. Where nothing is old in it, `None`.
    fn mixed(&self, how: How, random: &mut fastrand::Rng) -> Option<Vec<u8>> {
        let (last, before) = self.moments.split_last().expect("there is one");
        let mut bytes = last.clone();
        let mut put = |from: &[u8], pages: Range<usize>| {
            let (begin, end) = (pages.start * PAGE, (pages.end * PAGE).min(from.len()));
            if begin < end {
                bytes.resize(bytes.len().max(end), 0);
                bytes[begin..end].copy_from_slice(&from[begin..end]);
            }
        };
        let pages = last.len() / PAGE;
        match how {
            How::Lost(times) => {
                let from = &before[before.len() - 1 - random.usize(..4)];
                let differs = |page: &usize| {
                    let of = |bytes: &[u8]| {
                        bytes
                            .get(page * PAGE..(page + 1) * PAGE)
                            .map(<[u8]>::to_vec)
                    };
                    of(from) != of(last)
                };
                let differing: Vec<_> = (0..pages).filter(differs).collect();
                for _ in 0..times {
                    let page = differing[random.usize(..differing.len())];
                    put(from, page..page + 1);
                }
            }
            How::Copied { .. } => {
                let mut page = 0;
                let first = before.len() - 4;
                for from in &before[first..] {
                    let to = page + random.usize(..pages / 8);
                    put(from, page..to);
                    page = to;
                }
            }
        }
        (bytes != *last).then_some(bytes)
    }
}

#[tokio::test]
async fn whatever_writes_were_not_made_each_scope_is_as_it_was_once_and_pages_are_told() {
    let times = std::env::var("LOST").map_or(12, |n| n.parse().expect("a number"));
    let hows = [
        How::Lost(1),
        How::Lost(2),
        How::Lost(9),
        How::Copied { with_notes: true },
        How::Copied { with_notes: false },
    ];
    for durability in [Durability::Relaxed, Durability::Commit] {
        for is_closed in [true, false] {
            let folder = Arc::new(Folder::new());
            let ground = Ground::File(folder.clone());
            let grown = grown(&ground, &folder, durability, is_closed).await;
            let mut random = fastrand::Rng::with_seed(times);
            let mut counts = [0; 3];
            for (how, nth) in hows
                .iter()
                .flat_map(|how| (0..times).map(move |nth| (*how, nth)))
            {
                let Some(bytes) = grown.mixed(how, &mut random) else {
                    continue;
                };
                let what = format!("{durability:?}, closed: {is_closed}, {how:?}, {nth}");
                let _ = std::fs::remove_dir_all(&folder.0);
                std::fs::create_dir_all(&folder.0).expect("there is room");
                std::fs::write(folder.file(), &bytes).expect("it is written");
                if !matches!(how, How::Copied { with_notes: false }) {
                    for (path, bytes) in &grown.notes {
                        std::fs::write(path, bytes).expect("it is written");
                    }
                }
                check(&ground, durability, &grown, &what, &mut counts).await;
            }
            println!("{durability:?}, closed: {is_closed}: {counts:?}");
        }
    }
}

/// All, some or none of each scope is there, and it goes on from that.
async fn check(
    ground: &Ground,
    durability: Durability,
    grown: &Grown,
    what: &str,
    counts: &mut [u32; 3],
) {
    let mut expected = Vec::new();
    let runtime = ground.start_as(durability).await;
    for nth in 0..3 {
        let place = at(&runtime, nth);
        until(|| async { runtime.load(&place).await }).await;
        let scope = runtime.scope_at(&place).await.expect("it can be read");
        let (found, all) = (seen(&scope).await, &grown.words[nth]);
        assert!(
            all.starts_with(&found),
            "{what}: scope {nth} never was so: {} of {}",
            found.len(),
            all.len()
        );
        let is_all = found.len() == all.len();
        let is_told = scope.epoch() != grown.epochs[nth];
        assert!(
            is_all || is_told,
            "{what}: pages that saw more of {nth} are not told"
        );
        counts[match found.len() {
            0 => 2,
            _ => usize::from(!is_all),
        }] += 1;
        push(&scope, "anew").await.expect("it is made");
        let in_time = tokio::time::timeout(Duration::from_secs(10), scope.stored());
        assert!(in_time.await.is_ok(), "{what}: it is kept");
        expected.push(seen(&scope).await);
    }
    close(runtime);
    let runtime = ground.start_as(durability).await;
    for (nth, expected) in expected.iter().enumerate() {
        let scope = runtime.scope_at(&at(&runtime, nth)).await;
        let found = seen(&scope.expect("it can be read")).await;
        assert_eq!(found, *expected, "{what}: what was written since");
    }
    close(runtime);
}
