//! What the macros register, and how the server finds it again by name.

use super::{
    StartError,
    cell::{AnySnapshot, default_snapshot},
    context::{EventRun, assert_together},
    describe_panic, forget_panic,
    tasks::Attempt,
    writing::{HandlerFailure, Writing},
};
use crate::{
    CancelTask, EventContext, EventDef, ForVisitor, PauseTask, ResumeTask, RetryTask, State,
    TaskContext, TaskDef, TaskEnd, UpdateError, Visitor, Which,
    core::{position::Position, schema::Schema, scope::ScopeKind},
};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    panic::catch_unwind,
    sync::Arc,
};

/// How a handler ended.
pub type Outcome = Result<(), HandlerError>;

/// Why a handler did not end well.
#[derive(Debug)]
pub enum HandlerError {
    /// It let the error of a cancelled call out.
    Cancelled,
    /// It has something to tell the visitor.
    ForVisitor(leptos::error::Error),
    /// Anything else: the log gets it, the visitor an id.
    Internal(leptos::error::Error),
}

/// What a handler may return: nothing, or a `Result` with any error.
pub trait IntoOutcome {
    #[doc(hidden)]
    fn into_outcome(self) -> Outcome;
}

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
    states: [Option<fn() -> TypeId>; 2],
    prepare: fn(Arguments<'_>) -> Result<Prepared, String>,
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
    type_id: fn() -> TypeId,
    /// The number of its fields.
    pub(crate) schema: fn() -> u32,
    pub(crate) default_snapshot: fn(Position) -> Arc<dyn AnySnapshot>,
    pub(crate) scope: ScopeKind,
    join: Option<Join>,
}

/// The rule of a scope: lets a visitor in, or says why not.
type Join = fn(&Visitor, &str) -> Result<(), String>;

/// A kind of shared scopes: the rooms, the documents, the server's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) name: &'static str,
    /// There is one, and nobody need name it.
    pub(crate) is_process: bool,
    join: Option<Join>,
}

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
    Async(Box<dyn FnOnce(Arc<EventRun>) -> BoxFuture<'static, Outcome> + Send>),
    Task(PreparedTask),
    Control(Verb, Which),
}

/// What is asked of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Pause,
    Resume,
    Retry,
}

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

/// Everything that was registered.
#[derive(Debug)]
pub(crate) struct Registry {
    handlers: BTreeMap<&'static str, &'static Registration>,
    states: BTreeMap<&'static str, &'static StateRegistration>,
    spaces: BTreeMap<&'static str, Space>,
}

/// What start-up provided, by type.
#[derive(Clone, Default)]
pub(crate) struct Provided(BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>);

inventory::collect!(Registration);
inventory::collect!(StateRegistration);
inventory::submit! { Registration::cancel() }
inventory::submit! { Registration::pause() }
inventory::submit! { Registration::resume() }
inventory::submit! { Registration::retry() }

// === impl Registration ===

