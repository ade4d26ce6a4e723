//! What the database is on.

use super::{kept::Opened, left::Left};
use crate::server::store::StoreError;
use redb::{Database, ReadOnlyDatabase};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// What the database is on: a file, or what tests put in its place.
pub(crate) trait Medium: fmt::Debug + Send + Sync {
    /// Opens the database, or makes it.
    fn open(&self) -> Result<Opened, StoreError>;

    /// Opens the database that was there: where it is gone for the moment no other is made.
    fn open_again(&self) -> Result<Opened, StoreError>;

    /// Whether what was opened is still where it was opened.
    fn place(&self) -> io::Result<Where> {
        Ok(Where::Here)
    }

    /// Removes what was begun in the place of a file that has no name any more.
    fn take_back(&self) {}

    /// What was committed is kept: where it is not found later, something is lost.
    fn note_kept(&self) {}

    /// Whether it is what a run of this number left, by whose own word it was closed, if so.
    fn found(&self, _run: u64, _is_closed: bool) -> Left {
        Left::AsItIs
    }

    /// A run of this number has begun on it, which keeps first what it shows, if so.
    fn note_begun(&self, _run: u64, _keeps_first: bool) {}

    /// That run has closed it.
    fn note_closed(&self, _run: u64) {}

    /// What is damaged, to be read as far as it can be.
    fn remains(&self) -> Option<ReadOnlyDatabase> {
        None
    }

    /// Makes another database, which nobody finds yet.
    fn open_beside(&self) -> Result<Database, StoreError>;

    /// Keeps what is damaged aside, and puts that other one in its place. Whoever is killed meanwhile
    /// finds one of the two later.
    fn put_in_place(&self) -> io::Result<PathBuf>;

    /// Removes that other one: it was made in vain.
    fn drop_beside(&self) {}

    /// As the log calls it.
    fn path(&self) -> &Path;
}

/// Where the file is that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Here,
    /// It has no name any more: whoever looks for it later finds nothing.
    Nowhere,
    /// Another file has its name.
    Elsewhere,
}
