//! The file itself: opened, or moved out of the way.

use super::{
    StoreError,
    errors::{elsewhere, of_redb},
    kept::{self, Opened},
    left::{self, Left, Stamp},
    medium::{Medium, Where},
    rows, salvage,
};
use crate::Limits;
use redb::{Database, DatabaseError, ReadOnlyDatabase};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A file, as redb opens it.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    cache_bytes: usize,
    /// Of those that were damaged so many stay.
    damaged_files: usize,
    /// Which file of the system it is, once it was opened.
    // A std mutex, held to put or to copy out.
    known: Mutex<Option<Identity>>,
    /// What it was before it was opened: redb writes to it as it does.
    was: Option<Stamp>,
}

/// What a file keeps when its name goes: the device, and its number there.
type Identity = (u64, u64);

/// What a file of redb begins with.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Where redb writes twice how it writes, in its two slots of commits.
const FORMATS: [usize; 2] = [64, 192];
/// What is damaged is called after the file, and so, with a random number.
const DAMAGED: &str = "damaged-";
/// How the redb of this build writes.
const FORMAT: u8 = 3;
/// So large a file is looked through each time it is opened: 64 MiB take a tenth of a second. A larger
/// one after a crash only.
const CHECKED_BYTES: u64 = 64 << 20;

