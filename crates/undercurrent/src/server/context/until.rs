//! `until`: waits, without asking again and again, for what a state comes to say.

use super::{EventContext, TaskContext};
use crate::{
    State, UpdateError,
    server::scope::{Gate, Scope},
};
use std::{future::Future, pin::pin, time::Duration};

impl<S: State> EventContext<S> {
    /// As [`TaskContext::until`]. The queue waits, too: what leads on must come from elsewhere, from
    /// a task, or, in a shared scope, from another visitor.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] when it is cancelled, its time is over, or the server goes down,
    /// [`UpdateError::Nested`] inside the closure of an update.
    pub fn until<T: Send>(
        &self,
        look: impl FnMut(&S) -> Option<T> + Send,
    ) -> impl Future<Output = Result<T, UpdateError>> + Send {
        let scope = self.scope();
        scope.until(self.gate(), self.run.until_cut(), look)
    }
}

impl<S: State> TaskContext<S> {
    /// Waits until the state says so: an approval, a choice, "stop". The closure looks at the newest
    /// values now and after each update of the scope, and ends the wait with what it returns in
    /// `Some`. Between two updates nothing runs.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Order { total: u32, approved: Option<bool> }
    ///
    /// #[background]
    /// async fn ship(cx: TaskContext<Order>) -> Result {
    ///     let approved = cx.until(|order| order.approved).await?;
    ///     if approved { /* … */ }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel, [`UpdateError::Nested`] inside an update.
    pub fn until<T: Send>(
        &self,
        look: impl FnMut(&S) -> Option<T> + Send,
    ) -> impl Future<Output = Result<T, UpdateError>> + Send {
        let scope = self.scope();
        scope.until(self.attempt.clone(), self.attempt.ends(), look)
    }

    /// As [`until`](Self::until), but for so long at most: `None` if the state has not said so by
    /// then. A sleep that a new value cuts short.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Order { total: u32, approved: Option<bool> }
    ///
    /// #[background]
    /// async fn ship(cx: TaskContext<Order>) -> Result {
    ///     let approved = cx.until_within(Millis(60_000), |order| order.approved).await?;
    ///     match approved {
    ///         Some(true) => { /* … */ }
    ///         Some(false) => {}
    ///         None => cx.page().toast("Nobody has approved it.").await?,
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`until`](Self::until).
    pub async fn until_within<T: Send>(
        &self,
        patience: impl Into<Duration>,
        look: impl FnMut(&S) -> Option<T> + Send,
    ) -> Result<Option<T>, UpdateError> {
        tokio::select! {
            biased;
            found = self.until(look) => found.map(Some),
            // One that is paused goes on when it is resumed.
            slept = self.sleep(patience) => slept.map(|()| None),
        }
    }
}

impl Scope {
    pub(in crate::server) async fn until<S: State, T>(
        &self,
        gate: impl Gate + Clone,
        ends: impl Future<Output = ()>,
        mut look: impl FnMut(&S) -> Option<T>,
    ) -> Result<T, UpdateError> {
        let mut ends = pin!(ends);
        loop {
            // Listens before it looks, so that an update in between is not missed.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = self.look(gate.clone(), &mut look).await? {
                return tokio::select! {
                    biased;
                    () = &mut ends => Err(UpdateError::Cancelled),
                    () = self.kept_if_first() => Ok(found),
                };
            }
            tokio::select! {
                biased;
                () = &mut ends => return Err(UpdateError::Cancelled),
                () = changed => {}
            }
        }
    }
}
