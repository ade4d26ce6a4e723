//! What is done about a file that breaks or goes while the server runs.

use super::{
    StoreError,
    errors::{guarded, of_redb, opened_again},
    journal,
    kept::Opened,
    opening::{copy, note_run},
    salvage::take_over,
    shared::Shared,
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
        // What did not come into the file is handed over once more.
        *database = Some(guarded(|| self.medium.open_again())?.database);
        Ok(())
    }

    /// Looks through all of the file, to see whether it can be read as a whole.
    pub(super) fn look_through(&self) -> Looked {
        // In the order in which who reads takes them.
        let mut recent = self.recent();
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        crate::server::drop_quietly(database.take());
        let opened = guarded(|| {
            let Opened {
                mut database,
                went_back,
            } = self.medium.open_again()?;
            let is_as_written = database.check_integrity().map_err(of_redb)? && !went_back;
            // What came back with it is older than what is in memory.
            let write = database.begin_write().map_err(of_redb)?;
            journal::settle(&write)?;
            recent.settle(&write, self.aside_bytes)?;
            write.commit().map_err(of_redb)?;
            let run = *self.run();
            let run = match is_as_written {
                true => run,
                false => run.anew(),
            };
            if !is_as_written {
                note_run(&database, run)?;
                self.medium.note_begun(run.turn, run.keeps_first);
            }
            Ok((database, run, is_as_written))
        });
        match opened {
            Ok((whole, run, is_as_written)) => {
                // Before anybody reads what it has.
                *self.run() = run;
                *database = Some(whole);
                recent.clear();
                self.fresh().clear();
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
        {
            // In the order in which who reads takes them.
            let mut recent = self.recent();
            let database = self.database.write();
            let mut database = database.unwrap_or_else(PoisonError::into_inner);
            crate::server::drop_quietly(database.take());
            let new = guarded(|| {
                let database = self.medium.open_beside()?;
                let rows = take_over(&*self.medium, &database, Some(&recent))?.rows;
                let run = self.run().anew();
                note_run(&database, run)?;
                let aside = self.medium.put_in_place().map_err(StoreError::Io)?;
                Ok((database, rows, run, aside))
            });
            let (new, rows, run, aside) = match new {
                Ok(new) => new,
                Err(error) => {
                    self.medium.drop_beside();
                    return Err(error);
                }
            };
            self.medium.note_begun(run.turn, run.keeps_first);
            // Before anybody reads what it has.
            *self.run() = run;
            recent.clear();
            self.fresh().clear();
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
            let new = self.medium.open()?.database;
            copy(old, &new)?;
            Ok(new)
        });
        match new {
            Ok(new) => {
                *database = Some(new);
                let run = *self.run();
                self.medium.note_begun(run.turn, run.keeps_first);
            }
            Err(error) => {
                self.medium.take_back();
                return Err(error);
            }
        }
        tracing::error!(
            path = %self.medium.path().display(),
            "the file of scopes was taken away while the server runs: it is written anew"
        );
        if let Some(act) = self.moved_on.get() {
            act();
        }
        Ok(())
    }
}
