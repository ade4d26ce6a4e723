//! Messages: what calling an event or a task makes.

use crate::{State, answer::Answer, browser, core::scope::ScopeName, page::scope_here};
use leptos::server_fn::{self, ServerFnError, codec::Json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// An event or a task by its name, with its arguments. Made by `#[event]` and `#[background]`.
pub trait EventDef: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The state that it works on.
    type State: State;
    /// `<state>/<function>`.
    const NAME: &'static str;
    /// Where it is sent to.
    const PATH: &'static str;
    /// A number for the names and types of its arguments. A page that sends another one is of
    /// another version than the server.
    const SCHEMA: u32;
}

/// A background task.
#[diagnostic::on_unimplemented(
    message = "this is an event, not a background task",
    note = "`#[background]` makes a task; an event is sent by `.dispatch()` and followed by `use_event`"
)]
pub trait TaskDef: EventDef {}

/// A message that has not been sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
#[serde(bound(deserialize = "E: DeserializeOwned"))]
#[must_use = "a message does nothing until it is sent: `.dispatch()` it"]
pub struct Call<E> {
    event: E,
    /// Where it goes, if not to the scope that its place in the page says.
    #[serde(skip)]
    scope: Option<ScopeName>,
}

impl<E: EventDef> Call<E> {
    #[doc(hidden)]
    pub fn new(event: E) -> Self {
        Call { event, scope: None }
    }

    #[doc(hidden)]
    pub fn into_event(self) -> E {
        self.event
    }

    pub(crate) fn sent_to(mut self, scope: ScopeName) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The scope that it goes to: the one that was said, or the one that this place is in.
    pub(crate) fn scope(&self) -> Option<ScopeName> {
        let here = || scope_here(<E::State as State>::SCOPE);
        self.scope.clone().or_else(here)
    }

    /// Sends it from the page. It waits in the page's outbox until the server has taken it. The
    /// event of a keyed state goes to the scope that this place of the page is in; outside of
    /// any it ends failed.
    ///
    /// In a handler, on the server, the verb is that of the context: `cx.dispatch(…)`.
    pub fn dispatch(self) {
        let arguments = serde_json::to_string(&self);
        browser::send((E::NAME, E::SCHEMA), self.scope(), arguments);
    }
}

impl<E: TaskDef> Call<E> {
    /// Starts the task from the page.
    pub fn start(self) {
        self.dispatch();
    }
}

// === Functions that make messages ===

/// A function that makes a message; `E` is what it makes.
pub trait EventFn<Arguments> {
    /// The event.
    type Event: EventDef;
}

/// A function that makes a task's message.
pub trait TaskFn<Arguments>: EventFn<Arguments, Event: TaskDef> {}

impl<F, Arguments> TaskFn<Arguments> for F where F: EventFn<Arguments, Event: TaskDef> {}

macro_rules! event_fn {
    ($($argument:ident),*) => {
        impl<F, E: EventDef, $($argument),*> EventFn<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Call<E>,
        {
            type Event = E;
        }
    };
}
event_fn!();
event_fn!(A);
event_fn!(A, B);
event_fn!(A, B, C);
event_fn!(A, B, C, D);
event_fn!(A, B, C, D, E1);
event_fn!(A, B, C, D, E1, F1);

/// `on:click=clear.on_click()`.
pub trait OnClick {
    /// A handler of clicks that sends the message.
    fn on_click(self) -> impl Fn(leptos::ev::MouseEvent) + Clone + 'static;
}

impl<F, E> OnClick for F
where
    F: Fn() -> Call<E> + Clone + 'static,
    E: EventDef,
{
    fn on_click(self) -> impl Fn(leptos::ev::MouseEvent) + Clone + 'static {
        move |_| self().dispatch()
    }
}

// === A message is a server function ===

impl<E: EventDef> server_fn::ServerFn for Call<E> {
    const PATH: &'static str = E::PATH;

    type Client = server_fn::client::browser::BrowserClient;
    type Server = ServerSide;
    type Protocol = server_fn::Http<Json, Json>;
    type Output = Answer;
    type Error = ServerFnError;
    type InputStreamError = ServerFnError;
    type OutputStreamError = ServerFnError;

    async fn run_body(self) -> Result<Answer, ServerFnError> {
        // The registered handler is the runtime's own; it never comes here.
        Err(ServerFnError::ServerError(
            "this path is served by the runtime".into(),
        ))
    }
}

#[cfg(feature = "ssr")]
type ServerSide = server_fn::axum::AxumServerFnBackend;
#[cfg(not(feature = "ssr"))]
type ServerSide = server_fn::mock::BrowserMockServer;

// === The runtime's own messages ===

/// Which events a message is about: those of whoever asks that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichEvents {
    /// `<state>/<function>`.
    pub event: String,
    /// The numbers that the client which asks has given them. With none it is about all of this
    /// name, whichever page of the visitor's has sent them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u64>,
}

/// Cancels events of whoever sends it: those that run, and those that wait. It does not wait in the
/// queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CancelEvent(pub WhichEvents);

impl EventDef for CancelEvent {
    type State = crate::builtin::UcEnds;
    const NAME: &'static str = "uc_ends/cancel";
    const PATH: &'static str = "/api/uc_ends/cancel";
    /// The first form of [`WhichEvents`].
    const SCHEMA: u32 = 1;
}

/// Which runs a message is about: those of a name and a key, or one by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Which {
    /// `<state>/<function>`. Not looked at when `run` is given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// The key of the instance, or empty. Not looked at when `run` is given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The id of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
}

macro_rules! control {
    ($(#[$about:meta])* $message:ident, $verb:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $message(pub Which);

        impl EventDef for $message {
            type State = crate::builtin::UcTasks;
            const NAME: &'static str = concat!("uc_tasks/", $verb);
            const PATH: &'static str = concat!("/api/uc_tasks/", $verb);
            /// The first form of [`Which`].
            const SCHEMA: u32 = 1;
        }
    };
}

control!(
    /// Cancels runs, those that wait too. It does not wait in the queue.
    CancelTask,
    "cancel"
);
control!(
    /// Holds runs that have begun: no update of theirs lands until they are resumed. It does not
    /// wait in the queue.
    PauseTask,
    "pause"
);
control!(
    /// Lets paused runs go on. It does not wait in the queue.
    ResumeTask,
    "resume"
);
control!(
    /// Starts the last of the runs that has ended once more, with the same arguments. It does not
    /// wait in the queue.
    RetryTask,
    "retry"
);
