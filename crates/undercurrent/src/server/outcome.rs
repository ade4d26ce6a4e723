//! How handlers end, and what they may return.

use crate::{ForVisitor, UpdateError};

/// How a handler ended.
pub type Outcome = Result<(), HandlerError>;

/// Why a handler did not end well.
#[derive(Debug)]
pub enum HandlerError {
    /// It let the error of a cancelled call out.
    Cancelled,
    /// It has something to tell the visitor.
    ForVisitor(leptos::error::Error),
    /// A task can't go on from where it was.
    Cursor(leptos::error::Error),
    /// The store can't take anything, or can't be read, at the moment.
    NotStored(leptos::error::Error),
    /// Anything else: the log gets it, the visitor an id.
    Internal(leptos::error::Error),
}

/// What a handler may return: nothing, or a `Result` with any error.
pub trait IntoOutcome {
    #[doc(hidden)]
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

impl<E: Into<leptos::error::Error>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        self.map_err(|error| HandlerError::from(error.into()))
    }
}

impl From<leptos::error::Error> for HandlerError {
    fn from(error: leptos::error::Error) -> Self {
        let inner = &**error;
        if let Some(UpdateError::Cancelled) = inner.downcast_ref() {
            HandlerError::Cancelled
        } else if let Some(UpdateError::Cursor(_)) = inner.downcast_ref() {
            HandlerError::Cursor(error)
        } else if let Some(UpdateError::NotStored(_)) = inner.downcast_ref() {
            HandlerError::NotStored(error)
        } else if inner.is::<ForVisitor>() {
            HandlerError::ForVisitor(error)
        } else {
            HandlerError::Internal(error)
        }
    }
}
