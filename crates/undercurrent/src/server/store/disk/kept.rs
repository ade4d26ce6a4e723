//! Whether redb went back by a commit as it opened a file, and past what it had said to be kept.
//!
//! redb writes the header of a commit before its pages, and flushes them together. A kill in between
//! leaves a commit that is not whole, and redb goes back by it: nobody was told that it is kept. A
//! damaged page of a commit that was kept looks the same, and pages may have seen what it was. So the
//! number of the last commit that was kept stands beside the file. It is not flushed: after a power cut
//! an older one is found, and that is what a commit looks like that was not kept.

use super::salvage::{FLAGS, HEADER_BYTES, PRIMARY};
use redb::{Builder, Database, DatabaseError};
use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A database that was opened.
pub(crate) struct Opened {
    pub(crate) database: Database,
    /// Its last commit can't be read: it is as it was before.
    pub(crate) went_back: bool,
}

/// Where redb writes the numbers of its last two commits, of which the header says which one counts.
const COMMITS: [usize; 2] = [64 + 104, 192 + 104];

/// Opens it, and sees whether redb goes back, which it does not tell.
pub(super) fn opened(
    path: &Path,
    mut builder: Builder,
    open: impl FnOnce(&Builder) -> Result<Database, DatabaseError>,
) -> Result<Opened, DatabaseError> {
    let is_repaired = Arc::new(AtomicBool::new(false));
    let told = is_repaired.clone();
    builder.set_repair_callback(move |_| told.store(true, Ordering::Relaxed));
    let before = last_commit(path);
    let kept = noted(path);
    let database = open(&builder)?;
    // A repair is a commit of its own.
    let is_other = is_repaired.load(Ordering::Relaxed) && last_commit(path) <= before;
    // One that was copied while a server ran, and came back.
    let is_older = kept.is_some() && before < kept;
    Ok(Opened {
        database,
        went_back: is_older || (is_other && (kept.is_none() || before <= kept)),
    })
}

/// Notes that the last commit of a file is kept.
pub(crate) fn note(path: &Path) {
    let Some(number) = last_commit(path) else {
        return;
    };
    let number = number.to_le_bytes();
    let sum = crc32fast::hash(&number).to_le_bytes();
    // In its place: a file that is emptied first is one that the system must find a block for, and
    // flush soon, at each commit. That was a quarter of what a click waited for with `commit`.
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    let file = options.open(beside(path));
    let written = file.and_then(|mut file| file.write_all(&[number.as_slice(), &sum].concat()));
    if written.is_err() {
        // An older one would be wrong.
        let _ = std::fs::remove_file(beside(path));
    }
}

/// Nothing is known any more of what is kept.
pub(super) fn forget(path: &Path) {
    let _ = std::fs::remove_file(beside(path));
}

fn noted(path: &Path) -> Option<u64> {
    let bytes = std::fs::read(beside(path)).ok()?;
    let (number, sum) = bytes.split_first_chunk()?;
    let is_sound = crc32fast::hash(number).to_le_bytes() == *sum.first_chunk()?;
    is_sound.then(|| u64::from_le_bytes(*number))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".kept");
    name.into()
}

/// The number of the last commit that counts, as the header of a file has it.
fn last_commit(path: &Path) -> Option<u64> {
    let mut header = [0; HEADER_BYTES];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.ok()?;
    let primary = usize::from(header[FLAGS] & PRIMARY);
    let number = header[COMMITS[primary]..].first_chunk()?;
    Some(u64::from_le_bytes(*number))
}
