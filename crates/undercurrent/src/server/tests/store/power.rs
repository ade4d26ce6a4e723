//! The power fails at any write, and what is found is one of the commits: no less than what was
//! said to be kept.

use super::*;
use crate::{
    core::{frame::write_state_event, log::Entry, position::Epoch},
    server::store::{Commit, Head, Record, StateId, StoreError, StoredEvent, Ticket},
};

/// One scope, as the test knows it.
struct Told {
    key: ScopeKey,
    /// By offset: what it was handed over with.
    tickets: Vec<Ticket>,
    /// Events by id: when it was handed over, and when its end was.
    events: Vec<(Ticket, Option<Ticket>)>,
}

const POWER_CUTS: u64 = 100;

pub(super) fn head(n: u8) -> Head {
    Head {
        name: format!("room:{n}"),
        epoch: Epoch::from_random(7).to_bits(),
        offset: 0,
        used_s: 1,
    }
}

fn entry(offset: u64) -> Arc<Entry> {
    entry_of(offset, &format!("[[\"a\",{offset}]]"))
}

pub(super) fn entry_of(offset: u64, ops: &str) -> Arc<Entry> {
    let at = Position::new(Epoch::from_random(7), offset);
    let event = write_state_event("s", at, "trial", Some(offset - 1), ops.as_bytes());
    let range = crate::server::writing::ops_range(&event, ops.as_bytes());
    Arc::new(Entry {
        state: 0,
        since: offset - 1,
        offset,
        event,
        ops: range,
        server_ops: None,
    })
}

fn event(id: u64) -> StoredEvent {
    StoredEvent {
        name: "note".into(),
        arguments: format!("{{\"text\":\"{id}\"}}"),
        visitor: VISITOR,
        origin: None,
        is_first: true,
        tries: 0,
        has_begun: false,
        is_cancelled: false,
    }
}

/// Hands over at random until the power fails, waiting for some of it.
async fn work(disk: &Disk, platter: &Platter, random: &mut fastrand::Rng) -> Vec<Told> {
    let epoch = Epoch::from_random(7);
    let hand_over = |key, records| disk.hand_over(Commit::of(key, epoch, records));
    let mut scopes: Vec<Told> = (0..3)
        .map(|n| {
            let key = ScopeKey([n; 16]);
            let ticket = hand_over(key, vec![Record::Head(head(n))]);
            Told {
                key,
                tickets: vec![ticket],
                events: Vec::new(),
            }
        })
        .collect();
    let trial = StateId::shared("trial");
    while !platter.has_failed() {
        let scope = &mut scopes[random.usize(..3)];
        let offset = scope.tickets.len() as u64;
        match random.u8(..10) {
            0..5 => {
                let record = Record::Entry(trial.clone(), entry(offset));
                scope.tickets.push(hand_over(scope.key, vec![record]));
            }
            5 if offset > 1 => {
                let json = format!("{{\"upto\":{}}}", offset - 1);
                let record = Record::Snapshot(trial.clone(), offset - 1, json);
                hand_over(scope.key, vec![record]);
            }
            6 | 7 => {
                let id = scope.events.len() as u64;
                let ticket = hand_over(scope.key, vec![Record::Event(id, event(id))]);
                scope.events.push((ticket, None));
            }
            8 => {
                // Its change and its end are one commit.
                let open = scope.events.iter().position(|(_, end)| end.is_none());
                if let Some(id) = open {
                    let records = vec![
                        Record::Entry(trial.clone(), entry(offset)),
                        Record::Ended(id as u64),
                    ];
                    let ticket = hand_over(scope.key, records);
                    scope.tickets.push(ticket);
                    scope.events[id].1 = Some(ticket);
                }
            }
            _ => {
                let last = *scope.tickets.last().expect("there is the first");
                let failed = until(|| async { platter.has_failed() || disk.trouble().is_some() });
                tokio::select! {
                    () = disk.stored(last) => {}
                    () = failed => return scopes,
                }
            }
        }
        tokio::task::yield_now().await;
    }
    scopes
}

