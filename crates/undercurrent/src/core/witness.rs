//! A second look at what a page applies. The replica decides which frames fit; the witness knows
//! nothing of that and counts what came of it, so that "none lost, none twice" is counted and not
//! claimed.

use super::{position::Position, replica::Verdict};
use std::collections::BTreeMap;

/// What was counted since the page was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Changes that were applied.
    pub applied: u64,
    /// Snapshots that were taken in place of changes.
    pub snapshots: u64,
    /// Frames that came again and were left out. Each stream that takes over brings some.
    pub repeated: u64,
    /// Gaps that were noticed. A snapshot closes each.
    pub gaps: u64,
    /// Changes that were applied though the one before them was missing. None, ever.
    pub lost: u64,
    /// Changes that were applied although they were in already. None, ever.
    pub twice: u64,
}

/// Where each state stands by what was applied to it.
#[derive(Debug, Default)]
pub struct Witness {
    at: BTreeMap<String, Position>,
    counts: Counts,
}

impl Witness {
    /// A state is followed from here on, unless it is already.
    pub fn begins(&mut self, state: &str, at: Option<Position>) {
        if let Some(at) = at
            && !self.at.contains_key(state)
        {
            self.at.insert(state.to_owned(), at);
        }
    }

    /// A frame came, and this was done with it. `since` is `None` for a snapshot.
    pub fn saw(&mut self, state: &str, since: Option<u64>, to: Position, done: Verdict) {
        let counts = &mut self.counts;
        match (done, since) {
            (Verdict::Drop, _) => counts.repeated += 1,
            (Verdict::Resync, _) => counts.gaps += 1,
            (Verdict::Apply, None) => counts.snapshots += 1,
            (Verdict::Apply, Some(since)) => {
                counts.applied += 1;
                if let Some(at) = self.at.get(state) {
                    // A new history begins at its own beginning, which is the default.
                    let before = if at.epoch == to.epoch { at.offset } else { 0 };
                    counts.lost += u64::from(since > before);
                    counts.twice += u64::from(since < before || to.offset <= before);
                }
            }
        }
        if done == Verdict::Apply {
            self.at.insert(state.to_owned(), to);
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::position::Epoch;

    fn at(offset: u64) -> Position {
        Position::new(Epoch::from_random(7), offset)
    }

    #[test]
    fn what_follows_on_what_is_there_is_neither_lost_nor_twice() {
        let mut witness = Witness::default();
        witness.begins("feed", Some(at(3)));
        witness.saw("feed", Some(3), at(4), Verdict::Apply);
        witness.saw("feed", Some(4), at(9), Verdict::Apply);
        witness.saw("feed", Some(4), at(9), Verdict::Drop);
        let counts = witness.counts();
        assert_eq!((counts.applied, counts.repeated), (2, 1));
        assert_eq!((counts.lost, counts.twice), (0, 0));
    }

    #[test]
    fn a_gap_that_is_applied_is_a_loss_and_what_is_in_already_comes_twice() {
        let mut witness = Witness::default();
        witness.begins("feed", Some(at(3)));
        witness.saw("feed", Some(5), at(6), Verdict::Apply);
        assert_eq!(witness.counts().lost, 1);
        witness.saw("feed", Some(5), at(6), Verdict::Apply);
        assert_eq!((witness.counts().lost, witness.counts().twice), (1, 1));
    }

    #[test]
    fn a_snapshot_leads_anywhere_and_a_new_history_begins_anew() {
        let mut witness = Witness::default();
        witness.begins("feed", Some(at(3)));
        witness.saw("feed", Some(7), at(8), Verdict::Resync);
        witness.saw("feed", None, at(8), Verdict::Apply);
        witness.saw("feed", Some(8), at(9), Verdict::Apply);
        let other = Position::new(Epoch::from_random(8), 1);
        witness.saw("feed", Some(0), other, Verdict::Apply);
        let counts = witness.counts();
        assert_eq!((counts.gaps, counts.snapshots, counts.applied), (1, 1, 2));
        assert_eq!((counts.lost, counts.twice), (0, 0));
    }
}
