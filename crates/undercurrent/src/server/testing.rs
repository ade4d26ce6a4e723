//! What the test kit needs of the server's inside: its doors without a socket.

use super::{
    Runtime,
    authorize::{Action, authorize},
    events::{Batch, take_events},
    followed::Request,
    scope::Scope,
    session::Session,
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
use serde_json::value::RawValue;
use std::{
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
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
        let place = authorize(self, visitor, name, Action::Read).ok()?;
        self.scopes.find(place.key)
    }

    /// How its frames are called.
    pub(crate) fn tag_of(&self, visitor: Visitor, name: &ScopeName) -> String {
        let place = authorize(self, visitor, name, Action::Read);
        place.map_or_else(|_| String::new(), |place| place.tag.as_str().to_owned())
    }
}
