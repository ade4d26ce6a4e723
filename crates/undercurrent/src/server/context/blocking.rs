//! `blocking`: a thread for work that computes, or that blocks.

use super::TaskContext;
use crate::{
    State, UpdateError, Visitor,
    server::{
        Runtime, drop_quietly,
        scope::{Gate, Look},
        tasks::Attempt,
        writing::InClosure,
    },
};
use std::{
    any::Any,
    fmt,
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, oneshot},
};
use tokio_util::task::AbortOnDropHandle;

/// What a closure on a thread of its own gets: the same doors, and each blocks.
///
/// Each method but `progress`, `visitor` and `expect` is a point where a cancel and a pause take
/// effect. None can be called inside the closure of another: that is `UpdateError::Nested`.
pub struct BlockingContext<S> {
    attempt: Attempt,
    handle: Handle,
    /// Given back while the task is paused, so that others go on meanwhile.
    // A std mutex, held to put or to take.
    turn: Mutex<Option<Turn>>,
    state: PhantomData<fn() -> S>,
}

/// What a closure computes with.
struct Turn {
    _permit: OwnedSemaphorePermit,
    _clock: Option<HeldClock>,
}

/// So long, by the wall: a closure may wait for what comes by the clock.
const MOST_HELD: Duration = Duration::from_secs(30);

/// A paused clock that stands still: tokio's does while one of its own threads works, and knows
/// nothing of ours.
struct HeldClock {
    _until: mpsc::Sender<()>,
}

impl<S: State> TaskContext<S> {
    /// Runs a closure on a thread of its own, for work that computes for more than a few
    /// milliseconds or calls what blocks. A task that does so outside of this holds up a thread of
    /// the server, and with it other visitors; the log then names it.
    ///
    /// At most `limits.blocking-threads` such closures run at once; others wait for their turn.
    ///
    /// A cancel makes this return at once. The thread goes on until its closure next asks its
    /// context for something, and nothing of it lands; give a long computation a
    /// [`BlockingContext::go_on`] now and then.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Sums { last: u64 }
    ///
    /// #[background]
    /// async fn sum(cx: TaskContext<Sums>) -> Result {
    ///     cx.blocking(|cx| {
    ///         let sum = (0..50_000_000_u64).sum();
    ///         cx.update(|sums| sums.last = sum)
    ///     })
    ///     .await??;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel.
    ///
    /// # Panics
    ///
    /// Goes on with a panic of the closure; panics when the system gives no thread.
    pub async fn blocking<R: Send + 'static>(
        &self,
        closure: impl FnOnce(&BlockingContext<S>) -> R + Send + 'static,
    ) -> Result<R, UpdateError> {
        self.go_on().await?;
        let (attempt, handle) = (self.attempt.clone(), Handle::current());
        let (answer, answered) = oneshot::channel();
        // The turn is waited for by a task of its own: one that was given to a future which nobody
        // polls would keep others out, for ever if that one's task waits for a turn itself.
        let begins = tokio::spawn(async move {
            let turn = loop {
                if attempt.go_on().await.is_err() {
                    return Ok(());
                }
                let turn = Turn::of(&attempt.run.runtime).await;
                match attempt.look() {
                    Look::Pass => break turn,
                    // Paused meanwhile: the turn is another's.
                    Look::Wait => {}
                    Look::Refuse => return Ok(()),
                }
            };
            let cx = BlockingContext {
                attempt,
                handle,
                turn: Mutex::new(turn),
                state: PhantomData,
            };
            // A thread of our own, and none of tokio's: a runtime that shuts down waits for those,
            // and a closure that computes for hours would keep the process alive as long.
            let thread = std::thread::Builder::new().name("undercurrent-blocking".into());
            let spawned = thread.spawn(move || {
                let result = catch_unwind(AssertUnwindSafe(|| closure(&cx)));
                // Nobody listens any more after a cancel, and what it returned is dropped here.
                drop_quietly(answer.send(result));
            });
            spawned.map(drop)
        });
        let begins = AbortOnDropHandle::new(begins);
        tokio::select! {
            biased;
            () = self.attempt.ends() => return Err(UpdateError::Cancelled),
            begun = begins => {
                if let Ok(Err(error)) = begun {
                    panic!("the system gives no thread: {error}");
                }
            }
        }
        tokio::select! {
            biased;
            () = self.attempt.ends() => Err(UpdateError::Cancelled),
            answered = answered => match answered {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(panic)) => resume_unwind(panic),
                // The thread sends whatever happens.
                Err(_) => Err(UpdateError::Cancelled),
            },
        }
    }
}

