//! A background task, as pages see it.

use serde::{Deserialize, Serialize};

/// Where a task is. The last six are ends; a run has one end and keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It waits: for the run before it (`overlap = queue`), or for its next attempt. Its turn
    /// leads to `Running`, a cancel to `Cancelled`.
    Queued,
    /// It runs. A pause leads to `Paused`, a cancel or its own end to an end; an attempt that
    /// fails leads to `Queued` while there are retries.
    #[default]
    Running,
    /// It is held: no update of it lands until it is resumed. That leads back to where it was.
    Paused,
    /// It came to its end.
    Done,
    /// It returned an error, and has no retries left.
    Failed,
    /// It was cancelled, by a person, by the server or by a newer run (`overlap = replace`).
    Cancelled,
    /// Its last attempt took longer than its `timeout`.
    TimedOut,
    /// It panicked. The process and everything else went on.
    Panicked,
    /// The server went down before it ended.
    Interrupted,
}

/// One run of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Which attempt it is, counted from 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempt: u32,
    /// How many attempts it has: one more than its retries.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// What the visitor is told of the last attempt that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began, in milliseconds since 1970; while it waits for its turn, since when.
    pub started_ms: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
}

/// The end of a run, as `#[background(on_end = …)]` is told of it. What that function does to the
/// state is one update with the end.
///
/// ```
/// use undercurrent::{TaskEnd, prelude::*};
///
/// #[derive(State, Clone, Debug, Default)]
/// struct Feed { loading: bool, note: String }
///
/// fn settle(feed: &mut Feed, end: &TaskEnd) {
///     feed.loading = false;
///     feed.note = end.error.clone().unwrap_or_default();
/// }
///
/// #[background(on_end = settle)]
/// async fn load(cx: TaskContext<Feed>) -> Result {
///     cx.update(|feed| feed.loading = true).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    /// Which instance, for tasks with a key; else empty.
    pub key: String,
    /// How it ended.
    pub status: TaskStatus,
    /// What the visitor is told.
    pub error: Option<String>,
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
        !matches!(
            self,
            TaskStatus::Queued | TaskStatus::Running | TaskStatus::Paused
        )
    }

    /// It has ended, and not as it should.
    pub fn is_failure(self) -> bool {
        use TaskStatus::{Failed, Interrupted, Panicked, TimedOut};
        matches!(self, Failed | TimedOut | Panicked | Interrupted)
    }
}

impl Default for TaskRecord {
    fn default() -> Self {
        TaskRecord {
            id: 0,
            name: String::new(),
            key: String::new(),
            status: TaskStatus::default(),
            cancelling: false,
            progress: Progress::default(),
            attempt: 1,
            attempts: 1,
            error: None,
            started_ms: 0,
            ended_ms: None,
        }
    }
}

fn one() -> u32 {
    1
}

// By reference, as serde asks for it.
fn is_one(n: &u32) -> bool {
    *n == 1
}
