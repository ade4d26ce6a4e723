//! What goes wrong with redb, as the store tells it.

use crate::server::store::StoreError;
use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

pub(super) fn elsewhere() -> StoreError {
    let why = "another file is in the place of the one that was opened: take it away";
    StoreError::Io(io::Error::other(why))
}

pub(super) fn opened_again() -> StoreError {
    StoreError::Io(io::Error::other("the file was opened again"))
}

/// What redb panics with over a damaged file is an error like any other.
pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let why = crate::server::describe_panic(&*panic).to_owned();
        Err(StoreError::Broken(why))
    })
}

pub(super) fn of_redb(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            // Of a file that ends too early.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                StoreError::Broken(error.to_string())
            }
            _ => StoreError::Io(error),
        },
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
            StoreError::Io(io::Error::other(error.to_string()))
        }
        // Of the file as a whole, and of no scope in it.
        error @ redb::Error::LockPoisoned(_) => StoreError::Io(io::Error::other(error.to_string())),
        error => StoreError::Broken(error.to_string()),
    }
}
