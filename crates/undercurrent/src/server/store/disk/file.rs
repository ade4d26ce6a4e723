//! The file itself: opened, or moved out of the way.

use super::{Medium, StoreError, of_redb, rows};
use redb::{Database, DatabaseError};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A file, as redb opens it.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    cache_bytes: usize,
}

/// What a file of redb begins with.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

impl File {
    pub(super) fn new(path: &Path, cache_bytes: usize) -> Self {
        File {
            path: path.to_owned(),
            cache_bytes,
        }
    }

    fn builder(&self) -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }

    /// What is there is a file of redb, as far as one sees at its beginning, or nothing at all.
    fn look(&self) -> Result<(), StoreError> {
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::Io(error)),
        };
        let mut begin = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, MAGIC.len() as u64), &mut begin)
            .map_err(StoreError::Io)?;
        // An empty one was made, and no more.
        if !begin.is_empty() && !MAGIC.starts_with(&begin) {
            return Err(StoreError::Foreign);
        }
        if !begin.is_empty() && begin.len() < MAGIC.len() {
            return Err(rows::damaged("it ends in its first line"));
        }
        Ok(())
    }
}

fn why(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
        DatabaseError::UpgradeRequired(_) => StoreError::Newer,
        DatabaseError::RepairAborted => rows::damaged("it can't be repaired"),
        error => of_redb(error),
    }
}

impl Medium for File {
    fn open(&self) -> Result<Database, StoreError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::Io)?;
        }
        self.look()?;
        self.builder().create(&self.path).map_err(why)
    }

    fn open_again(&self) -> Result<Database, StoreError> {
        self.builder().open(&self.path).map_err(why)
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        let name = format!("damaged-{}", crate::server::random_id());
        let aside = self.path.with_extension(name);
        std::fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
