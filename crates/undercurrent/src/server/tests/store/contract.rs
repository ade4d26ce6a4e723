//! What the runtime takes for granted of any store, asked of each.

use super::*;
use crate::{
    core::position::Epoch,
    server::store::{Commit, Head, Memory, Record, StateId, StoredEvent, Ticket},
};
use std::sync::Mutex;

/// Each store, and the folder that goes with it.
fn stores() -> Vec<(&'static str, Arc<dyn Store>, Option<Folder>)> {
    let limits = Limits::default();
    let folder = Folder::new();
    let on_file = Disk::open(&folder.file(), false, &limits).expect("it opens");
    let platter = Box::new(Platter::new(5));
    let on_platter = Disk::on(platter, true, &limits).expect("it opens");
    vec![
        ("memory", Arc::new(Memory), None),
        ("a file", Arc::new(on_file), Some(folder)),
        ("a platter", Arc::new(on_platter), None),
    ]
}

const KEY: ScopeKey = ScopeKey([9; 16]);

fn head(used_s: u64) -> Record {
    Record::Head(Head {
        name: "session".into(),
        epoch: Epoch::from_random(5).to_bits(),
        offset: 0,
        used_s,
    })
}

fn commit(records: Vec<Record>) -> Commit {
    Commit::of(KEY, Epoch::from_random(5), records)
}

#[tokio::test]
async fn tickets_are_kept_in_their_order_and_whoever_waits_is_told() {
    for (name, store, _folder) in stores() {
        assert!(
            store.is_stored(Ticket::default()),
            "{name}: nothing was handed over"
        );
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut last = Ticket::default();
        for n in 0..10 {
            let told = told.clone();
            let ticket = store.hand_over(Commit {
                then: Some(Box::new(move || {
                    told.lock().expect("nobody panics").push(n)
                })),
                ..commit(vec![head(n)])
            });
            assert!(ticket >= last, "{name}");
            last = ticket;
        }
        store.stored(last).await;
        assert!(store.is_stored(last), "{name}");
        assert!(store.is_stored_within(last, Duration::ZERO), "{name}");
        until(|| async { told.lock().expect("nobody panics").len() == 10 }).await;
        let told = told.lock().expect("nobody panics").clone();
        assert_eq!(told, (0..10).collect::<Vec<_>>(), "{name}");
        assert!(store.trouble().is_none() && !store.is_behind(), "{name}");
        store.close();
    }
}

#[tokio::test]
async fn what_outlives_the_process_can_be_read_again_and_what_does_not_is_not_there() {
    for (name, store, _folder) in stores() {
        assert!(!store.has(KEY), "{name}");
        let event = StoredEvent {
            name: "note".into(),
            arguments: "{}".into(),
            visitor: VISITOR,
            origin: Some(("c".into(), 3)),
            is_first: true,
            tries: 0,
            has_begun: false,
            is_cancelled: false,
        };
        let snapshot = Record::Snapshot(StateId::shared("trial"), 4, "{}".into());
        let number = Record::Number(VISITOR, "c".into(), 3);
        let records = vec![head(10), snapshot, number, Record::Event(1, event.clone())];
        store.stored(store.hand_over(commit(records))).await;
        assert_eq!(store.has(KEY), store.outlives(), "{name}");
        let loaded = store.load(KEY).expect("it is readable");
        assert_eq!(loaded.is_some(), store.outlives(), "{name}");
        let unfinished = store.unfinished().expect("it is readable");
        assert_eq!(!unfinished.is_empty(), store.outlives(), "{name}");
        let unused = store.unused_since(11).expect("it is readable");
        assert!(unused.is_empty(), "{name}: an event waits in it");
        store
            .stored(store.hand_over(commit(vec![Record::Ended(1)])))
            .await;
        let unused = store.unused_since(11).expect("it is readable");
        assert_eq!(!unused.is_empty(), store.outlives(), "{name}");
        assert!(
            store.unused_since(10).expect("it is readable").is_empty(),
            "{name}"
        );
        if let Some(stored) = loaded {
            assert_eq!(stored.states.len(), 1);
            assert_eq!(stored.states[0].snapshot, Some((4, "{}".to_owned())));
            assert_eq!(stored.numbers, [(VISITOR, "c".to_owned(), 3)]);
            assert_eq!(stored.events, [(1, event)]);
        }
        store
            .stored(store.hand_over(commit(vec![Record::Gone])))
            .await;
        assert!(!store.has(KEY), "{name}");
        assert!(store.load(KEY).expect("it is readable").is_none(), "{name}");
        assert!(
            store.unfinished().expect("it is readable").is_empty(),
            "{name}"
        );
        store.close();
    }
}

