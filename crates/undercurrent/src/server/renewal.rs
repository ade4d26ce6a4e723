//! Log-in and log-out: a session gets another cookie, and those before it open nothing any more.
//!
//! Which cookie is the newest, its generation, is kept in the session's scope and goes with that. A
//! cookie of a higher one was signed here all the same: the scope in which that was kept is gone, after
//! a restart with a memory store, say. So it is taken at its word.

use super::{
    Runtime, Undercurrent,
    authorize::{Place, authorize},
    follow::Followers,
    scope::Scope,
    scopes::NoScope,
    session::Session,
};
use crate::{
    UpdateError, Visitor,
    builtin::UcSession,
    core::{frame::ByeReason, scope::ScopeName},
};
use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use leptos::context::use_context;
use leptos_axum::ResponseOptions;
use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Why a session got no other cookie. It is as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRenewed {
    /// The request proves no session: its cookie is missing, not valid, or another has taken its
    /// place. Load a page first.
    NoSession,
    /// There is no room for one more scope.
    Full,
    /// The store can't take anything, or can't be read, at the moment.
    NotStored(String),
}

/// Why a request is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// It has no cookie, none that is valid, or one that was replaced long ago.
    Nothing,
    /// Its cookie was replaced so lately that the new one may be on its way: what is asked is to
    /// be asked once more.
    ReplacedLately,
    /// Whether it was replaced can't be read at the moment.
    Unreadable,
}

/// Which cookie of a session is the newest, as its scope knows it.
#[derive(Debug, Default)]
pub(super) struct Generation {
    newest: AtomicU64,
    /// When that was raised, on the runtime's clock. 0: before this server ran, or never.
    raised_ms: AtomicU64,
}

/// For so long a browser is given time to hear of its new cookie.
const LATELY_MS: u64 = 10_000;
/// A stream whose cookie was replaced comes back so much later, with the new one.
pub(super) const RENEWED_RETRY_MS: u32 = 500;

