//! A page in a browser, as a test has it.

use super::{PATIENCE, PAUSE, settle, shown::Followed};
use crate::{
    Call, CancelTask, EndKind, EventDef, EventFn, Failure, PauseTask, ResumeTask, State, TaskFn,
    TaskRecord, Visitor, Which,
    answer::{Answer, Fate},
    builtin::{UcEnds, UcTasks},
    core::{
        frame::{Control, Frame, parse_id},
        log::Resume,
        replica::Verdict,
        scope::{ScopeKind, ScopeName},
    },
    limits::OUTBOX_EVENTS,
    server::{Runtime, Session, TestEvent, TestEvents, TestStream},
};
use std::{fmt, sync::Arc};

/// A page of a visitor: it sends events, and shows what its stream brings.
///
/// Two clients of one visitor are two tabs; see
/// [`second_tab_of`](super::TestApp::second_tab_of). Dropped, it is closed.
pub struct TestClient {
    runtime: Arc<Runtime>,
    pub(super) session: Session,
    /// As the server knows the page.
    id: String,
    number: u64,
    followed: Vec<Followed>,
    connection: Link,
    /// Sent while there was no connection.
    outbox: Vec<Waiting>,
    /// What was sent last.
    last: Option<Waiting>,
}

/// How the page is connected.
enum Link {
    /// No stream. The next look opens one.
    Idle,
    /// A stream is open. What ends it leads to `Idle`, a cut to `Cut`.
    Open(TestStream),
    /// Nothing goes through until it is healed; that leads to `Idle`.
    Cut,
}

/// An event in the page's outbox.
struct Waiting {
    scope: ScopeName,
    number: u64,
    name: &'static str,
    schema: u32,
    arguments: String,
}

/// An event was not taken, or did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// In what way.
    pub kind: EndKind,
    /// What the visitor is told.
    pub message: String,
}

/// Looks at a stream until it is what the server has. More are a mistake of the runtime.
const LOOKS: u32 = 10_000;

impl TestClient {
    pub(super) fn new(runtime: Arc<Runtime>, session: Session, number: u64) -> Self {
        TestClient {
            runtime,
            session,
            id: format!("test-{number}"),
            number: 0,
            followed: Vec::new(),
            connection: Link::Idle,
            outbox: Vec::new(),
            last: None,
        }
    }

    /// Who it is of.
    pub fn visitor(&self) -> Visitor {
        self.session.visitor
    }

    // === Events ===

    /// Sends an event, or starts a task. Returns when the server has taken it, not when it has
    /// ended. While the connection is cut it waits in the page, as in a browser.
    ///
    /// # Errors
    ///
    /// The server does not take it (a full queue, a task that runs already, arguments that don't
    /// fit), or too many wait in the page.
    pub async fn send<E: EventDef>(&mut self, call: Call<E>) -> Result<(), Refused> {
        let scope = self.scope_of::<E::State>();
        self.send_to_scope(scope, call).await.map(drop)
    }

    /// The same to a keyed scope: a room, a document.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and what the scope's rule says.
    pub async fn send_to<E: EventDef>(
        &mut self,
        key: impl AsRef<str>,
        call: Call<E>,
    ) -> Result<(), Refused> {
        self.send_to_scope(keyed::<E::State>(key.as_ref()), call)
            .await
            .map(drop)
    }

    /// Sends an event and lets time pass until it has ended, with everything that it dispatched.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and how it ended if it did not end well.
    ///
    /// # Panics
    ///
    /// The connection is cut, or an hour of the app's clock has passed.
    pub async fn run<E: EventDef>(&mut self, call: Call<E>) -> Result<(), Refused> {
        let scope = self.scope_of::<E::State>();
        self.run_in(scope, call).await
    }

    /// The same in a keyed scope.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and what the scope's rule says.
    pub async fn run_to<E: EventDef>(
        &mut self,
        key: impl AsRef<str>,
        call: Call<E>,
    ) -> Result<(), Refused> {
        self.run_in(keyed::<E::State>(key.as_ref()), call).await
    }

