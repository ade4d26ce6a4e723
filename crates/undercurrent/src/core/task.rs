//! A background task, as pages see it.

use serde::{Deserialize, Serialize};

/// Where a task is. The last five are ends; a task has one end and keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It runs. A cancel or its own end leads on.
    #[default]
    Running,
    /// It came to its end.
    Done,
    /// It returned an error.
    Failed,
    /// It was cancelled, by a person or by the server.
    Cancelled,
    /// It panicked. The process and everything else went on.
    Panicked,
    /// The server went down before it ended.
    Interrupted,
}

/// One run of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Unique in its scope.
    pub id: u64,
    /// The function, as `<state>/<function>`.
    pub name: String,
    /// Which instance, for tasks with a key; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Where it is.
    pub status: TaskStatus,
    /// A cancel was recorded: no update of this run lands any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    /// Done so far, of how many; 0 of 0 when the task tells nothing.
    #[serde(default)]
    pub progress: Progress,
    /// What the visitor is told of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub done: u64,
    /// Steps in all.
    pub of: u64,
}

impl TaskStatus {
    /// The task has ended.
    pub fn is_end(self) -> bool {
        self != TaskStatus::Running
    }
}
