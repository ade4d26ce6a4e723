//! The thread that writes: into the journal, and from there into the rows of scopes, when it is full
//! or nothing came for a while.
//!
//! ```text
//! asleep ── something is handed over ──▶ gathering ── somebody waits, or 50 ms ──▶ writing
//!    ▲                                                                              │   │
//!    └──────────── nothing was handed over meanwhile ◀── kept ──────────────────────┘   │
//!                                     ▲                                                 │
//!                                     └── once more, the same batch ◀── in trouble ◀────┘
//! ```

use super::{
    META, StoreError,
    batch::Batch,
    errors::{elsewhere, of_redb, opened_again},
    healing::Looked,
    medium::Where,
    shared::{Life, Pending, Shared, Writer},
};
use crate::server::store::{Commit, Record, Then};
use redb::Database;
use std::{
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

/// What nobody waits for is written after so long at the latest.
const GATHER: Duration = Duration::from_millis(50);
/// What the journal has comes in its place when nothing came for so long.
const SETTLE: Duration = Duration::from_secs(5);
/// So often others may go before a batch.
const YIELDS: usize = 8;
/// After a failure, the pause before the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// How the writer sleeps where nothing is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nobody wakes it for what can wait.
    Doze,
    /// Then it puts what the journal has in its place.
    Settle,
    Sleep,
}

pub(super) fn write_all(shared: &Shared) {
    let mut has_recent = false;
    while let Some((mut commits, mut last)) = gather(shared, has_recent) {
        let (mut bytes, mut told) = weighed(&mut commits);
        let mut is_looked_through = false;
        while let Err(error) = write(shared, &mut commits) {
            // What looks sound and can't be written to is given up.
            let is_broken = matches!(error, StoreError::Broken(_) | StoreError::Damaged(_));
            let gives_up = is_broken && std::mem::replace(&mut is_looked_through, true);
            if is_begun_anew(shared, &error, gives_up) {
                // Behind it comes all that is in memory. What is of other scopes stays.
                let mut pending = shared.lock();
                let mut more = std::mem::take(&mut pending.commits);
                last = pending.last;
                drop(pending);
                let (more_bytes, more_told) = weighed(&mut more);
                bytes += more_bytes;
                told.extend(more_told);
                commits.extend(more);
                continue;
            }
            in_trouble(shared, &error);
            if !pause(shared) {
                tracing::error!(%error, "what was not written yet is lost");
                return;
            }
        }
        if shared.trouble().take().is_some() {
            tracing::info!("scopes can be stored again");
        }
        has_recent = !shared.recent().is_empty();
        shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        shared.stored.send_replace(last);
        // Behind who looked whether it is stored: they wait now.
        let mut pending = shared.lock();
        let is_told = |(ticket, _): &mut (u64, _)| *ticket <= last;
        let waited = pending.waiting.extract_if(.., is_told);
        let waited: Vec<_> = waited.map(|(_, waits)| waits).collect();
        let has_threads = pending.threads > 0;
        drop(pending);
        if has_threads {
            shared.kept.notify_all();
        }
        shared.tell(waited);
        told.into_iter().for_each(|then| then());
    }
    let noted = note_clean(shared);
    if let Err(error) = &noted {
        tracing::error!(%error, "that this run ended cleanly can't be written");
    }
    // Lets go of the file.
    let mut database = shared.database.write();
    database
        .as_deref_mut()
        .unwrap_or_else(|poisoned| poisoned.get_mut())
        .take();
    if noted.is_ok() {
        shared.medium.note_closed(shared.run().turn);
    }
}

/// The bytes that wait with these, and what is to be done once they are kept.
fn weighed(commits: &mut [Commit]) -> (usize, Vec<Then>) {
    let bytes = commits.iter().map(Commit::weight).sum();
    let told = commits.iter_mut().filter_map(|commit| commit.then.take());
    (bytes, told.collect())
}

/// What is to be written next: nothing but what the journal has, where it was quiet for a while.
/// `None`: nothing is left, and nothing comes.
fn gather(shared: &Shared, has_recent: bool) -> Option<(Vec<Commit>, u64)> {
    let mut pending = shared.lock();
    let (mut until, mut rest) = (None, Rest::Doze);
    loop {
        let is_open = pending.state == Life::Open;
        if is_open && std::mem::take(&mut pending.is_unwell) {
            drop(pending);
            if let Err(error) = shared.open_again() {
                tracing::error!(%error, "the file of scopes can't be opened again");
            }
            pending = shared.lock();
            continue;
        }
        if is_open && std::mem::take(&mut pending.is_suspect) {
            drop(pending);
            is_begun_anew(
                shared,
                &StoreError::Broken("a page can't be read".to_owned()),
                false,
            );
            pending = shared.lock();
            continue;
        }
        if pending.commits.is_empty() {
            // Who waits for what is kept already needs no batch.
            pending.is_urgent = false;
            if !is_open {
                return None;
            }
            let began = Instant::now();
            let is_over;
            (pending, is_over) = sleep(shared, pending, rest);
            // What came while it dozed may have come as soon as it did.
            let came = if rest == Rest::Doze {
                began
            } else {
                Instant::now()
            };
            until = Some(came + GATHER);
            rest = match rest {
                _ if !is_over || !pending.commits.is_empty() => Rest::Doze,
                Rest::Doze if has_recent => Rest::Settle,
                Rest::Settle => return Some((Vec::new(), pending.last)),
                Rest::Doze | Rest::Sleep => Rest::Sleep,
            };
            continue;
        }
        let until = *until.get_or_insert_with(|| Instant::now() + GATHER);
        let left = until.saturating_duration_since(Instant::now());
        if pending.is_urgent || !is_open || left.is_zero() {
            pending = after_others(shared, pending);
            pending.is_urgent = false;
            return Some((std::mem::take(&mut pending.commits), pending.last));
        }
        pending.writer = Writer::Dozing;
        let waited = shared.wake.wait_timeout(pending, left);
        pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        pending.writer = Writer::Awake;
    }
}