#[tokio::test]
async fn what_comes_too_late_for_a_scope_that_is_gone_does_not_bring_it_back() {
    for (name, store, _folder) in stores() {
        store.hand_over(commit(vec![head(1)]));
        store
            .stored(store.hand_over(commit(vec![Record::Gone])))
            .await;
        // A large snapshot is written by a thread of its own.
        let late = Record::Snapshot(StateId::shared("trial"), 4, "{}".into());
        store.stored(store.hand_over(commit(vec![late]))).await;
        assert!(!store.has(KEY), "{name}");
        // Another one begins in its place, and finds nothing of it.
        let next = Epoch::from_random(6);
        let begun = Record::Head(Head {
            name: "session".into(),
            epoch: next.to_bits(),
            offset: 0,
            used_s: 2,
        });
        let ticket = store.hand_over(Commit::of(KEY, next, vec![begun]));
        store.stored(ticket).await;
        let loaded = store.load(KEY).expect("it is readable");
        assert_eq!(loaded.is_some(), store.outlives(), "{name}");
        assert!(
            loaded.is_none_or(|stored| stored.states.is_empty()),
            "{name}"
        );
        store.close();
    }
}

#[tokio::test]
async fn a_snapshot_that_comes_late_takes_nothing_from_the_next_scope_in_one_batch() {
    for (name, store, _folder) in stores() {
        let next = Epoch::from_random(6);
        let begun = Record::Head(Head {
            name: "session".into(),
            epoch: next.to_bits(),
            offset: 0,
            used_s: 2,
        });
        let trial = StateId::shared("trial");
        let entry = Record::Entry(trial.clone(), super::power::entry_of(1, "[]"));
        let late = Record::Snapshot(trial, 4, "{}".into());
        // Nobody waits: they are written together.
        store.hand_over(commit(vec![head(1)]));
        store.hand_over(commit(vec![Record::Gone]));
        store.hand_over(Commit::of(KEY, next, vec![begun]));
        store.hand_over(Commit::of(KEY, next, vec![entry]));
        store.stored(store.hand_over(commit(vec![late]))).await;
        if let Some(stored) = store.load(KEY).expect("it is readable") {
            assert_eq!(stored.states.len(), 1, "{name}");
            assert_eq!(stored.states[0].snapshot, None, "{name}");
            assert_eq!(stored.states[0].entries.len(), 1, "{name}");
        }
        store.close();
    }
}

#[tokio::test]
async fn of_what_is_laid_aside_the_oldest_goes_when_there_is_no_more_room() {
    let limits = Limits {
        store_aside_bytes: 10_000,
        ..Limits::default()
    };
    let platter = Platter::new(5);
    let store = Disk::on(Box::new(platter.clone()), true, &limits).expect("it opens");
    let mut last = Ticket::default();
    for n in 0..50_u8 {
        let epoch = Epoch::from_random(5);
        let key = ScopeKey([n; 16]);
        let text = format!("{{\"{n}\":\"{}\"}}", "x".repeat(1_000));
        let state = || StateId::shared("trial");
        let made = vec![head(1), Record::Snapshot(state(), 1, text)];
        store
            .stored(store.hand_over(Commit::of(key, epoch, made)))
            .await;
        let aside = vec![Record::Aside(Some(state()))];
        last = store.hand_over(Commit::of(key, epoch, aside));
        store.stored(last).await;
    }
    store.stored(last).await;
    store.close();
    drop(store);
    let database = crate::server::store::Medium::open(&platter)
        .expect("nobody has it")
        .database;
    let read = redb::ReadableDatabase::begin_read(&database).expect("it is readable");
    let table = redb::TableDefinition::<&[u8], &[u8]>::new("aside");
    let table = read.open_table(table).expect("it is there");
    let rows = redb::ReadableTable::iter(&table).expect("it is readable");
    let rows = rows.filter_map(Result::ok);
    let rows: Vec<_> = rows
        .map(|(key, value)| (key.value()[0], key.value().len() + value.value().len()))
        .collect();
    let bytes: usize = rows.iter().map(|(_, bytes)| bytes).sum();
    assert!((8_000..=10_000).contains(&bytes), "{bytes}");
    let scopes: Vec<_> = rows.iter().map(|(scope, _)| *scope).collect();
    let oldest = 50 - u8::try_from(scopes.len()).expect("few");
    assert_eq!(scopes, (oldest..50).collect::<Vec<_>>(), "the newest stay");
}
