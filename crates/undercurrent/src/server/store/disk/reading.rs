//! How scopes are read: in their places, and as the journal will have them.

use super::{
    Disk,
    batch::Batch,
    errors::of_redb,
    rows::{self, Gathered},
};
use crate::server::{
    scopes::ScopeKey,
    store::{Head, StoreError, StoredEvent},
};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use std::{collections::BTreeSet, io, sync::atomic::Ordering};

impl Disk {
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask(|database| read(&database.begin_read().map_err(of_redb)?))
    }

    /// Reads all of it as it will be when everything is in its place.
    pub(super) fn read_as_settled<T>(
        &self,
        read: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let recent = self.shared.recent();
        self.read_after(&recent.all(), read)
    }

    /// Reads as it will be after a batch. What is written for that is taken back.
    pub(super) fn read_after<T>(
        &self,
        batch: &Batch,
        read: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask(|database| {
            let write = database.begin_write().map_err(of_redb)?;
            batch.write(&write, self.shared.aside_bytes)?;
            read(&write)
        })
    }

    pub(super) fn ask<T>(
        &self,
        ask: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.shared.with_database(ask);
        let closed = || StoreError::Io(io::Error::other("the file is not open at the moment"));
        let found = found.unwrap_or_else(|| Err(closed()));
        if let Err(StoreError::Io(_)) = &found {
            // The writer opens it again, so that who tries again finds it well, if the cause is gone.
            let mut pending = self.shared.lock();
            pending.is_unwell = true;
            self.shared.wake_writer(pending);
        }
        match found {
            Err(StoreError::Broken(why)) if self.shared.is_sound.load(Ordering::Relaxed) => {
                Err(StoreError::Damaged(why))
            }
            Err(StoreError::Broken(why)) => {
                // The writer looks, and begins a new one if it is so.
                let mut pending = self.shared.lock();
                pending.is_suspect = true;
                self.shared.wake_writer(pending);
                Err(StoreError::Broken(why))
            }
            found => found,
        }
    }
}

/// What there is of a scope, with the events that wait in it.
pub(super) fn gathered(
    key: ScopeKey,
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    queue: &impl ReadableTable<&'static [u8], &'static [u8]>,
) -> Result<(Gathered, Vec<(u64, StoredEvent)>), StoreError> {
    let mut gathered = Gathered::default();
    for row in rows.range(key.0.as_slice()..).map_err(of_redb)? {
        let (name, value) = row.map_err(of_redb)?;
        if !name.value().starts_with(&key.0) {
            break;
        }
        gathered.row(name.value(), value.value())?;
    }
    let mut events = Vec::new();
    for row in queue.range(key.0.as_slice()..).map_err(of_redb)? {
        let (name, value) = row.map_err(of_redb)?;
        let Some(id) = name.value().strip_prefix(&key.0) else {
            break;
        };
        let (id, _) = rows::number(id).ok_or_else(|| rows::damaged("an odd id"))?;
        let json = rows::unsealed(name.value(), value.value())?;
        let event: Result<StoredEvent, _> = serde_json::from_slice(json);
        events.push((id, event.map_err(|_| rows::damaged("an odd event"))?));
    }
    if !gathered.has_head() {
        let name = rows::row_key(key, rows::HEAD, &[]);
        let head = rows.get(name.as_slice()).map_err(of_redb)?;
        if head.is_some() {
            let why = "a row is found by its name, and not among its own";
            return Err(StoreError::Broken(why.to_owned()));
        }
    }
    Ok((gathered, events))
}

/// The scopes in which something is to be done, with their names.
pub(super) fn unfinished<T: ReadableTable<&'static [u8], &'static [u8]>>(
    rows: &T,
    tables: [&T; 2],
) -> Result<Vec<(ScopeKey, String)>, StoreError> {
    let mut keys = BTreeSet::new();
    for table in tables {
        for row in table.iter().map_err(of_redb)? {
            let (name, _) = row.map_err(of_redb)?;
            if let Some(key) = name.value().first_chunk::<16>() {
                keys.insert(*key);
            }
        }
    }
    let mut found = Vec::new();
    for key in keys.into_iter().map(ScopeKey) {
        let name = rows::row_key(key, rows::HEAD, &[]);
        let head = rows.get(name.as_slice()).map_err(of_redb)?;
        let head = head.and_then(|head| read_head(&name, head.value()));
        found.extend(head.map(|head| (key, head.name)));
    }
    Ok(found)
}

/// The scopes that nobody has used since then, and in which nothing is to be done.
pub(super) fn unused<T: ReadableTable<&'static [u8], &'static [u8]>>(
    rows: &T,
    queue: &T,
    busy: &T,
    before_s: u64,
) -> Result<Vec<ScopeKey>, StoreError> {
    let mut found = Vec::new();
    // From head to head: all else of a scope is skipped.
    let mut from = vec![0; 16];
    while let Some(row) = rows.range(from.as_slice()..).map_err(of_redb)?.next() {
        let (name, _) = row.map_err(of_redb)?;
        let Some(key) = name.value().first_chunk::<16>().copied() else {
            break;
        };
        let name = rows::row_key(ScopeKey(key), rows::HEAD, &[]);
        let head = rows.get(name.as_slice()).map_err(of_redb)?;
        let head = head.and_then(|head| read_head(&name, head.value()));
        if head.is_some_and(|head| head.used_s < before_s) {
            let is_busy = busy.get(key.as_slice()).map_err(of_redb)?.is_some();
            let first = queue.range(key.as_slice()..).map_err(of_redb)?.next();
            let first = first.transpose().map_err(of_redb)?;
            let waits = first.is_some_and(|(id, _)| id.value().starts_with(&key));
            if !is_busy && !waits {
                found.push(ScopeKey(key));
            }
        }
        let Some(next) = u128::from_be_bytes(key).checked_add(1) else {
            break;
        };
        from = next.to_be_bytes().to_vec();
    }
    Ok(found)
}

pub(super) fn read_head(key: &[u8], value: &[u8]) -> Option<Head> {
    serde_json::from_slice(rows::unsealed(key, value).ok()?).ok()
}
