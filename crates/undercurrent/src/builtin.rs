//! The runtime's own states. Each scope has them beside the app's; they are recorded, logged,
//! streamed and shown on the first paint by the same means.

use crate::{State, core::list::List, core::task::TaskRecord};
use serde::{Deserialize, Serialize};

/// The tasks of a scope: those that run, and the last that ended.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcTasks {
    /// Oldest first.
    pub runs: List<TaskRecord>,
    #[state(server)]
    pub(crate) last_id: u64,
}

/// How the events of a scope ended, by client. A client that was away learns it here.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcEnds {
    /// One item a client, in no particular order.
    pub clients: List<ClientEnds>,
}

/// The ends of one client's events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientEnds {
    /// The client's id.
    pub client: String,
    /// All of its queued events up to this number have ended.
    pub upto: u64,
    /// The last ones that did not end well, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// An event that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The number of the client's event that led here.
    pub number: u64,
    /// The handler that failed: the event itself, or one that it dispatched.
    pub event: String,
    /// In what way.
    pub kind: EndKind,
    /// What the visitor is told.
    pub message: String,
}

/// How an event ended, or why it was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// It did what it does.
    Done,
    /// It returned an error.
    Failed,
    /// It panicked; its update was undone.
    Panicked,
    /// The server was started anew before it ended, and keeps nothing over a restart.
    Interrupted,
    /// There was no room: in the queue, for a task, or in the browser's outbox.
    Full,
    /// A task of this name and key runs already.
    Busy,
    /// The server could not read the arguments, or does not know the event: the page is older
    /// or newer than the server.
    Misfit,
    /// The session is gone: load the page again.
    NoSession,
    /// The scope's rule does not let the visitor in, or there is no such scope.
    Barred,
}
