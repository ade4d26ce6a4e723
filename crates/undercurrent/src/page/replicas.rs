//! The replicas of a page: one for each state of a scope that a view has asked for.

use super::{
    connection::Link, diagnostics::Inspection, event::Events, form::ended_of, scope::scope_of_view,
};
use crate::{
    browser,
    builtin::UcEnds,
    core::{
        frame::StateFrame,
        ops::{Applied, ApplyError, Op},
        position::Position,
        replica::{Replica, Verdict},
        schema::Schema,
        scope::ScopeName,
        state::{State, from_json, to_json},
    },
};
use leptos::prelude::*;
use reactive_stores::{ArcStore, Store, StoreField, StorePath, StorePathSegment};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A state that views can follow. Made by `#[derive(State)]`.
pub trait Followed: State {
    /// One method for each field that pages see.
    type Signals: Copy + 'static;

    #[doc(hidden)]
    fn signals(store: Store<Self>) -> Self::Signals;
}

/// The states of a page: in the browser for as long as the page is open, on the server for one
/// request.
#[derive(Clone)]
pub(crate) struct Replicas(Arc<Page>);

struct Page {
    /// What the request renders from. None in the browser.
    source: Option<Arc<dyn Source>>,
    // A std mutex: held to look up or to add, never across user code or an await.
    scopes: Mutex<BTreeMap<ScopeName, Entered>>,
    link: ArcRwSignal<Link>,
    events: Events,
    inspection: Inspection,
}

/// A scope that the page is in.
#[derive(Clone)]
struct Entered {
    /// One reading of the scope, from which the request renders all of it. Empty in the browser.
    snapshot: Option<Arc<ScopeSnapshot>>,
    /// What its rule said, if it does not let the visitor in.
    refused: ArcRwSignal<Option<String>>,
    /// Components that are in it. The session has no end.
    components: usize,
    /// By name.
    held: BTreeMap<&'static str, Arc<dyn AnyReplica>>,
}

/// Where the states of a request come from.
pub(crate) trait Source: Send + Sync {
    /// One consistent reading of a scope, or what its rule says to the visitor. Asked once for
    /// each scope and request. `None` where the request does not tell which one is meant.
    fn read(&self, scope: &ScopeName) -> Option<Result<Arc<ScopeSnapshot>, String>>;
}

/// One consistent reading of a scope.
#[derive(Clone, Default)]
pub(crate) struct ScopeSnapshot {
    pub(crate) states: BTreeMap<&'static str, (Position, AnyState)>,
    /// Where a state stands that the scope has not got yet.
    pub(crate) default_position: Position,
}

