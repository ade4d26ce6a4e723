//! What a page shows: its stream, read until it has what the server has.

use super::{
    PATIENCE, PAUSES,
    client::{Link, TestClient, keyed},
    pause, settle,
    shown::Followed,
};
use crate::{
    Failure, State, TaskRecord,
    builtin::{UcEnds, UcTasks},
    core::{
        frame::{Control, Frame, parse_id},
        log::Resume,
        replica::Verdict,
        scope::ScopeName,
        sse::ServerEvent,
    },
    server::TestStream,
};
use std::fmt;

/// Looks at a stream until it is what the server has. More are a mistake of the runtime.
const LOOKS: u32 = 10_000;

/// A stream as it is, with all that it says: for tests of the runtime itself.
#[doc(hidden)]
pub struct RawStream(TestStream);

impl RawStream {
    /// The events that are there, and whether the stream has ended with them.
    pub fn take(&mut self) -> (Vec<ServerEvent>, bool) {
        self.0.take()
    }
}

impl fmt::Debug for RawStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawStream").finish_non_exhaustive()
    }
}

impl TestClient {
    /// Another stream of the visitor's, for which the query asks.
    #[doc(hidden)]
    pub fn raw_stream(&self, query: &[(String, String)]) -> RawStream {
        let runtime = self.server.runtime();
        RawStream(TestStream::open(&runtime, self.visitor(), query))
    }

    /// What the page shows of a state: what its stream has brought, up to now. While the connection
    /// is cut that is what it was.
    ///
    /// It is a copy as the page has it: fields for the server are their defaults.
    pub async fn see<S: State>(&mut self) -> S {
        let scope = self.scope_of::<S>();
        self.look(&scope).await
    }

    /// The same of a keyed scope.
    ///
    /// # Panics
    ///
    /// The scope's rule does not let the visitor in.
    pub async fn see_in<S: State>(&mut self, key: impl AsRef<str>) -> S {
        self.look(&keyed::<S>(key.as_ref())).await
    }

    /// Lets time pass until the page shows something of a state.
    ///
    /// # Panics
    ///
    /// After an hour of the app's clock, with what it shows then.
    pub async fn until<S: State + fmt::Debug>(&mut self, condition: impl Fn(&S) -> bool) -> S {
        let scope = self.scope_of::<S>();
        self.until_in_scope(&scope, condition).await
    }

    /// The same of a keyed scope.
    ///
    /// # Panics
    ///
    /// As [`until`](Self::until) and [`see_in`](Self::see_in).
    pub async fn until_in<S: State + fmt::Debug>(
        &mut self,
        key: impl AsRef<str>,
        condition: impl Fn(&S) -> bool,
    ) -> S {
        self.until_in_scope(&keyed::<S>(key.as_ref()), condition)
            .await
    }

    async fn until_in_scope<S: State + fmt::Debug>(
        &mut self,
        scope: &ScopeName,
        condition: impl Fn(&S) -> bool,
    ) -> S {
        let begin = tokio::time::Instant::now();
        loop {
            settle().await;
            let shown = self.look::<S>(scope).await;
            if condition(&shown) {
                return shown;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "after an hour the page shows {shown:?}"
            );
            pause(begin).await;
        }
    }

    /// The visitor's tasks, those that run and the last that ended, oldest first.
    pub async fn tasks(&mut self) -> Vec<TaskRecord> {
        let tasks = self.look::<UcTasks>(&ScopeName::Session).await;
        tasks.runs.iter().cloned().collect()
    }

    /// The same of a keyed scope.
    ///
    /// # Panics
    ///
    /// As [`see_in`](Self::see_in).
    pub async fn tasks_in<S: State>(&mut self, key: impl AsRef<str>) -> Vec<TaskRecord> {
        let tasks = self.look::<UcTasks>(&keyed::<S>(key.as_ref())).await;
        tasks.runs.iter().cloned().collect()
    }

    /// What of the page's events did not end well, oldest first. The last few are kept.
    pub async fn failures(&mut self) -> Vec<Failure> {
        let ends = self.look::<UcEnds>(&ScopeName::Session).await;
        let mut clients = ends.clients.iter();
        let mine = clients.find(|ends| ends.client == self.id);
        mine.map_or_else(Vec::new, |ends| ends.failures.clone())
    }

