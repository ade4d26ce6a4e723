//! Finds handlers that compute or block where they should wait: such a handler holds up a thread
//! of the server, and with it other visitors.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The handlers that run, as a thread sees them that looks now and then. It is no task: a server
/// whose threads are all held up runs none.
pub(crate) struct Polls {
    slow: Duration,
    began: Instant,
    thread: Once,
    // A std mutex, held to add, to remove and to look through.
    running: Mutex<HashMap<usize, Arc<Running>>>,
    /// Of handlers that don't wait, and have ended: the next one takes such a place, which is in the
    /// table already. There are as many as there were threads that ran one at a time. A std mutex, held
    /// to take or to put one back.
    places: Mutex<Vec<Arc<Running>>>,
    #[cfg(test)]
    named: Mutex<Vec<&'static str>>,
}

struct Running {
    // A std mutex, held to put or to copy out.
    handler: Mutex<&'static str>,
    /// Since when it has not given its thread back, in milliseconds from `began` and one more; 0
    /// while it waits.
    since: AtomicU64,
}

/// A handler that is watched.
pub(crate) struct Watched<F> {
    future: F,
    guard: Guard,
}

/// A handler runs that does not wait. Dropped, it has ended.
pub(crate) struct Entered<'a> {
    polls: &'a Polls,
    running: Arc<Running>,
}

struct Guard {
    polls: Arc<Polls>,
    running: Arc<Running>,
}

// === impl Polls ===

impl Polls {
    pub(crate) fn new(slow_ms: u64) -> Self {
        Polls {
            slow: Duration::from_millis(slow_ms),
            began: Instant::now(),
            thread: Once::new(),
            running: Mutex::default(),
            places: Mutex::default(),
            #[cfg(test)]
            named: Mutex::default(),
        }
    }

    /// Watches a handler.
    pub(crate) fn watch<F: Future + Unpin>(
        self: &Arc<Self>,
        name: &'static str,
        future: F,
    ) -> Watched<F> {
        let guard = self.guard(name);
        Watched { future, guard }
    }

    /// Watches a handler that does not wait, until what this returns is dropped.
    pub(crate) fn enter(self: &Arc<Self>, name: &'static str) -> Entered<'_> {
        let place = self.lock_places().pop();
        let running = place.unwrap_or_else(|| self.add());
        *running.lock_handler() = name;
        running.since.store(self.now_ms(), Ordering::Relaxed);
        Entered {
            polls: self,
            running,
        }
    }

    fn guard(self: &Arc<Self>, name: &'static str) -> Guard {
        let running = self.add();
        *running.lock_handler() = name;
        Guard {
            polls: self.clone(),
            running,
        }
    }

    /// A place in the table.
    fn add(self: &Arc<Self>) -> Arc<Running> {
        self.thread.call_once(|| self.start());
        let running = Arc::new(Running {
            handler: Mutex::new(""),
            since: AtomicU64::new(0),
        });
        self.lock().insert(address(&running), running.clone());
        running
    }

    /// The handlers that the log was told of.
    #[cfg(test)]
    pub(crate) fn named(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>) {
        let (polls, pause) = (Arc::downgrade(self), self.slow / 4);
        let thread = std::thread::Builder::new().name("undercurrent-watch".into());
        let spawned = thread.spawn(move || look_now_and_then(&polls, pause));
        if let Err(error) = spawned {
            tracing::warn!(%error, "handlers that hold up a thread will not be named");
        }
    }

    /// Names the handlers that have held their thread for long, each once for each time.
    fn look(&self, told: &mut Vec<(usize, u64)>) {
        let now = self.now_ms();
        let slow = u64::try_from(self.slow.as_millis()).unwrap_or(u64::MAX);
        let long = |(address, running): (&usize, &Arc<Running>)| {
            let since = running.since.load(Ordering::Relaxed);
            let is_long = since > 0 && now.saturating_sub(since) >= slow;
            is_long.then(|| (*running.lock_handler(), (*address, since)))
        };
        // Told of outside of the lock: a log may be slow.
        let long: Vec<_> = self.lock().iter().filter_map(long).collect();
        told.retain(|known| long.iter().any(|(_, key)| key == known));
        for (handler, key) in long {
            if !told.contains(&key) {
                told.push(key);
                #[cfg(test)]
                self.named().push(handler);
                tracing::warn!(
                    handler,
                    ms = now - key.1,
                    "a handler computes or blocks and holds up a thread of the server: use \
                     `cx.blocking`, or wait with `.await`"
                );
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn lock_places(&self) -> MutexGuard<'_, Vec<Arc<Running>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread does for as long as there is a runtime.
fn look_now_and_then(polls: &Weak<Polls>, pause: Duration) {
    let mut told = Vec::new();
    while let Some(polls) = polls.upgrade() {
        polls.look(&mut told);
        drop(polls);
        std::thread::sleep(pause);
    }
}

// === impl Entered, Running ===

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.since.store(0, Ordering::Relaxed);
        self.polls.lock_places().push(self.running.clone());
    }
}

impl Running {
    fn lock_handler(&self) -> MutexGuard<'_, &'static str> {
        self.handler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Watched ===

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let watched = self.get_mut();
        let Guard { polls, running } = &watched.guard;
        running.since.store(polls.now_ms(), Ordering::Relaxed);
        let polled = Pin::new(&mut watched.future).poll(cx);
        running.since.store(0, Ordering::Relaxed);
        polled
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.polls.lock().remove(&address(&self.running));
    }
}

/// What tells one from another for as long as it is in the table.
fn address(running: &Arc<Running>) -> usize {
    Arc::as_ptr(running).addr()
}

impl fmt::Debug for Polls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polls")
            .field("slow", &self.slow)
            .finish_non_exhaustive()
    }
}
