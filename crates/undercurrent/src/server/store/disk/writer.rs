//! The thread that writes.
//!
//! ```text
//! asleep ── something is handed over ──▶ gathering ── somebody waits, or 50 ms ──▶ writing
//!    ▲                                                                              │   │
//!    └──────────── nothing was handed over meanwhile ◀── kept ──────────────────────┘   │
//!                                     ▲                                                 │
//!                                     └── once more, the same batch ◀── in trouble ◀────┘
//! ```

use super::{
    Life, META, Shared, StoreError, Where, batch::Batch, elsewhere, healing::Looked, of_redb,
    opened_again,
};
use crate::server::store::Commit;
use redb::Database;
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// What nobody waits for is written after so long at the latest.
const GATHER: Duration = Duration::from_millis(50);
/// After a failure, the pause before the next try.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn write_all(shared: &Shared) {
    while let Some((mut commits, mut last)) = gather(shared) {
        let mut batch = Batch::of(&commits);
        let mut forgotten = 0;
        let mut is_looked_through = false;
        while let Err(error) = write(shared, &batch) {
            // What looks sound and can't be written to is given up.
            let is_broken = matches!(error, StoreError::Broken(_) | StoreError::Damaged(_));
            let gives_up = is_broken && std::mem::replace(&mut is_looked_through, true);
            if is_begun_anew(shared, &error, gives_up) {
                // What was handed over before is in what was handed over now.
                for commit in &mut commits {
                    forgotten += commit.weight();
                    commit.records.clear();
                }
                let mut pending = shared.lock();
                commits.append(&mut pending.commits);
                last = pending.last;
                drop(pending);
                batch = Batch::of(&commits);
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
        let bytes: usize = commits.iter().map(Commit::weight).sum::<usize>() + forgotten;
        shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        shared.stored.send_replace(last);
        // Between who looked whether it is stored and who waits to be told.
        drop(shared.lock());
        shared.kept.notify_all();
        let told = commits.into_iter().filter_map(|commit| commit.then);
        told.for_each(|then| then());
    }
    if let Err(error) = note_clean(shared) {
        tracing::error!(%error, "that this run ended cleanly can't be written");
    }
    // Lets go of the file.
    let mut database = shared.database.write();
    database
        .as_deref_mut()
        .unwrap_or_else(|poisoned| poisoned.get_mut())
        .take();
}

/// What is to be written next. `None`: nothing is left, and nothing comes.
fn gather(shared: &Shared) -> Option<(Vec<Commit>, u64)> {
    let mut pending = shared.lock();
    let mut until = None;
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
            pending = shared
                .wake
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let until = *until.get_or_insert_with(|| Instant::now() + GATHER);
        let left = until.saturating_duration_since(Instant::now());
        if pending.is_urgent || !is_open || left.is_zero() {
            pending.is_urgent = false;
            return Some((std::mem::take(&mut pending.commits), pending.last));
        }
        let waited = shared.wake.wait_timeout(pending, left);
        pending = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
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

fn write(shared: &Shared, batch: &Batch) -> Result<(), StoreError> {
    in_its_place(shared)?;
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
        batch.write(&write, shared.aside_bytes)?;
        write.commit().map_err(of_redb)
    })
}

fn note_clean(shared: &Shared) -> Result<(), StoreError> {
    in_its_place(shared)?;
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
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