impl Turn {
    async fn of(runtime: &Runtime) -> Option<Self> {
        let permit = runtime.blocking_threads.clone().acquire_owned().await;
        Some(Turn {
            _permit: permit.ok()?,
            _clock: runtime.holds_clock.get().map(|()| HeldClock::new()),
        })
    }
}

impl HeldClock {
    fn new() -> Self {
        let (held, until) = mpsc::channel();
        tokio::task::spawn_blocking(move || until.recv_timeout(MOST_HELD));
        HeldClock { _until: held }
    }
}

impl<S: State> BlockingContext<S> {
    /// As [`TaskContext::update`]. Blocks until the update is made.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn update<R>(&self, closure: impl FnOnce(&mut S) -> R) -> Result<R, UpdateError> {
        let scope = &self.attempt.run.scope;
        self.wait(scope.update(self.attempt.clone(), closure))?
    }

    /// As [`TaskContext::try_update`]. Blocks until the update is made.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_update<R, E: Into<leptos::error::Error>>(
        &self,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<R, leptos::error::Error> {
        let scope = &self.attempt.run.scope;
        self.wait(scope.try_update(self.attempt.clone(), closure))??
            .map_err(Into::into)
    }

    /// As [`TaskContext::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read<R>(&self, closure: impl FnOnce(&S) -> R) -> Result<R, UpdateError> {
        let scope = &self.attempt.run.scope;
        self.wait(scope.read(self.attempt.clone(), closure))?
    }

    /// Says whether to go on, and waits while the task is paused.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Cancelled`] after a cancel.
    pub fn go_on(&self) -> Result<(), UpdateError> {
        match self.attempt.look() {
            Look::Pass => Ok(()),
            Look::Refuse => Err(UpdateError::Cancelled),
            Look::Wait => self.wait(self.attempt.go_on())?,
        }
    }

    /// Blocks for a call. While the task is paused another's closure may have this one's turn.
    fn wait<T>(&self, call: impl Future<Output = T>) -> Result<T, UpdateError> {
        // A thread can't wait inside of a wait; the call would say so itself, were it asked.
        if InClosure::is_here() {
            return Err(UpdateError::Nested);
        }
        Ok(self.handle.block_on(async {
            let mut call = pin!(call);
            tokio::select! {
                biased;
                done = &mut call => return done,
                () = self.attempt.is_held() => {}
            }
            drop(self.lock_turn().take());
            let done = call.await;
            tokio::select! {
                biased;
                () = self.attempt.ends() => {}
                turn = Turn::of(&self.attempt.run.runtime) => *self.lock_turn() = turn,
            }
            done
        }))
    }

    fn lock_turn(&self) -> MutexGuard<'_, Option<Turn>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`TaskContext::progress`].
    pub fn progress(&self, done: impl TryInto<u64>, of: impl TryInto<u64>) {
        // What is shown later is shown by a task of the runtime's.
        let _runtime = self.handle.enter();
        self.attempt.show_progress(done, of);
    }

    /// Who asks: the browser whose event this is, or the server.
    pub fn visitor(&self) -> Visitor {
        self.attempt.run.visitor
    }

    /// What start-up provided.
    ///
    /// # Panics
    ///
    /// When it did not. The server does not start then if the macro saw this call.
    pub fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.attempt.run.runtime.provided.expect()
    }
}

impl<S> fmt::Debug for BlockingContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingContext").finish_non_exhaustive()
    }
}
