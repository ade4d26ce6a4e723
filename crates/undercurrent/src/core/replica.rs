//! The replica's side of a stream: which frames fit, and what to do about those that don't.

use super::position::{Epoch, Position};

/// Where a replica of one state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replica {
    /// It shows the default state because nothing has come yet. The first snapshot makes it
    /// `Live`; a frame that begins at the default does, too.
    Pending,
    /// It shows what the scope had at this position. A frame that does not fit makes it
    /// `Broken`.
    Live(Position),
    /// It shows an older state of the scope, and a frame is missing or could not be applied.
    /// Only a snapshot makes it `Live` again.
    Broken,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Apply it; the replica is then at its position.
    Apply,
    /// It is known already.
    Drop,
    /// It leaves a gap. Ask for a snapshot.
    Resync,
}

impl Replica {
    /// What a new stream is asked to resume from; `None` asks for a snapshot.
    pub fn resume_from(self) -> Option<Position> {
        match self {
            Replica::Live(position) => Some(position),
            // A pending one may well be right. But nobody would say so: what is current is not
            // written.
            Replica::Pending | Replica::Broken => None,
        }
    }

    /// Takes a frame's (since, position] and says what to do with the frame. `since` is `None`
    /// for a snapshot.
    pub fn receive(&mut self, since: Option<u64>, to: Position) -> Verdict {
        let verdict = match (*self, since) {
            (Replica::Live(at), None) if at.epoch == to.epoch && to.offset < at.offset => {
                Verdict::Drop
            }
            (_, None) => Verdict::Apply,
            (Replica::Broken, Some(_)) => Verdict::Drop,
            (Replica::Pending, Some(since)) => Self::judge(Position::NONE, since, to),
            (Replica::Live(at), Some(since)) => Self::judge(at, since, to),
        };
        match verdict {
            Verdict::Apply => *self = Replica::Live(to),
            Verdict::Resync => *self = Replica::Broken,
            Verdict::Drop => {}
        }
        verdict
    }

    /// The frame was not applied after all: it did not fit the state.
    pub fn broke(&mut self) {
        *self = Replica::Broken;
    }

    fn judge(at: Position, since: u64, to: Position) -> Verdict {
        // Every epoch begins with the default state, which is what `0-0` is.
        let same_history = at.epoch == to.epoch || at.epoch == Epoch::NONE;
        if same_history && since == at.offset {
            Verdict::Apply
        } else if at.epoch == to.epoch && to.offset <= at.offset {
            Verdict::Drop
        } else {
            Verdict::Resync
        }
    }
}
