//! Doors from outside: whatever runs on the server sends events to shared scopes, starts tasks in
//! them and reads them. An axum handler, a timer, start-up, a handler of another scope. A route of
//! the app's own reaches the session of who asks.

use super::{
    NotStarted, Runtime, Undercurrent,
    authorize::{Place, Refused, authorize},
    context::EventRun,
    context::OfEvent,
    queue::Accepted,
    registration::PreparedTask,
    scope::Scope,
    scopes::NoScope,
    tasks::Attempt,
    writing::InClosure,
};
use crate::{
    Call, EndKind, EventContext, EventDef, Millis, State, TaskContext, TaskDef, UpdateError,
    Visitor,
    core::scope::{ScopeKind, ScopeName},
};
use axum::http::{HeaderMap, request::Parts};
use futures::future::BoxFuture;
use leptos::context::use_context;
use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

/// A shared scope, as the server itself goes to it. Its rule is not asked: the server may go
/// everywhere. What it sends waits in a queue of the server's own in that scope, behind nobody
/// else's.
///
/// Or the session of a visitor ([`Undercurrent::session`]): what goes there is the visitor's own, and
/// waits behind the visitor's clicks.
///
/// ```
/// # use undercurrent::{prelude::*, Undercurrent};
/// # fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> { Ok(()) }
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = keyed, join = anyone)] pub struct Room { closed: bool }
/// # #[event] fn close(room: &mut Room) { room.closed = true; }
/// async fn close_lobby(uc: Undercurrent) -> Result {
///     uc.keyed::<Room>("lobby").dispatch(close()).await?;
///     Ok(())
/// }
/// ```
pub struct ScopeHandle<S> {
    runtime: Arc<Runtime>,
    name: ScopeName,
    /// As whom it goes there.
    visitor: Visitor,
    /// The task that holds it, if one does.
    attempt: Option<Attempt>,
    /// The event that holds it, if one does.
    event: Option<Arc<EventRun>>,
    state: PhantomData<fn() -> S>,
}

/// Why an event was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSent {
    /// There is no room: in the server's queue of the scope, for one more scope or for a task.
    Full,
    /// It is a task, and one of its name and key runs, which `overlap` does not allow.
    Busy,
    /// There is no scope of this key: it is empty or too long.
    NoSuch(String),
    /// Its arguments can't be written as JSON and read again.
    Arguments(String),
    /// The task that wanted to send it was cancelled, or the event has ended.
    Cancelled,
    /// It is a task, or asks something of one, and inside the closure of an update: whoever waited for
    /// that there would wait for itself.
    Nested,
}

/// What starts with the server, once it serves.
#[derive(Default)]
pub(super) struct StartUp(Mutex<Vec<StartTask>>);

