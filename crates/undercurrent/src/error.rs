//! Errors: what a visitor reads, and what the log gets.
//!
//! A handler returns any error by `?`. It is internal then: the log gets it once, the visitor
//! reads that something went wrong, with an id that the log has, too. What is meant for the
//! visitor is wrapped in [`ForVisitor`].

use std::{error::Error, fmt};

/// What a handler returns when it can fail: any error goes in with `?`.
pub type Result<T = (), E = leptos::error::Error> = std::result::Result<T, E>;

/// Why an update did not happen. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The task or the event was cancelled, its time is over, or what asks has ended. Let `?` carry
    /// this out of the handler.
    Cancelled,
    /// The visitor's queue has no room for what the task dispatches.
    QueueFull,
    /// The closure of an update called for another update, of the same state, from inside.
    Nested,
    /// A page was to go to, or to download, what is no path of this site.
    NotAPath(String),
    /// What the closure put into the state can't be written as JSON.
    NotRecorded(String),
    /// The cursor of a task's last checkpoint is not what was asked for.
    Cursor(String),
    /// The store can't take anything at the moment: the disk is full, say. Nothing was changed. The
    /// update before it, which met that, is kept in memory and written once there is room. What lets
    /// this out by `?` tells its visitor that the server has trouble with its disk, and to try again.
    NotStored(String),
    /// The state would be larger than `limits.state-bytes`.
    TooLarge {
        /// Its bytes as JSON.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
}

/// An error that the visitor is meant to read.
///
/// ```
/// use undercurrent::ForVisitor;
///
/// fn check(title: &str) -> Result<(), ForVisitor> {
///     if title.is_empty() { Err(ForVisitor::new("A post needs a title.")) } else { Ok(()) }
/// }
/// ```
#[derive(Debug)]
pub struct ForVisitor {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ForVisitor {
    /// Tells the visitor this.
    pub fn new(message: impl Into<String>) -> Self {
        ForVisitor {
            message: message.into(),
            source: None,
        }
    }

    /// Tells the visitor this; the log gets the cause as well.
    pub fn because(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        ForVisitor {
            message: message.into(),
            source: Some(source.into()),
        }
    }
}

impl fmt::Display for ForVisitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ForVisitor {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpdateError::Cancelled => f.write_str("the task was cancelled"),
            UpdateError::QueueFull => f.write_str("the visitor's queue is full"),
            UpdateError::Nested => f.write_str(
                "an update can't be made inside the closure of another: make it one update, \
                 or make the second after the first has returned",
            ),
            UpdateError::NotAPath(path) => write!(
                f,
                "{path:?} is no path of this site: it begins with one slash and has no spaces"
            ),
            UpdateError::NotRecorded(why) => write!(f, "the update was undone: {why}"),
            UpdateError::Cursor(why) => write!(f, "the task's cursor can't be read: {why}"),
            UpdateError::NotStored(why) => write!(f, "nothing can be stored now: {why}"),
            UpdateError::TooLarge { bytes, limit } => write!(
                f,
                "the update was undone: the state would have {bytes} bytes, and \
                 limits.state-bytes allows {limit}"
            ),
        }
    }
}

impl Error for UpdateError {}
