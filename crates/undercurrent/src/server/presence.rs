//! Who is here: the visitors who have a page open on a scope. A page is there while it has a stream,
//! and for a while behind it: a reload, a cut, and the pause between two looks of a tab that takes
//! turns are no absence.

use super::{Runtime, authorize::key_left, followed::Request};
use crate::{Visitor, core::scope::ScopeName};
use axum::{
    Extension,
    extract::Query,
    http::{HeaderMap, StatusCode},
};
use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// How long a page counts as there once its stream has ended. Longer than the pause between two
/// looks of a tab that takes turns, and than a reload takes; a tab that is closed is gone after it.
pub(crate) const LEASE: Duration = Duration::from_secs(7);

/// How long a page counts as there once it has said that it is hidden. It says so again after
/// `HIDDEN_RETRY_MS`, which a browser draws out to two minutes; when it is closed it says that.
pub(crate) const HIDDEN_LEASE: Duration = Duration::from_secs(180);

/// So many pages of a visitor without a stream count as there in a scope: whoever asks under ever new
/// names fills no memory. Of more the one goes whose time is over first.
pub(super) const RESTING_PAGES: usize = 64;

/// So many visitors without a stream count as there in a scope: cookies can be had for nothing. Of more
/// those go, now and then, whose time is over first.
pub(super) const RESTING_VISITORS: usize = 20_000;

/// How long a hidden page waits between two looks.
pub(crate) const HIDDEN_RETRY_MS: u32 = 45_000;

/// The pages that are here, by visitor.
#[derive(Default)]
pub(crate) struct Presence {
    // A std mutex, held to put and to look through.
    here: Mutex<Here>,
    /// Told of each page that comes, goes, or says how long it will be there.
    pub(super) moved: Notify,
    /// States are told of it at the moment: see `attendance`.
    is_attended: AtomicBool,
}

#[derive(Default)]
struct Here {
    visitors: HashMap<Visitor, Vec<Page>>,
    /// So many visitors, and those who have gone are looked for.
    sweep_at: usize,
}

struct Page {
    id: PageId,
    streams: usize,
    /// Without a stream it is there until then.
    until: Instant,
}

/// Which of its visitor's pages it is, as far as the server knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageId(u64);

/// Whether a visitor is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
    /// For as long as a stream is open.
    Open,
    /// Until then, unless a page comes.
    Until(Instant),
    Gone,
}

