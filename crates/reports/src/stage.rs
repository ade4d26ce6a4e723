//! Where the products of a report are, each and all.

use serde::{Deserialize, Serialize};
use upstream::sales::figures::Figures;

/// Where a product is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// It waits for its turn. `Asked` is next.
    #[default]
    Waiting,
    /// The shop was asked. `Done` or `Failed` is next; `Waiting` where the task ends before.
    Asked,
    /// It is here.
    Done(Figures),
    /// It did not come, and why. Another try leads to `Done`, or here again.
    Failed(String),
}

impl Stage {
    /// Nothing more comes of it by itself.
    pub fn is_settled(&self) -> bool {
        matches!(self, Stage::Done(_) | Stage::Failed(_))
    }

    /// What is known of it, if it is here.
    pub fn figures(&self) -> Option<&Figures> {
        match self {
            Stage::Done(figures) => Some(figures),
            _ => None,
        }
    }

    /// As a stylesheet calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Asked => "asked",
            Stage::Done(_) => "done",
            Stage::Failed(_) => "failed",
        }
    }
}

/// How many products are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The shop was asked for so many.
    pub asked: usize,
    /// So many are here.
    pub done: usize,
    /// So many did not come.
    pub failed: usize,
    /// All of them.
    pub of: usize,
}

impl Counts {
    /// Those of these.
    pub fn of<'a>(stages: impl IntoIterator<Item = &'a Stage>) -> Self {
        let mut counts = Counts::default();
        for stage in stages {
            counts.of += 1;
            match stage {
                Stage::Waiting => {}
                Stage::Asked => counts.asked += 1,
                Stage::Done(_) => counts.done += 1,
                Stage::Failed(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// Of so many nothing more comes by itself.
    pub fn settled(self) -> usize {
        self.done + self.failed
    }

    /// All of them are settled, and there are some.
    pub fn are_settled(self) -> bool {
        self.of > 0 && self.settled() == self.of
    }

    /// What a section says that is empty.
    pub fn wait(self) -> &'static str {
        match self.are_settled() {
            true => "It is written when those before it are.",
            false => "It is written when all products are settled.",
        }
    }

    /// In words.
    pub fn facts(self) -> [(usize, &'static str); 3] {
        [
            (self.done, "here"),
            (self.asked, "asked for"),
            (self.failed, "did not come"),
        ]
    }

    /// What begins a run, or goes on with one that ended early.
    pub fn button(self, run: Run, is_whole: bool) -> &'static str {
        match (run, is_whole) {
            (_, true) => "Make it anew",
            (Run::None, false) if self.of > 0 => "Go on",
            _ => "Make the report",
        }
    }

    /// What a run does now, or what can be done where none is. It changes with the phase, not with
    /// each product: it can be said aloud.
    pub fn phase(self, run: Run, is_whole: bool) -> &'static str {
        match (run, self.of) {
            (Run::None, 0) => "Nothing was asked for yet.",
            (Run::Paused, _) => "Paused. What was asked for is taken when it goes on.",
            (Run::Runs, of) if of == 0 || is_whole => "The shop is asked what it sells.",
            (Run::Runs, _) if self.are_settled() => {
                "All products are settled. The report is written."
            }
            (Run::Runs, _) => "The shop is asked for each product.",
            (Run::None, _) if !is_whole => "Go on does what is missing. Clear begins from nothing.",
            (Run::None, _) if self.failed > 0 => {
                "Retry asks for one product, and what it changes is written anew."
            }
            (Run::None, _) => "All of it is here.",
        }
    }
}

/// Whether a run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// None is.
    None,
    /// One is.
    Runs,
    /// One is, and is held.
    Paused,
}
