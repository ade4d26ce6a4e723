//! Waits that follow one another by the clock.

use super::TaskContext;
use crate::{State, UpdateError};
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// What is late by more is not made up for.
const MADE_UP: Duration = Duration::from_secs(1);

/// A century: of a moment behind it a clock knows nothing.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A task's own clock, by [`TaskContext::clock`].
pub struct Clock<'a, S> {
    cx: &'a TaskContext<S>,
    due: Instant,
}

impl<S: State> TaskContext<S> {
    /// A clock for what is done again and again: what each round takes makes none of the next late,
    /// as it would if they slept in between.
    ///
    /// ```
    /// use undercurrent::prelude::*;
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Watch { seconds: u32 }
    ///
    /// #[background]
    /// async fn tick(cx: TaskContext<Watch>) -> Result {
    ///     let mut clock = cx.clock();
    ///     loop {
    ///         clock.wait(Millis(1_000)).await?;
    ///         cx.update(|watch| watch.seconds += 1).await?;
    ///     }
    /// }
    /// ```
    pub fn clock(&self) -> Clock<'_, S> {
        Clock {
            cx: self,
            due: Instant::now(),
        }
    }
}

impl<S: State> Clock<'_, S> {
    /// Waits until so long after the time that was waited for last, or after the clock was made,
    /// and returns by how much this is late. What is late by more than a second, as after a pause,
    /// is not made up for: the next wait takes its whole time.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`].
    pub async fn wait(&mut self, span: impl Into<Duration>) -> Result<Duration, UpdateError> {
        let (span, now) = (span.into().min(LONGEST), Instant::now());
        self.due += span;
        if now > self.due + MADE_UP {
            self.due = now + span;
        }
        self.cx
            .sleep(self.due.saturating_duration_since(now))
            .await?;
        Ok(self.due.elapsed())
    }
}

impl<S> fmt::Debug for Clock<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