/// Starts a task, and says which it is.
type StartTask = Box<dyn FnOnce(Arc<Runtime>) -> (&'static str, Starting) + Send>;
type Starting = BoxFuture<'static, Result<u64, NotStarted>>;

// === impl ScopeHandle ===

impl<S: State> ScopeHandle<S> {
    fn process(runtime: &Arc<Runtime>) -> Self {
        let ScopeKind::Process(space) = S::SCOPE else {
            unreachable!("checked where it is compiled")
        };
        ScopeHandle::new(runtime, ScopeName::process(space))
    }

    fn keyed(runtime: &Arc<Runtime>, key: &str) -> Self {
        let ScopeKind::Keyed(space) = S::SCOPE else {
            unreachable!("checked where it is compiled")
        };
        let key = key.into();
        ScopeHandle::new(runtime, ScopeName::Keyed { space, key })
    }

    fn new(runtime: &Arc<Runtime>, name: ScopeName) -> Self {
        ScopeHandle {
            runtime: runtime.clone(),
            name,
            visitor: Visitor::SERVER,
            attempt: None,
            event: None,
            state: PhantomData,
        }
    }

    fn session(runtime: &Arc<Runtime>, visitor: Visitor) -> Self {
        ScopeHandle {
            visitor,
            ..ScopeHandle::new(runtime, ScopeName::Session)
        }
    }

    /// As whom this goes there: the visitor whose session it is, or the server.
    pub fn visitor(&self) -> Visitor {
        self.visitor
    }

    /// Whether there is anything in the scope. It comes into being with its first event, and goes when
    /// nobody has used it for `limits.idle-ms`: then what an app keeps beside it may go, too. To
    /// ask is no use.
    pub fn exists(&self) -> bool {
        let Ok(place) = self.place() else {
            return false;
        };
        let store = &self.runtime.store;
        let is_here = self.runtime.scopes.find(place.key).is_some();
        is_here || store.outlives() && store.has(place.key)
    }

    /// Sends an event. It waits in the server's own queue of the scope, or in that of the visitor
    /// whose session it is; this returns when it is there, not when it has ended.
    ///
    /// # Errors
    ///
    /// [`NotSent`]. Nothing was sent then.
    pub async fn dispatch<E: EventDef>(&self, event: Call<E>) -> Result<(), NotSent> {
        const { assert_lives_with::<S, E::State>() };
        self.go_on().await.map_err(|_| NotSent::Cancelled)?;
        let place = self
            .place()
            .map_err(|refused| NotSent::NoSuch(refused.message()))?;
        let queued = self.runtime.queued(event, self.visitor, None);
        let queued = queued.map_err(NotSent::Arguments)?;
        if InClosure::is_here() && !queued.is_queued() {
            return Err(NotSent::Nested);
        }
        self.begin().map_err(|_| NotSent::Cancelled)?;
        let scope = self.runtime.scope_at(&place).await;
        let scope = scope.map_err(|_| NotSent::Full)?;
        // It may have taken a while to read it.
        self.begin().map_err(|_| NotSent::Cancelled)?;
        // Asked where it is let in: it may have waited on the way here.
        let accepted = match (&self.attempt, &self.event) {
            (Some(attempt), _) => scope.accept_through(attempt, queued).await,
            (None, Some(event)) => scope.accept_by(&OfEvent(event.clone()), queued).await,
            (None, None) => Some(scope.accept(queued).await),
        };
        let accepted = accepted.ok_or(NotSent::Cancelled)?;
        scope.stored().await;
        match accepted {
            Accepted::Queued | Accepted::Known | Accepted::Ended(EndKind::Done, _) => Ok(()),
            Accepted::Ended(EndKind::Busy, _) => Err(NotSent::Busy),
            Accepted::Full | Accepted::Ended(..) => Err(NotSent::Full),
        }
    }

    /// Starts a background task and returns its id.
    ///
    /// # Errors
    ///
    /// [`NotStarted`], as `overlap` and the limits say, or for a key that no scope can have.
    pub async fn start<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        const { assert_lives_with::<S, E::State>() };
        self.start_unless(task, |_, _| None).await
    }

    /// The same with the server: one that goes on from where it was before a restart is that one.
    async fn start_or_go_on<E: TaskDef>(&self, task: Call<E>) -> Result<u64, NotStarted> {
        self.start_unless(task, |scope, task| scope.going_on(task))
            .await
    }

    async fn start_unless<E: TaskDef>(
        &self,
        task: Call<E>,
        runs: impl FnOnce(&Scope, &PreparedTask) -> Option<u64>,
    ) -> Result<u64, NotStarted> {
        self.go_on().await.map_err(|_| NotStarted::Cancelled)?;
        let place = self.place().map_err(|_| NotStarted::NoSuch)?;
        let task = self.runtime.prepared_task(task)?;
        self.begin().map_err(|_| NotStarted::Cancelled)?;
        let scope = self.runtime.scope_at(&place).await;
        let scope = scope.map_err(|_| NotStarted::Full)?;
        self.begin().map_err(|_| NotStarted::Cancelled)?;
        if let Some(id) = runs(&scope, &task) {
            return Ok(id);
        }
        let (by, mut notes) = ((self.visitor, None), Vec::new());
        let notes = &mut notes;
        let started = match (&self.attempt, &self.event) {
            (Some(attempt), _) => scope.start_task(attempt, task, by, notes).await,
            (None, Some(event)) => {
                let gate = OfEvent(event.clone());
                scope.start_task(&gate, task, by, notes).await
            }
            (None, None) => scope.start_task(&|| true, task, by, notes).await,
        };
        scope.stored().await;
        started
    }

    /// Reads the newest values. A scope that does not exist has the default, and none is made.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Nested`] inside the closure of an update, [`UpdateError::Cancelled`] in a
    /// task that was cancelled, [`UpdateError::NotStored`] where what is stored of it can't be read.
    pub async fn read<R: Send>(
        &self,
        closure: impl FnOnce(&S) -> R + Send,
    ) -> Result<R, UpdateError> {
        self.go_on().await?;
        let scope = match self.place() {
            Ok(place) => self.runtime.found(&place).await.map_err(|_| unreadable())?,
            Err(_) => None,
        };
        match scope {
            Some(scope) => scope.read(|| true, closure).await,
            None => Ok(closure(&S::default())),
        }
    }

    /// Waits until the state says so, as [`TaskContext::until`] does in its own scope, but for so
    /// long at most: what leads on comes from others. `None` if it did not come.
    ///
    /// ```
    /// # use undercurrent::prelude::*;
    /// #[derive(State, Clone, Debug, Default)]
    /// #[state(scope = process)]
    /// struct Rates { euro: Option<f64> }
    ///
    /// # #[derive(State, Clone, Debug, Default)] struct Cart { euro: f64 }
    /// #[event]
    /// async fn convert(cx: EventContext<Cart>) -> Result {
    ///     let rates = cx.process::<Rates>();
    ///     let euro = rates.until_within(Millis(2_000), |rates| rates.euro).await?;
    ///     let euro = euro.ok_or(ForVisitor::new("There are no rates yet."))?;
    ///     cx.update(|cart| cart.euro = euro).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and [`UpdateError::Cancelled`] when the server goes down, or the task
    /// or event that waits is cancelled.
    pub async fn until_within<T: Send>(
        &self,
        patience: Millis,
        mut look: impl FnMut(&S) -> Option<T> + Send,
    ) -> Result<Option<T>, UpdateError> {
        self.go_on().await?;
        let Ok(place) = self.place() else {
            return Ok(look(&S::default()));
        };
        let scope = match self.runtime.scope_at(&place).await {
            Ok(scope) => scope,
            Err(NoScope::Unreadable | NoScope::Elsewhere) => return Err(unreadable()),
            Err(NoScope::Full) => return Ok(look(&S::default())),
        };
        let interrupted = self.runtime.interrupted.cancelled();
        let found = async {
            match (&self.attempt, &self.event) {
                (Some(attempt), _) => {
                    let ends = async {
                        tokio::select! {
                            () = attempt.ends() => {}
                            () = interrupted => {}
                        }
                    };
                    scope.until(attempt.clone(), ends, look).await
                }
                (None, Some(event)) => {
                    let gate = OfEvent(event.clone());
                    scope.until(gate, event.until_cut(), look).await
                }
                (None, None) => scope.until(|| true, interrupted, look).await,
            }
        };
        match tokio::time::timeout(patience.into(), found).await {
            Ok(found) => found.map(Some),
            Err(_) => {
                self.go_on().await?;
                Ok(None)
            }
        }
    }

    /// A cancelled task and an event that has ended send nothing any more, and a paused one waits.
    async fn go_on(&self) -> Result<(), UpdateError> {
        if self.event.as_ref().is_some_and(|event| event.is_over()) {
            return Err(UpdateError::Cancelled);
        }
        match &self.attempt {
            Some(attempt) => attempt.go_on().await,
            None => Ok(()),
        }
    }

    /// In the hands of a task.
    fn held_by(mut self, attempt: &Attempt) -> Self {
        self.attempt = Some(attempt.clone());
        self
    }

    fn of_event(mut self, run: &Arc<EventRun>) -> Self {
        self.event = Some(run.clone());
        self
    }

    /// What is sent from here lands in another scope, in a commit of its own: an event that sent it
    /// does not begin again after a crash.
    fn begin(&self) -> Result<(), UpdateError> {
        match &self.event {
            Some(event) if !event.begin() => Err(UpdateError::Cancelled),
            _ => Ok(()),
        }
    }

    fn place(&self) -> Result<Place, Refused> {
        authorize(&self.runtime, self.visitor, &self.name)
    }
}

