//! What the journal has is as good as what is in its place.

use super::{
    power::{entry_of, head},
    *,
};
use crate::{
    core::position::Epoch,
    server::store::{Commit, Record, StateId, StoredEvent, Ticket},
};

fn disk(platter: &Platter, store_journal_bytes: usize) -> Disk {
    let limits = Limits {
        store_journal_bytes,
        ..Limits::default()
    };
    Disk::on(Box::new(platter.clone()), false, &limits).expect("it opens")
}

/// Something of any kind, of one of three scopes; the same for the same random numbers.
fn commit(random: &mut fastrand::Rng, offsets: &mut [u64; 3]) -> Commit {
    let n = random.usize(..3);
    let key = ScopeKey([n as u8; 16]);
    let trial = StateId::shared("trial");
    let offset = &mut offsets[n];
    let id = random.u64(..4);
    let record = match random.u8(..12) {
        0..4 => {
            *offset += 1;
            Record::Entry(trial, entry_of(*offset, &format!("[[\"a\",{offset}]]")))
        }
        4 => Record::Snapshot(trial, *offset, format!("{{\"upto\":{offset}}}")),
        5 => Record::Number(VISITOR, format!("c{id}"), *offset),
        6 => Record::NoNumber(VISITOR, format!("c{id}")),
        7 => {
            let event = StoredEvent {
                name: "note".into(),
                arguments: offset.to_string(),
                visitor: VISITOR,
                origin: None,
                is_first: true,
                tries: 0,
                has_begun: false,
                is_cancelled: false,
            };
            Record::Event(id, event)
        }
        8 => Record::Ended(id),
        9 => Record::Used(head(n as u8)),
        10 if random.u8(..4) == 0 => Record::Aside(Some(trial)),
        10 if random.u8(..4) == 0 => Record::NoVisitor(VISITOR),
        11 if random.u8(..8) == 0 => {
            *offset = 0;
            Record::Gone
        }
        _ => Record::Busy(random.bool()),
    };
    let begins = *offset == 0;
    let head = begins.then(|| Record::Head(head(n as u8)));
    let records = [Some(record), head].into_iter().flatten().collect();
    Commit::of(key, Epoch::from_random(7), records)
}

#[tokio::test]
async fn a_scope_is_read_as_the_journal_has_it() {
    for seed in 0..30 {
        let platters = [Platter::new(seed), Platter::new(seed)];
        let disks = [disk(&platters[0], 0), disk(&platters[1], 30_000)];
        // Each is handed the same.
        let mut randoms = [0, 1].map(|_| fastrand::Rng::with_seed(seed));
        let mut offsets = [[0; 3]; 2];
        for round in 0..40 {
            for ((disk, random), offsets) in disks.iter().zip(&mut randoms).zip(&mut offsets) {
                let mut last = disk.hand_over(commit(random, offsets));
                for _ in 0..random.usize(..5) {
                    last = disk.hand_over(commit(random, offsets));
                }
                disk.stored(last).await;
            }
            for n in 0..3 {
                let key = ScopeKey([n; 16]);
                let [plain, recent] = [&disks[0], &disks[1]].map(|disk| {
                    let stored = disk.load(key).expect("it reads");
                    assert!(stored.is_none() || disk.has(key), "seed {seed}, {round}");
                    format!("{stored:?}")
                });
                assert_eq!(plain, recent, "seed {seed}, round {round}");
            }
        }
        // And after the next start.
        let keys = [0, 1, 2].map(|n| ScopeKey([n; 16]));
        let [plain, recent] = platters.map(|platter| {
            let found = disk(&platter.as_after_a_power_cut(), 0);
            keys.map(|key| format!("{:?}", found.load(key).expect("it reads")))
        });
        assert_eq!(plain, recent, "seed {seed}");
    }
}

/// What many scopes commit at once is written to few places.
#[tokio::test]
async fn a_batch_of_many_scopes_rewrites_no_page_of_each() {
    const SCOPES: u8 = 50;
    let mut wrote = Vec::new();
    for journal in [0, 1 << 20] {
        let platter = Platter::new(1);
        let disk = disk(&platter, journal);
        let epoch = Epoch::from_random(7);
        let hand_over = |n: u8, record| {
            let key = ScopeKey([n; 16]);
            disk.hand_over(Commit::of(key, epoch, vec![Record::Head(head(n)), record]))
        };
        for n in 0..SCOPES {
            let large = format!("{{\"large\":\"{}\"}}", "x".repeat(5_000));
            let record = Record::Snapshot(StateId::shared("trial"), 1, large);
            let ticket = hand_over(n, record);
            disk.stored(ticket).await;
        }
        let before = platter.written();
        let mut last = Ticket::default();
        for n in 0..SCOPES {
            let entry = entry_of(2, "[[\"a\",2]]");
            last = hand_over(n, Record::Entry(StateId::shared("trial"), entry));
        }
        disk.stored(last).await;
        wrote.push(platter.written() - before);
    }
    let [places, journal] = wrote[..] else {
        panic!("there are two");
    };
    assert!(places > u64::from(SCOPES) * 4_096, "{places}");
    assert!(journal < places / 3, "{journal} and {places}");
}
