//! Between a commit and the streams: no stream sleeps while something waits to be written.
//!
//! ```text
//! commit                          stream
//!   the log gets an entry           `look`: asks to be woken, then that nothing waits
//!   `tell`: something waits;        reads the log
//!   who asked to be woken is        sleeps, if there was nothing
//! ```
//!
//! Whichever order the two take, either the stream reads the entry or it is woken. That holds for
//! whatever is put where the stream reads before `tell`, under a lock or not. crates/handover
//! takes this file through every order, which is why it gets its atomics from `sync`.

use super::sync::{AtomicBool, AtomicWaker, Mutex, Ordering};
use std::{
    sync::{Arc, PoisonError},
    task::Waker,
};

/// What one stream is told.
pub(crate) struct News {
    waker: AtomicWaker,
    /// Something waits to be written. A second change before the stream has run costs one swap.
    waits: AtomicBool,
}

/// Those who are told: the streams of a scope.
pub(crate) struct Audience<F> {
    // A std mutex, held to add, to remove and to go through; a wake takes no lock of ours.
    all: Mutex<Vec<Arc<F>>>,
}

// === impl News ===

impl News {
    /// Of a stream that has not looked yet: it will.
    pub(crate) fn new() -> Self {
        News {
            waker: AtomicWaker::new(),
            waits: AtomicBool::new(true),
        }
    }

    /// The stream begins to look. It asks to be woken first, so that what comes meanwhile wakes it
    /// again. The swap takes over what was put down before a `tell` that found it awake. Says
    /// whether there is something to be seen that was not at the last look.
    pub(crate) fn look(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.waits.swap(false, Ordering::SeqCst)
    }

    /// Something was put where the stream looks. Says whether that wakes it.
    pub(crate) fn tell(&self) -> bool {
        let wakes = !self.waits.swap(true, Ordering::SeqCst);
        if wakes {
            self.waker.wake();
        }
        wakes
    }

    /// It was told, and has not looked since.
    pub(crate) fn wait(&self) -> bool {
        self.waits.load(Ordering::SeqCst)
    }
}

// === impl Audience ===

impl<F> Default for Audience<F> {
    fn default() -> Self {
        Audience {
            all: Mutex::new(Vec::new()),
        }
    }
}

impl<F> Audience<F> {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// From now on it is told. It looks after this, not before.
    pub(crate) fn add(&self, one: Arc<F>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(one);
    }

    pub(crate) fn remove(&self, one: &Arc<F>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !Arc::ptr_eq(known, one));
    }

    pub(crate) fn each(&self, visit: impl Fn(&F)) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(|one| visit(one));
    }
}
