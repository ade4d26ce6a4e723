//! A page in a browser, as a test has it.

use super::{PATIENCE, pause, server::Server, settle, shown::Followed, task::TestTask};
use crate::{
    Call, CancelEvent, EndKind, EventDef, EventFn, Failure, State, TaskFn, Visitor, WhichEvents,
    answer::{Answer, Fate},
    builtin::UcEnds,
    core::scope::{ScopeKind, ScopeName},
    limits::OUTBOX_EVENTS,
    server::{Session, TestEvent, TestEvents, TestStream},
};
use std::{fmt, sync::Arc};

/// A page of a visitor: it sends events, and shows what its stream brings.
///
/// Two clients of one visitor are two tabs; see
/// [`second_tab_of`](super::TestApp::second_tab_of). Dropped, it is closed.
pub struct TestClient {
    pub(super) server: Arc<Server>,
    /// How often the server was started anew, as far as the page has noticed.
    pub(super) restarts: usize,
    pub(super) session: Session,
    /// As the server knows the page.
    pub(super) id: String,
    number: u64,
    pub(super) followed: Vec<Followed>,
    pub(super) connection: Link,
    /// Sent while there was no connection.
    outbox: Vec<Waiting>,
    /// What was sent last.
    last: Option<Waiting>,
}

/// How the page is connected.
pub(super) enum Link {
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

impl TestClient {
    pub(super) fn new(server: Arc<Server>, session: Session, number: u64) -> Self {
        TestClient {
            restarts: server.restarts(),
            server,
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
            let scope = self.server.runtime().scope_of(self.visitor(), &scope);
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
            pause(begin).await;
        }
    }

    pub(super) async fn send_to_scope<E: EventDef>(
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
        let answers = events.take(&self.server.runtime(), &self.session).await;
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

    /// A task of the page, to be cancelled, paused or resumed, as [`use_task`](crate::use_task)
    /// gives it.
    pub fn task<A, F: TaskFn<A>>(&mut self, _task: F) -> TestTask<'_> {
        let scope = self.scope_of::<<<F as EventFn<A>>::Event as EventDef>::State>();
        TestTask::new(self, scope, <F as EventFn<A>>::Event::NAME)
    }

    /// The same of a task of a keyed scope.
    pub fn task_in<A, F: TaskFn<A>>(&mut self, key: impl AsRef<str>, _task: F) -> TestTask<'_> {
        let scope = keyed::<<<F as EventFn<A>>::Event as EventDef>::State>(key.as_ref());
        TestTask::new(self, scope, <F as EventFn<A>>::Event::NAME)
    }

    /// Cancels an event, as [`use_event`](crate::use_event) does: what runs of it, and what waits.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn cancel<A, F: EventFn<A>>(&mut self, _event: F) -> Result<(), Refused> {
        let scope = self.scope_of::<<F::Event as EventDef>::State>();
        let which = WhichEvents {
            event: F::Event::NAME.to_owned(),
            numbers: Vec::new(),
        };
        let cancel = Call::new(CancelEvent(which));
        self.send_to_scope(scope, cancel).await.map(drop)
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

    pub(super) fn is_cut(&self) -> bool {
        matches!(self.connection, Link::Cut)
    }

    /// Where a state lives that needs no key.
    pub(super) fn scope_of<S: State>(&self) -> ScopeName {
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

pub(super) fn keyed<S: State>(key: &str) -> ScopeName {
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
