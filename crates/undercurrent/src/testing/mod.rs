//! Drives an app's events and tasks without a browser, a socket or a wait: real queues, tasks,
//! scopes, logs and streams, in one process, under a clock that tests turn.
//!
//! There under the feature `testing`:
//!
//! ```toml
//! [dev-dependencies]
//! undercurrent = { version = "0.1", features = ["ssr", "testing"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util", "time"] }
//! ```
//!
//! A [`TestApp`] has every state, event and task of the crate. A [`TestClient`] is a page in a
//! browser: it sends events, and shows states as its stream brings them.
//!
//! ```standalone_crate
//! use undercurrent::{prelude::*, testing::TestApp};
//!
//! #[derive(State, Clone, Debug, Default)]
//! struct Clock { seconds: u32 }
//!
//! #[background(overlap = reject)]
//! async fn tick(cx: TaskContext<Clock>, times: u32) -> Result {
//!     for _ in 0..times {
//!         cx.sleep(Millis(1_000)).await?;
//!         cx.update(|clock| clock.seconds += 1).await?;
//!     }
//!     Ok(())
//! }
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() {
//!     let app = TestApp::new();
//!     let mut page = app.client();
//!     page.send(tick(60)).await.unwrap();
//!     app.advance(Millis(10_500)).await;
//!     assert_eq!(page.see::<Clock>().await.seconds, 10);
//!     app.quiet().await;
//!     assert_eq!(page.see::<Clock>().await.seconds, 60);
//! }
//! ```
//!
//! Without `start_paused = true` all of it works as well, and takes its time.
//!
//! The idea is that of Phoenix LiveView's `LiveViewTest`: a test talks to the server's own code
//! and looks at what a page would show.

mod client;
mod look;
mod server;
mod shown;
mod task;

#[doc(hidden)]
pub use self::look::RawStream;
pub use self::{
    client::{Refused, TestClient},
    task::TestTask,
};

use self::server::Server;
use crate::{
    Limits, Millis, State, TaskStatus,
    builtin::UcTasks,
    server::{Builder, Counters, Runtime, ScopeHandle, Session},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An app without its pages: what it has of states, events and tasks.
#[derive(Debug)]
pub struct TestApp {
    server: Arc<Server>,
    clients: AtomicU64,
}

/// What has not come to rest within this time of the app's clock never will.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// Between two looks at first, and at last.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

impl TestApp {
    /// The app as it is without anything provided: see [`with`](Self::with). A handler that
    /// expects something then panics when it asks.
    ///
    /// # Panics
    ///
    /// Two states or handlers have one name.
    #[expect(clippy::new_without_default, reason = "it can panic")]
    pub fn new() -> Self {
        TestApp::with(Limits::default(), |builder| builder)
    }

    /// With limits, and with what handlers get by `cx.expect`.
    ///
    /// ```no_run
    /// # use undercurrent::{Limits, testing::TestApp};
    /// struct Prices(f64);
    ///
    /// let few = Limits { queue: 3, ..Limits::default() };
    /// let app = TestApp::with(few, |builder| builder.provide(Prices(1.5)));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new), and for limits that nothing could run with.
    pub fn with(limits: Limits, provide: impl FnOnce(Builder) -> Builder) -> Self {
        TestApp::of(Server::in_memory(limits, provide))
    }

    /// The same with a store, as a server has one: what is kept is there again after a
    /// [`restart`](Self::restart). It is a file of its own, which goes with the app.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and where the system lets no file be made.
    pub fn kept(
        limits: Limits,
        provide: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        TestApp::of(Server::with_a_file(limits, provide))
    }

    fn of(server: Server) -> Self {
        TestApp {
            server: Arc::new(server),
            clients: AtomicU64::new(0),
        }
    }

    /// Stops the server in good order, and starts it anew: a deploy. Events that have not begun
    /// run then, tasks of `on_crash = resume` go on, others are interrupted. Pages open their
    /// streams anew, and go on from where they were. What is to be asked of the server itself
    /// must be asked for anew, as by [`keyed`](Self::keyed).
    ///
    /// # Panics
    ///
    /// The app was not made by [`kept`](Self::kept).
    pub async fn restart(&self) {
        self.server.restart().await;
        settle().await;
    }

    /// The server is about to be killed: what it does from now on is not kept. No page may send
    /// anything until [`begin_again`](Self::begin_again): it would not be answered.
    #[doc(hidden)]
    pub async fn dies(&self) {
        self.server.dies().await;
    }

    /// It is killed now, and started anew from what it kept.
    #[doc(hidden)]
    pub async fn begin_again(&self) {
        self.server.begin_again().await;
        settle().await;
    }

    /// Scopes that nobody uses at the moment leave memory. Tells how many.
    #[doc(hidden)]
    pub async fn let_go_of_idle(&self) -> usize {
        settle().await;
        let runtime = self.runtime();
        for scope in runtime.scopes.all().iter().filter_map(|slot| slot.scope()) {
            scope.stored().await;
        }
        let before = runtime.scopes.count();
        runtime.scopes.expire(u64::MAX);
        before - runtime.scopes.count()
    }

    /// The page of a new visitor.
    pub fn client(&self) -> TestClient {
        self.client_of(self.runtime().sessions.fresh())
    }

    fn client_of(&self, session: Session) -> TestClient {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        TestClient::new(self.server.clone(), session, number)
    }

    /// Another page of a client's visitor: its second tab.
    pub fn second_tab_of(&self, client: &TestClient) -> TestClient {
        self.client_of(client.session)
    }

    /// Lets time pass. What is due meanwhile happens, each at its time.
    pub async fn advance(&self, time: Millis) {
        tokio::time::sleep(time.into()).await;
        // What was due at the last moment, too.
        settle().await;
    }

    /// Lets time pass until no event waits or runs, and no task does, and at most a hundredth more. A
    /// task that is paused is at rest.
    ///
    /// # Panics
    ///
    /// After an hour of the app's clock: something runs for ever. Then [`TestClient::until`] is
    /// what to wait with.
    pub async fn quiet(&self) {
        let begin = tokio::time::Instant::now();
        loop {
            settle().await;
            let busy = self.busy().await;
            if busy.is_empty() {
                return;
            }
            if begin.elapsed() > PATIENCE {
                let names = busy.join(", ");
                panic!("after an hour it is not quiet: {names}. Wait with `TestClient::until`.");
            }
            pause(begin).await;
        }
    }

    /// What is not at rest.
    async fn busy(&self) -> Vec<String> {
        let runtime = self.runtime();
        let mut busy = Vec::new();
        let events = runtime.events_under_way.load(Ordering::Relaxed);
        if events > 0 {
            busy.push(format!("{events} events"));
        }
        let slots = runtime.scopes.all();
        for scope in slots.iter().filter_map(|slot| slot.scope()) {
            let running = |tasks: &UcTasks| -> Vec<String> {
                let runs = tasks.runs.iter();
                let runs = runs
                    .filter(|run| matches!(run.status, TaskStatus::Running | TaskStatus::Queued));
                runs.map(|run| format!("the task {}", run.name)).collect()
            };
            busy.extend(scope.read(|| true, running).await.unwrap_or_default());
        }
        busy
    }

    /// The state of the process, as the server goes to it: to start a task, to dispatch an event,
    /// to read what pages don't see.
    pub fn process<S: State>(&self) -> ScopeHandle<S> {
        self.server.app().process()
    }

    /// A keyed scope, as the server goes to it.
    pub fn keyed<S: State>(&self, key: impl AsRef<str>) -> ScopeHandle<S> {
        self.server.app().keyed(key)
    }

    /// What the process has open, as
    /// [`Undercurrent::counters`](crate::Undercurrent::counters) tells it: whether something was
    /// left behind.
    pub fn counters(&self) -> Counters {
        self.server.app().counters()
    }

    fn runtime(&self) -> Arc<Runtime> {
        self.server.runtime()
    }
}

/// Lets everything run that can without time passing.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Until the next look: a hundredth of what was waited for so far, so that an hour takes a second or
/// two of a test.
async fn pause(begin: tokio::time::Instant) {
    let [first, last] = PAUSES;
    let pause = (begin.elapsed() / 100).clamp(first, last);
    tokio::time::sleep(pause).await;
}
