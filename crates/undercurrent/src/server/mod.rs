//! The server's side: queue, tasks, scopes, streams, and the doors to them.

mod app;
mod attendance;
mod authorize;
mod cell;
mod config;
pub(crate) mod context;
mod counters;
mod door;
mod doors;
mod effects;
mod events;
mod follow;
mod followed;
mod handover;
mod heads;
mod logs;
mod measure;
mod outcome;
mod pages;
mod polls;
mod presence;
mod queue;
mod queues;
mod quiet;
mod reading;
mod registration;
mod registry;
mod rendered;
mod renewal;
mod restored;
mod scope;
#[cfg(test)]
mod scope_tests;
mod scopes;
mod scripts;
mod serve;
mod session;
mod states;
mod store;
mod stored;
mod stream;
mod sync;
mod tasks;
#[cfg(feature = "testing")]
mod testing;
#[cfg(test)]
mod tests;
mod turn;
mod unkept;
mod writing;

pub(crate) use self::pages::{request_path, request_session};
pub use self::{
    app::{Builder, Undercurrent},
    config::{Config, Durability, StoreKind},
    context::{BlockingContext, Clock, ForEach, ForEachLimit, Update},
    counters::Counters,
    doors::{NotSent, ScopeHandle},
    effects::Page,
    renewal::NotRenewed,
    tasks::NotStarted,
};
#[doc(hidden)]
pub use self::{
    events::server_fn,
    outcome::{HandlerError, IntoOutcome, Outcome},
    registration::{
        AsyncHandler, Expected, IntoRefusal, OnCrash, Overlap, PairHandler, Policy, Present,
        Registration, StateRegistration, SyncHandler, TaskHandler,
    },
};
#[cfg(feature = "testing")]
pub(crate) use self::{
    session::Session,
    testing::{TestEvent, TestEvents, TestStore, TestStream},
};

use self::{
    follow::Streams,
    logs::LogBudget,
    polls::Polls,
    queue::{Origin, Queued},
    registration::{Arguments, Prepared, PreparedTask},
    registry::{Provided, Registry},
    scope::Scope,
    scopes::Scopes,
    session::Sessions,
    store::{Store, StoreError},
};
use crate::{
    Call, EventDef, Limits, TaskDef, Visitor,
    core::scope::{NotAScope, ScopeName},
};
use std::{
    any::Any,
    collections::BTreeSet,
    fmt, io,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicUsize},
    time::{Duration, SystemTime},
};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) registry: Registry,
    pub(crate) provided: Provided,
    pub(crate) sessions: Sessions,
    pub(crate) scopes: Scopes,
    pub(crate) store: Arc<dyn Store>,
    /// What is shown was kept before.
    pub(crate) keeps_first: bool,
    pub(crate) logs: Arc<LogBudget>,
    pub(crate) streams: Streams,
    pub(crate) tasks_running: AtomicUsize,
    pub(crate) polls: Arc<Polls>,
    /// The turn of an event that may take the server down.
    pub(crate) suspects: Arc<Semaphore>,
    /// Turns of closures that block.
    pub(crate) blocking_threads: Arc<Semaphore>,
    /// A test turns the clock: it is to stand still while such a closure computes.
    pub(crate) holds_clock: OnceLock<()>,
    /// Events that wait in a queue, or run.
    pub(crate) events_under_way: AtomicUsize,
    /// Queues and tasks that run, so that a shutdown can wait for them.
    pub(crate) tracker: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    /// The half of the shutdown's time that is left to who ends by itself is over.
    pub(crate) interrupted: CancellationToken,
    /// The large fields that the log has been told of.
    warned_of: Mutex<BTreeSet<(&'static str, String)>>,
    started: Instant,
}

