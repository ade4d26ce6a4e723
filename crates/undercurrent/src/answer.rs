//! What the server answers to events, on both sides.

use crate::EndKind;
use serde::{Deserialize, Serialize};

/// What became of the events of a request, each.
#[cfg_attr(
    not(any(feature = "ssr", feature = "hydrate")),
    expect(dead_code, reason = "of who sends and who takes")
)]
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answers {
    /// The history in which the events were taken.
    pub(crate) epoch: String,
    pub(crate) events: Vec<Answer>,
}

/// What became of an event at the door of the queue.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Its number.
    pub(crate) n: u64,
    pub(crate) is: Fate,
    /// How it ended, or why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<EndKind>,
    /// What the visitor is told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It waits or runs; its end will be in the state `uc_ends`.
    Queued,
    /// Its number was accepted before, and it waits, runs or has ended. It is not run again.
    Known,
    /// It did not need to wait, and has ended.
    Ended,
    /// It is not taken, and was not run.
    Refused,
}