    async fn run_in<E: EventDef>(
        &mut self,
        scope: ScopeName,
        call: Call<E>,
    ) -> Result<(), Refused> {
        assert!(!self.is_cut(), "the connection is cut: it would never end");
        if self.send_to_scope(scope.clone(), call).await? == Fate::Ended {
            // A task was started: that is all there was to it.
            return Ok(());
        }
        let number = self.number;
        let begin = tokio::time::Instant::now();
        loop {
            settle().await;
            let ends = self.look::<UcEnds>(&scope).await;
            let mine = ends.clients.iter().find(|ends| ends.client == self.id);
            let scope = self.runtime.scope_of(self.visitor(), &scope);
            let is_quiet = scope.is_none_or(|scope| scope.is_quiet_for(self.visitor()));
            if let Some(ends) = mine.filter(|ends| is_quiet && ends.upto >= number) {
                let failed = ends.failures.iter().rev();
                let mut failed = failed.filter(|failure| failure.number == number);
                return failed.next().map_or(Ok(()), |failure| Err(failure.into()));
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "after an hour {} has not ended",
                E::NAME
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send_to_scope<E: EventDef>(
        &mut self,
        scope: ScopeName,
        call: Call<E>,
    ) -> Result<Fate, Refused> {
        let arguments = serde_json::to_string(&call).map_err(|error| Refused {
            kind: EndKind::Misfit,
            message: error.to_string(),
        })?;
        if self.is_cut() && self.outbox.len() >= OUTBOX_EVENTS {
            return Err(Refused {
                kind: EndKind::Full,
                message: format!("{OUTBOX_EVENTS} events wait for a connection already."),
            });
        }
        self.number += 1;
        let waiting = Waiting {
            scope,
            number: self.number,
            name: E::NAME,
            schema: E::SCHEMA,
            arguments,
        };
        if self.is_cut() {
            self.outbox.push(waiting);
            return Ok(Fate::Queued);
        }
        let posted = self.post(&waiting).await;
        self.last = Some(waiting);
        posted
    }

    /// Sends the last event once more, as a page does that did not hear the answer. The server
    /// knows its number, and does not run it again.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send): one that was not taken may be taken now.
    pub async fn send_again(&mut self) -> Result<(), Refused> {
        match &self.last {
            Some(last) if !self.is_cut() => self.post(last).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn post(&self, waiting: &Waiting) -> Result<Fate, Refused> {
        let mut answers = self.post_all(std::slice::from_ref(waiting)).await;
        answers.pop().unwrap_or(Ok(Fate::Known))
    }

    /// Sends events of one scope in one request, as a page does with those that have waited.
    async fn post_all(&self, waiting: &[Waiting]) -> Vec<Result<Fate, Refused>> {
        let Some(first) = waiting.first() else {
            return Vec::new();
        };
        let events = waiting.iter().map(|event| TestEvent {
            number: event.number,
            name: format!("{}!{:x}", event.name, event.schema),
            arguments: &event.arguments,
        });
        let events = TestEvents {
            client: &self.id,
            scope: &first.scope.to_string(),
            events: events.collect(),
        };
        let answers = events.take(&self.runtime, &self.session).await;
        let answers = answers.unwrap_or_else(|why| panic!("the server refuses all of it: {why}"));
        let result = |answer: Answer| match (answer.is, answer.kind) {
            (Fate::Refused, kind) | (_, kind @ Some(_)) => Err(Refused {
                kind: kind.unwrap_or(EndKind::Full),
                message: answer.message,
            }),
            (fate, None) => Ok(fate),
        };
        answers.into_iter().map(result).collect()
    }

    // === What the page shows ===

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
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The visitor's tasks, those that run and the last that ended, oldest first.
    pub async fn tasks(&mut self) -> Vec<TaskRecord> {
        let tasks = self.look::<UcTasks>(&ScopeName::Session).await;
        tasks.runs.iter().cloned().collect()
    }

    /// What of the page's events did not end well, oldest first. The last few are kept.
    pub async fn failures(&mut self) -> Vec<Failure> {
        let ends = self.look::<UcEnds>(&ScopeName::Session).await;
        let mut clients = ends.clients.iter();
        let mine = clients.find(|ends| ends.client == self.id);
        mine.map_or_else(Vec::new, |ends| ends.failures.clone())
    }

    // === Tasks ===

    /// Cancels the runs of a task. For a key of its own see
    /// [`cancel_keyed`](Self::cancel_keyed).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn cancel<A, F: TaskFn<A>>(&mut self, task: F) -> Result<(), Refused> {
        self.cancel_keyed(task, "").await
    }

    /// Cancels the runs of a task and a key.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn cancel_keyed<A, F: TaskFn<A>>(
        &mut self,
        _task: F,
        key: impl ToString,
    ) -> Result<(), Refused> {
        self.ask::<A, F, _>(CancelTask, key.to_string()).await
    }

    /// Pauses the runs of a task. For a key of its own see [`pause_keyed`](Self::pause_keyed).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn pause<A, F: TaskFn<A>>(&mut self, task: F) -> Result<(), Refused> {
        self.pause_keyed(task, "").await
    }

    /// Pauses the runs of a task and a key.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn pause_keyed<A, F: TaskFn<A>>(
        &mut self,
        _task: F,
        key: impl ToString,
    ) -> Result<(), Refused> {
        self.ask::<A, F, _>(PauseTask, key.to_string()).await
    }

    /// Lets the runs of a task go on. For a key of its own see
    /// [`resume_keyed`](Self::resume_keyed).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn resume<A, F: TaskFn<A>>(&mut self, task: F) -> Result<(), Refused> {
        self.resume_keyed(task, "").await
    }

