//! The stream: server-sent events that lead each followed state from where the page is to now.

use super::{
    Runtime,
    authorize::authorize,
    cell::{AnySnapshot, write_large},
    follow::Follower,
    followed::{self, FollowedScope, open_scopes},
    presence::HIDDEN_RETRY_MS,
    renewal::{NoSession, RENEWED_RETRY_MS},
    scope::Scope,
    scopes::Slot,
    serve::{ConnectionToken, SHUTDOWN_RETRY_MS},
};
use crate::{
    Visitor,
    core::{
        frame::{ByeReason, Control, HelloScope, write_control_event},
        scope::ScopeName,
    },
};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Query, Request},
    http::{HeaderMap, HeaderValue, Response, header},
    response::IntoResponse,
    routing::{MethodRouter, get_service},
};
use hyper::body::Frame;
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::service_fn;

/// `GET /api/stream?follow=s.feed@<position>,0.room@…&scope=room:lobby`
///
/// Refused with a frame, not with a status: a browser's EventSource stops for good at anything
/// but 200, and reads no body then.
pub(super) fn stream(runtime: Arc<Runtime>) -> MethodRouter {
    get_service(service_fn(move |request: Request| {
        ready(Ok::<_, Infallible>(answer(&runtime, &request)))
    }))
}

fn answer(runtime: &Arc<Runtime>, request: &Request) -> Response<Body> {
    let query = match Query::<Vec<(String, String)>>::try_from_uri(request.uri()) {
        Ok(Query(query)) => query,
        Err(rejection) => return rejection.into_response(),
    };
    let connection = request.extensions().get::<ConnectionToken>();
    let connection = connection.map(|ConnectionToken(token)| token.clone());
    match open(
        runtime,
        connection.unwrap_or_default(),
        &query,
        request.headers(),
    ) {
        Ok(stream) => event_stream(Body::new(stream)),
        Err(reason) => {
            let retry_ms = match reason {
                ByeReason::Full => FULL_RETRY_MS,
                ByeReason::Turn => RENEWED_RETRY_MS,
                _ => 0,
            };
            let bye = write_control_event(&Control::Bye { reason, retry_ms });
            event_stream(Body::from(bye))
        }
    }
}

/// A stream that is told to come back finds, with luck, that another has gone.
const FULL_RETRY_MS: u32 = 5_000;

/// How long a tab without a stream of its own waits between two looks.
const TURN_RETRY_MS: u32 = 500;

