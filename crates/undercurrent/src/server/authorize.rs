//! Who may do what with a scope. One function, asked before every stream, event and control.

use super::{scopes::ScopeKey, session::Session};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// To follow its states.
    Read,
    /// To send it an event.
    Send,
    /// To cancel its tasks.
    Control,
}

/// The scope is not the visitor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// A visitor may do everything with the scope of its own session, and nothing with another.
pub(crate) fn authorize(
    session: &Session,
    scope: ScopeKey,
    _action: Action,
) -> Result<(), Refused> {
    if session.scope == scope {
        Ok(())
    } else {
        Err(Refused)
    }
}
