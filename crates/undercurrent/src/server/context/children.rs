//! `for_each`: many pieces of work in one task, so many at a time.

use super::TaskContext;
use crate::{
    State, UpdateError,
    server::{
        outcome::{HandlerError, IntoOutcome, Outcome},
        scope::{Gate, Look},
        tasks::Attempt,
    },
};
use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use leptos::error::Error;
use std::{fmt, future::Future, pin::pin};

/// Children of a task, as [`TaskContext::for_each`] makes them. Awaited, it runs them.
#[must_use = "children do not run until they are awaited"]
pub struct ForEach<'a, S, I, L, F> {
    cx: &'a TaskContext<S>,
    items: I,
    limit: L,
    each: F,
    keeps_going: bool,
}

/// How many children run at a time: a number, at least 1; or a closure that reads it from the
/// state, and is asked again after each update. While it says 0, those that run go on, and no other
/// begins.
pub trait ForEachLimit<S>: Send + Sync {
    /// What it is. `None` where only a state could say.
    #[doc(hidden)]
    fn limit(&self, state: Option<&S>) -> Option<usize>;
}

impl<S> ForEachLimit<S> for usize {
    fn limit(&self, _state: Option<&S>) -> Option<usize> {
        Some((*self).max(1))
    }
}

impl<S, F: Fn(&S) -> usize + Send + Sync> ForEachLimit<S> for F {
    fn limit(&self, state: Option<&S>) -> Option<usize> {
        state.map(self)
    }
}

impl<S: State> TaskContext<S> {
    /// Runs a child for each item, at most `limit` at a time, and ends when all have. Each child
    /// gets a context of this task: its updates land one by one, and a cancel or a pause of the
    /// task reaches all of them.
    ///
    /// The first error cancels the other children, as a cancel of the task would, and is returned
    /// when they have left; see [`ForEach::keep_going`].
    ///
    /// `limit` is a number, or a closure over the state, with its type written out, so that it can
    /// be changed while the children run: `|feed: &Feed| feed.limit`.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Feed { posts: List<String> }
    ///
    /// #[background]
    /// async fn load(cx: TaskContext<Feed>) -> Result {
    ///     cx.for_each(1..=100, 8, |cx, id| async move {
    ///         let post = format!("post {id}"); // from a slow server, say
    ///         cx.update(|feed| feed.posts.push(post)).await
    ///     })
    ///     .await
    /// }
    /// ```
    pub fn for_each<I, L, F, R>(&self, items: I, limit: L, each: F) -> ForEach<'_, S, I, L, F>
    where
        I: IntoIterator<IntoIter: Send>,
        L: ForEachLimit<S>,
        F: Fn(TaskContext<S>, I::Item) -> R + Send + Sync,
        R: Future<Output: IntoOutcome> + Send,
    {
        ForEach {
            cx: self,
            items,
            limit,
            each,
            keeps_going: false,
        }
    }
}

impl<S, I, L, F> ForEach<'_, S, I, L, F> {
    /// An error of one child leaves the others alone. The first is returned when all have ended.
    pub fn keep_going(mut self) -> Self {
        self.keeps_going = true;
        self
    }
}

impl<'a, S, I, L, F, R> IntoFuture for ForEach<'a, S, I, L, F>
where
    S: State,
    I: IntoIterator<IntoIter: Send + 'a> + Send + 'a,
    I::Item: Send,
    L: ForEachLimit<S> + 'a,
    F: Fn(TaskContext<S>, I::Item) -> R + Send + Sync + 'a,
    R: Future<Output: IntoOutcome> + Send + 'a,
{
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let items = self.items.into_iter();
        let each = self.each;
        let child = move |cx, item| {
            let child = each(cx, item);
            async move { child.await.into_outcome() }
        };
        Box::pin(run(self.cx, items, self.limit, self.keeps_going, child))
    }
}

/// What is left to do.
enum Phase {
    /// Children begin. A first error leads to `Leaving`, the last item to `Last`.
    Beginning,
    /// All have begun.
    Last,
    /// Those that run were cancelled, and have a while to leave.
    Leaving,
}

