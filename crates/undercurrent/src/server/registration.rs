//! What the macros register: handlers with their arguments, and states.

use super::{
    cell::{AnySnapshot, default_snapshot},
    context::{EventRun, assert_together},
    forget_panic,
    outcome::Outcome,
    queue::End,
    quiet::Quiet,
    restored::{RestoredCell, restored},
    tasks::Attempt,
    writing::{HandlerFailure, Writing},
};
use crate::{
    CancelEvent, CancelTask, EventContext, EventDef, ForVisitor, PauseTask, ResumeTask, RetryTask,
    State, TaskContext, TaskDef, TaskEnd, Visitor, Which, WhichEvents,
    core::{log::Entry, position::Position, schema::Schema, scope::ScopeKind},
};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use std::{
    any::{Any, TypeId},
    future::Future,
    panic::catch_unwind,
    sync::Arc,
};

/// An event over `&mut` state.
pub trait SyncHandler: EventDef {
    #[doc(hidden)]
    fn apply(self, state: &mut Self::State) -> Outcome;
}

/// An event over two `&mut` states of one scope.
pub trait PairHandler: EventDef {
    /// The second of them.
    type Second: State;
    #[doc(hidden)]
    fn apply(self, state: &mut Self::State, second: &mut Self::Second) -> Outcome;
}

/// An event that waits.
pub trait AsyncHandler: EventDef {
    /// Milliseconds that it may take.
    const TIMEOUT_MS: Option<u64> = None;
    #[doc(hidden)]
    fn run(self, cx: EventContext<Self::State>) -> impl Future<Output = Outcome> + Send;
}

/// A background task.
pub trait TaskHandler: TaskDef {
    /// What the attribute says.
    const POLICY: Policy;
    /// What is done to the state in the update that records a run's end.
    const ON_END: Option<fn(&mut Self::State, &TaskEnd)> = None;
    #[doc(hidden)]
    fn key(&self) -> String;
    #[doc(hidden)]
    fn run(self, cx: TaskContext<Self::State>) -> impl Future<Output = Outcome> + Send;
}

/// What `#[background(…)]` says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// It is started again while it runs.
    pub overlap: Overlap,
    /// Milliseconds that an attempt may take.
    pub timeout_ms: Option<u64>,
    /// Attempts after the first.
    pub retries: u32,
    /// Milliseconds between the end of the visitor's last stream and a cancel.
    pub on_disconnect_ms: Option<u64>,
    /// The server was killed, or went down, while it ran.
    pub on_crash: OnCrash,
    /// Whoever may look at its scope may control a run that the server has started.
    pub anyone_controls: bool,
}

/// What becomes of a run whose server went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCrash {
    /// It ends as interrupted.
    Interrupt,
    /// It goes on from its last checkpoint, with the same id and arguments.
    Resume,
}

/// A task is started again while one of the same name and key runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The second is refused.
    Reject,
    /// The second waits until the first has ended.
    Queue,
    /// The first is cancelled: the latest wins.
    Replace,
    /// So many run side by side; one more is refused.
    Parallel(usize),
}