/// `POST /api/closed?client=…&scope=room:lobby`: a page that is hidden is closed, or loaded again.
pub(crate) async fn closed(
    Extension(runtime): Extension<Arc<Runtime>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> StatusCode {
    let Ok(session) = runtime.session_of(&headers).await else {
        return StatusCode::UNAUTHORIZED;
    };
    let Ok(request) = Request::parse(&runtime, &query) else {
        return StatusCode::UNPROCESSABLE_ENTITY;
    };
    for name in request.scopes() {
        leaves(&runtime, session.visitor, name, request.page);
    }
    StatusCode::NO_CONTENT
}

/// A page of a visitor's is not there any more, unless it comes again.
pub(super) fn leaves(runtime: &Runtime, visitor: Visitor, name: &ScopeName, page: PageId) {
    if let Some(slot) = runtime.scopes.existing(key_left(visitor, name)) {
        slot.followers.presence.closes(visitor, page);
    }
}

// === impl Presence ===

impl Presence {
    /// A page has a stream. One that says so is hidden.
    pub(crate) fn comes(&self, visitor: Visitor, page: PageId, is_hidden: bool) {
        let lease = if is_hidden { HIDDEN_LEASE } else { LEASE };
        let now = Instant::now();
        let mut here = self.lock();
        here.sweep_if_due(now);
        let page = here.page(visitor, page, now);
        page.streams += 1;
        // What it says now counts, and not what it has said before.
        page.until = now + lease;
        drop(here);
        self.moved.notify_waiters();
    }

    /// A stream has ended.
    pub(crate) fn goes(&self, visitor: Visitor, page: PageId) {
        let now = Instant::now();
        let mut here = self.lock();
        let page = here.page(visitor, page, now);
        page.streams = page.streams.saturating_sub(1);
        page.until = page.until.max(now + LEASE);
        drop(here);
        self.moved.notify_waiters();
    }

    /// A page says that it closes. It may be loaded again.
    pub(crate) fn closes(&self, visitor: Visitor, page: PageId) {
        let now = Instant::now();
        let mut here = self.lock();
        let pages = here.visitors.get_mut(&visitor);
        let known = pages.and_then(|pages| pages.iter_mut().find(|known| known.id == page));
        if let Some(known) = known {
            known.until = known.until.min(now + LEASE);
        }
        drop(here);
        self.moved.notify_waiters();
    }

    /// Whether a visitor is here.
    pub(crate) fn stays(&self, visitor: Visitor) -> Stays {
        let here = self.lock();
        let pages = here.visitors.get(&visitor);
        pages.map_or(Stays::Gone, |pages| stays(pages, Instant::now()))
    }

    /// Those who are here, in an order of their own, and when the first of them will have gone
    /// unless a page comes.
    pub(crate) fn visitors(&self) -> (Vec<Visitor>, Option<Instant>) {
        let (now, mut first) = (Instant::now(), None::<Instant>);
        let mut visitors = Vec::new();
        for (visitor, pages) in &self.lock().visitors {
            match stays(pages, now) {
                Stays::Gone => continue,
                Stays::Open => {}
                Stays::Until(until) => {
                    first = Some(first.map_or(until, |first| first.min(until)));
                }
            }
            visitors.push(*visitor);
        }
        visitors.sort_unstable();
        (visitors, first)
    }

    /// Somebody is here.
    pub(super) fn is_any(&self) -> bool {
        let now = Instant::now();
        let here = self.lock();
        let mut visitors = here.visitors.values();
        visitors.any(|pages| stays(pages, now) != Stays::Gone)
    }

    /// From now on states are told. Says whether they were not.
    pub(super) fn attend(&self) -> bool {
        !self.is_attended.swap(true, Ordering::AcqRel)
    }

    /// From now on they are not.
    pub(super) fn let_be(&self) {
        self.is_attended.store(false, Ordering::Release);
    }

    /// States have it that somebody is here, or are to be told.
    pub(super) fn is_attended(&self) -> bool {
        self.is_attended.load(Ordering::Acquire)
    }

    /// How many visitors it remembers.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().visitors.len()
    }

    /// How many pages of a visitor it remembers.
    #[cfg(test)]
    pub(super) fn pages_of(&self, visitor: Visitor) -> usize {
        self.lock().visitors.get(&visitor).map_or(0, Vec::len)
    }

    fn lock(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stays(pages: &[Page], now: Instant) -> Stays {
    if pages.iter().any(|page| page.streams > 0) {
        return Stays::Open;
    }
    let last = pages.iter().map(|page| page.until).max();
    match last {
        Some(until) if until > now => Stays::Until(until),
        _ => Stays::Gone,
    }
}

// === impl Here ===

impl Here {
    fn page(&mut self, visitor: Visitor, id: PageId, now: Instant) -> &mut Page {
        let pages = self.visitors.entry(visitor).or_default();
        let known = pages.iter().position(|page| page.id == id);
        let nth = known.unwrap_or_else(|| {
            // Each reload is another page: those before it have gone.
            pages.retain(|page| page.is_here(now));
            let resting = pages.iter().enumerate();
            let resting = resting.filter(|(_, page)| page.streams == 0);
            if resting.clone().count() >= RESTING_PAGES
                && let Some((first, _)) = resting.min_by_key(|(_, page)| page.until)
            {
                pages.swap_remove(first);
            }
            let streams = 0;
            let until = now;
            pages.push(Page { id, streams, until });
            pages.len() - 1
        });
        &mut pages[nth]
    }

    /// Forgets those who have gone, now and then: each costs a look at two others at most.
    fn sweep_if_due(&mut self, now: Instant) {
        if self.visitors.len() < self.sweep_at {
            return;
        }
        let mut resting = Vec::new();
        self.visitors.retain(|visitor, pages| {
            let stays = stays(pages, now);
            if let Stays::Until(until) = stays {
                resting.push((until, *visitor));
            }
            stays != Stays::Gone
        });
        let surplus = resting.len().saturating_sub(RESTING_VISITORS);
        if surplus > 0 {
            resting.select_nth_unstable_by_key(surplus - 1, |(until, _)| *until);
            for (_, visitor) in &resting[..surplus] {
                self.visitors.remove(visitor);
            }
        }
        let open = self.visitors.len() - (resting.len() - surplus);
        let next = (self.visitors.len() * 2).max(16);
        self.sweep_at = next.min(open + 2 * RESTING_VISITORS);
    }
}

impl Page {
    /// It has a stream, or its time is not over.
    fn is_here(&self, now: Instant) -> bool {
        self.streams > 0 || self.until > now
    }
}

impl PageId {
    /// By the id that the page has made for itself as a client. All that tell none are one.
    pub(crate) fn of(client: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        client.hash(&mut hasher);
        PageId(hasher.finish())
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}