/// Why the server does not start.
#[non_exhaustive]
pub enum StartError {
    /// The configuration can't be read, or says what does not exist.
    Config(PathBuf, String),
    /// Two events or tasks of one path.
    TwoHandlers(&'static str),
    /// Two states of one name that handlers change, with their types.
    TwoStates(&'static str, &'static str, &'static str),
    /// A handler expects a type that start-up does not provide.
    NotProvided(&'static str, &'static str),
    /// The environment's signing key is not one.
    KeyVariable,
    /// The file of the signing key can't be read or made.
    KeyFile(PathBuf, io::Error),
    /// A limit that nothing could run with: its name, its value, what it can be.
    Limit(&'static str, u64, RangeInclusive<u64>),
    /// The store of scopes can't be opened.
    Store(PathBuf, StoreError),
    /// leptos' `output-name`, which names the cookie, is missing or odd.
    OutputName(String),
}

impl Runtime {
    /// Milliseconds since the start, on a clock that tests can pause.
    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Reads the name of a scope, as pages write it.
    pub(crate) fn scope_name(&self, text: &str) -> Result<ScopeName, NotAScope> {
        let space_of = |name: &str| self.registry.space(name).map(|space| space.name);
        ScopeName::parse(text, space_of)
    }

    pub(crate) fn each_scope(&self, act: impl Fn(&Scope)) {
        let slots = self.scopes.all();
        let scopes = slots.iter().filter_map(|slot| slot.scope());
        scopes.for_each(|scope| act(&scope));
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// How long a cancelled task may take to clean up. In a shutdown its end must be recorded
    /// before the time is over: half of what is left for it then.
    pub(crate) fn cancel_grace(&self) -> Duration {
        let limits = &self.limits;
        Duration::from_millis(match self.is_shutting_down() {
            true => limits.cancel_grace_ms.min(limits.shutdown_ms / 4),
            false => limits.cancel_grace_ms,
        })
    }

    /// Makes a message of a handler ready for the queue.
    ///
    /// # Errors
    ///
    /// Its arguments can't be written as JSON and read again.
    pub(crate) fn queued<E: EventDef>(
        &self,
        call: Call<E>,
        visitor: Visitor,
        origin: Option<Origin>,
    ) -> Result<Queued, String> {
        let handler = self.registry.handler(E::NAME);
        let handler = handler.ok_or_else(|| format!("{} is not registered", E::NAME))?;
        let arguments = serde_json::to_string(&call).map_err(|error| error.to_string())?;
        Ok(Queued {
            name: E::NAME,
            prepared: handler.prepare(Arguments::Json(&arguments))?,
            arguments,
            id: 0,
            tries: 0,
            visitor,
            origin,
            is_first: false,
            is_cancelled: false,
            ended: None,
        })
    }

    /// Makes a task ready to be started.
    pub(crate) fn prepared_task<E: TaskDef>(
        &self,
        task: Call<E>,
    ) -> Result<PreparedTask, NotStarted> {
        let queued = self.queued(task, Visitor::SERVER, None);
        match queued.map(|queued| queued.prepared) {
            Ok(Prepared::Task(task)) => Ok(task),
            Ok(_) => unreachable!("`TaskDef` is implemented by `#[background]` alone"),
            Err(_) => Err(NotStarted::Arguments),
        }
    }

    pub(crate) fn warn_of_large_field(&self, state: &'static str, path: &str, bytes: usize) {
        // Told once for each field of a state, whatever is inside of it.
        let field = path.split(',').next().unwrap_or_default().trim_matches('"');
        let mut warned = self
            .warned_of
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if warned.insert((state, field.to_owned())) {
            tracing::warn!(
                state,
                field,
                bytes,
                "plain data is compared and sent whole at each change; a List, Map or Text sends the change"
            );
        }
    }
}

// === Randomness ===

/// Bytes from the system's source.
///
/// # Panics
///
/// When the system has none: then no session could be told from another.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the system gives no random bytes: {error}");
    }
    bytes
}

pub(crate) fn random_u64() -> u64 {
    u64::from_le_bytes(random_bytes())
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Sixteen hexadecimal digits.
pub(crate) fn random_id() -> String {
    format!("{:016x}", random_u64())
}

/// What a panic says, where it says something.
pub(crate) fn describe_panic(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// Lets go of a panic without dropping it: what user code panicked with may panic again there.
#[expect(
    clippy::mem_forget,
    reason = "a leak, once a panic, is the lesser harm"
)]
pub(crate) fn forget_panic(panic: Box<dyn Any + Send>) {
    std::mem::forget(panic);
}

/// Drops what user code may have a hand in. A panic there stays there. Says whether there was
/// none.
pub(crate) fn drop_quietly<T>(value: T) -> bool {
    match catch_unwind(AssertUnwindSafe(move || drop(value))) {
        Ok(()) => true,
        Err(panic) => {
            forget_panic(panic);
            false
        }
    }
}

// === impl StartError ===

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(path, why) => write!(f, "{}: {why}", path.display()),
            StartError::TwoHandlers(name) => write!(
                f,
                "two events or tasks have the path /api/{name}: rename one of the functions, or \
                 one of the states"
            ),
            StartError::TwoStates(name, one, other) => write!(
                f,
                "two states have the name {name:?}, {one} and {other}: rename one of the structs"
            ),
            StartError::NotProvided(handler, type_name) => write!(
                f,
                "{handler} expects a {type_name}, and start-up provides none: add \
                 `.provide(…)` before `.build()`"
            ),
            StartError::KeyVariable => {
                write!(
                    f,
                    "{} must hold 64 hexadecimal digits",
                    session::KEY_VARIABLE
                )
            }
            StartError::KeyFile(path, error) => write!(
                f,
                "the key that signs cookies can't be read from or written to {}: {error}. Set \
                 `session-key-file` in [undercurrent] of Leptos.toml, or {}",
                path.display(),
                session::KEY_VARIABLE
            ),
            StartError::Limit(name, value, can_be) if value < can_be.start() => write!(
                f,
                "`{name}` in [undercurrent.limits] of Leptos.toml is {value}; it must be at \
                 least {}",
                can_be.start()
            ),
            StartError::Limit(name, value, can_be) => write!(
                f,
                "`{name}` in [undercurrent.limits] of Leptos.toml is {value}; it must be at \
                 most {}",
                can_be.end()
            ),
            StartError::Store(path, error) => write!(
                f,
                "scopes can't be kept in {}: {error}. `store-file` in [undercurrent] of Leptos.toml \
                 sets another path, and `store = \"memory\"` keeps them in memory alone",
                path.display()
            ),
            StartError::OutputName(name) => write!(
                f,
                "`output-name` in Leptos.toml is {name:?}; it names the cookie, and takes letters, \
                 digits, dashes and underscores"
            ),
        }
    }
}

/// The sentence, too: it is what a `main` shows that returns the error.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {}