/// A handler, by its name.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static [Expected],
    /// Where its state lives.
    pub(crate) scope: ScopeKind,
    /// The number of its arguments.
    pub(crate) schema: u32,
    /// The types of the states that it changes.
    pub(super) states: [Option<fn() -> TypeId>; 2],
    prepare: fn(Arguments<'_>) -> Result<Prepared, String>,
    to_json: fn(Arguments<'_>) -> Result<String, String>,
}

/// The arguments of an event as they came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arguments<'a> {
    Json(&'a str),
    /// The body of a form. Fields that begin with an underscore are the runtime's own.
    Form(&'a str),
}

/// A state, by its name.
#[derive(Clone, Copy, Debug)]
pub struct StateRegistration {
    pub(crate) name: &'static str,
    pub(crate) type_name: fn() -> &'static str,
    pub(super) type_id: fn() -> TypeId,
    /// The number of its fields.
    pub(crate) schema: fn() -> u32,
    pub(crate) default_snapshot: fn(Position) -> Arc<dyn AnySnapshot>,
    pub(super) restore: Restore,
    pub(crate) scope: ScopeKind,
    pub(super) join: Option<Join>,
    pub(super) present: Option<Tell>,
}

/// Reads a state as a store has it.
pub(super) type Restore = fn(Option<&str>, Vec<Arc<Entry>>) -> Result<RestoredCell, String>;

/// The rule of a scope: lets a visitor in, or says why not.
pub(super) type Join = fn(&Visitor, &str) -> Result<(), String>;

/// A state that is told who is here.
pub trait Present: State {
    #[doc(hidden)]
    fn note(&mut self, here: &[Visitor]);
}

/// Tells such a state, in the update that is being made.
pub(super) type Tell = fn(&mut Writing<'_>, &[Visitor]);

/// What a rule may return: `Ok`, or any error. The visitor reads a [`ForVisitor`].
pub trait IntoRefusal {
    #[doc(hidden)]
    fn into_refusal(self) -> Result<(), String>;
}

/// A type that a handler's body asks for by `expect`.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) type_id: fn() -> TypeId,
}

/// A handler with its arguments, ready to run.
pub(crate) enum Prepared {
    Sync(ApplySync),
    /// With the milliseconds that it may take, where its attribute says so.
    Async(RunAsync, Option<u64>),
    Task(PreparedTask),
    Control(Verb, Which),
    /// Cancels events of the visitor.
    CancelEvents(WhichEvents),
    /// It waited over a restart, and ends so when its turn comes.
    Over(End),
}

/// What is asked of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Pause,
    Resume,
    Retry,
}

/// Makes the future of an event that waits.
pub(crate) type RunAsync = Box<dyn FnOnce(Arc<EventRun>) -> BoxFuture<'static, Outcome> + Send>;
type ApplySync = Box<dyn FnOnce(&mut Writing<'_>) -> Result<(), HandlerFailure> + Send>;

pub(crate) struct PreparedTask {
    pub(crate) name: &'static str,
    pub(crate) key: String,
    pub(crate) policy: Policy,
    /// What it is started with, as JSON: for who starts it once more.
    pub(crate) arguments: String,
    pub(crate) body: RunTask,
    pub(crate) on_end: OnEnd,
}

/// Changes the state in the update that records a run's end.
pub(crate) type OnEnd = fn(&mut Writing<'_>, &TaskEnd);

/// Makes the future of an attempt.
pub(crate) type RunTask = Arc<dyn Fn(Attempt) -> BoxFuture<'static, Outcome> + Send + Sync>;

inventory::collect!(Registration);
inventory::collect!(StateRegistration);
inventory::submit! { Registration::cancel() }
inventory::submit! { Registration::pause() }
inventory::submit! { Registration::resume() }
inventory::submit! { Registration::retry() }
inventory::submit! { Registration::cancel_events() }

// === impl Registration ===

impl Registration {
    #[doc(hidden)]
    pub const fn sync<E: SyncHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event = Quiet::new(arguments.decode::<E>()?);
            Ok(Prepared::Sync(Box::new(|writing| {
                writing.change_as_handler::<E::State>(|state| event.take().apply(state))
            })))
        })
    }

    #[doc(hidden)]
    pub const fn sync_pair<E: PairHandler>(expected: &'static [Expected]) -> Self {
        const { assert_together::<E::State, E::Second>() };
        let mut registration = Self::new::<E>(expected, |arguments| {
            let event = Quiet::new(arguments.decode::<E>()?);
            Ok(Prepared::Sync(Box::new(|writing| {
                writing.change_both_as_handler(|state: &mut E::State, second: &mut E::Second| {
                    event.take().apply(state, second)
                })
            })))
        });
        registration.states[1] = Some(TypeId::of::<E::Second>);
        registration
    }

    #[doc(hidden)]
    pub const fn asynchronous<E: AsyncHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event = Quiet::new(arguments.decode::<E>()?);
            let run: RunAsync = Box::new(|run| Box::pin(event.take().run(EventContext::new(run))));
            Ok(Prepared::Async(run, E::TIMEOUT_MS))
        })
    }

    #[doc(hidden)]
    pub const fn task<E: TaskHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event: E = arguments.decode()?;
            let (key, json) = (event.key(), serde_json::to_string(&event));
            let event = Quiet::new(event);
            Ok(Prepared::Task(PreparedTask {
                name: E::NAME,
                key,
                policy: E::POLICY,
                arguments: json.map_err(|error| error.to_string())?,
                body: Arc::new(move |attempt| {
                    Box::pin(event.copy().run(TaskContext::new(attempt)))
                }),
                on_end: |writing, end| writing.change_at_end::<E>(end),
            }))
        })
    }

    /// Each of these messages says which runs it is about, and nothing else.
    const fn cancel() -> Self {
        Self::new::<CancelTask>(&[], |which| {
            Ok(Prepared::Control(Verb::Cancel, which.decode()?))
        })
    }

    const fn pause() -> Self {
        Self::new::<PauseTask>(&[], |which| {
            Ok(Prepared::Control(Verb::Pause, which.decode()?))
        })
    }

    const fn resume() -> Self {
        Self::new::<ResumeTask>(&[], |which| {
            Ok(Prepared::Control(Verb::Resume, which.decode()?))
        })
    }

    const fn retry() -> Self {
        Self::new::<RetryTask>(&[], |which| {
            Ok(Prepared::Control(Verb::Retry, which.decode()?))
        })
    }

    const fn cancel_events() -> Self {
        Self::new::<CancelEvent>(&[], |which| Ok(Prepared::CancelEvents(which.decode()?)))
    }

    const fn new<E: EventDef>(
        expected: &'static [Expected],
        prepare: fn(Arguments<'_>) -> Result<Prepared, String>,
    ) -> Self {
        Registration {
            name: E::NAME,
            expected,
            scope: <E::State as State>::SCOPE,
            schema: E::SCHEMA,
            states: [Some(TypeId::of::<E::State>), None],
            prepare,
            to_json: |arguments| {
                let event: E = arguments.decode()?;
                serde_json::to_string(&event).map_err(|error| error.to_string())
            },
        }
    }
}

