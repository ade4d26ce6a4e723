//! What the test kit needs of the server's inside: its doors without a socket.

use super::{
    Config, Durability, Runtime, StartError,
    authorize::authorize,
    events::{Batch, take_events},
    followed::Request,
    scope::Scope,
    scopes::ScopeKey,
    session::Session,
    store::{Commit, Disk, HandOverAll, Store, StoreError, Stored, Ticket},
    stream::Stream,
};
use crate::{
    Visitor,
    answer::Answer,
    core::{
        frame::Name,
        scope::ScopeName,
        sse::{EventReader, ServerEvent},
    },
};
use axum::body::HttpBody;
use futures::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    pin::Pin,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Events, as a page sends them.
pub(crate) struct TestEvents<'a> {
    pub(crate) client: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) events: Vec<TestEvent<'a>>,
}

pub(crate) struct TestEvent<'a> {
    pub(crate) number: u64,
    /// With its schema.
    pub(crate) name: String,
    pub(crate) arguments: &'a str,
}

/// A stream, as a page reads it.
pub(crate) struct TestStream {
    body: Pin<Box<Stream>>,
    reader: EventReader,
}

impl TestEvents<'_> {
    /// Takes them. An error is of the request as a whole.
    pub(crate) async fn take(
        self,
        runtime: &Arc<Runtime>,
        session: &Session,
    ) -> Result<Vec<Answer>, String> {
        let mut events = Vec::new();
        for event in self.events {
            let arguments: &RawValue =
                serde_json::from_str(event.arguments).map_err(|error| error.to_string())?;
            events.push((event.number, Name(event.name.into()), arguments));
        }
        let batch = Batch {
            client: self.client.into(),
            session: None,
            scope: Some(self.scope.into()),
            events,
        };
        let answers = take_events(runtime, session, batch).await;
        let answers = answers.map_err(|refusal| format!("{refusal:?}"))?;
        Ok(answers.events)
    }
}

impl TestStream {
    /// # Panics
    ///
    /// The server refuses the stream as a whole.
    pub(crate) fn open(
        runtime: &Arc<Runtime>,
        visitor: Visitor,
        query: &[(String, String)],
    ) -> Self {
        let request = Request::parse(runtime, query);
        let stream = request.and_then(|request| {
            Stream::new(runtime.clone(), visitor, CancellationToken::new(), request)
        });
        TestStream {
            body: Box::pin(stream.unwrap_or_else(|why| panic!("no stream: {why:?}"))),
            reader: EventReader::new(usize::MAX),
        }
    }

    /// The events that are there, and whether the stream has ended with them.
    pub(crate) fn take(&mut self) -> (Vec<ServerEvent>, bool) {
        // It is polled until it says what it should, and needs no waker.
        let mut cx = Context::from_waker(Waker::noop());
        let mut events = Vec::new();
        let has_ended = loop {
            match self.body.as_mut().poll_frame(&mut cx) {
                Poll::Pending => break false,
                Poll::Ready(None) => break true,
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    let ended = self.reader.take(&bytes);
                    events.extend(ended.expect("an event of any length is read"));
                }
                Poll::Ready(Some(Err(never))) => match never {},
            }
        };
        (events, has_ended)
    }
}

impl Scope {
    /// Nothing of a visitor waits or runs in the queue.
    pub(crate) fn is_quiet_for(&self, visitor: Visitor) -> bool {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.of(visitor);
        queue.is_none_or(|queue| !queue.is_running && queue.waiting.is_empty())
    }
}

impl Runtime {
    /// The scope that a page means, if there is one.
    pub(crate) fn scope_of(&self, visitor: Visitor, name: &ScopeName) -> Option<Arc<Scope>> {
        let place = authorize(self, visitor, name).ok()?;
        self.scopes.find(place.key)
    }

    /// The store has the scope, and it is not in memory.
    pub(crate) fn keeps(&self, visitor: Visitor, name: &ScopeName) -> bool {
        let place = authorize(self, visitor, name);
        place.is_ok_and(|place| self.scopes.is_stored(place.key, self))
    }

