//! A disk as it is when the power fails: what was flushed is there, and of what was not, any part.

use crate::server::store::{Medium, Opened, StoreError};
use redb::{Database, DatabaseError, StorageBackend};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// A simulated disk.
#[derive(Clone, Debug)]
pub(in crate::server::tests) struct Platter(Arc<Shared>);

/// Flushing is held.
pub(super) struct Held(Platter);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when flushing goes on.
    released: Condvar,
}

#[derive(Debug)]
struct State {
    /// As it is after a power cut in which everything unflushed was lost.
    flushed: Vec<u8>,
    /// As the running process sees it.
    now: Vec<u8>,
    unflushed: Vec<Change>,
    /// Bytes that were ever written.
    written: u64,
    /// Writes and flushes until the power fails.
    fuel: Option<u64>,
    /// Flushing does not return.
    is_held: bool,
    is_full: bool,
    is_unreadable: bool,
    /// The next read meets the end of the file, and whoever opens it then finds it as it was before
    /// its last commit.
    is_torn: bool,
    /// It was opened so.
    went_back: bool,
    random: fastrand::Rng,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

// === impl Platter ===

impl Platter {
    pub(super) fn new(seed: u64) -> Self {
        Platter::with(Vec::new(), fastrand::Rng::with_seed(seed))
    }

    fn with(bytes: Vec<u8>, random: fastrand::Rng) -> Self {
        Platter(Arc::new(Shared {
            state: Mutex::new(State {
                flushed: bytes.clone(),
                now: bytes,
                unflushed: Vec::new(),
                written: 0,
                fuel: None,
                is_held: false,
                is_full: false,
                is_unreadable: false,
                is_torn: false,
                went_back: false,
                random,
            }),
            released: Condvar::new(),
        }))
    }

    /// The disk that is found when the power is back: of what was not flushed some sectors are
    /// there and some are not, in no order.
    pub(super) fn as_after_a_power_cut(&self) -> Platter {
        let mut state = self.lock();
        let mut bytes = state.flushed.clone();
        let mut random = state.random.fork();
        for change in &state.unflushed {
            apply(&mut bytes, change, |_| random.bool());
        }
        Platter::with(bytes, random)
    }

    /// The power fails after so many writes and flushes: nothing succeeds from then on.
    pub(super) fn fail_after(&self, writes: u64) {
        self.lock().fuel = Some(writes);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.lock().fuel == Some(0)
    }

    /// Flushing does not return until what is given back is dropped: by a test that fails, too,
    /// before the server that it began goes down.
    #[must_use]
    pub(super) fn hold(&self) -> Held {
        self.lock().is_held = true;
        Held(self.clone())
    }

    /// There is no room left, or there is again.
    pub(super) fn fill(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// Nothing can be read, or it can again.
    pub(super) fn hide(&self, is_unreadable: bool) {
        self.lock().is_unreadable = is_unreadable;
    }

    /// Of the last commit something can't be read. Of a scope that is in memory nothing is missing.
    pub(super) fn tear(&self) {
        self.lock().is_torn = true;
    }

    /// Nothing behind the header is what was written.
    pub(super) fn scramble(&self) {
        let mut state = self.lock();
        let State { now, flushed, .. } = &mut *state;
        for bytes in [now, flushed] {
            bytes.iter_mut().skip(4_096).for_each(|byte| *byte ^= 0x55);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().now.len() as u64
    }

    pub(super) fn written(&self) -> u64 {
        self.lock().written
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().is_held = false;
        self.0.0.released.notify_all();
    }
}

impl State {
    fn burn(&mut self) -> io::Result<()> {
        match &mut self.fuel {
            Some(0) => Err(io::Error::other("the power has failed")),
            Some(fuel) => {
                *fuel -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.burn()?;
        if let Change::Write(_, data) = &change {
            self.written += data.len() as u64;
        }
        apply(&mut self.now, &change, |_| true);
        self.unflushed.push(change);
        Ok(())
    }
}

/// Makes a change, sector by sector.
fn apply(bytes: &mut Vec<u8>, change: &Change, mut is_kept: impl FnMut(usize) -> bool) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(at, data) => {
            let end = at + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            let mut from = *at;
            while from < end {
                let to = (from / SECTOR + 1) * SECTOR;
                let to = to.min(end);
                if is_kept(from / SECTOR) {
                    bytes[from..to].copy_from_slice(&data[from - at..to - at]);
                }
                from = to;
            }
        }
    }
}

impl StorageBackend for Platter {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.lock();
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        if std::mem::take(&mut state.is_torn) {
            state.went_back = true;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let found = state.now.get(from..from + out.len());
        match found {
            _ if state.is_unreadable => Err(io::Error::other("the disk can't be read")),
            _ if state.fuel == Some(0) => Err(io::Error::other("the power has failed")),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.lock().change(Change::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let state = self.lock();
        let held = self.0.released.wait_while(state, |state| state.is_held);
        let mut state = held.unwrap_or_else(PoisonError::into_inner);
        state.burn()?;
        state.unflushed.clear();
        let State { flushed, now, .. } = &mut *state;
        flushed.clone_from(now);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        self.lock().change(Change::Write(at, data.to_vec()))
    }
}

impl Medium for Platter {
    fn open(&self) -> Result<Opened, StoreError> {
        let mut builder = Database::builder();
        // Nothing is remembered: what is read is read from here.
        builder.set_cache_size(0);
        let database = builder.create_with_backend(self.clone());
        let database = database.map_err(|error| match error {
            DatabaseError::Storage(redb::StorageError::Io(error)) => StoreError::Io(error),
            error => StoreError::Broken(error.to_string()),
        })?;
        Ok(Opened {
            database,
            // After a power cut it does so, too, and nothing is missing that was kept.
            went_back: std::mem::take(&mut self.lock().went_back),
        })
    }

    fn open_again(&self) -> Result<Opened, StoreError> {
        self.open()
    }

    fn open_beside(&self) -> Result<Database, StoreError> {
        {
            let mut state = self.lock();
            state.burn().map_err(StoreError::Io)?;
            state.now.clear();
            state.flushed.clear();
            state.unflushed.clear();
        }
        Ok(self.open()?.database)
    }

    fn put_in_place(&self) -> io::Result<PathBuf> {
        Ok("aside".into())
    }

    fn path(&self) -> &Path {
        Path::new("platter")
    }
}