fn open(
    runtime: &Arc<Runtime>,
    connection: CancellationToken,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<Stream, ByeReason> {
    if runtime.is_shutting_down() {
        return Err(ByeReason::Shutdown);
    }
    let session = runtime.session_now(headers).map_err(|why| match why {
        NoSession::Nothing => ByeReason::NoSession,
        NoSession::ReplacedLately => ByeReason::Turn,
        NoSession::Unreadable => ByeReason::Full,
    })?;
    let mut request = followed::Request::parse(runtime, query)?;
    request.generation = session.generation;
    Stream::new(runtime.clone(), session.visitor, connection, request)
}

fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    let no_store = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
    headers.insert(header::CACHE_CONTROL, no_store);
    // Some proxies hold answers back until they have a page full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The body of the answer. Whatever came while the socket was busy goes in one write.
pub(super) struct Stream {
    runtime: Arc<Runtime>,
    visitor: Visitor,
    follower: Arc<Follower>,
    id: u64,
    /// The session first, even if none of its states is followed.
    scopes: Vec<FollowedScope>,
    /// Scopes that do not let the visitor in, with what they say. Told once.
    refused: Vec<(ScopeName, String)>,
    /// It ends as soon as everything there is has been sent, and its page comes back so much later.
    brief_retry_ms: Option<u32>,
    phase: Phase,
    /// When the rules of its scopes were asked last, on the runtime's clock.
    asked_ms: u64,
    /// All there was to be written is written: without news there is nothing to look for. The
    /// connection asks once more after each part, and that look was a twentieth of a click.
    is_done: bool,
    /// What goes out next, before anything else: large snapshots, whose bytes are shared with the
    /// other streams that send them.
    large: VecDeque<Bytes>,
}

/// The states of a scope that need a snapshot.
struct Missing {
    scope: Arc<Scope>,
    states: Vec<&'static str>,
}

/// A snapshot, and the scope that it is of.
type Taken = (Arc<Slot>, Arc<dyn AnySnapshot>);

enum Phase {
    /// The head has not been written. Leads to `Live`.
    Opening,
    /// Entries are written as they come. One that leaves a gap leads to `Snapshot`.
    Live,
    /// Snapshots are on their way; nothing else is written before them. Leads to `Live`. A task of
    /// its own takes them: this body is not polled while its client does not read, and must not
    /// then stand first in the line for the scope's lock. It ends with the stream.
    Snapshot(AbortOnDropHandle<Vec<Taken>>),
    /// The last words are written. The body ends.
    Ended,
}

impl Stream {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        visitor: Visitor,
        connection: CancellationToken,
        request: followed::Request,
    ) -> Result<Self, ByeReason> {
        let limits = &runtime.limits;
        if runtime.streams.count() >= limits.streams {
            return Err(ByeReason::Full);
        }
        let is_brief = request.is_brief;
        let (page, is_hidden, generation) = (request.page, request.is_hidden, request.generation);
        let asked_ms = runtime.uptime_ms();
        let follower = Follower::new(visitor, connection, asked_ms);
        let follower = Arc::new(follower.of_page(page, is_hidden, generation));
        // From here on a change wakes it; what came before it finds in the log.
        let opened = open_scopes(&runtime, visitor, request, &follower)?;
        let retry_ms = match opened.others_of_visitor >= limits.streams_of_visitor {
            // Whoever looks at no page needs no stream, but is there.
            _ if is_hidden => Some(HIDDEN_RETRY_MS),
            _ if is_brief => Some(TURN_RETRY_MS),
            true => Some(TURN_RETRY_MS),
            false => None,
        };
        let id = runtime.streams.add(&follower);
        if runtime.is_shutting_down() {
            // It came between the question and the last words to all.
            follower.say_bye(ByeReason::Shutdown, SHUTDOWN_RETRY_MS);
        }
        let session = opened
            .scopes
            .first()
            .and_then(|session| session.slot.scope());
        if session.is_some_and(|scope| generation < scope.generation.newest()) {
            // So did another cookie.
            follower.say_bye(ByeReason::Turn, RENEWED_RETRY_MS);
        }
        Ok(Stream {
            runtime,
            visitor,
            follower,
            id,
            scopes: opened.scopes,
            refused: opened.refused,
            brief_retry_ms: retry_ms,
            phase: Phase::Opening,
            asked_ms,
            is_done: false,
            large: VecDeque::new(),
        })
    }

    fn write_head(&mut self, out: &mut Vec<u8>) {
        let ping_s = u32::try_from(self.runtime.limits.ping_ms / 1000).unwrap_or(15);
        let others = self.scopes.iter().skip(1).map(|scope| HelloScope {
            scope: scope.slot.name.to_string(),
            tag: scope.slot.tag.as_str().to_owned(),
            epoch: scope.epoch(),
        });
        let hello = Control::Hello {
            ping_s,
            epoch: self
                .scopes
                .first()
                .map_or_else(String::new, FollowedScope::epoch),
            session: self.visitor.id(),
            scopes: others.collect(),
        };
        out.extend_from_slice(b"retry: 2000\n");
        out.extend_from_slice(&write_control_event(&hello));
        for (scope, message) in self.refused.drain(..) {
            let scope = scope.to_string();
            out.extend_from_slice(&write_control_event(&Control::Refused { scope, message }));
        }
    }

    /// The next part of what is large: as much as is written in one go, so that a client who reads
    /// slowly is seen to read.
    fn next_part(&mut self) -> Option<Bytes> {
        let front = self.large.front_mut()?;
        let part = front.split_to(front.len().min(self.runtime.limits.write_bytes));
        if front.is_empty() {
            self.large.pop_front();
        }
        Some(part)
    }

    /// Writes what there is, at most so much in one go.
    fn write(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) {
        let max = self.runtime.limits.write_bytes;
        loop {
            match &mut self.phase {
                Phase::Ended => return,
                Phase::Opening => {
                    self.write_head(out);
                    self.phase = Phase::Live;
                }
                Phase::Snapshot(snapshots) => {
                    let Poll::Ready(taken) = Pin::new(snapshots).poll(cx) else {
                        return;
                    };
                    self.phase = Phase::Live;
                    match taken {
                        Ok(snapshots) => {
                            // They may have waited for long, for the scope or for what is kept first.
                            self.ask_again(out);
                            for (slot, snapshot) in snapshots {
                                let mut followed = self.scopes.iter_mut();
                                let followed =
                                    followed.find(|followed| Arc::ptr_eq(&followed.slot, &slot));
                                let Some(followed) = followed else { continue };
                                let event = followed.take_snapshot(&*snapshot, out);
                                if event.len() < max {
                                    out.extend_from_slice(event);
                                } else {
                                    self.large.push_back(event.clone());
                                }
                            }
                            if !self.large.is_empty() {
                                return;
                            }
                        }
                        Err(error) => {
                            tracing::error!(%error, "a snapshot can't be taken");
                            self.follower.say_bye(ByeReason::Slow, FULL_RETRY_MS);
                            return;
                        }
                    }
                }
                Phase::Live => {
                    self.ask_again(out);
                    let missing = self.write_entries(out, max);
                    if missing.is_empty()
                        && out.len() < max
                        && let Some(retry_ms) = self.brief_retry_ms
                    {
                        self.follower.say_bye(ByeReason::Turn, retry_ms);
                    }
                    if missing.is_empty() || out.len() >= max {
                        return;
                    }
                    let visitor = self.visitor;
                    let snapshots = async move {
                        let mut all = Vec::new();
                        for Missing { scope, states } in missing {
                            let snapshots = scope.snapshots_of(states, visitor).await;
                            let tag = scope.slot.tag.shared();
                            for snapshot in &snapshots {
                                write_large(snapshot, tag).await;
                                // Written here: user code that panics ends this task, and the
                                // stream says that it is to be asked for again.
                                snapshot.event(tag);
                            }
                            let slot = &scope.slot;
                            all.extend(
                                snapshots
                                    .into_iter()
                                    .map(|snapshot| (slot.clone(), snapshot)),
                            );
                        }
                        all
                    };
                    let snapshots = AbortOnDropHandle::new(tokio::spawn(snapshots));
                    self.phase = Phase::Snapshot(snapshots);
                }
            }
        }
    }

    /// A rule may have changed its mind: what it keeps from the visitor now is not written any more.
    /// Asked before something is written, a ping too, but not for each click.
    fn ask_again(&mut self, out: &mut Vec<u8>) {
        let now_ms = self.runtime.uptime_ms();
        if now_ms.saturating_sub(self.asked_ms) < self.runtime.limits.rule_ms {
            return;
        }
        self.asked_ms = now_ms;
        let (runtime, visitor) = (self.runtime.clone(), self.visitor);
        let mut refused = Vec::new();
        self.scopes.retain(|FollowedScope { slot, .. }| {
            let asked = authorize(&runtime, visitor, &slot.name);
            refused.extend(asked.err().map(|why| (slot.clone(), why.message())));
            refused
                .last()
                .is_none_or(|(gone, _)| !Arc::ptr_eq(gone, slot))
        });
        for (slot, message) in refused {
            self.leave(&slot);
            let scope = slot.name.to_string();
            out.extend_from_slice(&write_control_event(&Control::Refused { scope, message }));
        }
    }

    fn leave(&self, slot: &Arc<Slot>) {
        if let Some(scope) = slot.scope() {
            scope.touch(self.runtime.uptime_ms());
        }
        slot.followers.remove(&self.follower);
        self.runtime.scopes.tidy(slot);
    }

    /// Writes the entries that lead on, and returns the states to which none lead.
    fn write_entries(&mut self, out: &mut Vec<u8>, max: usize) -> Vec<Missing> {
        let mut missing = Vec::new();
        for followed in &mut self.scopes {
            let Some(scope) = followed.slot.scope() else {
                followed.write_defaults(&self.runtime, out);
                continue;
            };
            let states = followed.write_entries(&scope, self.visitor, out, max);
            if !states.is_empty() {
                missing.push(Missing { scope, states });
            }
        }
        missing
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if matches!(self.phase, Phase::Ended) {
            return Poll::Ready(None);
        }
        if let Some(part) = self.next_part() {
            self.follower.writes(self.runtime.uptime_ms());
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let is_told = self.follower.look(cx.waker());
        if self.is_done && !is_told {
            return Poll::Pending;
        }
        let mut out = Vec::new();
        self.write(cx, &mut out);
        let is_all = out.len() < self.runtime.limits.write_bytes && self.large.is_empty();
        self.is_done = is_all && matches!(self.phase, Phase::Live);
        if self.follower.take_ping() {
            out.extend_from_slice(&write_control_event(&Control::Ping(
                self.runtime.uptime_ms(),
            )));
        }
        if let Some(bye) = self.follower.take_bye() {
            out.extend_from_slice(&write_control_event(&bye));
            self.phase = Phase::Ended;
        }
        let data = match out.is_empty() {
            true => self.next_part(),
            false => Some(Bytes::from(out)),
        };
        let Some(data) = data else {
            return Poll::Pending;
        };
        self.follower.writes(self.runtime.uptime_ms());
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.runtime.streams.remove(self.id);
        for FollowedScope { slot, .. } in &self.scopes {
            self.leave(slot);
        }
    }
}
