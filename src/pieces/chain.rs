//! A run of chained events, as a state keeps it.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// Each step of a run queues the next. Runs are numbered, so that a step of an old one knows that
/// it is old.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// The number of the last run.
    pub run: u32,
    /// Where the last run is; `None` before the first.
    pub status: Option<TaskStatus>,
    /// Steps done.
    pub done: u32,
}

impl Chain {
    /// Begins a run, and returns its number.
    pub fn begin(&mut self) -> u32 {
        *self = Chain {
            run: self.run + 1,
            status: Some(TaskStatus::Running),
            done: 0,
        };
        self.run
    }

    /// The run ends so, if one is under way.
    pub fn end(&mut self, status: TaskStatus) {
        if self.is_running() {
            self.status = Some(status);
        }
    }

    /// A run is under way.
    pub fn is_running(&self) -> bool {
        self.status == Some(TaskStatus::Running)
    }

    /// A run is under way, and it is this one.
    pub fn is_at(&self, run: u32) -> bool {
        self.is_running() && self.run == run
    }
}
