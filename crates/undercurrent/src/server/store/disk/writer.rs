//! The thread that writes.
//!
//! ```text
//! asleep ── something is handed over ──▶ gathering ── somebody waits, or 50 ms ──▶ writing
//!    ▲                                                                              │   │
//!    └──────────── nothing was handed over meanwhile ◀── kept ──────────────────────┘   │
//!                                     ▲                                                 │
//!                                     └── once more, the same batch ◀── in trouble ◀────┘
//! ```

use super::{Life, META, Shared, StoreError, batch::Batch, guarded, of_redb, open_guarded};
use crate::server::store::Commit;
use redb::Database;
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// What nobody waits for is written after so long at the latest.
const GATHER: Duration = Duration::from_millis(50);
/// After a failure, the pause before the next try.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn write_all(shared: &Shared) {
    while let Some((commits, last)) = gather(shared) {
        let batch = Batch::of(&commits);
        while let Err(error) = write(shared, &batch) {
            in_trouble(shared, &error);
            if !pause(shared) {
                tracing::error!(%error, "what was not written yet is lost");
                return;
            }
        }
        if shared.trouble().take().is_some() {
            tracing::info!("scopes can be stored again");
        }
        drop(commits);
        shared.stored.send_replace(last);
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

fn write(shared: &Shared, batch: &Batch) -> Result<(), StoreError> {
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
        batch.write(&write)?;
        write.commit().map_err(of_redb)
    })
}

fn note_clean(shared: &Shared) -> Result<(), StoreError> {
    with_database(shared, |database| {
        let write = database.begin_write().map_err(of_redb)?;
        let mut meta = write.open_table(META).map_err(of_redb)?;
        meta.insert("clean", 1).map_err(of_redb)?;
        drop(meta);
        write.commit().map_err(of_redb)
    })
}

/// After an error redb wants the file to be opened anew.
fn with_database(
    shared: &Shared,
    act: impl FnOnce(&Database) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let done = {
        let database = shared.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map(|database| guarded(|| act(database)))
    };
    let failed = match done {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => Some(error),
        None => None,
    };
    let database = shared.database.write();
    let mut database = database.unwrap_or_else(PoisonError::into_inner);
    // The old one is dropped first: it holds the file.
    super::super::super::drop_quietly(database.take());
    match open_guarded(&shared.path, shared.cache_bytes) {
        Ok(opened) => {
            *database = Some(opened);
            Err(failed.unwrap_or_else(|| {
                StoreError::Io(std::io::Error::other("the file was opened again"))
            }))
        }
        Err(error) => Err(failed.unwrap_or(error)),
    }
}

fn in_trouble(shared: &Shared, error: &StoreError) {
    let mut trouble = shared.trouble();
    if trouble.is_none() {
        tracing::error!(
            %error,
            path = %shared.path.display(),
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