impl Registration {
    /// The arguments as JSON, for the store.
    pub(crate) fn as_json(&self, arguments: Arguments<'_>) -> Result<String, String> {
        if let Arguments::Json(json) = arguments {
            return Ok(json.to_owned());
        }
        let written = catch_unwind(|| (self.to_json)(arguments));
        written.unwrap_or_else(|panic| {
            forget_panic(panic);
            Err("writing them panicked".to_owned())
        })
    }

    /// Reads the arguments. User code that panics in doing so is an error like any other.
    pub(crate) fn prepare(&self, arguments: Arguments<'_>) -> Result<Prepared, String> {
        let prepared = catch_unwind(|| (self.prepare)(arguments));
        prepared.unwrap_or_else(|panic| {
            forget_panic(panic);
            Err("reading them panicked".to_owned())
        })
    }
}

impl Prepared {
    /// It asks something of what runs, and makes nothing.
    pub(crate) fn is_control(&self) -> bool {
        matches!(self, Prepared::Control(..) | Prepared::CancelEvents(_))
    }
}

impl Arguments<'_> {
    fn decode<E: DeserializeOwned>(self) -> Result<E, String> {
        match self {
            Arguments::Json(json) => serde_json::from_str(json).map_err(|error| error.to_string()),
            Arguments::Form(body) => serde_qs::Config::new(5, false)
                .deserialize_str(body)
                .map_err(|error| error.to_string()),
        }
    }
}

// === impl StateRegistration, Expected ===

impl StateRegistration {
    #[doc(hidden)]
    pub const fn of<S: State>() -> Self {
        StateRegistration {
            name: S::NAME,
            type_name: std::any::type_name::<S>,
            type_id: TypeId::of::<S>,
            schema: Schema::of_state::<S>,
            default_snapshot: default_snapshot::<S>,
            restore: restored::<S>,
            scope: S::SCOPE,
            join: None,
            present: None,
        }
    }

    /// Of a state that is told who is here.
    #[doc(hidden)]
    pub const fn told<S: Present>() -> Self {
        const {
            assert!(
                matches!(S::SCOPE, ScopeKind::Keyed(_) | ScopeKind::Process(_)),
                "in a session there is its visitor alone: `present` goes with a scope that several \
                 share, `scope = keyed` or `scope = process`"
            );
        }
        let mut registration = Self::of::<S>();
        registration.present = Some(|writing, here| writing.tell::<S>(here));
        registration
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn joined_by(mut self, join: Join) -> Self {
        self.join = Some(join);
        self
    }
}

impl Expected {
    #[doc(hidden)]
    pub const fn of<T: Any>() -> Self {
        Expected {
            type_name: std::any::type_name::<T>,
            type_id: TypeId::of::<T>,
        }
    }
}

// === impl IntoRefusal ===

/// What a visitor is told who was refused by an error that is not for visitors.
pub(super) const NOT_OPEN: &str = "This is not open to you.";

impl<E: Into<leptos::error::Error>> IntoRefusal for Result<(), E> {
    fn into_refusal(self) -> Result<(), String> {
        self.map_err(|error| {
            let error: leptos::error::Error = error.into();
            if (*error).is::<ForVisitor>() {
                return error.to_string();
            }
            tracing::info!(%error, "the rule of a scope refused");
            NOT_OPEN.to_owned()
        })
    }
}
