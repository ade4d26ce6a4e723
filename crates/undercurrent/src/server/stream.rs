//! The stream: server-sent events that lead each followed state from where the page is to now.

use super::{
    Runtime,
    authorize::{Action, authorize},
    cell::AnySnapshot,
    follow::Follower,
    scope::SESSION_TAG,
    scopes::Slot,
    serve::{ConnectionToken, SHUTDOWN_RETRY_MS},
    session::Session,
};
use crate::core::{
    frame::{ByeReason, Control, write_control_event},
    log::{Entry, Resume},
    position::{Epoch, Position},
};
use axum::{
    Extension,
    body::{Body, Bytes, HttpBody},
    extract::RawQuery,
    http::{HeaderMap, HeaderValue, Response, header},
    response::IntoResponse,
};
use hyper::body::Frame;
use serde::Deserialize;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// `GET /api/stream?follow=s.feed@<position>,s.uc_tasks@…`
///
/// Refused with a frame, not with a status: a browser's EventSource stops for good at anything
/// but 200, and reads no body then.
pub(crate) async fn stream(
    Extension(runtime): Extension<Arc<Runtime>>,
    connection: Option<Extension<ConnectionToken>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> impl IntoResponse {
    let connection = connection
        .map(|Extension(ConnectionToken(token))| token)
        .unwrap_or_default();
    match open(
        &runtime,
        connection,
        query.as_deref().unwrap_or_default(),
        &headers,
    ) {
        Ok(stream) => event_stream(Body::new(stream)),
        Err(reason) => {
            let retry_ms = if reason == ByeReason::Full {
                FULL_RETRY_MS
            } else {
                0
            };
            let bye = write_control_event(&Control::Bye { reason, retry_ms });
            event_stream(Body::from(bye))
        }
    }
}

/// A stream that is told to come back finds, with luck, that another has gone.
const FULL_RETRY_MS: u32 = 5_000;

/// How long a tab without a stream of its own waits between two looks.
const TURN_RETRY_MS: u32 = 700;

fn open(
    runtime: &Arc<Runtime>,
    connection: CancellationToken,
    query: &str,
    headers: &HeaderMap,
) -> Result<Stream, ByeReason> {
    if runtime.is_shutting_down() {
        return Err(ByeReason::Shutdown);
    }
    let session = runtime.sessions.of(headers).ok_or(ByeReason::NoSession)?;
    authorize(&session, session.scope, Action::Read).map_err(|_| ByeReason::NoSession)?;
    let follows = parse_follows(runtime, query)?;
    Stream::new(runtime.clone(), &session, connection, follows)
}

/// The states to follow, each with the position to go on from; without one it gets a snapshot.
///
/// `Last-Event-ID` is not read: it is one position, of the frame that came last, and of an update
/// over several states the others may not have come. The URL is exact, and what comes twice is
/// known by its position.
fn parse_follows(
    runtime: &Runtime,
    query: &str,
) -> Result<Vec<(&'static str, Option<Position>)>, ByeReason> {
    #[derive(Deserialize)]
    struct Query {
        #[serde(default)]
        follow: String,
    }
    let Query { follow } = serde_qs::from_str(query).map_err(|_| ByeReason::UnknownState)?;
    let mut follows: Vec<(&'static str, Option<Position>)> = Vec::new();
    for one in follow.split(',').filter(|one| !one.is_empty()) {
        let (name, position) = one.split_once('@').unwrap_or((one, ""));
        let name = name
            .strip_prefix(SESSION_TAG)
            .and_then(|name| name.strip_prefix('.'));
        let state = name.and_then(|name| runtime.registry.state(name));
        let state = state.ok_or(ByeReason::UnknownState)?;
        if follows.iter().any(|(known, _)| *known == state.name) {
            continue;
        }
        if follows.len() >= runtime.limits.followed_states {
            return Err(ByeReason::UnknownState);
        }
        follows.push((state.name, position.parse().ok()));
    }
    Ok(follows)
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
struct Stream {
    runtime: Arc<Runtime>,
    slot: Arc<Slot>,
    follower: Arc<Follower>,
    id: u64,
    follows: Vec<(&'static str, Option<Position>)>,
    /// It ends as soon as everything there is has been sent.
    is_brief: bool,
    phase: Phase,
}

enum Phase {
    /// The head has not been written. Leads to `Live`.
    Opening,
    /// Entries are written as they come. One that leaves a gap leads to `Snapshot`.
    Live,
    /// Snapshots are on their way; nothing else is written before them. Leads to `Live`. A task of
    /// its own takes them: this body is not polled while its client does not read, and must not
    /// then stand first in the line for the scope's lock.
    Snapshot(JoinHandle<Vec<Arc<dyn AnySnapshot>>>),
    /// The last words are written. The body ends.
    Ended,
}

impl Stream {
    fn new(
        runtime: Arc<Runtime>,
        session: &Session,
        connection: CancellationToken,
        follows: Vec<(&'static str, Option<Position>)>,
    ) -> Result<Self, ByeReason> {
        let limits = &runtime.limits;
        if runtime.streams.count() >= limits.streams {
            return Err(ByeReason::Full);
        }
        let follower = Arc::new(Follower::new(connection, runtime.uptime_ms()));
        // From here on a change wakes it; what came before it finds in the log.
        let (slot, others) = runtime.scopes.follow(session.scope, &follower);
        let is_brief = others >= limits.streams_of_visitor;
        let id = runtime.streams.add(&follower);
        if runtime.is_shutting_down() {
            // It came between the question and the last words to all.
            follower.say_bye(ByeReason::Shutdown, SHUTDOWN_RETRY_MS);
        }
        Ok(Stream {
            runtime,
            slot,
            follower,
            id,
            follows,
            is_brief,
            phase: Phase::Opening,
        })
    }

    /// Writes what there is, at most so much in one go.
    fn write(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) {
        let max = self.runtime.limits.write_bytes;
        loop {
            match &mut self.phase {
                Phase::Ended => return,
                Phase::Opening => {
                    let ping_s = u32::try_from(self.runtime.limits.ping_ms / 1000).unwrap_or(15);
                    let epoch = self.slot.scope().map_or(Epoch::NONE, |scope| scope.epoch());
                    let hello = Control::Hello {
                        ping_s,
                        epoch: epoch.to_string(),
                    };
                    out.extend_from_slice(b"retry: 2000\n");
                    out.extend_from_slice(&write_control_event(&hello));
                    self.phase = Phase::Live;
                }
                Phase::Snapshot(snapshots) => {
                    let Poll::Ready(taken) = Pin::new(snapshots).poll(cx) else {
                        return;
                    };
                    self.phase = Phase::Live;
                    match taken {
                        Ok(snapshots) => {
                            for snapshot in snapshots {
                                self.write_snapshot(&*snapshot, out);
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
                    let missing = self.write_entries(out, max);
                    if missing.is_empty() && out.len() < max && self.is_brief {
                        self.follower.say_bye(ByeReason::Turn, TURN_RETRY_MS);
                    }
                    if missing.is_empty() || out.len() >= max {
                        return;
                    }
                    let Some(scope) = self.slot.scope() else {
                        return;
                    };
                    let snapshots = async move { scope.snapshots_of(missing).await };
                    self.phase = Phase::Snapshot(tokio::spawn(snapshots));
                }
            }
        }
    }

    /// Writes the entries that lead on, in the order of their offsets, and returns the states to
    /// which none lead.
    fn write_entries(&mut self, out: &mut Vec<u8>, max: usize) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let mut entries: Vec<(usize, Arc<Entry>)> = Vec::new();
        let Some(scope) = self.slot.scope() else {
            // No scope: every state is its default. Who shows something else had another one.
            for (name, from) in &mut self.follows {
                if *from != Some(Position::NONE)
                    && let Some(state) = self.runtime.registry.state(name)
                {
                    let snapshot = (state.default_snapshot)(Position::NONE);
                    out.extend_from_slice(snapshot.event(SESSION_TAG));
                    *from = Some(Position::NONE);
                }
            }
            return missing;
        };
        for (nth, resume) in scope.resume(&self.follows).into_iter().enumerate() {
            match resume {
                Resume::Current => {}
                Resume::Entries(found) => {
                    entries.extend(found.into_iter().map(|entry| (nth, entry)));
                }
                Resume::Snapshot => missing.push(self.follows[nth].0),
            }
        }
        entries.sort_by_key(|(_, entry)| entry.offset);
        let epoch = scope.epoch();
        for (nth, entry) in entries {
            if out.len() >= max {
                break;
            }
            out.extend_from_slice(&entry.event);
            self.follows[nth].1 = Some(Position::new(epoch, entry.offset));
        }
        missing
    }

    fn write_snapshot(&mut self, snapshot: &dyn AnySnapshot, out: &mut Vec<u8>) {
        out.extend_from_slice(snapshot.event(SESSION_TAG));
        if let Some(follow) = self
            .follows
            .iter_mut()
            .find(|(name, _)| *name == snapshot.name())
        {
            follow.1 = Some(snapshot.at());
        }
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
        self.follower.look(cx.waker());
        let mut out = Vec::new();
        self.write(cx, &mut out);
        if self.follower.take_ping() {
            out.extend_from_slice(&write_control_event(&Control::Ping(
                self.runtime.uptime_ms(),
            )));
        }
        if let Some(bye) = self.follower.take_bye() {
            out.extend_from_slice(&write_control_event(&bye));
            self.phase = Phase::Ended;
        }
        if out.is_empty() {
            return Poll::Pending;
        }
        self.follower.writes(self.runtime.uptime_ms());
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.slot.followers.remove(&self.follower);
        self.runtime.streams.remove(self.id);
        self.runtime.scopes.tidy(&self.slot);
    }
}
