//! Who follows a scope: the streams, and how they are woken.

use super::{
    handover::{Audience, News},
    presence::{PageId, Presence},
};
use crate::{
    Visitor,
    core::frame::{ByeReason, Control},
};
use std::{
    cell::Cell,
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
};
use tokio_util::sync::CancellationToken;

/// A stream, as a scope and the sweeper see it.
pub(crate) struct Follower {
    visitor: Visitor,
    /// Of the cookie that it was asked for with.
    pub(super) generation: u64,
    page: PageId,
    /// Nobody looks at its page.
    is_hidden: bool,
    news: News,
    wants_ping: AtomicBool,
    // A std mutex, held to put or to take.
    bye: Mutex<Option<Control>>,
    /// The runtime's clock when the stream last wrote, and when it last had nothing to write.
    wrote_ms: AtomicU64,
    news_since_ms: AtomicU64,
    /// Ends the connection of a client that takes nothing.
    connection: CancellationToken,
}

/// The streams of one scope.
#[derive(Default)]
pub(crate) struct Followers {
    all: Audience<Follower>,
    pub(super) presence: Presence,
}

/// The streams of the process, for the sweeper and the shutdown.
#[derive(Default)]
pub(crate) struct Streams {
    all: Mutex<HashMap<u64, Weak<Follower>>>,
    next: AtomicU64,
}

/// Milliseconds that a client which takes nothing has to hear why it is cut off.
const LAST_WORDS_MS: u64 = 2_000;
/// Milliseconds that mean "nothing waits".
const NO_NEWS: u64 = u64::MAX;

// === impl Follower ===

impl Follower {
    pub(crate) fn new(visitor: Visitor, connection: CancellationToken, now_ms: u64) -> Self {
        Follower {
            visitor,
            generation: 0,
            page: PageId::default(),
            is_hidden: false,
            news: News::new(),
            wants_ping: AtomicBool::new(false),
            bye: Mutex::default(),
            wrote_ms: AtomicU64::new(now_ms),
            news_since_ms: AtomicU64::new(NO_NEWS),
            connection,
        }
    }

    /// A stream of this page, asked for with a cookie of this generation.
    pub(super) fn of_page(self, page: PageId, is_hidden: bool, generation: u64) -> Self {
        Follower {
            generation,
            page,
            is_hidden,
            ..self
        }
    }

    /// The stream begins to look, and will be woken by what comes meanwhile. Says whether it was
    /// told of something since the last look.
    pub(crate) fn look(&self, waker: &Waker) -> bool {
        let is_told = self.news.look(waker);
        self.news_since_ms.store(NO_NEWS, Ordering::Relaxed);
        is_told
    }

    /// The stream writes: its client reads.
    pub(crate) fn writes(&self, now_ms: u64) {
        self.wrote_ms.store(now_ms, Ordering::Relaxed);
        self.news_since_ms.store(NO_NEWS, Ordering::Relaxed);
    }

    pub(crate) fn take_ping(&self) -> bool {
        self.wants_ping.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn take_bye(&self) -> Option<Control> {
        self.bye
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The stream ends with this.
    pub(crate) fn say_bye(&self, reason: ByeReason, retry_ms: u32) {
        let bye = Control::Bye { reason, retry_ms };
        *self.bye.lock().unwrap_or_else(PoisonError::into_inner) = Some(bye);
        self.news.tell();
    }
}

// === impl Followers ===

impl Followers {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.count() == 0
    }

    pub(crate) fn count(&self) -> usize {
        self.all.count()
    }

    pub(crate) fn add(&self, follower: Arc<Follower>) {
        let (visitor, page, is_hidden) = (follower.visitor, follower.page, follower.is_hidden);
        self.all.add(follower);
        self.presence.comes(visitor, page, is_hidden);
    }

    pub(crate) fn remove(&self, follower: &Arc<Follower>) {
        self.all.remove(follower);
        self.presence.goes(follower.visitor, follower.page);
    }

    pub(super) fn each(&self, visit: impl Fn(&Follower)) {
        self.all.each(|follower| visit(follower));
    }

    /// There is something new in the log. Says whether a stream was woken: one that was told before,
    /// and has not looked since, is not.
    pub(crate) fn wake_all(&self) -> bool {
        let has_woken = Cell::new(false);
        self.all
            .each(|follower| has_woken.set(follower.news.tell() | has_woken.get()));
        has_woken.get()
    }
}

// === impl Streams ===

impl Streams {
    pub(crate) fn add(&self, follower: &Arc<Follower>) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, Arc::downgrade(follower));
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    pub(crate) fn count(&self) -> usize {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    pub(crate) fn say_bye_to_all(&self, reason: ByeReason, retry_ms: u32) {
        self.each(|follower| follower.say_bye(reason, retry_ms));
    }

    /// Once a second: pings those that were silent, and cuts off those whose client takes
    /// nothing. A stream can't see that itself: while its client does not read it is not polled.
    pub(crate) fn sweep(&self, now_ms: u64, ping_ms: u64, stall_ms: u64) {
        self.each(|follower| {
            if follower.news.wait() {
                let since = follower.news_since_ms.load(Ordering::Relaxed);
                if since == NO_NEWS {
                    follower.news_since_ms.store(now_ms, Ordering::Relaxed);
                    return;
                }
                let stalled_ms = now_ms.saturating_sub(since);
                if stalled_ms > stall_ms + LAST_WORDS_MS {
                    tracing::info!("a stream took nothing for {stalled_ms} ms and is cut off");
                    follower.connection.cancel();
                } else if stalled_ms > stall_ms {
                    // Should its client read after all, it is told why.
                    follower.say_bye(ByeReason::Slow, 1_000);
                }
            } else if now_ms.saturating_sub(follower.wrote_ms.load(Ordering::Relaxed)) >= ping_ms {
                follower.wants_ping.store(true, Ordering::Relaxed);
                follower.news.tell();
            }
        });
    }

    fn each(&self, visit: impl Fn(&Follower)) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let living: Vec<_> = all.values().filter_map(Weak::upgrade).collect();
        drop(all);
        living.iter().for_each(|follower| visit(follower));
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