impl Undercurrent {
    /// Gives the session of who sent a request another cookie: where they log in, or get other
    /// rights. What is in the session stays, and its open pages go on. Whatever knew the cookie
    /// before, a stranger who had planted it, too, has no session from now on: its events are
    /// refused, and its streams end.
    ///
    /// What is returned is the `Set-Cookie` of the answer. It must be sent whatever else comes of the
    /// request: the browser's old cookie is good for nothing.
    ///
    /// ```
    /// use axum::{Form, Router, http::{HeaderMap, StatusCode, header}, response::Redirect, routing::post};
    /// use undercurrent::{Undercurrent, prelude::*};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Entry { name: String, password: String }
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Account { name: Option<String>, #[state(server)] is_known: bool }
    ///
    /// /// Any page may send it: it looks at the password itself.
    /// #[event]
    /// fn log_in(account: &mut Account, name: String, password: String) -> Result<(), ForVisitor> {
    ///     if password != "open sesame" { return Err(ForVisitor::new("That is not it.")) }
    ///     (account.name, account.is_known) = (Some(name), true);
    ///     Ok(())
    /// }
    ///
    /// /// To be merged into `uc.router(App, shell)`.
    /// fn account(uc: &Undercurrent) -> Router {
    ///     let of_in = uc.clone();
    ///     let enter = async move |headers: HeaderMap, Form(entry): Form<Entry>| {
    ///         let session = of_in.session::<Account>(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    ///         let renewed = of_in.renew_session(&headers).await;
    ///         let cookie = renewed.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    ///         // Only now: nobody else is in the session any more.
    ///         let _ = session.dispatch(log_in(entry.name, entry.password)).await;
    ///         Ok::<_, StatusCode>(([(header::SET_COOKIE, cookie)], Redirect::to("/")))
    ///     };
    ///     let of_out = uc.clone();
    ///     let leave = async move |headers: HeaderMap| {
    ///         let ended = of_out.end_session(&headers).await;
    ///         let cookie = ended.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    ///         Ok::<_, StatusCode>(([(header::SET_COOKIE, cookie)], Redirect::to("/")))
    ///     };
    ///     Router::new().route("/enter", post(enter)).route("/leave", post(leave))
    /// }
    /// ```
    ///
    /// Keep who somebody is in a state of the session, as here: it goes when the session does. What an
    /// app keeps elsewhere under a [`Visitor::key`] outlives `limits.idle-ms`, and with it the memory
    /// of which cookie is the newest.
    ///
    /// # Errors
    ///
    /// [`NotRenewed`]. Of two requests of one cookie one is refused: who clicks a plain form twice, and
    /// whose browser gives up the first request, and with it the answer that had the new cookie, has
    /// no session then. Turn its button off once it is sent.
    pub async fn renew_session(&self, headers: &HeaderMap) -> Result<HeaderValue, NotRenewed> {
        let session = self.runtime.raise(headers).await?;
        Ok(self.runtime.sessions.issue(&session))
    }

    /// Ends the session of who sent a request: where they log out. No cookie opens it any more, its
    /// streams end, and the browser begins another with the next page. What is in it is reached by
    /// nobody, and goes after `limits.idle-ms`; a task that runs in it ends as its attribute says. To
    /// keep the session, and what is in it, an app sends an event that forgets who somebody is, and
    /// renews it. But then what was clicked before, and still waits in a page without a network, is
    /// done for whoever logs in next; of a session that has ended it is not.
    ///
    /// What is returned is the `Set-Cookie` of the answer, which takes the cookie away.
    ///
    /// # Errors
    ///
    /// [`NotRenewed`].
    pub async fn end_session(&self, headers: &HeaderMap) -> Result<HeaderValue, NotRenewed> {
        self.runtime.raise(headers).await?;
        Ok(self.runtime.sessions.take_away())
    }

    /// [`renew_session`](Self::renew_session) inside of a `#[server]` function that is written by
    /// hand: the cookie goes with its answer.
    ///
    /// # Errors
    ///
    /// [`NotRenewed`]; outside of a request `NoSession`.
    pub async fn renew_session_here(&self) -> Result<(), NotRenewed> {
        let (request, answer) = here()?;
        let cookie = self.renew_session(&request.headers).await?;
        answer.append_header(header::SET_COOKIE, cookie);
        Ok(())
    }

    /// [`end_session`](Self::end_session) inside of a `#[server]` function that is written by hand.
    ///
    /// # Errors
    ///
    /// [`NotRenewed`]; outside of a request `NoSession`.
    pub async fn end_session_here(&self) -> Result<(), NotRenewed> {
        let (request, answer) = here()?;
        let cookie = self.end_session(&request.headers).await?;
        answer.append_header(header::SET_COOKIE, cookie);
        Ok(())
    }
}

fn here() -> Result<(Parts, ResponseOptions), NotRenewed> {
    let here = use_context::<Parts>().zip(use_context());
    here.ok_or(NotRenewed::NoSession)
}

impl Runtime {
    /// The session that a request's cookie proves, if no other has taken its place.
    pub(crate) async fn session_of(
        self: &Arc<Self>,
        headers: &HeaderMap,
    ) -> Result<Session, NoSession> {
        let session = self.sessions.of(headers).ok_or(NoSession::Nothing)?;
        let place = self.place_of(session.visitor)?;
        let scope = self.found(&place).await;
        self.newest(session, scope.map_err(|_| NoSession::Unreadable)?)
    }

    /// The same by this thread.
    pub(crate) fn session_now(self: &Arc<Self>, headers: &HeaderMap) -> Result<Session, NoSession> {
        let session = self.sessions.of(headers).ok_or(NoSession::Nothing)?;
        let place = self.place_of(session.visitor)?;
        let scope = self.found_now(&place);
        self.newest(session, scope.map_err(|_| NoSession::Unreadable)?)
    }

    fn place_of(&self, visitor: Visitor) -> Result<Place, NoSession> {
        authorize(self, visitor, &ScopeName::Session).map_err(|_| NoSession::Nothing)
    }

    fn newest(&self, session: Session, scope: Option<Arc<Scope>>) -> Result<Session, NoSession> {
        let Some(scope) = scope else {
            return Ok(session);
        };
        let known = scope.generation.newest();
        if session.generation < known {
            return Err(scope.generation.why_not(self.uptime_ms()));
        }
        if session.generation > known {
            scope.raise_to(session.generation, self.uptime_ms());
            // Written down, so that no older one is good after the next start either.
            self.tracker.spawn(async move {
                let (to, from) = (session.generation, 0..session.generation);
                let noted = scope.note_generation(to, |now| from.contains(&now)).await;
                if let Err(error) = noted {
                    tracing::warn!(%error, "which cookie of a session is the newest is not written down");
                }
            });
        }
        Ok(session)
    }

