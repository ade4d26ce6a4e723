//! The bytes of all logs together.

use super::scopes::Scopes;
use std::sync::{
    Mutex, TryLockError,
    atomic::{AtomicUsize, Ordering},
};

/// What the logs of all scopes take, and may take. States keep some of the entries longer, to be
/// read anew from: a large one at most as much as it takes itself, all small ones of a scope together
/// as much as its log may take, or 64 KiB more; and none when its log is cut. Each
/// log has a bound of its own; that of all is kept by those that nobody has used for the longest.
#[derive(Debug)]
pub(crate) struct LogBudget {
    used: AtomicUsize,
    max: usize,
    /// Held while room is made. Who finds it taken leaves it to the other.
    making_room: Mutex<()>,
}

impl LogBudget {
    pub(crate) fn new(max: usize) -> Self {
        LogBudget {
            used: AtomicUsize::new(0),
            max,
            making_room: Mutex::default(),
        }
    }

    /// Counts that a log went from so many bytes to so many. Tells whether there are too many now.
    pub(super) fn count(&self, before: usize, after: usize) -> bool {
        if after < before {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
            return false;
        }
        let added = after - before;
        self.used.fetch_add(added, Ordering::Relaxed) + added > self.max
    }

    /// Cuts the logs that have been idle the longest: an eighth at once, so that the search is not
    /// made for each update.
    pub(super) fn make_room(&self, scopes: &Scopes) {
        let _one = match self.making_room.try_lock() {
            Err(TryLockError::WouldBlock) => return,
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        let mut all = scopes.all();
        // Each is asked once: others use their scopes meanwhile, and an order that changes while
        // it is sorted is none.
        all.sort_by_cached_key(|slot| slot.last_used_ms());
        for slot in all {
            if self.used() <= self.max - self.max / 8 {
                return;
            }
            if let Some(scope) = slot.scope() {
                scope.cut_log();
            }
        }
    }

    /// Bytes of all logs now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}
