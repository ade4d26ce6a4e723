//! `until_present`: who is here, and waiting for someone to come or go.

use super::TaskContext;
use crate::{State, UpdateError, Visitor};
use std::pin::pin;

impl<S: State> TaskContext<S> {
    /// Waits until those who are here are such: the closure gets the visitors who have a page open
    /// on this scope, each once, in an order of their own, now and each time somebody comes or
    /// goes. It ends the wait with what it returns in `Some`. In between nothing runs.
    ///
    /// To be here is to have a stream: a reload goes and comes, a tab that is hidden for half a
    /// minute goes until it is looked at. What that means to others, and after how long, is the
    /// app's to say.
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
        let followers = &self.scope().slot.followers;
        loop {
            // Listens before it looks, so that who comes or goes in between is not missed.
            let mut moved = pin!(followers.moved.notified());
            moved.as_mut().enable();
            self.go_on().await?;
            if let Some(found) = look(&followers.visitors()) {
                return Ok(found);
            }
            tokio::select! {
                biased;
                () = self.attempt.ends() => return Err(UpdateError::Cancelled),
                () = moved => {}
            }
        }
    }
}