    /// How its frames are called.
    pub(crate) fn tag_of(&self, visitor: Visitor, name: &ScopeName) -> String {
        let place = authorize(self, visitor, name);
        place.map_or_else(|_| String::new(), |place| place.tag.as_str().to_owned())
    }
}

/// The store of a file, for who turns the clock: while something is waited for that the file's own
/// thread does, no time passes.
#[derive(Debug)]
pub(crate) struct TestStore {
    disk: Arc<Disk>,
    /// Of what was handed over last.
    last: AtomicU64,
    /// The server is about to be killed: what comes now is too late to be kept.
    is_too_late: AtomicBool,
}

/// So long a disk may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of what is handed over too late.
const NEVER: Ticket = Ticket(u64::MAX);

impl TestStore {
    pub(crate) fn open(config: &Config) -> Result<Arc<Self>, StartError> {
        let (file, keeps_first) = (&config.store_file, config.durability == Durability::Commit);
        let disk = Disk::open(file, keeps_first, &config.limits);
        let disk = disk.map_err(|error| StartError::Store(file.clone(), error))?;
        Ok(Arc::new(TestStore {
            disk: Arc::new(disk),
            last: AtomicU64::new(0),
            is_too_late: AtomicBool::new(false),
        }))
    }

    /// Keeps all that was handed over so far, and nothing more.
    pub(crate) async fn dies(&self) {
        self.is_too_late.store(true, Ordering::Relaxed);
        self.kept(Ticket(self.last.load(Ordering::Relaxed))).await;
    }

    async fn kept(&self, ticket: Ticket) {
        let disk = self.disk.clone();
        if !disk.is_stored(ticket) {
            // tokio's paused clock stands still while such a thread works.
            let wait = move || disk.is_stored_within(ticket, PATIENCE);
            let is_stored = tokio::task::spawn_blocking(wait).await;
            assert_eq!(is_stored.ok(), Some(true), "the disk takes no longer");
        }
    }
}

impl Store for TestStore {
    fn outlives(&self) -> bool {
        self.disk.outlives()
    }

    fn has(&self, key: ScopeKey) -> bool {
        self.disk.has(key)
    }

    fn load(&self, key: ScopeKey) -> Result<Option<Stored>, StoreError> {
        self.disk.load(key)
    }

    fn unfinished(&self) -> Result<Vec<(ScopeKey, String)>, StoreError> {
        self.disk.unfinished()
    }

    fn unused_since(&self, before_s: u64) -> Result<Vec<ScopeKey>, StoreError> {
        self.disk.unused_since(before_s)
    }

    fn hand_over(&self, commit: Commit) -> Ticket {
        if self.is_too_late.load(Ordering::Relaxed) {
            return NEVER;
        }
        let ticket = self.disk.hand_over(commit);
        self.last.fetch_max(ticket.0, Ordering::Relaxed);
        ticket
    }

    fn stored(&self, ticket: Ticket) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match ticket == NEVER {
                true => std::future::pending().await,
                false => self.kept(ticket).await,
            }
        })
    }

    fn is_stored(&self, ticket: Ticket) -> bool {
        self.disk.is_stored(ticket)
    }

    fn is_stored_within(&self, ticket: Ticket, patience: Duration) -> bool {
        self.disk.is_stored_within(ticket, patience)
    }

    fn is_behind(&self) -> bool {
        self.disk.is_behind()
    }

    fn caught_up(&self) -> BoxFuture<'_, ()> {
        self.disk.caught_up()
    }

    fn turn(&self) -> u64 {
        self.disk.turn()
    }

    fn was_killed(&self) -> bool {
        self.disk.was_killed()
    }

    fn era(&self) -> usize {
        self.disk.era()
    }

    fn when_begun_anew(&self, hand_over_all: HandOverAll) {
        self.disk.when_begun_anew(hand_over_all);
    }

    fn trouble(&self) -> Option<String> {
        self.disk.trouble()
    }

    fn close(&self) {
        self.disk.close();
    }
}
