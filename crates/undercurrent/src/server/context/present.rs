//! `present` and `until_present`: who is here, and waiting for someone to come or go.

use super::{EventContext, TaskContext};
use crate::{State, UpdateError, Visitor};
use std::{future::pending, pin::pin};
use tokio::time::Instant;

impl<S: State> EventContext<S> {
    /// Who is here: the visitors who have a page open on this scope, each once, in order. As they
    /// are at the moment of the call; inside the closure of an update that holds until the update
    /// is made, as far as states are concerned that are told of it by `present`.
    ///
    /// A page is here as [`TaskContext::until_present`] says.
    pub fn present(&self) -> Vec<Visitor> {
        self.run.scope.slot.followers.presence.visitors().0
    }
}

impl<S: State> TaskContext<S> {
    /// Who is here: as [`EventContext::present`].
    pub fn present(&self) -> Vec<Visitor> {
        self.scope().slot.followers.presence.visitors().0
    }

    /// Waits until those who are here are such: the closure gets the visitors who have a page open
    /// on this scope, each once, in an order of their own, now and each time somebody comes or
    /// goes. It ends the wait with what it returns in `Some`. In between nothing runs.
    ///
    /// A page is here from its first stream on, hidden or not. Who has closed the last one goes 7 s
    /// later: a reload does not show. A page that is hidden and vanishes without a word, with its
    /// computer say, is gone after three minutes.
    ///
    /// ```
    /// use undercurrent::prelude::*;
    ///
    /// # fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> { Ok(()) }
    /// #[derive(State, Clone, Debug, Default)]
    /// #[state(scope = keyed, join = anyone)]
    /// struct Hall { people: usize }
    ///
    /// #[background(overlap = reject)]
    /// async fn count(cx: TaskContext<Hall>) -> Result {
    ///     let mut known = 0;
    ///     loop {
    ///         let other = |here: &[Visitor]| Some(here.len()).filter(|now| *now != known);
    ///         known = cx.until_present(other).await?;
    ///         cx.update(|hall| hall.people = known).await?;
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel.
    pub async fn until_present<T: Send>(
        &self,
        mut look: impl FnMut(&[Visitor]) -> Option<T> + Send,
    ) -> Result<T, UpdateError> {
        let presence = &self.scope().slot.followers.presence;
        let mut known = None;
        loop {
            // Listens before it looks, so that who comes or goes in between is not missed.
            let mut moved = pin!(presence.moved.notified());
            moved.as_mut().enable();
            self.go_on().await?;
            let (here, first_goes) = presence.visitors();
            // A page that takes turns comes and goes, and its visitor is there.
            if known.as_ref() != Some(&here) {
                if let Some(found) = look(&here) {
                    return Ok(found);
                }
                known = Some(here);
            }
            tokio::select! {
                biased;
                () = self.attempt.ends() => return Err(UpdateError::Cancelled),
                () = moved => {}
                () = until(first_goes) => {}
            }
        }
    }
}

/// Until a moment that may never come.
pub(in crate::server) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => pending().await,
    }
}
