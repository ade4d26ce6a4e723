//! Whose turn it is to change a scope: first come, first served, but for who does not come.
//!
//! ```text
//! free ── somebody comes ─▶ held ── given back, nobody waits ─▶ free
//!                            ▲ └─── given back ─▶ offered to the first who waits
//!                            └── it takes it, or another does after a while ──┘
//! ```
//!
//! A lock that hands itself over is held by a future that nobody polls, if that one is first in the
//! line: one of several in a `buffer_unordered`, say, whose task waits for an update of its own. That
//! would be for ever, and for all who share the scope. So a turn that is not taken within a while
//! goes to another who waits.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep},
};

/// The turns of a scope.
#[derive(Default)]
pub(crate) struct Turns {
    // A std mutex, held to look and to put.
    line: Mutex<Line>,
}

/// Has the turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Turns);

#[derive(Default)]
struct Line {
    now: Now,
    waiting: VecDeque<Waiting>,
    last_id: u64,
}

#[derive(Clone, Copy, Default)]
enum Now {
    #[default]
    Free,
    Held,
    /// The first who waits may take it, since then.
    Offered(Instant),
}

struct Waiting {
    id: u64,
    waker: Waker,
}

/// A place in the line. Dropped, it is given up.
struct Place<'a> {
    turns: &'a Turns,
    /// Once it waits.
    id: Option<u64>,
    again: Option<Pin<Box<Sleep>>>,
}

/// So long a turn is offered to the first alone. A task that is woken is polled sooner, unless the
/// machine has much to do.
const PATIENCE: Duration = Duration::from_millis(20);

impl Turns {
    /// Waits for the turn.
    pub(crate) async fn take(&self) -> Turn<'_> {
        // Who takes many, one after the other, lets others run.
        tokio::task::consume_budget().await;
        let mut place = Place {
            turns: self,
            id: None,
            again: None,
        };
        poll_fn(|cx| place.poll(cx)).await
    }

    /// Takes the turn if nobody has it, and nobody waits for it.
    pub(crate) fn try_take(&self) -> Option<Turn<'_>> {
        let mut line = self.line();
        matches!(line.now, Now::Free).then(|| {
            line.now = Now::Held;
            Turn(self)
        })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// It is the next one's. Returns whom to wake.
    fn pass_on(&mut self) -> Option<Waker> {
        let first = self.waiting.front();
        self.now = first.map_or(Now::Free, |_| Now::Offered(Instant::now()));
        first.map(|first| first.waker.clone())
    }

    fn is_first(&self, id: u64) -> bool {
        self.waiting.front().is_some_and(|first| first.id == id)
    }

    fn leave(&mut self, id: u64) {
        self.waiting.retain(|one| one.id != id);
    }

    /// Takes the turn for who waits under this number, if it may have it.
    fn take(&mut self, id: u64) -> bool {
        let may = match self.now {
            Now::Free => true,
            Now::Held => false,
            Now::Offered(since) => self.is_first(id) || since.elapsed() >= PATIENCE,
        };
        if may {
            if matches!(self.now, Now::Offered(_)) && !self.is_first(id) {
                // Who did not come stands behind the others.
                self.waiting.rotate_left(1);
            }
            self.leave(id);
            self.now = Now::Held;
        }
        may
    }
}

impl<'a> Place<'a> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn<'a>> {
        loop {
            let mut line = self.turns.line();
            let id = match self.id {
                None if matches!(line.now, Now::Free) => {
                    line.now = Now::Held;
                    return Poll::Ready(Turn(self.turns));
                }
                None => {
                    line.last_id += 1;
                    *self.id.insert(line.last_id)
                }
                Some(id) => id,
            };
            if line.take(id) {
                self.id = None;
                return Poll::Ready(Turn(self.turns));
            }
            match line.waiting.iter_mut().find(|one| one.id == id) {
                Some(one) => one.waker.clone_from(cx.waker()),
                None => line.waiting.push_back(Waiting {
                    id,
                    waker: cx.waker().clone(),
                }),
            }
            drop(line);
            if self.again.is_none() && Handle::try_current().is_ok() {
                self.again = Some(Box::pin(sleep(PATIENCE)));
            }
            let again = self.again.as_mut();
            if again.is_none_or(|again| again.as_mut().poll(cx).is_pending()) {
                return Poll::Pending;
            }
            self.again = None;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut line = self.turns.line();
        let was_offered = matches!(line.now, Now::Offered(_)) && line.is_first(id);
        line.leave(id);
        let next = if was_offered { line.pass_on() } else { None };
        drop(line);
        next.inspect(Waker::wake_by_ref);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = self.0.line().pass_on();
        next.inspect(Waker::wake_by_ref);
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}