/// The scope is as it was after one of its commits, and not before what was kept.
fn check(found: &Disk, told: &Told, was_kept: impl Fn(Ticket) -> bool) -> Result<(), StoreError> {
    let kept = told.tickets.iter().filter(|ticket| was_kept(**ticket));
    let kept_upto = kept.count().checked_sub(1);
    let Some(stored) = found.load(told.key)? else {
        assert_eq!(kept_upto, None, "what was kept is gone");
        return Ok(());
    };
    let mut offset = 0;
    for state in &stored.states {
        if let Some((at, json)) = &state.snapshot {
            assert_eq!(json, &format!("{{\"upto\":{at}}}"));
            offset = *at;
        }
        for entry in &state.entries {
            offset += 1;
            assert_eq!(entry.offset, offset, "none is missing in between");
            assert_eq!(entry.ops, format!("[[\"a\",{offset}]]"));
        }
    }
    assert!(
        kept_upto.is_none_or(|upto| offset >= upto as u64),
        "less is there than was kept"
    );
    for (id, (came, ended)) in told.events.iter().enumerate() {
        let is_there = stored.events.iter().any(|(known, _)| *known == id as u64);
        let end_is_there = ended.is_some_and(|ended| {
            let at = told.tickets.iter().position(|ticket| *ticket == ended);
            at.is_some_and(|at| at as u64 <= offset)
        });
        if was_kept(*came) {
            assert_eq!(is_there, !end_is_there, "it waits until its change is made");
        }
    }
    Ok(())
}

#[tokio::test]
async fn wherever_the_power_fails_each_scope_is_as_after_one_of_its_commits() {
    for seed in 0..POWER_CUTS {
        let mut random = fastrand::Rng::with_seed(seed);
        let platter = Platter::new(seed);
        let limits = Limits {
            // None, one that is full all the time, and one that never is.
            store_journal_bytes: [0, 20_000, 1 << 20][random.usize(..3)],
            ..Limits::default()
        };
        let disk = Disk::on(Box::new(platter.clone()), false, &limits).expect("it opens");
        platter.fail_after(random.u64(1..400));
        let told = work(&disk, &platter, &mut random).await;
        let after = platter.as_after_a_power_cut();
        let found = Disk::on(Box::new(after), false, &limits);
        let found = found.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for scope in &told {
            let checked = check(&found, scope, |ticket| disk.is_stored(ticket));
            checked.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

// === With events ===

#[event]
async fn both(cx: EventContext<Trial>, n: u64) -> Result {
    cx.update(|trial| trial.seen.push(format!("{n} begun")))
        .await?;
    // Others are acknowledged, and so flushed with what it has done.
    cx.sleep(Millis(5)).await?;
    cx.update(|trial| trial.seen.push(format!("{n} ended")))
        .await?;
    Ok(())
}

/// Sends events until the power fails. Those that were acknowledged.
async fn send_until_the_power_fails(runtime: &Arc<Runtime>, platter: &Platter) -> Vec<u64> {
    let scope = the_scope(runtime).await;
    let mut acknowledged = Vec::new();
    for n in 1_u64.. {
        match n % 3 {
            0 => send(&scope, n, note(n.to_string())).await,
            _ => send(&scope, n, both(n)).await,
        };
        let failed = until(|| async { platter.has_failed() });
        tokio::select! {
            biased;
            () = scope.stored() => acknowledged.push(n),
            () = failed => break,
        }
    }
    acknowledged
}

/// Between an acknowledgement and the start, between two updates, between the last and the end, in
/// the middle of a flush: each write is a moment at which a server can be lost.
#[tokio::test]
async fn at_every_write_an_acknowledged_event_comes_to_an_end_that_is_told() {
    let mut counts = [0_usize; 3];
    for moment in 1..150 {
        let platter = Platter::new(moment);
        let ground = Ground::Platter(platter.clone());
        let runtime = ground.start().await;
        the_scope(&runtime).await.stored().await;
        platter.fail_after(moment);
        let acknowledged = send_until_the_power_fails(&runtime, &platter).await;

        let later = ground.as_if_killed().start().await;
        let scope = the_scope(&later).await;
        let Some(last) = acknowledged.last() else {
            continue;
        };
        ended(&scope, *last).await;
        let (seen, failures) = (seen(&scope).await, failures(&scope).await);
        for n in acknowledged {
            let times = |text: String| seen.iter().filter(|seen| **seen == text).count();
            let is_told = failures
                .iter()
                .any(|failure| failure.number == n && failure.kind == EndKind::Interrupted);
            if n % 3 == 0 {
                assert_eq!(
                    (times(n.to_string()), is_told),
                    (1, false),
                    "moment {moment}, event {n}"
                );
                counts[0] += 1;
                continue;
            }
            let (begun, ended) = (times(format!("{n} begun")), times(format!("{n} ended")));
            assert!(
                begun <= 1 && ended <= begun,
                "moment {moment}, event {n}: {seen:?}"
            );
            assert!(
                ended == 1 || is_told,
                "moment {moment}, event {n}: {seen:?}"
            );
            counts[1 + usize::from(is_told)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 5), "{counts:?}");
}
