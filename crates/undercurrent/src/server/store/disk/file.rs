//! The file itself: opened, or moved out of the way.

use super::{Medium, StoreError, Where, elsewhere, of_redb, rows, salvage};
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
    /// Which file of the system it is, once it was opened.
    // A std mutex, held to put or to copy out.
    known: Mutex<Option<Identity>>,
}

/// What a file keeps when its name goes: the device, and its number there.
type Identity = (u64, u64);

/// What a file of redb begins with.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Where redb writes twice how it writes, in its two slots of commits.
const FORMATS: [usize; 2] = [64, 192];
/// How the redb of this build writes.
const FORMAT: u8 = 3;
/// So large a file is looked through each time it is opened: 64 MiB take a tenth of a second. A larger
/// one after a crash only.
const CHECKED_BYTES: u64 = 64 << 20;

impl File {
    pub(super) fn new(path: &Path, cache_bytes: usize) -> Self {
        File {
            path: path.to_owned(),
            cache_bytes,
            known: Mutex::default(),
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

    /// The folder that the file is in.
    fn folder(&self) -> &Path {
        let folder = self.path.parent();
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// Makes the file, for its owner alone: server-only fields are in it.
    fn make(&self) -> io::Result<()> {
        std::fs::create_dir_all(self.folder())?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Ok(made) => {
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
    fn open(&self) -> Result<Database, StoreError> {
        let was_there = self.path.exists();
        self.look()?;
        let bytes = std::fs::metadata(&self.path).map_err(StoreError::Io)?.len();
        let mut builder = self.builder();
        builder.set_check_integrity_on_open(bytes <= CHECKED_BYTES);
        let database = builder.create(&self.path).map_err(|error| {
            if !was_there {
                // Made in vain: nobody is to find an empty one.
                self.take_back();
            }
            why(error)
        })?;
        let metadata = std::fs::metadata(&self.path).map_err(StoreError::Io)?;
        *self.known() = identity(&metadata);
        Ok(database)
    }

    fn open_again(&self) -> Result<Database, StoreError> {
        if self.place().map_err(StoreError::Io)? == Where::Elsewhere {
            return Err(elsewhere());
        }
        self.builder().open(&self.path).map_err(why)
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

    fn set_aside(&self) -> io::Result<PathBuf> {
        let name = format!("damaged-{}", crate::server::random_id());
        let aside = self.path.with_extension(name);
        std::fs::rename(&self.path, &aside)?;
        self.keep_name()?;
        Ok(aside)
    }

    fn put_back(&self, aside: &Path) {
        let put = std::fs::rename(aside, &self.path);
        match put.and_then(|()| std::fs::metadata(&self.path)) {
            Ok(metadata) => *self.known() = identity(&metadata),
            Err(error) => {
                tracing::error!(%error, aside = %aside.display(), "the file can't be put back");
            }
        }
    }

    fn remains(&self, aside: &Path) -> Option<ReadOnlyDatabase> {
        salvage::remains(aside, self.cache_bytes)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