    /// No cookie of the session that a request shows is good any more but the one of what is returned.
    async fn raise(self: &Arc<Self>, headers: &HeaderMap) -> Result<Session, NotRenewed> {
        let unreadable = || NotRenewed::NotStored("it can't be read at the moment".to_owned());
        let mut session = self.session_of(headers).await.map_err(|why| match why {
            NoSession::Nothing | NoSession::ReplacedLately => NotRenewed::NoSession,
            NoSession::Unreadable => unreadable(),
        })?;
        let place = self.place_of(session.visitor);
        let place = place.map_err(|_| NotRenewed::NoSession)?;
        let scope = self.scope_at(&place).await.map_err(|why| match why {
            NoScope::Full => NotRenewed::Full,
            NoScope::Elsewhere | NoScope::Unreadable => unreadable(),
        })?;
        let (now, next) = (session.generation, session.generation + 1);
        // Another request of the same cookie may have been faster.
        let noted = scope.note_generation(next, |known| known <= now).await;
        let noted = noted.map_err(|error| match error {
            UpdateError::NotStored(why) => NotRenewed::NotStored(why),
            other => NotRenewed::NotStored(other.to_string()),
        });
        if !noted? {
            return Err(NotRenewed::NoSession);
        }
        scope.raise_to(next, self.uptime_ms());
        // Should the disk take longer, the new cookie is good all the same, and the browser must have
        // it.
        let patience = Duration::from_millis(self.limits.store_wait_ms);
        let _ = tokio::time::timeout(patience, scope.stored()).await;
        session.generation = next;
        Ok(session)
    }
}

impl Scope {
    /// Writes the newest generation down, if the one that is known so far is what it should be.
    async fn note_generation(
        &self,
        generation: u64,
        is_next: impl FnOnce(u64) -> bool,
    ) -> Result<bool, UpdateError> {
        let mut writing = self.write().await.ok_or(UpdateError::Cancelled)?;
        if let Some(why) = writing.runtime().store.trouble() {
            return Err(UpdateError::NotStored(why));
        }
        let noted = writing.change_own(|session: &mut UcSession| {
            let is_next = is_next(session.generation);
            if is_next {
                session.generation = generation;
            }
            Ok::<bool, Infallible>(is_next)
        });
        // It is bounded, plain, and nobody's code.
        debug_assert!(noted.is_ok());
        // Nothing is waited for behind this: whoever asked may go away, and half of it would be left.
        writing.publish();
        Ok(noted.unwrap_or(false))
    }

    /// From now on this generation is good. Streams of those before it end.
    fn raise_to(&self, generation: u64, now_ms: u64) {
        self.generation.raise(generation, now_ms);
        self.slot.followers.end_older(generation);
    }
}

impl Followers {
    /// Streams of cookies that were replaced are to come back, with the new one.
    fn end_older(&self, generation: u64) {
        self.each(|follower| {
            if follower.generation < generation {
                follower.say_bye(ByeReason::Turn, RENEWED_RETRY_MS);
            }
        });
    }
}

impl Generation {
    /// As it was kept.
    pub(super) fn begin_at(&self, newest: u64) {
        self.newest.store(newest, Ordering::Release);
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    fn raise(&self, to: u64, now_ms: u64) {
        self.raised_ms.store(now_ms.max(1), Ordering::Relaxed);
        self.newest.fetch_max(to, Ordering::Release);
    }

    fn why_not(&self, now_ms: u64) -> NoSession {
        let raised_ms = self.raised_ms.load(Ordering::Relaxed);
        match raised_ms > 0 && now_ms.saturating_sub(raised_ms) < LATELY_MS {
            true => NoSession::ReplacedLately,
            false => NoSession::Nothing,
        }
    }
}

impl fmt::Display for NotRenewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRenewed::NoSession => f.write_str("there is no session: load a page first"),
            NotRenewed::Full => f.write_str("there is no room for one more scope"),
            NotRenewed::NotStored(why) => write!(f, "nothing can be stored now: {why}"),
        }
    }
}

impl std::error::Error for NotRenewed {}
