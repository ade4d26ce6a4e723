//! What a handler asks of the page that sent it. It travels as state, so that a page which is away
//! for a moment does it when it is back.

use super::{
    context::OfEvent,
    queue::Origin,
    scope::{Gate, Look, Scope},
    tasks::Attempt,
    writing::Writing,
};
use crate::{
    Millis, UpdateError, Visitor,
    builtin::{Effect, PageEffect, UcEnds},
};
use std::{fmt, sync::Arc};

/// The page that sent an event or started a task: `cx.page()`.
///
/// Nothing comes of it where there is no such page: it was closed, it was a form of a browser
/// without JavaScript, or the server itself began.
pub struct Page<'a> {
    scope: &'a Arc<Scope>,
    visitor: Visitor,
    client: Option<&'a str>,
    asks: Asks,
}

/// Who asks. A task's asks under its cancel and its pause; an event's has neither.
#[derive(Clone)]
pub(super) enum Asks {
    Event(OfEvent),
    Task(Attempt),
}

impl<'a> Page<'a> {
    pub(super) fn new(
        scope: &'a Arc<Scope>,
        visitor: Visitor,
        origin: Option<&'a Origin>,
        asks: Asks,
    ) -> Self {
        Page {
            scope,
            visitor,
            client: origin.map(|origin| origin.client.as_str()),
            asks,
        }
    }

    /// Leads it to a path of this site, `/orders/7`.
    ///
    /// # Errors
    ///
    /// [`UpdateError::NotAPath`], or [`UpdateError::Cancelled`] after a cancel.
    pub async fn go_to(self, path: impl Into<String>) -> Result<(), UpdateError> {
        let path = checked(path.into())?;
        self.ask(Effect::Go(path)).await
    }

    /// Tells it something: `use_toasts` has it.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel.
    pub async fn toast(self, text: impl Into<String>) -> Result<(), UpdateError> {
        self.ask(Effect::Toast(text.into())).await
    }

    /// Has it download what is at a path of this site: an axum route of the app's own, say.
    ///
    /// # Errors
    ///
    /// [`UpdateError::NotAPath`], or [`UpdateError::Cancelled`] after a cancel.
    pub async fn download(self, path: impl Into<String>) -> Result<(), UpdateError> {
        let path = checked(path.into())?;
        self.ask(Effect::Download(path)).await
    }

    async fn ask(self, effect: Effect) -> Result<(), UpdateError> {
        let Page {
            scope,
            visitor,
            client,
            asks,
        } = self;
        let client = client.map(str::to_owned);
        let runtime = scope.runtime.upgrade().ok_or(UpdateError::Cancelled)?;
        let max = runtime.limits.effects;
        let add = move |ends: &mut UcEnds| {
            let Some(client) = client else { return };
            // The newest is always there. The clock, so that a number does not come again where a
            // crash has taken back the last one, or the visitor was forgotten meanwhile.
            let next = ends.effects.last().map_or(0, |last| last.n) + 1;
            let n = next.max(Millis::since_1970().0);
            ends.effects.push(PageEffect { client, n, effect });
            if ends.effects.len() > max {
                ends.effects.remove(0);
            }
        };
        scope.update_ends(asks, visitor, add).await
    }
}

impl Gate for Asks {
    fn look(&self) -> Look {
        match self {
            Asks::Event(event) => event.look(),
            Asks::Task(attempt) => attempt.look(),
        }
    }

    async fn wait(&self) {
        match self {
            Asks::Event(event) => event.wait().await,
            Asks::Task(attempt) => attempt.wait().await,
        }
    }

    fn note(&self, writing: &mut Writing<'_>) {
        match self {
            Asks::Event(event) => event.note(writing),
            Asks::Task(attempt) => attempt.note(writing),
        }
    }
}

/// A path of this site: nothing that a browser would take for another one's.
fn checked(path: String) -> Result<String, UpdateError> {
    if is_own_path(&path) {
        Ok(path)
    } else {
        Err(UpdateError::NotAPath(path))
    }
}

/// `/a/b?c`, but not `//other.example` nor `/\other.example`.
pub(super) fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