impl File {
    pub(super) fn new(path: &Path, limits: &Limits) -> Self {
        File {
            path: path.to_owned(),
            cache_bytes: limits.store_cache_bytes,
            damaged_files: limits.store_damaged_files,
            known: Mutex::default(),
            was: left::stamp_of(path),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Identity>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn builder(&self) -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }

    /// Where another is made, to be put in its place.
    fn beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    /// Those that were damaged, the oldest first.
    fn damaged(&self) -> io::Result<Vec<PathBuf>> {
        let stem = self.path.file_stem().unwrap_or_default();
        let begin = format!("{}.{DAMAGED}", stem.to_string_lossy());
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.folder())? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix(&begin));
            // Of a name that was given here.
            let is_ours =
                id.is_some_and(|id| id.len() == 16 && u64::from_str_radix(id, 16).is_ok());
            if is_ours && metadata.is_file() {
                found.push((metadata.modified()?, entry.path()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// Removes the oldest of those that were damaged.
    fn bound_damaged(&self, newest: &Path) -> io::Result<()> {
        let mut older = self.damaged()?;
        older.retain(|path| path != newest);
        let others = self.damaged_files.max(1) - 1;
        for path in &older[..older.len().saturating_sub(others)] {
            tracing::warn!(
                path = %path.display(),
                "a file of scopes that was damaged goes: there are later ones"
            );
            std::fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The folder that the file is in.
    fn folder(&self) -> &Path {
        let folder = self.path.parent();
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// Makes the file, for its owner alone: server-only fields are in it.
    fn make(&self) -> io::Result<()> {
        std::fs::create_dir_all(self.folder())?;
        match made(&self.path) {
            Ok(made) => {
                // Of a file that is gone.
                kept::forget(&self.path);
                *self.known() = identity(&made.metadata()?);
                self.keep_name()
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A name is in its folder, and is kept when that is.
    fn keep_name(&self) -> io::Result<()> {
        match cfg!(unix) {
            true => std::fs::File::open(self.folder())?.sync_all(),
            false => Ok(()),
        }
    }

    /// What is there is a file of redb, as far as one sees at its beginning, or nothing at all.
    fn look(&self) -> Result<(), StoreError> {
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // One that was killed before it came in its place.
                if std::fs::rename(self.beside(), &self.path).is_ok() {
                    return Ok(());
                }
                return self.make().map_err(StoreError::Io);
            }
            Err(error) => return Err(StoreError::Io(error)),
        };
        let mut begin = Vec::new();
        let most = FORMATS[1] as u64 + 1;
        io::Read::read_to_end(&mut io::Read::take(file, most), &mut begin)
            .map_err(StoreError::Io)?;
        if begin.is_empty() {
            tracing::error!(
                path = %self.path.display(),
                "the file of scopes is empty: it was cut off, or the server went down as it made \
                 it; everything begins anew"
            );
            return Ok(());
        }
        let magic = &begin[..begin.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(StoreError::Foreign);
        }
        // It says so twice: one alone is a damaged byte.
        let formats = FORMATS.map(|at| begin.get(at).copied());
        let [Some(one), Some(other)] = formats else {
            return Err(rows::damaged("it ends in its header"));
        };
        match one.min(other) {
            least if least > FORMAT => Err(StoreError::Newer),
            // This runtime has never written so.
            _ if one.max(other) < FORMAT => Err(StoreError::Foreign),
            _ if one != other => Err(rows::damaged("its header says two things")),
            _ => Ok(()),
        }
    }
}

/// A new file, for its owner alone.
fn made(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn why(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
        DatabaseError::RepairAborted => StoreError::Broken("it can't be repaired".to_owned()),
        error => of_redb(error),
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<Identity> {
    None
}

impl Medium for File {
    fn open(&self) -> Result<Opened, StoreError> {
        let was_there = self.path.exists();
        self.look()?;
        let bytes = std::fs::metadata(&self.path).map_err(StoreError::Io)?.len();
        let mut builder = self.builder();
        builder.set_check_integrity_on_open(bytes <= CHECKED_BYTES);
        let opened = kept::opened(&self.path, builder, |builder| builder.create(&self.path));
        let opened = opened.map_err(|error| {
            if !was_there {
                // Made in vain: nobody is to find an empty one.
                self.take_back();
            }
            why(error)
        })?;
        let metadata = std::fs::metadata(&self.path).map_err(StoreError::Io)?;
        *self.known() = identity(&metadata);
        // What was begun beside it was not put in its place.
        self.drop_beside();
        Ok(opened)
    }

    fn open_again(&self) -> Result<Opened, StoreError> {
        if self.place().map_err(StoreError::Io)? == Where::Elsewhere {
            return Err(elsewhere());
        }
        let opened = kept::opened(&self.path, self.builder(), |builder| {
            builder.open(&self.path)
        });
        opened.map_err(why)
    }

    fn place(&self) -> io::Result<Where> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) if identity(&metadata) == *self.known() => Ok(Where::Here),
            Ok(_) => Ok(Where::Elsewhere),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Where::Nowhere),
            Err(error) => Err(error),
        }
    }

    fn take_back(&self) {
        // What is left of it is empty. It may be another's.
        if matches!(self.place(), Ok(Where::Here)) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn note_kept(&self) {
        kept::note(&self.path);
    }

    fn found(&self, run: u64, is_closed: bool) -> Left {
        left::found(&self.path, self.was, run, is_closed)
    }

    fn note_begun(&self, run: u64, keeps_first: bool) {
        left::note_begun(&self.path, run);
        match keeps_first {
            true => kept::note(&self.path),
            // It would be wrong from the first commit on.
            false => kept::forget(&self.path),
        }
    }

    fn note_closed(&self, run: u64) {
        left::note_closed(&self.path, run);
    }

    fn remains(&self) -> Option<ReadOnlyDatabase> {
        salvage::remains(&self.path, self.cache_bytes)
    }

    fn open_beside(&self) -> Result<Database, StoreError> {
        self.drop_beside();
        made(&self.beside()).map_err(StoreError::Io)?;
        self.builder().create(self.beside()).map_err(why)
    }

    fn put_in_place(&self) -> io::Result<PathBuf> {
        let of = |path: &Path| {
            std::fs::metadata(path)
                .ok()
                .and_then(|file| identity(&file))
        };
        let own = of(&self.path);
        // Whoever was killed here before has given it a name already.
        let mut damaged = self.damaged()?.into_iter();
        let known = damaged.find(|path| own.is_some() && of(path) == own);
        let aside = known.unwrap_or_else(|| {
            let id = crate::server::random_id();
            self.path.with_extension(format!("{DAMAGED}{id}"))
        });
        // With a second name there is a file of the first one at any moment.
        let is_linked = aside.exists() || std::fs::hard_link(&self.path, &aside).is_ok();
        if !is_linked {
            std::fs::rename(&self.path, &aside)?;
        }
        if let Err(error) = std::fs::rename(self.beside(), &self.path) {
            let put_back = match is_linked {
                true => std::fs::remove_file(&aside),
                false => std::fs::rename(&aside, &self.path),
            };
            if let Err(error) = put_back {
                tracing::error!(%error, aside = %aside.display(), "the file can't be put back");
            }
            return Err(error);
        }
        *self.known() = identity(&std::fs::metadata(&self.path)?);
        self.keep_name()?;
        if let Err(error) = self.bound_damaged(&aside) {
            tracing::error!(%error, "files that were damaged can't be removed");
        }
        Ok(aside)
    }

    fn drop_beside(&self) {
        let _ = std::fs::remove_file(self.beside());
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
