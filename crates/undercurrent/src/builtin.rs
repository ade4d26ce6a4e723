//! The runtime's own states. Each scope has them beside the app's; they are recorded, logged,
//! streamed and shown on the first paint by the same means.

use crate::{
    State,
    core::{list::List, map::Map, task::TaskRecord},
};
use serde::{Deserialize, Serialize};

/// The tasks of a scope: those that run, and the last that ended.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcTasks {
    /// Oldest first.
    pub runs: List<TaskRecord>,
    #[state(server)]
    pub(crate) last_id: u64,
    /// What the runs were started with, for who starts one again. It is not sent: arguments may
    /// say what the page does not show.
    #[state(server)]
    pub(crate) arguments: List<Arguments>,
    /// Where the runs that have not ended go on after a crash.
    #[state(server)]
    pub(crate) cursors: List<Cursor>,
}

/// The arguments of a run, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) run: u64,
    pub(crate) json: String,
    /// Who started it, and from which page.
    #[serde(default)]
    pub(crate) visitor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<(String, u64)>,
}

/// The last checkpoint of a run, as JSON, and how often it was resumed since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) run: u64,
    pub(crate) json: Option<String>,
    #[serde(default)]
    pub(crate) resumes: u32,
}

/// Who is here, as the scope's states were told last. Kept with what they made of it, so that a server
/// that is started anew knows who stands there and may have gone. No page sees it.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcPresent {
    /// By the visitor's key. The value says nothing.
    #[state(server)]
    pub(crate) here: Map<String, bool>,
}

/// Which cookie of a session is the newest: log-in and log-out raise it. No page sees it.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcSession {
    #[state(server)]
    pub(crate) generation: u64,
}

/// How the events of a scope ended, by client, and what handlers ask of clients. One that was
/// away learns it here.
#[derive(State, Clone, Debug, Default)]
#[state(scope = each)]
pub struct UcEnds {
    /// One item a client, in no particular order.
    pub clients: List<ClientEnds>,
    /// What handlers ask of pages, oldest first. A page does its own, each once.
    // No field here is for the server alone: each end would be written a second time, for the store.
    pub effects: List<PageEffect>,
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

/// What a handler asks of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEffect {
    /// The client that the page is.
    pub client: String,
    /// Rising within a life.
    pub n: u64,
    /// What to do.
    pub effect: Effect,
}

/// What a page can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Go to a path of this site.
    Go(String),
    /// Show a toast.
    Toast(String),
    /// Download what is at a path of this site.
    Download(String),
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
    /// It panicked; its update was undone.
    Panicked,
    /// It took longer than its `timeout`, or than `limits.event-ms`.
    TimedOut,
    /// Its visitor has cancelled it.
    Cancelled,
    /// The server was started anew before it ended, and keeps nothing over a restart.
    Interrupted,
    /// There was no room: in the queue, for a task, or in the browser's outbox.
    Full,
    /// A task of this name and key runs already.
    Busy,
    /// A later one of the same client was taken before it came. With a new number it is taken.
    Late,
    /// The server could not read the arguments, or the event is none of this scope.
    Misfit,
    /// The server has this event with other arguments, or not at all: the page is older or newer
    /// than the server, and is to be loaded again.
    Outdated,
    /// The session is gone: load the page again.
    NoSession,
    /// The scope's rule does not let the visitor in, or there is no such scope.
    Barred,
    /// It returned an error. What a newer build may say is read as this, too.
    #[serde(other)]
    Failed,
}