/// The states that a page follows in one scope, with its schema and where each stands.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
pub(crate) type FollowedScope = (ScopeName, Vec<(&'static str, u32, Option<Position>)>);

/// A state of whatever type.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// A state with its position, as the first paint carries it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seed {
    at: String,
    state: Box<RawValue>,
}

/// One replica: the state in a store of signals, and where it stands.
struct Held<S> {
    store: ArcStore<S>,
    stands: Stands,
}

/// Where a replica stands.
pub(crate) struct Stands {
    replica: Mutex<Replica>,
    loaded: ArcRwSignal<bool>,
}

/// What a state is to become.
pub(crate) enum Change<'a> {
    /// What these ops make of it.
    Ops(Vec<Op<'a>>),
    /// What this JSON says.
    Whole(&'a str),
    /// The default.
    #[cfg(feature = "hydrate")]
    Default,
}

/// A replica of whatever state. What differs with the state's type is compiled for each, so it is
/// little.
pub(crate) trait AnyReplica: Any + Send + Sync {
    fn stands(&self) -> &Stands;
    /// The number of what the page takes it for.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
    fn schema(&self) -> u32;
    /// Changes the plain struct under one write.
    fn change(&self, change: Change<'_>, applied: &mut Applied) -> Result<(), ApplyError>;
    fn triggers(&self, path: StorePath) -> Vec<ArcTrigger>;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The signals of a state. They are filled on the first paint; nothing waits.
///
/// A state that a page asks for only after a navigation in the browser is its default until its
/// snapshot has come: [`use_loaded`] tells.
///
/// # Panics
///
/// For a keyed state outside of the component that says which one is meant.
pub fn use_state<S: Followed>() -> S::Signals {
    use_state_of::<S>(&scope_of_view::<S>())
}

pub(crate) fn use_state_of<S: Followed>(scope: &ScopeName) -> S::Signals {
    let held = Replicas::current().hold::<S>(scope);
    S::signals(Store::from(held.store.clone()))
}

/// Whether the state's values have come from the server.
///
/// # Panics
///
/// As [`use_state`].
pub fn use_loaded<S: Followed>() -> Signal<bool> {
    let held = Replicas::current().hold::<S>(&scope_of_view::<S>());
    let loaded = held.stands.loaded.clone();
    Signal::derive(move || loaded.get())
}

// === impl Replicas ===

impl Replicas {
    pub(crate) fn new(source: Option<Arc<dyn Source>>) -> Self {
        Replicas(Arc::new(Page {
            source,
            scopes: Mutex::default(),
            link: ArcRwSignal::new(Link::Connected),
            events: Events::default(),
            inspection: Inspection::default(),
        }))
    }

    /// Those of this page. Where there are none (while the routes are listed, in a test of a
    /// view) the states are their defaults.
    pub(crate) fn current() -> Self {
        use_context::<Replicas>().unwrap_or_else(|| {
            let replicas = Replicas::new(None);
            provide_context(replicas.clone());
            replicas
        })
    }

    pub(crate) fn link(&self) -> &ArcRwSignal<Link> {
        &self.0.link
    }

    pub(crate) fn events(&self) -> &Events {
        &self.0.events
    }

    pub(crate) fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// Where a state stands, if the page follows it and knows.
    pub(crate) fn position(&self, scope: &ScopeName, state: &str) -> Option<Position> {
        self.find(scope, state)?.stands().resume_from()
    }

    /// Drops what the page has: each state is its default until its snapshot has come.
    #[cfg(feature = "hydrate")]
    pub(crate) fn forget(&self) {
        self.forget_where(|_, _| true);
    }

    #[cfg(feature = "hydrate")]
    fn forget_where(&self, which: impl Fn(&ScopeName, &dyn AnyReplica) -> bool) {
        let mut all = Vec::new();
        self.with_scopes(|scopes| {
            for (scope, entered) in scopes.iter() {
                let held = entered.held.values();
                all.extend(held.filter(|replica| which(scope, &***replica)).cloned());
            }
        });
        all.iter().for_each(|replica| replica.forget());
    }

    /// A component is in a scope, until it goes. Tells what the scope's rule says against it.
    pub(crate) fn enter(&self, scope: ScopeName) -> ArcRwSignal<Option<String>> {
        let refused = self.entered(&scope).refused;
        self.with_scopes(|scopes| {
            if let Some(entered) = scopes.get_mut(&scope) {
                entered.components += 1;
            }
        });
        let replicas = self.clone();
        on_cleanup(move || {
            replicas.with_scopes(|scopes| {
                if let Some(entered) = scopes.get_mut(&scope) {
                    entered.components -= 1;
                }
            });
            // The next component may be in it again: the stream is changed once all is settled.
            browser::follow();
        });
        refused
    }

    /// What is known of a scope. The first time, on the server, it is read; in the browser it is
    /// handed over whether the visitor was let in.
    fn entered(&self, scope: &ScopeName) -> Entered {
        if let Some(known) = self.with_scopes(|scopes| scopes.get(scope).cloned()) {
            return known;
        }
        let read = self.0.source.as_ref();
        let read = read.and_then(|source| source.read(scope));
        let (snapshot, refusal) = match read {
            None => (None, None),
            Some(Ok(snapshot)) => (Some(snapshot), None),
            Some(Err(refusal)) => (None, Some(refusal)),
        };
        // The session is never refused: no need to say so in each page.
        let refusal = match scope {
            ScopeName::Keyed { .. } => SharedValue::new(|| refusal).into_inner(),
            ScopeName::Session | ScopeName::Tab(_) => refusal,
        };
        let entered = Entered {
            snapshot,
            refused: ArcRwSignal::new(refusal),
            components: 0,
            held: BTreeMap::new(),
        };
        self.with_scopes(|scopes| drop(scopes.insert(scope.clone(), entered.clone())));
        entered
    }

    fn with_scopes<R>(&self, act: impl FnOnce(&mut BTreeMap<ScopeName, Entered>) -> R) -> R {
        let scopes = self.0.scopes.lock();
        act(&mut scopes.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn find(&self, scope: &ScopeName, state: &str) -> Option<Arc<dyn AnyReplica>> {
        self.with_scopes(|scopes| scopes.get(scope)?.held.get(state).cloned())
    }

    /// The ends of events are followed from the first use on.
    pub(crate) fn hold_ends(&self, scope: &ScopeName) {
        self.hold::<UcEnds>(scope);
    }

    /// A form that a browser has sent by itself led here, and failed: the page tells of it as of its
    /// own.
    pub(super) fn tell_of_form(&self, scope: &ScopeName) {
        let path = browser::form_return_path();
        let Some(client) = ended_of(&path) else {
            return;
        };
        let held = self.hold::<UcEnds>(scope);
        let Some(ends) = held.store.reader() else {
            return;
        };
        let mut of_form = ends.clients.iter().filter(|ends| ends.client == client);
        let of_form = of_form.next().cloned();
        drop(ends);
        if let Some(ends) = of_form {
            self.events().of_form(scope, &ends);
        }
    }

    fn hold<S: Followed>(&self, scope: &ScopeName) -> Arc<Held<S>> {
        let first = |snapshot: Option<&ScopeSnapshot>| -> Arc<dyn AnyReplica> {
            Arc::new(first_hold::<S>(snapshot))
        };
        let held = self.hold_any(scope, S::NAME, &first).as_any().downcast();
        held.unwrap_or_else(|_| {
            panic!(
                "two states of this app are named {:?}; rename one struct",
                S::NAME
            )
        })
    }

    fn hold_any(
        &self,
        scope: &ScopeName,
        name: &'static str,
        first: &dyn Fn(Option<&ScopeSnapshot>) -> Arc<dyn AnyReplica>,
    ) -> Arc<dyn AnyReplica> {
        let entered = self.entered(scope);
        if name != UcEnds::NAME && !entered.held.contains_key(UcEnds::NAME) {
            // First, on both sides alike: the outbox needs it, and the hand-over goes by order.
            self.hold::<UcEnds>(scope);
        }
        if let Some(known) = self.find(scope, name) {
            return known;
        }
        let held = first(entered.snapshot.as_deref());
        self.with_scopes(|scopes| {
            if let Some(entered) = scopes.get_mut(scope) {
                entered.held.insert(name, held.clone());
            }
        });
        browser::follow();
        held
    }
}

#[cfg(feature = "hydrate")]
impl Replicas {
    /// What the page follows, scope by scope.
    pub(crate) fn followed(&self) -> Vec<FollowedScope> {
        self.with_scopes(|scopes| {
            let with_states = scopes
                .iter()
                .filter(|(_, entered)| !entered.held.is_empty());
            let of_scope = |(scope, entered): (&ScopeName, &Entered)| {
                let positions = entered.held.iter();
                let positions = positions.map(|(name, replica)| {
                    (*name, replica.schema(), replica.stands().resume_from())
                });
                (scope.clone(), positions.collect())
            };
            with_states.map(of_scope).collect()
        })
    }

    /// Something of the visitor's own, or of this scope, is shown that is not as it begins.
    pub(crate) fn has_seen(&self, scope: &ScopeName) -> bool {
        let mut followed = self.followed().into_iter();
        followed.any(|(of, states)| {
            let mut positions = states.iter().filter_map(|(.., position)| *position);
            let is_begun = |position: Position| position.epoch != Position::NONE.epoch;
            (of.is_own() || of == *scope) && positions.any(is_begun)
        })
    }

    /// Drops what is shown of the visitor's own that is not as it begins.
    pub(crate) fn forget_session(&self) {
        self.forget_where(|scope, replica| {
            let at = replica.stands().resume_from();
            scope.is_own() && at.is_some_and(|at| at.epoch != Position::NONE.epoch)
        });
    }

    /// Forgets the keyed scopes that no component is in any more. One whose events have not
    /// ended is kept until they have.
    pub(crate) fn leave(&self) {
        let outgoing = self.0.events.outgoing();
        let left = self.with_scopes(|scopes| {
            let is_left = |scope: &ScopeName, entered: &Entered| {
                matches!(scope, ScopeName::Keyed { key, .. } if !key.is_empty())
                    && entered.components == 0
                    && outgoing.iter().all(|event| event.scope != *scope)
            };
            let all = std::mem::take(scopes);
            let (left, kept) = all
                .into_iter()
                .partition(|(scope, entered)| is_left(scope, entered));
            *scopes = kept;
            left
        });
        // Outside of the lock: with it goes user code's state.
        let _: BTreeMap<ScopeName, Entered> = left;
    }

    /// The scope's rule has spoken.
    pub(crate) fn refuse(&self, scope: &ScopeName, message: Option<String>) {
        let entered = self.with_scopes(|scopes| scopes.get(scope).cloned());
        if let Some(Entered { refused, .. }) = entered
            && refused.with_untracked(|known| *known != message)
        {
            refused.set(message);
        }
    }

    /// A state that the page follows, with its position.
    pub(crate) fn read<S: Followed>(&self, scope: &ScopeName) -> Option<(S, Position)> {
        let held: Arc<Held<S>> = self.find(scope, S::NAME)?.as_any().downcast().ok()?;
        // A broken one shows what was, and knows not where it is.
        let position = held.stands.resume_from()?;
        Some((held.store.reader()?.clone(), position))
    }
}

/// On the server from the request's snapshot, in the browser from what the page carries.
fn first_hold<S: Followed>(snapshot: Option<&ScopeSnapshot>) -> Held<S> {
    let from_snapshot = if browser::IS_HERE {
        // No page writes a state, so none loads what that takes.
        None
    } else {
        snapshot.and_then(ScopeSnapshot::state::<S>)
    };
    let seed = from_snapshot
        .as_ref()
        .and_then(|(at, state)| Seed::of(*at, state));
    let carried = handed_over(seed);
    let from_page = || {
        let (at, state) = carried?;
        Some((at, from_json(state.get()).ok()?))
    };
    match from_snapshot.or_else(from_page) {
        Some((at, state)) => Held::new(state, Replica::Live(at)),
        None => Held::new(S::default(), Replica::Pending),
    }
}

/// In the browser, what the page carries.
fn handed_over(seed: Option<Seed>) -> Option<(Position, Box<RawValue>)> {
    let seed = SharedValue::new(|| seed).into_inner()?;
    Some((seed.at.parse().ok()?, seed.state))
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").finish_non_exhaustive()
    }
}

// === impl ScopeSnapshot, Seed ===

impl ScopeSnapshot {
    fn state<S: State>(&self) -> Option<(Position, S)> {
        if let Some((at, state)) = self.states.get(S::NAME) {
            let state = state.downcast_ref::<S>()?;
            // User code that panics here leaves the state to the stream.
            let state = catch_unwind(AssertUnwindSafe(|| state.clone())).ok()?;
            return Some((*at, state));
        }
        // A state that nobody has changed is its default, and that is known.
        Some((self.default_position, S::default()))
    }
}

impl Seed {
    fn of<S: State>(at: Position, state: &S) -> Option<Self> {
        let json = catch_unwind(AssertUnwindSafe(|| to_json(state)));
        let state = RawValue::from_string(json.ok()?.ok()?).ok()?;
        Some(Seed {
            at: at.to_string(),
            state,
        })
    }
}

// === impl Held, Stands ===

impl<S: State> Held<S> {
    fn new(state: S, replica: Replica) -> Self {
        Held {
            store: ArcStore::new(state),
            stands: Stands {
                loaded: ArcRwSignal::new(matches!(replica, Replica::Live(_))),
                replica: Mutex::new(replica),
            },
        }
    }
}

impl<S: Followed> AnyReplica for Held<S> {
    fn stands(&self) -> &Stands {
        &self.stands
    }

    fn schema(&self) -> u32 {
        Schema::of_state::<S>()
    }

    fn change(&self, change: Change<'_>, applied: &mut Applied) -> Result<(), ApplyError> {
        // Read before the state is locked.
        let (ops, whole) = match change {
            Change::Ops(ops) => (ops, None),
            Change::Whole(json) => (Vec::new(), Some(from_json::<S>(json)?)),
            #[cfg(feature = "hydrate")]
            Change::Default => (Vec::new(), Some(S::default())),
        };
        let Some(mut writer) = self.store.writer() else {
            return Err(ApplyError("the state is gone".to_owned()));
        };
        writer.untrack();
        if let Some(whole) = whole {
            writer.patch(whole, applied);
        }
        ops.iter().try_for_each(|op| writer.apply(op, 0, applied))
    }

    fn triggers(&self, path: StorePath) -> Vec<ArcTrigger> {
        self.store.triggers_for_path(path)
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl Stands {
    fn replica(&self) -> MutexGuard<'_, Replica> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a new stream shall go on; `None` asks for a snapshot.
    pub(crate) fn resume_from(&self) -> Option<Position> {
        self.replica().resume_from()
    }

    /// What the replica shows has not been: only a snapshot makes it right.
    pub(crate) fn broke(&self) {
        self.replica().broke();
    }
}

#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
impl dyn AnyReplica {
    /// Applies a frame if it fits, and notifies whoever shows what changed.
    pub(crate) fn receive(
        &self,
        frame: &StateFrame<'_>,
        to: Position,
    ) -> Result<Verdict, ApplyError> {
        let stands = self.stands();
        let verdict = stands.replica().receive(frame.since, to);
        if verdict != Verdict::Apply {
            return Ok(verdict);
        }
        let applied = match frame.since {
            Some(_) => Op::parse_all(frame.body).and_then(|ops| self.follow(Change::Ops(ops))),
            None => self.follow(Change::Whole(frame.body)),
        };
        match applied {
            Ok(()) if !stands.loaded.get_untracked() => stands.loaded.set(true),
            Ok(()) => {}
            Err(_) => stands.broke(),
        }
        applied.map(|()| verdict)
    }

    /// Becomes the default, and asks for a snapshot.
    #[cfg(feature = "hydrate")]
    fn forget(&self) {
        self.stands().broke();
        // First: who looks at what is left shall not take it for the server's.
        self.stands().loaded.set(false);
        let forgotten = self.follow(Change::Default);
        debug_assert!(forgotten.is_ok(), "a default fits");
    }

    /// Changes the state, then notifies each touched field once: no effect sees half an update.
    fn follow(&self, change: Change<'_>) -> Result<(), ApplyError> {
        let mut applied = Applied::default();
        let changed = self.change(change, &mut applied);
        for field in applied.touched {
            let path: Vec<StorePathSegment> = field.into_iter().map(Into::into).collect();
            for trigger in self.triggers(path.into()) {
                trigger.notify();
            }
        }
        applied.wakes.iter().for_each(|wake| wake.wake());
        changed
    }
}