impl<S> Clone for ScopeHandle<S> {
    fn clone(&self) -> Self {
        ScopeHandle {
            runtime: self.runtime.clone(),
            name: self.name.clone(),
            visitor: self.visitor,
            attempt: self.attempt.clone(),
            event: self.event.clone(),
            state: PhantomData,
        }
    }
}

impl<S> fmt::Debug for ScopeHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopeHandle").field(&self.name).finish()
    }
}

/// A handle's events and tasks work on states of its scope.
const fn assert_lives_with<S: State, T: State>() {
    assert!(
        S::SCOPE.is_with(T::SCOPE),
        "this event or task works on a state of another scope than the handle leads to"
    );
}

const fn assert_process<S: State>() {
    assert!(
        matches!(S::SCOPE, ScopeKind::Process(_)),
        "`process` leads to states of `#[state(scope = process)]`: a keyed one needs its key"
    );
}

const fn assert_keyed<S: State>() {
    assert!(
        matches!(S::SCOPE, ScopeKind::Keyed(_)),
        "`keyed` leads to states of `#[state(scope = keyed)]`"
    );
}

const fn assert_session<S: State>() {
    assert!(
        matches!(S::SCOPE, ScopeKind::Session),
        "`session` leads to states of a session: `keyed` and `process` lead to shared ones"
    );
}