async fn run<S: State, T, C: Future<Output = Outcome> + Send>(
    cx: &TaskContext<S>,
    mut items: impl Iterator<Item = T> + Send,
    limit: impl ForEachLimit<S>,
    keeps_going: bool,
    child: impl Fn(TaskContext<S>, T) -> C + Send,
) -> Result<(), Error> {
    let group = Group::of(&cx.attempt);
    let mut running = FuturesUnordered::new();
    let mut first_error = None;
    let mut phase = Phase::Beginning;
    let mut most = limit.limit(None).unwrap_or(0);
    // Beside the children, never in their way: whoever stands in the line for the scope's lock
    // must be polled, or nobody gets it. So, too, what is not asked any more is dropped.
    let mut next_limit = pin!(Some(limit_other_than(cx, &limit, most)));
    let mut grace = pin!(None);
    loop {
        if matches!(phase, Phase::Beginning) && cx.attempt.is_over() {
            first_error.get_or_insert_with(|| UpdateError::Cancelled.into());
            phase = Phase::Leaving;
        }
        // With no room for one, too: where there is none, nothing need be waited for.
        if matches!(phase, Phase::Beginning) && items.size_hint().1 == Some(0) {
            phase = Phase::Last;
        }
        // Those that run wait in their next call; no other begins.
        let is_held = cx.attempt.look() == Look::Wait;
        while matches!(phase, Phase::Beginning) && !is_held && running.len() < most {
            match items.next() {
                Some(item) => running.push(child(TaskContext::new(group.0.clone()), item)),
                None => phase = Phase::Last,
            }
        }
        if !matches!(phase, Phase::Beginning) {
            next_limit.set(None);
        }
        if matches!(phase, Phase::Leaving) && grace.is_none() {
            group.0.end();
            let span = cx.attempt.run.runtime.cancel_grace();
            grace.set(Some(tokio::time::sleep(span)));
        }
        if running.is_empty() && !matches!(phase, Phase::Beginning) {
            break;
        }
        let error = tokio::select! {
            Some(ended) = running.next() => match ended {
                Ok(()) => continue,
                Err(error) => error_of(error),
            },
            now = async { next_limit.as_mut().as_pin_mut().expect("it is asked").await },
                if next_limit.is_some() => match now {
                Ok(now) => {
                    most = now;
                    next_limit.set(Some(limit_other_than(cx, &limit, most)));
                    continue;
                }
                Err(error) => {
                    phase = Phase::Leaving;
                    error.into()
                }
            },
            () = cx.attempt.wait(), if is_held => continue,
            () = cx.attempt.ends(), if !matches!(phase, Phase::Leaving) => {
                phase = Phase::Leaving;
                UpdateError::Cancelled.into()
            }
            () = async { grace.as_mut().as_pin_mut().expect("it is leaving").await },
                if grace.is_some() => break,
        };
        first_error.get_or_insert(error);
        if !keeps_going {
            phase = Phase::Leaving;
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// The limit, once it is another one. A number stays what it is.
async fn limit_other_than<S: State>(
    cx: &TaskContext<S>,
    limit: &impl ForEachLimit<S>,
    most: usize,
) -> Result<usize, UpdateError> {
    if limit.limit(None).is_some() {
        return std::future::pending().await;
    }
    let other = |state: &S| limit.limit(Some(state)).filter(|now| *now != most);
    cx.until(other).await
}

fn error_of(error: HandlerError) -> Error {
    match error {
        HandlerError::Cancelled => UpdateError::Cancelled.into(),
        HandlerError::ForVisitor(error)
        | HandlerError::Cursor(error)
        | HandlerError::NotStored(error)
        | HandlerError::Internal(error) => error,
    }
}

/// What the children share, so that they can be cancelled without the task. Nothing of them lands
/// when it is gone.
struct Group(Attempt);

impl Group {
    fn of(attempt: &Attempt) -> Self {
        Group(attempt.inner())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<S, I, L, F> fmt::Debug for ForEach<'_, S, I, L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEach")
            .field("keeps_going", &self.keeps_going)
            .finish_non_exhaustive()
    }
}