    /// Follows a state, and reads the stream until the page has what the server has.
    pub(super) async fn look<S: State>(&mut self, scope: &ScopeName) -> S {
        let nth = match self.find::<S>(scope) {
            Some(nth) => nth,
            None => {
                self.followed.push(Followed::new::<S>(scope.clone()));
                if let Link::Open(_) = self.connection {
                    // As a page does that shows one more state.
                    self.connection = Link::Idle;
                }
                self.followed.len() - 1
            }
        };
        if !self.is_cut() {
            self.catch_up().await;
        }
        self.followed[nth].value()
    }

    fn find<S: State>(&self, scope: &ScopeName) -> Option<usize> {
        let is_it = |followed: &Followed| followed.name == S::NAME && followed.scope == *scope;
        self.followed.iter().position(is_it)
    }

    async fn catch_up(&mut self) {
        let restarts = self.server.restarts();
        if std::mem::replace(&mut self.restarts, restarts) != restarts {
            // Its stream has gone with the server.
            self.connection = Link::Idle;
        }
        for look in 0..LOOKS {
            self.take_frames();
            if self.is_current() {
                return;
            }
            // A snapshot is taken by a task, and a large one by a thread.
            match look % 64 {
                63 => tokio::time::sleep(PAUSES[0]).await,
                _ => tokio::task::yield_now().await,
            }
        }
        panic!("the stream does not lead to what the server has: {self:?}");
    }

    fn take_frames(&mut self) {
        if let Link::Idle = self.connection {
            let stream = TestStream::open(&self.server.runtime(), self.visitor(), &self.query());
            self.connection = Link::Open(stream);
        }
        let Link::Open(stream) = &mut self.connection else {
            return;
        };
        let (events, has_ended) = stream.take();
        let mut is_broken = has_ended;
        for event in events {
            is_broken |= self.take_event(&event);
        }
        if is_broken {
            self.connection = Link::Idle;
        }
    }

    /// Takes an event of the stream. Says whether the page has to open another one.
    fn take_event(&mut self, event: &ServerEvent) -> bool {
        let frame = Frame::parse(&event.data);
        match frame.unwrap_or_else(|error| panic!("{event:?} is no frame: {error}")) {
            Frame::Control(Control::Refused { scope, message }) => {
                panic!("the scope {scope} does not let the visitor in: {message}");
            }
            Frame::Control(Control::Ahead { tag, state }) => {
                if let Some(followed) = self.followed_as(&tag, &state) {
                    followed.broke();
                }
                false
            }
            Frame::Control(_) => false,
            Frame::State(frame) => {
                let id = &event.id;
                let (tag, at) = parse_id(id).unwrap_or_else(|error| panic!("{id:?}: {error}"));
                let Some(followed) = self.followed_as(tag, &frame.state) else {
                    return false;
                };
                followed.receive(frame.since, at, frame.body) == Verdict::Resync
            }
        }
    }

    /// What the page follows, as frames call it.
    fn followed_as(&mut self, tag: &str, state: &str) -> Option<&mut Followed> {
        let runtime = self.server.runtime();
        let visitor = self.visitor();
        self.followed.iter_mut().find(|followed| {
            followed.name == state && runtime.tag_of(visitor, &followed.scope) == tag
        })
    }

    /// The page has what the server has.
    fn is_current(&self) -> bool {
        let runtime = self.server.runtime();
        self.followed.iter().all(|followed| {
            let from = followed.from();
            match runtime.scope_of(self.visitor(), &followed.scope) {
                // One that the store has is read where a stream asks for it.
                None => from.is_some() && !runtime.keeps(self.visitor(), &followed.scope),
                Some(scope) => {
                    let resumes = scope.resume(&[(followed.name, from)], self.visitor());
                    matches!(resumes[..], [Resume::Current])
                }
            }
        })
    }

    /// What a page asks its stream for.
    fn query(&self) -> Vec<(String, String)> {
        let mut scopes: Vec<&ScopeName> = Vec::new();
        let mut query = Vec::new();
        for Followed { scope, .. } in &self.followed {
            if *scope != ScopeName::Session && !scopes.contains(&scope) {
                scopes.push(scope);
                query.push(("scope".to_owned(), scope.to_string()));
            }
        }
        for followed in &self.followed {
            let nth = scopes.iter().position(|scope| **scope == followed.scope);
            let scope = nth.map_or_else(|| "s".to_owned(), |nth| nth.to_string());
            let from = followed
                .from()
                .map_or_else(String::new, |at| at.to_string());
            let follow = format!("{scope}.{}@{from}", followed.name);
            query.push(("follow".to_owned(), follow));
        }
        query
    }
}