/// Sleeps until it is woken, or its time is over; says whether it is.
fn sleep<'s>(
    shared: &'s Shared,
    mut pending: MutexGuard<'s, Pending>,
    rest: Rest,
) -> (MutexGuard<'s, Pending>, bool) {
    let (writer, most) = match rest {
        Rest::Doze => (Writer::Dozing, GATHER),
        Rest::Settle => (Writer::Asleep, SETTLE),
        Rest::Sleep => (Writer::Asleep, Duration::MAX),
    };
    pending.writer = writer;
    let waited = shared.wake.wait_timeout(pending, most);
    let (mut pending, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    pending.writer = Writer::Awake;
    (pending, waited.timed_out())
}

/// Lets those go first who are about to hand over something, and share the batch: a commit costs
/// much the same whatever is in it.
fn after_others<'s>(
    shared: &'s Shared,
    mut pending: MutexGuard<'s, Pending>,
) -> MutexGuard<'s, Pending> {
    for _ in 0..YIELDS {
        let known = pending.commits.len();
        drop(pending);
        thread::yield_now();
        pending = shared.lock();
        if pending.commits.len() == known {
            break;
        }
    }
    pending
}

/// Whether the file as a whole could not be read any more. Then it was repaired, or another is
/// begun, and what is in memory was handed over.
fn is_begun_anew(shared: &Shared, error: &StoreError, gives_up: bool) -> bool {
    let (StoreError::Broken(why) | StoreError::Damaged(why)) = error else {
        return false;
    };
    let looked = match gives_up {
        true => Looked::Broken,
        false => shared.look_through(),
    };
    match looked {
        Looked::Sound | Looked::NotOpen => false,
        Looked::Repaired => {
            tracing::error!(
                why,
                path = %shared.medium.path().display(),
                "the file of scopes was damaged, and is repaired: of scopes that are not in memory \
                 the last updates may be gone"
            );
            shared.hand_over_all();
            true
        }
        Looked::Broken => {
            let begun = shared.begin_anew(why);
            if let Err(error) = &begun {
                tracing::error!(%error, "no new file of scopes can be begun");
            }
            begun.is_ok()
        }
    }
}

/// Sees to it that what is written will be found.
fn in_its_place(shared: &Shared) -> Result<(), StoreError> {
    match shared.medium.place().map_err(StoreError::Io)? {
        Where::Here => Ok(()),
        Where::Nowhere => shared.move_on(),
        Where::Elsewhere => Err(elsewhere()),
    }
}

fn write(shared: &Shared, commits: &mut Vec<Commit>) -> Result<(), StoreError> {
    in_its_place(shared)?;
    let mut recent = shared.recent();
    let is_appended = recent.takes(commits);
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
        if is_appended {
            recent.append(commits, &write)?;
        } else {
            recent.settle(&write, shared.aside_bytes)?;
            Batch::of(&*commits).write(&write, shared.aside_bytes)?;
        }
        write.commit().map_err(of_redb)
    })?;
    if shared.run().keeps_first {
        shared.medium.note_kept();
    }
    if is_appended {
        let begins = |commit: &&Commit| commit.records.iter().any(Record::is_head);
        let begun = commits.iter().filter(begins);
        shared.fresh().extend(begun.map(|commit| commit.key));
        recent.extend(std::mem::take(commits));
    } else {
        drop(recent);
        shared.forget_recent();
    }
    Ok(())
}

fn note_clean(shared: &Shared) -> Result<(), StoreError> {
    in_its_place(shared)?;
    let recent = shared.recent();
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
        recent.settle(&write, shared.aside_bytes)?;
        let mut meta = write.open_table(META).map_err(of_redb)?;
        meta.insert("clean", 1).map_err(of_redb)?;
        drop(meta);
        write.commit().map_err(of_redb)
    })
}

fn with_database(
    shared: &Shared,
    act: impl FnOnce(&Database) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = match shared.with_database(act) {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => Some(error),
        None => None,
    };
    let opened = shared.open_again();
    match (failed, opened) {
        (_, Err(broken @ StoreError::Broken(_))) => Err(broken),
        (failed, opened) => Err(failed.or(opened.err()).unwrap_or_else(opened_again)),
    }
}

fn in_trouble(shared: &Shared, error: &StoreError) {
    let mut trouble = shared.trouble();
    if trouble.is_none() {
        tracing::error!(
            %error,
            path = %shared.medium.path().display(),
            "scopes can't be stored; what is in memory stays, and it is tried again"
        );
    }
    *trouble = Some(error.to_string());
}

/// Says whether to try again.
fn pause(shared: &Shared) -> bool {
    let pending = shared.lock();
    let waited = shared
        .wake
        .wait_timeout_while(pending, PAUSE, |pending| pending.state == Life::Open);
    let pending = waited.unwrap_or_else(PoisonError::into_inner).0;
    pending.state == Life::Open
}
