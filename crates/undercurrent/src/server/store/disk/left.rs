//! Whether a file is the one that the last run of the server left in its place.
//!
//! Who puts a backup back puts an older file there, which was closed well: nothing in it says that pages
//! have seen more. So beside the file stands which run of the server was the last and, where it ended in
//! good order, which file it left: its number in the system, how long it is, and when the system last
//! changed it, which no copy keeps.

use std::{
    fs::{File, Metadata},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What is known of a file that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The last run left it so.
    AsItIs,
    /// It was touched since, or what is known of it is gone: it may be a copy.
    Otherwise,
    /// It is an older one: this run was on a later one.
    Behind(u64),
}

/// What stands beside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    run: u64,
    /// `None`: the run has not ended, or not in good order.
    stamp: Option<Stamp>,
}

/// What a copy of a file has otherwise.
pub(super) type Stamp = [u64; 4];

/// What is known of a file that was found with this stamp. By its own word a run of this number was its
/// last, and was closed, if so.
pub(super) fn found(path: &Path, was: Option<Stamp>, run: u64, is_closed: bool) -> Left {
    match read(path) {
        Some(note) if run < note.run => Left::Behind(note.run),
        Some(Note { run: same, stamp }) if same == run => match (stamp, is_closed) {
            // It was killed before it had noted that it ended.
            (None, _) => Left::AsItIs,
            (stamp, true) if stamp == was => Left::AsItIs,
            (Some(_), _) => Left::Otherwise,
        },
        _ => Left::Otherwise,
    }
}

/// Notes that a run has begun on a file.
pub(crate) fn note_begun(path: &Path, run: u64) {
    write(path, Note { run, stamp: None });
}

/// Notes that it has closed it.
pub(super) fn note_closed(path: &Path, run: u64) {
    let stamp = stamp_of(path);
    write(path, Note { run, stamp });
}

fn write(path: &Path, Note { run, stamp }: Note) {
    let parts = [run, u64::from(stamp.is_some())].into_iter();
    let parts = parts.chain(stamp.unwrap_or_default());
    let bytes: Vec<u8> = parts.flat_map(u64::to_le_bytes).collect();
    let sum = crc32fast::hash(&bytes).to_le_bytes();
    let written = File::create(beside(path)).and_then(|mut file| {
        file.write_all(&[bytes.as_slice(), &sum].concat())?;
        // After a power cut an older one would say that the file is a later one.
        file.sync_data()
    });
    if written.is_err() {
        let _ = std::fs::remove_file(beside(path));
    }
}

fn read(path: &Path) -> Option<Note> {
    let bytes = std::fs::read(beside(path)).ok()?;
    let (bytes, sum) = bytes.split_last_chunk()?;
    if crc32fast::hash(bytes).to_le_bytes() != *sum {
        return None;
    }
    let (numbers, _) = bytes.as_chunks();
    let [run, is_closed, stamp @ ..] = numbers else {
        return None;
    };
    let stamp: Vec<u64> = stamp.iter().copied().map(u64::from_le_bytes).collect();
    let stamp = Stamp::try_from(stamp).ok()?;
    Some(Note {
        run: u64::from_le_bytes(*run),
        stamp: (u64::from_le_bytes(*is_closed) == 1).then_some(stamp),
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".run");
    name.into()
}

/// `None`: it is not there.
pub(super) fn stamp_of(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path);
    metadata.and_then(|metadata| stamp(&metadata)).ok()
}

#[cfg(unix)]
fn stamp(file: &Metadata) -> io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt;
    // Not the device: its number may be another one after a start of the machine.
    let changed = [file.ctime(), file.ctime_nsec()].map(i64::cast_unsigned);
    Ok([file.ino(), file.len(), changed[0], changed[1]])
}

#[cfg(not(unix))]
fn stamp(file: &Metadata) -> io::Result<Stamp> {
    let changed = file.modified()?.duration_since(std::time::UNIX_EPOCH);
    let changed = changed.map_err(io::Error::other)?;
    Ok([
        0,
        file.len(),
        changed.as_secs(),
        changed.subsec_nanos().into(),
    ])
}
