//! What a collection is for: on its own, recorded, or the shadow of one that is recorded.

use std::sync::atomic::{AtomicU64, Ordering};

/// The same for `List`, `Map` and `Text`; `R` records what is done to it, `U` takes it back.
#[derive(Debug)]
pub(super) enum Role<R, U> {
    /// A collection on its own, as every clone is: nothing is recorded.
    Idle,
    /// Part of a state that is recorded.
    Armed(Box<R>),
    /// The shadow of an armed one: it has no content, only the identity to compare with, and the
    /// steps back of what was recorded early.
    Shadow(u64, U),
}

/// What an armed collection records with.
pub(super) trait Recording {
    /// Begins to record a collection of this length.
    fn new(id: u64, len: usize) -> Self;

    /// Which collection it is. Another one in its place (assigned, swapped in) has another.
    fn id(&self) -> u64;

    /// Forgets what was recorded, and begins anew.
    fn reset(&mut self, len: usize);
}

/// Identities are given out once in a process; they never leave it.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl<R: Recording, U: Default> Role<R, U> {
    /// Begins to record. Returns the role of the shadow.
    pub(super) fn arm(&mut self, len: usize) -> Self {
        let recorder = match std::mem::replace(self, Role::Idle) {
            // What was recorded under an earlier shadow is settled, parked or lost: the identity
            // stays, so that a parked shadow still fits.
            Role::Armed(mut recorder) => {
                recorder.reset(len);
                recorder
            }
            _ => Box::new(R::new(NEXT_ID.fetch_add(1, Ordering::Relaxed), len)),
        };
        let id = recorder.id();
        *self = Role::Armed(recorder);
        Role::Shadow(id, U::default())
    }

    pub(super) fn recorder(&mut self) -> Option<&mut R> {
        match self {
            Role::Armed(recorder) => Some(recorder),
            _ => None,
        }
    }

    /// The recorder, and what the shadow keeps, if it is the shadow of this.
    pub(super) fn with<'r>(&'r mut self, shadow: &'r mut Self) -> Option<(&'r mut R, &'r mut U)> {
        match (self, shadow) {
            (Role::Armed(recorder), Role::Shadow(id, parked)) if recorder.id() == *id => {
                Some((recorder, parked))
            }
            _ => None,
        }
    }

    /// The recorder, if the shadow is the shadow of this.
    pub(super) fn seen_by(&mut self, shadow: &Self) -> Option<&mut R> {
        match (self, shadow) {
            (Role::Armed(recorder), Role::Shadow(id, _)) if recorder.id() == *id => Some(recorder),
            _ => None,
        }
    }
}
