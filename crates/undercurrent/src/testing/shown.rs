//! What a page shows: replicas that frames lead on.

use crate::{
    State,
    core::{
        ops::Applied,
        position::Position,
        replica::{Replica, Verdict},
        scope::ScopeName,
        state::{apply_ops, from_json},
    },
};
use std::{any::Any, fmt};

/// A state that a page follows.
pub(super) struct Followed {
    pub(super) scope: ScopeName,
    pub(super) name: &'static str,
    replica: Box<dyn AnyReplica>,
}

struct Shown<S> {
    value: S,
    stands: Replica,
}

trait AnyReplica: Send {
    fn stands(&self) -> Replica;
    fn receive(&mut self, since: Option<u64>, at: Position, body: &str) -> Verdict;
    fn broke(&mut self);
    fn value(&self) -> &dyn Any;
}

impl Followed {
    pub(super) fn new<S: State>(scope: ScopeName) -> Self {
        Followed {
            scope,
            name: S::NAME,
            replica: Box::new(Shown {
                value: S::default(),
                stands: Replica::Pending,
            }),
        }
    }

    /// What a stream is asked to resume from.
    pub(super) fn from(&self) -> Option<Position> {
        self.replica.stands().resume_from()
    }

    /// Takes a frame. A verdict of `Resync` asks for a new stream.
    pub(super) fn receive(&mut self, since: Option<u64>, at: Position, body: &str) -> Verdict {
        self.replica.receive(since, at, body)
    }

    /// What it shows has not been: only a snapshot makes it right.
    pub(super) fn broke(&mut self) {
        self.replica.broke();
    }

    pub(super) fn value<S: State>(&self) -> S {
        let value = self.replica.value().downcast_ref::<S>();
        value.expect("a name is one type's").clone()
    }
}

impl<S: State> AnyReplica for Shown<S> {
    fn stands(&self) -> Replica {
        self.stands
    }

    fn receive(&mut self, since: Option<u64>, at: Position, body: &str) -> Verdict {
        let verdict = self.stands.receive(since, at);
        if verdict != Verdict::Apply {
            return verdict;
        }
        let applied = match since {
            None => from_json(body).map(|value| self.value = value),
            Some(_) => apply_ops(&mut self.value, body, &mut Applied::default()),
        };
        match applied {
            Ok(()) => Verdict::Apply,
            Err(_) => {
                self.stands.broke();
                Verdict::Resync
            }
        }
    }

    fn broke(&mut self) {
        self.stands.broke();
    }

    fn value(&self) -> &dyn Any {
        &self.value
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("scope", &self.scope)
            .field("name", &self.name)
            .field("stands", &self.replica.stands())
            .finish()
    }
}
