//! How a view follows a list: it is told the changes, not the list.

use crate::core::ops::{Applied, Wake};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A change of a list, with indices as of the moment of the change.
#[derive(Clone, Debug, PartialEq)]
pub enum ListChange<T> {
    /// The item at the index is this now.
    Set(usize, T),
    /// These items came before the one at the index, or behind the last.
    Insert(usize, Vec<T>),
    /// So many items from the index on are gone.
    Remove(usize, usize),
    /// The item at the first index has the second now; those between moved up.
    Move(usize, usize),
    /// The items at the two indices changed places.
    Swap(usize, usize),
    /// From the index on the items stand in another order: the first is the one that was so
    /// many places behind the index, and so on.
    Order(usize, Vec<u32>),
}

/// Holds the changes that a view has not shown yet. Unbounded by design: it is emptied by the
/// view's effect in the same turn of the event loop, and dropped with the view.
pub struct Mailbox<T> {
    // A std mutex: it is held to push or to take, never across anything.
    changes: Mutex<Vec<ListChange<T>>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The mailboxes of a list's views. The views own them; a dropped one is forgotten at the next
/// change.
pub(in crate::core) struct Observers<T>(Vec<Weak<Mailbox<T>>>);

// === impl Mailbox ===

impl<T> Mailbox<T> {
    /// The changes since the last call, oldest first.
    pub fn take(&self) -> Vec<ListChange<T>> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Send> Wake for Mailbox<T> {
    fn wake(&self) {
        (self.wake)();
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

// === impl Observers ===

impl<T> Default for Observers<T> {
    fn default() -> Self {
        Observers(Vec::new())
    }
}

impl<T: Clone + Send + 'static> Observers<T> {
    pub(in crate::core) fn tell(&mut self, change: &ListChange<T>, applied: &mut Applied) {
        self.0.retain(|mailbox| {
            let Some(mailbox) = mailbox.upgrade() else {
                return false;
            };
            let mut changes = mailbox
                .changes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if changes.is_empty() {
                applied.wakes.push(mailbox.clone());
            }
            changes.push(change.clone());
            true
        });
    }

    pub(in crate::core) fn add(
        &mut self,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Mailbox<T>> {
        let mailbox = Arc::new(Mailbox {
            changes: Mutex::default(),
            wake: Box::new(wake),
        });
        self.0.push(Arc::downgrade(&mailbox));
        mailbox
    }
}