// === The doors ===

impl Undercurrent {
    /// The session of who sent a request, in an axum route of the app's own; `None` where the request
    /// has no valid cookie: no page was loaded before.
    ///
    /// A `POST` that comes this far was sent by a page of this site: the runtime's door, which stands
    /// before all routes, has refused others. What a route does on `GET`, any site can bring about.
    ///
    /// ```
    /// use axum::{Router, body::Bytes, http::{HeaderMap, StatusCode}, routing::post};
    /// use undercurrent::{Undercurrent, prelude::*};
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// struct Album { pictures: u32 }
    ///
    /// #[event]
    /// fn add(album: &mut Album) { album.pictures += 1; }
    ///
    /// /// To be merged into `uc.router(App, shell)`.
    /// fn pictures(uc: &Undercurrent) -> Router {
    ///     let uc = uc.clone();
    ///     let take = async move |headers: HeaderMap, picture: Bytes| {
    ///         let session = uc.session::<Album>(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    ///         // … keep the picture beside `session.visitor().key()`, then:
    ///         let sent = session.dispatch(add()).await;
    ///         sent.map_err(|_| StatusCode::TOO_MANY_REQUESTS)
    ///     };
    ///     Router::new().route("/pictures", post(take))
    /// }
    /// ```
    ///
    /// It does not compile for a state of another scope.
    pub fn session<S: State>(&self, headers: &HeaderMap) -> Option<ScopeHandle<S>> {
        let session = self.runtime.session_now(headers).ok()?;
        Some(self.session_of(session.visitor))
    }

    /// The same inside of leptos: in a `#[server]` function that is written by hand, or while a page is
    /// rendered. The runtime is in the context there. `None` outside of a request.
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use undercurrent::prelude::*;
    ///
    /// #[derive(State, Clone, Debug, Default)]
    /// pub struct Cart { things: List<String> }
    ///
    /// #[event]
    /// fn add(cart: &mut Cart, thing: String) { cart.things.push(thing); }
    ///
    /// #[server]
    /// pub async fn order(thing: String) -> Result<(), ServerFnError> {
    ///     let uc = expect_context::<undercurrent::Undercurrent>();
    ///     let cart = uc.session_here::<Cart>();
    ///     let cart = cart.ok_or_else(|| ServerFnError::new("Load a page first."))?;
    ///     // It waits behind the visitor's clicks, in the same queue.
    ///     cart.dispatch(add(thing)).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It does not compile for a state of another scope.
    pub fn session_here<S: State>(&self) -> Option<ScopeHandle<S>> {
        let parts = use_context::<Parts>()?;
        self.session(&parts.headers)
    }

