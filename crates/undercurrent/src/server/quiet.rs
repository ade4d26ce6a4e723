//! What user code may have a hand in when it is dropped.

use super::drop_quietly;

/// Holds what came from a page. Where it is dropped unused, in the middle of an update or under a lock
/// say, a panic of its own stays there.
pub(super) struct Quiet<T>(Option<T>);

impl<T> Quiet<T> {
    pub(super) fn new(value: T) -> Self {
        Quiet(Some(value))
    }

    pub(super) fn take(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("it is taken once"),
        }
    }
}

impl<T: Clone> Quiet<T> {
    pub(super) fn copy(&self) -> T {
        match &self.0 {
            Some(value) => value.clone(),
            None => unreachable!("it is there until it is dropped"),
        }
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}