impl Registration {
    #[doc(hidden)]
    pub const fn sync<E: SyncHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event: E = arguments.decode()?;
            Ok(Prepared::Sync(Box::new(|writing| {
                writing.change_as_handler::<E::State>(|state| event.apply(state))
            })))
        })
    }

    #[doc(hidden)]
    pub const fn sync_pair<E: PairHandler>(expected: &'static [Expected]) -> Self {
        const { assert_together::<E::State, E::Second>() };
        let mut registration = Self::new::<E>(expected, |arguments| {
            let event: E = arguments.decode()?;
            Ok(Prepared::Sync(Box::new(|writing| {
                writing.change_both_as_handler(|state: &mut E::State, second: &mut E::Second| {
                    event.apply(state, second)
                })
            })))
        });
        registration.states[1] = Some(TypeId::of::<E::Second>);
        registration
    }

    #[doc(hidden)]
    pub const fn asynchronous<E: AsyncHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event: E = arguments.decode()?;
            Ok(Prepared::Async(Box::new(|run| {
                Box::pin(event.run(EventContext::new(run)))
            })))
        })
    }

    #[doc(hidden)]
    pub const fn task<E: TaskHandler>(expected: &'static [Expected]) -> Self {
        Self::new::<E>(expected, |arguments| {
            let event: E = arguments.decode()?;
            Ok(Prepared::Task(PreparedTask {
                name: E::NAME,
                key: event.key(),
                policy: E::POLICY,
                arguments: serde_json::to_string(&event).map_err(|error| error.to_string())?,
                body: Arc::new(move |attempt| {
                    Box::pin(event.clone().run(TaskContext::new(attempt)))
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
        }
    }
}

impl Registration {
    /// Reads the arguments. User code that panics in doing so is an error like any other.
    pub(crate) fn prepare(&self, arguments: Arguments<'_>) -> Result<Prepared, String> {
        let prepared = catch_unwind(|| (self.prepare)(arguments));
        prepared.unwrap_or_else(|panic| {
            forget_panic(panic);
            Err("reading them panicked".to_owned())
        })
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
            schema: Schema::of::<S>,
            default_snapshot: default_snapshot::<S>,
            scope: S::SCOPE,
            join: None,
        }
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

// === impl Space ===

impl Space {
    /// Asks the rule. One that panics lets nobody in.
    pub(crate) fn ask(&self, visitor: &Visitor, key: &str) -> Result<(), String> {
        let Some(join) = self.join else {
            return Ok(());
        };
        let asked = catch_unwind(|| join(visitor, key));
        asked.unwrap_or_else(|panic| {
            tracing::error!(
                scope = self.name,
                panic = describe_panic(&*panic),
                "the rule of a scope panicked"
            );
            forget_panic(panic);
            Err(NOT_OPEN.to_owned())
        })
    }
}

/// What a visitor is told who was refused by an error that is not for visitors.
const NOT_OPEN: &str = "This is not open to you.";

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

// === impl Registry, Provided ===

impl Registry {
    /// Collects what the macros registered.
    ///
    /// # Errors
    ///
    /// Two handlers or two states of one name; a handler that expects what was not provided.
    pub(crate) fn collect(provided: &Provided) -> Result<Self, StartError> {
        let mut registry = Registry {
            handlers: BTreeMap::new(),
            states: BTreeMap::new(),
            spaces: BTreeMap::new(),
        };
        for handler in inventory::iter::<Registration> {
            if registry.handlers.insert(handler.name, handler).is_some() {
                return Err(StartError::TwoHandlers(handler.name));
            }
            let missing = handler
                .expected
                .iter()
                .find(|type_| !provided.has((type_.type_id)()));
            if let Some(type_) = missing {
                return Err(StartError::NotProvided(handler.name, (type_.type_name)()));
            }
        }
        for state in registry.states_by_name()? {
            registry.states.insert(state.name, state);
            // The state that the scopes are named after declares them; others live with it.
            let space = match state.scope {
                ScopeKind::Keyed(name) => Some((name, false)),
                ScopeKind::Process(name) => Some((name, true)),
                ScopeKind::Session | ScopeKind::Tab | ScopeKind::Each => None,
            };
            if let Some((name, is_process)) = space.filter(|(name, _)| *name == state.name) {
                let join = state.join;
                registry.spaces.insert(
                    name,
                    Space {
                        name,
                        is_process,
                        join,
                    },
                );
            }
        }
        Ok(registry)
    }

    /// The states that go by their names: one for each name.
    ///
    /// A state inside of another is registered like any, and its name means nothing outside of
    /// it. So of two with one name it is the one that handlers change, and where no handler
    /// changes either, none.
    fn states_by_name(&self) -> Result<Vec<&'static StateRegistration>, StartError> {
        let handlers = self.handlers.values();
        let changed: BTreeSet<TypeId> = handlers
            .flat_map(|handler| handler.states.iter().flatten().map(|type_id| type_id()))
            .collect();
        let mut by_name: BTreeMap<&str, Vec<&StateRegistration>> = BTreeMap::new();
        for state in inventory::iter::<StateRegistration> {
            by_name.entry(state.name).or_default().push(state);
        }
        let mut chosen = Vec::new();
        for mut states in by_name.into_values() {
            if states.len() > 1 {
                states.retain(|state| changed.contains(&(state.type_id)()));
            }
            match states[..] {
                [] => {}
                [one] => chosen.push(one),
                [one, other, ..] => {
                    let types = ((one.type_name)(), (other.type_name)());
                    return Err(StartError::TwoStates(one.name, types.0, types.1));
                }
            }
        }
        Ok(chosen)
    }

    pub(crate) fn handler(&self, name: &str) -> Option<&'static Registration> {
        self.handlers.get(name).copied()
    }

    pub(crate) fn state(&self, name: &str) -> Option<&'static StateRegistration> {
        self.states.get(name).copied()
    }

    pub(crate) fn space(&self, name: &str) -> Option<&Space> {
        self.spaces.get(name)
    }
}

impl Provided {
    pub(crate) fn add<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// What start-up provided. That it is there was checked at start, as far as the macros saw.
    ///
    /// # Panics
    ///
    /// When nothing of the type was provided.
    pub(crate) fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        let found = self.0.get(&TypeId::of::<T>()).cloned();
        found
            .and_then(|value| value.downcast().ok())
            .unwrap_or_else(|| {
                let type_name = std::any::type_name::<T>();
                panic!("start-up provides no {type_name}: add `.provide({type_name} …)` to it")
            })
    }

    fn has(&self, type_id: TypeId) -> bool {
        self.0.contains_key(&type_id)
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provided").field(&self.0.len()).finish()
    }
}

// === impl IntoOutcome ===

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

impl<E: Into<leptos::error::Error>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        self.map_err(|error| HandlerError::from(error.into()))
    }
}

impl From<leptos::error::Error> for HandlerError {
    fn from(error: leptos::error::Error) -> Self {
        let inner = &**error;
        if let Some(UpdateError::Cancelled) = inner.downcast_ref() {
            HandlerError::Cancelled
        } else if inner.is::<ForVisitor>() {
            HandlerError::ForVisitor(error)
        } else {
            HandlerError::Internal(error)
        }
    }
}
