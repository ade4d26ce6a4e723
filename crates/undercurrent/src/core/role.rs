//! What a collection is for: on its own, recorded, or the shadow of one that is recorded.

use std::sync::atomic::{AtomicU64, Ordering};

/// The same for `List`, `Map` and `Text`; `R` records what is done to it, `U` takes it back.
#[derive(Debug)]
pub(super) enum Role<R, U> {
    /// A collection on its own, as every clone is: nothing is recorded.
    Idle,
    /// Part of a state that is recorded, since the shadow of this identity.
    Armed(u64, Box<R>),
    /// The shadow of an armed one.
    Shadow(Shadow<U>),
}

/// It has no content, only what is needed to find what it is the shadow of, and the steps back
/// of what was recorded early.
#[derive(Debug)]
pub(super) struct Shadow<U> {
    id: u64,
    /// The identity of the armed one before this shadow: undone, it has that again, so that an
    /// earlier shadow, which was parked, fits in its turn.
    before: u64,
    parked: U,
}

/// What an armed collection records with.
pub(super) trait Recording {
    /// Begins to record a collection of this length.
    fn new(len: usize) -> Self;

    /// Nothing was recorded since it began, or what was is settled or parked.
    fn is_clean(&self) -> bool;

    /// Forgets what was recorded, and begins anew.
    fn reset(&mut self, len: usize);
}

/// Identities are given out once in a process; they never leave it.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

impl<R: Recording, U: Default> Role<R, U> {
    /// Begins to record. Returns the role of the shadow.
    ///
    /// The identity is new each time: it says since when it is recorded, and not only what. A
    /// collection that went into an item, was armed there and came back is not what its field's
    /// shadow knows.
    pub(super) fn arm(&mut self, len: usize) -> Self {
        let id = next_id();
        let (before, recorder) = match std::mem::replace(self, Role::Idle) {
            Role::Armed(before, mut recorder) => {
                // Steps that were neither settled nor parked are lost: no earlier shadow can be
                // reached by going back.
                let before = if recorder.is_clean() { before } else { id };
                recorder.reset(len);
                (before, recorder)
            }
            _ => (id, Box::new(R::new(len))),
        };
        *self = Role::Armed(id, recorder);
        Role::Shadow(Shadow {
            id,
            before,
            parked: U::default(),
        })
    }

    pub(super) fn recorder(&mut self) -> Option<&mut R> {
        match self {
            Role::Armed(_, recorder) => Some(recorder),
            _ => None,
        }
    }

    /// The recorder, and what the shadow keeps, if it is the shadow of this.
    pub(super) fn with<'r>(&'r mut self, shadow: &'r mut Self) -> Option<(&'r mut R, &'r mut U)> {
        match (self, shadow) {
            (Role::Armed(id, recorder), Role::Shadow(shadow)) if *id == shadow.id => {
                Some((recorder, &mut shadow.parked))
            }
            _ => None,
        }
    }

    /// The recorder, if the shadow is the shadow of this.
    pub(super) fn seen_by(&mut self, shadow: &Self) -> Option<&mut R> {
        match (self, shadow) {
            (Role::Armed(id, recorder), Role::Shadow(shadow)) if *id == shadow.id => Some(recorder),
            _ => None,
        }
    }

    /// Goes back behind the shadow, if it is the shadow of this: the recorder, and what the shadow
    /// kept.
    pub(super) fn back(&mut self, shadow: Self) -> Option<(&mut R, U)> {
        match (self, shadow) {
            (Role::Armed(id, recorder), Role::Shadow(shadow)) if *id == shadow.id => {
                *id = shadow.before;
                Some((recorder, shadow.parked))
            }
            _ => None,
        }
    }
}