    /// Lets the runs of a task and a key go on.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn resume_keyed<A, F: TaskFn<A>>(
        &mut self,
        _task: F,
        key: impl ToString,
    ) -> Result<(), Refused> {
        self.ask::<A, F, _>(ResumeTask, key.to_string()).await
    }

    async fn ask<A, F: TaskFn<A>, E: EventDef>(
        &mut self,
        message: impl FnOnce(Which) -> E,
        key: String,
    ) -> Result<(), Refused> {
        let which = Which {
            task: <F as EventFn<A>>::Event::NAME.to_owned(),
            key,
            run: None,
        };
        let call = Call::new(message(which));
        let scope = self.scope_of::<<<F as EventFn<A>>::Event as EventDef>::State>();
        self.send_to_scope(scope, call).await.map(drop)
    }

    // === The connection ===

    /// Cuts the connection: nothing comes, and what is sent waits in the page.
    pub fn cut(&mut self) {
        self.connection = Link::Cut;
    }

    /// Heals the connection: what waits is sent, in order, and the stream resumes where it was.
    /// What the server did not take is returned.
    pub async fn heal(&mut self) -> Vec<Refused> {
        if self.is_cut() {
            self.connection = Link::Idle;
        }
        let mut refused = Vec::new();
        let waiting = std::mem::take(&mut self.outbox);
        for of_scope in waiting.chunk_by(|one, next| one.scope == next.scope) {
            let answers = self.post_all(of_scope).await;
            refused.extend(answers.into_iter().filter_map(Result::err));
        }
        if let Some(last) = waiting.into_iter().next_back() {
            self.last = Some(last);
        }
        refused
    }

    /// Events that wait in the page.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    fn is_cut(&self) -> bool {
        matches!(self.connection, Link::Cut)
    }

    /// Follows a state, and reads the stream until the page has what the server has.
    async fn look<S: State>(&mut self, scope: &ScopeName) -> S {
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
        for look in 0..LOOKS {
            self.take_frames();
            if self.is_current() {
                return;
            }
            // A snapshot is taken by a task, and a large one by a thread.
            match look % 64 {
                63 => tokio::time::sleep(PAUSE).await,
                _ => tokio::task::yield_now().await,
            }
        }
        panic!("the stream does not lead to what the server has: {self:?}");
    }

    fn take_frames(&mut self) {
        if let Link::Idle = self.connection {
            let stream = TestStream::open(&self.runtime, self.visitor(), &self.query());
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
    fn take_event(&mut self, event: &str) -> bool {
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let Some(data) = line("data: ") else {
            return false;
        };
        let frame = Frame::parse(data);
        match frame.unwrap_or_else(|error| panic!("{event:?} is no frame: {error}")) {
            Frame::Control(Control::Refused { scope, message }) => {
                panic!("the scope {scope} does not let the visitor in: {message}");
            }
            Frame::Control(_) => false,
            Frame::State(frame) => {
                let id = line("id: ").unwrap_or_default();
                let (tag, at) = parse_id(id).unwrap_or_else(|error| panic!("{id:?}: {error}"));
                let runtime = &self.runtime;
                let visitor = self.visitor();
                let mut of_name = self.followed.iter_mut().filter(|followed| {
                    followed.name == frame.state && runtime.tag_of(visitor, &followed.scope) == tag
                });
                let Some(followed) = of_name.next() else {
                    return false;
                };
                followed.receive(frame.since, at, frame.body) == Verdict::Resync
            }
        }
    }

    /// The page has what the server has.
    fn is_current(&self) -> bool {
        self.followed.iter().all(|followed| {
            let from = followed.from();
            match self.runtime.scope_of(self.visitor(), &followed.scope) {
                None => from.is_some(),
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

    /// Where a state lives that needs no key.
    fn scope_of<S: State>(&self) -> ScopeName {
        match S::SCOPE {
            ScopeKind::Tab => ScopeName::Tab(self.id.as_str().into()),
            ScopeKind::Process(space) => ScopeName::process(space),
            ScopeKind::Session | ScopeKind::Each => ScopeName::Session,
            ScopeKind::Keyed(_) => panic!(
                "{} is keyed: name the scope with `send_to`, `run_to`, `see_in` or `until_in`",
                S::NAME
            ),
        }
    }
}

fn keyed<S: State>(key: &str) -> ScopeName {
    let ScopeKind::Keyed(space) = S::SCOPE else {
        panic!(
            "{} is not keyed: use `send`, `run`, `see` or `until`",
            S::NAME
        );
    };
    ScopeName::Keyed {
        space,
        key: key.into(),
    }
}

impl From<&Failure> for Refused {
    fn from(failure: &Failure) -> Self {
        Refused {
            kind: failure.kind,
            message: failure.message.clone(),
        }
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("id", &self.id)
            .field("followed", &self.followed)
            .finish_non_exhaustive()
    }
}