    /// The session of a visitor who is known from elsewhere: a job that was given a
    /// [`Visitor::key`], say.
    ///
    /// It does not compile for a state of another scope.
    pub fn session_of<S: State>(&self, visitor: Visitor) -> ScopeHandle<S> {
        const { assert_session::<S>() };
        ScopeHandle::session(&self.runtime, visitor)
    }

    /// The state of the process: there is one of it.
    ///
    /// It does not compile for a state of another scope.
    pub fn process<S: State>(&self) -> ScopeHandle<S> {
        const { assert_process::<S>() };
        ScopeHandle::process(&self.runtime)
    }

    /// A keyed scope: a room, a document.
    ///
    /// It does not compile for a state of another scope.
    pub fn keyed<S: State>(&self, key: impl AsRef<str>) -> ScopeHandle<S> {
        const { assert_keyed::<S>() };
        ScopeHandle::keyed(&self.runtime, key.as_ref())
    }

    /// Starts what [`on_start`](super::Builder::on_start) was told, once. `serve` does it; whoever
    /// serves the router by other means calls it before.
    ///
    /// # Errors
    ///
    /// The name of a task that could not be started, and why.
    pub async fn start_up(&self) -> Result<(), (&'static str, NotStarted)> {
        for start in self.start_up.take() {
            let (name, starting) = start(self.runtime.clone());
            starting.await.map_err(|why| (name, why))?;
        }
        Ok(())
    }
}

impl<S: State> EventContext<S> {
    /// The state of the process, as the server goes to it. See [`ScopeHandle`].
    pub fn process<T: State>(&self) -> ScopeHandle<T> {
        const { assert_process::<T>() };
        ScopeHandle::process(self.runtime()).of_event(self.run())
    }

    /// A keyed scope, as the server goes to it. See [`ScopeHandle`].
    pub fn keyed<T: State>(&self, key: impl AsRef<str>) -> ScopeHandle<T> {
        const { assert_keyed::<T>() };
        ScopeHandle::keyed(self.runtime(), key.as_ref()).of_event(self.run())
    }
}

impl<S: State> TaskContext<S> {
    /// The state of the process, as the server goes to it. See [`ScopeHandle`].
    pub fn process<T: State>(&self) -> ScopeHandle<T> {
        const { assert_process::<T>() };
        ScopeHandle::process(self.runtime()).held_by(&self.attempt)
    }

    /// A keyed scope, as the server goes to it. See [`ScopeHandle`].
    pub fn keyed<T: State>(&self, key: impl AsRef<str>) -> ScopeHandle<T> {
        const { assert_keyed::<T>() };
        ScopeHandle::keyed(self.runtime(), key.as_ref()).held_by(&self.attempt)
    }
}

// === impl StartUp ===

impl StartUp {
    pub(super) fn add<E: TaskDef>(&mut self, task: Call<E>) {
        const { assert_process::<E::State>() };
        let start: StartTask = Box::new(move |runtime| {
            let handle = ScopeHandle::<E::State>::process(&runtime);
            let starting: Starting = Box::pin(async move { handle.start_or_go_on(task).await });
            (E::NAME, starting)
        });
        let starts = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        starts.push(start);
    }

    fn take(&self) -> Vec<StartTask> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for StartUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartUp").finish_non_exhaustive()
    }
}

// === impl NotSent ===

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSent::Full => f.write_str("there is no room for the event now"),
            NotSent::Busy => f.write_str("this task runs already"),
            NotSent::Cancelled => f.write_str("the task was cancelled"),
            NotSent::Nested => f.write_str("nothing starts inside the closure of an update"),
            NotSent::NoSuch(why) => f.write_str(why),
            NotSent::Arguments(why) => write!(f, "the arguments can't be recorded: {why}"),
        }
    }
}

impl std::error::Error for NotSent {}

fn unreadable() -> UpdateError {
    UpdateError::NotStored("it can't be read at the moment".to_owned())
}
