//! Whose turn it is to change a scope: first come, first served, but for who does not come.
//!
//! ```text
//! free ── somebody comes ─▶ held ── given back, nobody waits ─▶ free
//!                            ▲ └─── given back ─▶ offered to the first who waits
//!                            └── it takes it ──────┘ └─ it does not come: to the next
//! ```
//!
//! A lock that hands itself over is held by a future that nobody polls, if that one is first in the
//! line: one of several in a `buffer_unordered`, say, whose task waits for an update of its own. That
//! would be for ever, and for all who share the scope. So who does not take its turn within a while
//! leaves the line, and stands behind the others once it comes.
//!
//! A watcher looks after that while somebody waits, one a line. Who waits is woken when its turn has
//! come, and not before: were each to look by itself, a line of a thousand would be gone through a
//! thousand times each time.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// The turns of a scope.
#[derive(Default)]
pub(crate) struct Turns {
    // A std mutex, held to look and to put.
    line: Arc<Mutex<Line>>,
}

/// Has the turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Turns);

#[derive(Default)]
struct Line {
    now: Now,
    /// By the number that each got as it came.
    waiting: BTreeMap<u64, Waker>,
    last_id: u64,
    /// Alive while it is watched.
    watch: Weak<()>,
}

#[derive(Clone, Copy, Default)]
enum Now {
    #[default]
    Free,
    Held,
    /// The first who waits may take it, since then.
    Offered(Instant),
}

/// A place in the line. Dropped, it is given up.
struct Place<'a> {
    turns: &'a Turns,
    /// Once it waits.
    id: Option<u64>,
}

/// Sees to it that a turn which is not taken goes to the next.
struct Watch {
    line: Arc<Mutex<Line>>,
    // Goes with it, even where its runtime ends before it does.
    _watch: Arc<()>,
}

/// So long a turn is offered to one. A task that is woken is polled sooner, unless the machine has
/// much to do.
const PATIENCE: Duration = Duration::from_millis(20);

impl Turns {
    /// Waits for the turn.
    pub(crate) async fn take(&self) -> Turn<'_> {
        // Who takes many, one after the other, lets others run.
        tokio::task::consume_budget().await;
        let mut place = Place {
            turns: self,
            id: None,
        };
        poll_fn(|cx| place.poll(cx)).await
    }

    /// Takes the turn if nobody has it, and nobody waits for it.
    pub(crate) fn try_take(&self) -> Option<Turn<'_>> {
        let mut line = lock(&self.line);
        matches!(line.now, Now::Free).then(|| {
            line.now = Now::Held;
            Turn(self)
        })
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// It is the next one's. Returns whom to wake.
    fn pass_on(&mut self) -> Option<Waker> {
        let first = self.waiting.values().next().cloned();
        self.now = match first {
            Some(_) => Now::Offered(Instant::now()),
            None => Now::Free,
        };
        first
    }

    fn is_offered_to(&self, id: u64) -> bool {
        let first = self.waiting.keys().next();
        matches!(self.now, Now::Offered(_)) && first == Some(&id)
    }
}

impl<'a> Place<'a> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn<'a>> {
        let mut line = lock(&self.turns.line);
        let may = match line.now {
            Now::Free => true,
            Now::Held => false,
            Now::Offered(_) => self.id.is_some_and(|id| line.is_offered_to(id)),
        };
        if may {
            if let Some(id) = self.id.take() {
                line.waiting.remove(&id);
            }
            line.now = Now::Held;
            return Poll::Ready(Turn(self.turns));
        }
        let known = self.id.and_then(|id| line.waiting.get_mut(&id));
        if let Some(waker) = known {
            waker.clone_from(cx.waker());
            return Poll::Pending;
        }
        // It comes, or comes again after it was passed over.
        line.last_id += 1;
        let id = *self.id.insert(line.last_id);
        line.waiting.insert(id, cx.waker().clone());
        if line.watch.strong_count() == 0
            && let Ok(handle) = Handle::try_current()
        {
            let watch = Arc::new(());
            line.watch = Arc::downgrade(&watch);
            drop(line);
            let watch = Watch {
                line: self.turns.line.clone(),
                _watch: watch,
            };
            handle.spawn(watch.run());
        }
        Poll::Pending
    }
}

impl Watch {
    /// Ends when nobody is left whom another could keep from the turn.
    async fn run(self) {
        let mut look_at = Instant::now() + PATIENCE;
        loop {
            tokio::time::sleep_until(look_at).await;
            let mut line = lock(&self.line);
            let now = Instant::now();
            let is_alone = line.waiting.len() < 2;
            look_at = match line.now {
                Now::Held if !line.waiting.is_empty() => now + PATIENCE,
                Now::Offered(since) if !is_alone && now < since + PATIENCE => since + PATIENCE,
                Now::Offered(_) if !is_alone => {
                    line.waiting.pop_first();
                    let next = line.pass_on();
                    drop(line);
                    next.inspect(Waker::wake_by_ref);
                    now + PATIENCE
                }
                // Who comes next looks whether it is watched, under the same lock.
                _ => {
                    line.watch = Weak::new();
                    return;
                }
            };
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut line = lock(&self.turns.line);
        let was_offered = line.is_offered_to(id);
        line.waiting.remove(&id);
        let next = if was_offered { line.pass_on() } else { None };
        drop(line);
        next.inspect(Waker::wake_by_ref);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = lock(&self.0.line).pass_on();
        next.inspect(Waker::wake_by_ref);
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}
