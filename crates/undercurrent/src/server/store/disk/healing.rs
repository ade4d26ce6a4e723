//! What is done about a file that breaks or goes while the server runs.

use super::{
    Shared, StoreError, guarded, journal, of_redb, opened_again,
    opening::{copy, note_run},
    salvage::take_over,
};
use std::sync::{PoisonError, atomic::Ordering};

/// What is seen where a file is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// What can't be read of it is a scope's.
    Sound,
    /// The last of what was written may be gone.
    Repaired,
    Broken,
    /// It can't be opened at the moment.
    NotOpen,
}

impl Shared {
    /// After an error redb does nothing any more until it is opened anew.
    pub(super) fn open_again(&self) -> Result<(), StoreError> {
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        self.is_sound.store(false, Ordering::Relaxed);
        // The old one is dropped first: it holds the file.
        crate::server::drop_quietly(database.take());
        *database = Some(guarded(|| self.medium.open_again())?);
        Ok(())
    }

    /// Looks through all of the file, to see whether it can be read as a whole.
    pub(super) fn look_through(&self) -> Looked {
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        crate::server::drop_quietly(database.take());
        let opened = guarded(|| {
            let mut database = self.medium.open_again()?;
            let is_as_written = database.check_integrity().map_err(of_redb)?;
            // What came back with it is older than what is in memory.
            let write = database.begin_write().map_err(of_redb)?;
            journal::settle(&write)?;
            write.commit().map_err(of_redb)?;
            Ok((database, is_as_written))
        });
        match opened {
            Ok((whole, is_as_written)) => {
                *database = Some(whole);
                self.is_sound.store(true, Ordering::Relaxed);
                match is_as_written {
                    true => Looked::Sound,
                    false => Looked::Repaired,
                }
            }
            Err(StoreError::Broken(_) | StoreError::Damaged(_)) => Looked::Broken,
            Err(_) => Looked::NotOpen,
        }
    }

    /// What is in memory is handed over whole: what the file has may be older.
    pub(super) fn hand_over_all(&self) {
        self.era.fetch_add(1, Ordering::Release);
        let known = self.hand_over_all.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hand_over_all) = known {
            hand_over_all();
        }
    }

    /// Keeps aside what can't be read any more, and begins a new file with what is in memory.
    pub(super) fn begin_anew(&self, why: &str) -> Result<(), StoreError> {
        // Before the file's lock is taken: who reads takes the two in this order.
        self.forget_recent();
        {
            let database = self.database.write();
            let mut database = database.unwrap_or_else(PoisonError::into_inner);
            crate::server::drop_quietly(database.take());
            let aside = self.medium.set_aside().map_err(StoreError::Io)?;
            let new = guarded(|| {
                let database = self.medium.open()?;
                let rows = take_over(&*self.medium, &aside, &database)?;
                note_run(&database, self.run)?;
                Ok((database, rows))
            });
            let (new, rows) = match new {
                Ok(new) => new,
                Err(error) => {
                    self.medium.put_back(&aside);
                    return Err(error);
                }
            };
            *database = Some(new);
            tracing::error!(
                why,
                path = %self.medium.path().display(),
                aside = %aside.display(),
                rows,
                "the file of scopes is damaged: it is kept aside, and a new one is begun with the \
                 scopes that are in memory and with what can be read of the others"
            );
        }
        self.hand_over_all();
        Ok(())
    }

    /// The file has no name any more, and is open still: all of it goes into a new one.
    pub(super) fn move_on(&self) -> Result<(), StoreError> {
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        let Some(old) = database.as_ref() else {
            return Err(opened_again());
        };
        let new = guarded(|| {
            let new = self.medium.open()?;
            copy(old, &new)?;
            Ok(new)
        });
        match new {
            Ok(new) => *database = Some(new),
            Err(error) => {
                self.medium.take_back();
                return Err(error);
            }
        }
        tracing::error!(
            path = %self.medium.path().display(),
            "the file of scopes was taken away while the server runs: it is written anew"
        );
        Ok(())
    }
}
