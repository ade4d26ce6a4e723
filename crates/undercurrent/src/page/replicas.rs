//! The replicas of a page: one for each state that a view has asked for.

use super::{connection::Link, event::Events};
use crate::{
    browser,
    builtin::UcEnds,
    core::{
        frame::StateFrame,
        ops::{Applied, ApplyError},
        position::Position,
        replica::{Replica, Verdict},
        state::{State, apply_ops, from_json, to_json},
    },
};
use leptos::prelude::*;
use reactive_stores::{ArcStore, Store, StoreField};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// A state that views can follow. Made by `#[derive(State)]`.
pub trait Followed: State {
    /// One method for each field that pages see.
    type Signals: Copy + 'static;

    #[doc(hidden)]
    fn signals(store: Store<Self>) -> Self::Signals;
}

/// The states of a page, by name: in the browser for as long as the page is open, on the server
/// for one request.
#[derive(Clone)]
pub(crate) struct Replicas(Arc<Page>);

struct Page {
    /// What the request renders from. Empty in the browser.
    snapshot: Snapshot,
    // Std mutexes: held to look up or to add, never across user code or an await.
    held: Mutex<BTreeMap<&'static str, Arc<dyn AnyReplica>>>,
    link: ArcRwSignal<Link>,
    events: Events,
}

/// One consistent reading of a visitor's scope, taken once per request.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) states: Arc<BTreeMap<&'static str, (Position, AnyState)>>,
    /// Where a state stands that the scope has not got yet.
    pub(crate) default_position: Position,
}

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
    replica: Mutex<Replica>,
    loaded: ArcRwSignal<bool>,
}

/// A replica of whatever state.
pub(crate) trait AnyReplica: Any + Send + Sync {
    /// Where a new stream shall go on; `None` asks for a snapshot.
    fn resume_from(&self) -> Option<Position>;
    /// Applies a frame if it fits, and notifies whoever shows what changed.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
    fn receive(&self, frame: &StateFrame<'_>, to: Position) -> Result<Verdict, ApplyError>;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The signals of a state. They are filled on the first paint; nothing waits.
///
/// A state that a page asks for only after a navigation in the browser is its default until its
/// snapshot has come: [`use_loaded`] tells.
pub fn use_state<S: Followed>() -> S::Signals {
    S::signals(Store::from(Replicas::current().hold::<S>().store.clone()))
}

/// Whether the state's values have come from the server.
pub fn use_loaded<S: Followed>() -> Signal<bool> {
    let loaded = Replicas::current().hold::<S>().loaded.clone();
    Signal::derive(move || loaded.get())
}

// === impl Replicas ===

impl Replicas {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Replicas(Arc::new(Page {
            snapshot,
            held: Mutex::default(),
            link: ArcRwSignal::new(Link::Connected),
            events: Events::default(),
        }))
    }

    /// Those of this page. Where there are none (while the routes are listed, in a test of a
    /// view) the states are their defaults.
    pub(crate) fn current() -> Self {
        use_context::<Replicas>().unwrap_or_else(|| {
            let replicas = Replicas::new(Snapshot::default());
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

    /// The states that the page follows, with where each stands.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
    pub(crate) fn followed(&self) -> Vec<(&'static str, Option<Position>)> {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter()
            .map(|(name, replica)| (*name, replica.resume_from()))
            .collect()
    }

    /// A state that the page follows, with its position.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
    pub(crate) fn read<S: Followed>(&self) -> Option<(S, Position)> {
        let held: Arc<Held<S>> = self.find(S::NAME)?.as_any().downcast().ok()?;
        // A broken one shows what was, and knows not where it is.
        let position = held.resume_from()?;
        Some((held.store.reader()?.clone(), position))
    }

    pub(crate) fn find(&self, state: &str) -> Option<Arc<dyn AnyReplica>> {
        self.0
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(state)
            .cloned()
    }

    /// The ends of events are followed from the first use on.
    pub(crate) fn hold_ends(&self) {
        self.hold::<UcEnds>();
    }

    fn hold<S: Followed>(&self) -> Arc<Held<S>> {
        if S::NAME != UcEnds::NAME && self.find(UcEnds::NAME).is_none() {
            // First, on both sides alike: the outbox needs it, and the hand-over goes by order.
            self.hold::<UcEnds>();
        }
        if let Some(known) = self.find(S::NAME) {
            return known.as_any().downcast().unwrap_or_else(|_| {
                panic!(
                    "two states of this app are named {:?}; rename one struct",
                    S::NAME
                )
            });
        }
        let held = Arc::new(self.first_hold::<S>());
        let mut all = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(S::NAME, held.clone());
        drop(all);
        browser::follow();
        held
    }

    /// On the server from the request's snapshot, in the browser from what the page carries.
    fn first_hold<S: Followed>(&self) -> Held<S> {
        let from_snapshot = self.0.snapshot.state::<S>();
        let seed = SharedValue::new(|| {
            from_snapshot
                .as_ref()
                .and_then(|(at, state)| Seed::of(*at, state))
        })
        .into_inner();
        let from_page = || {
            let seed = seed?;
            Some((seed.at.parse().ok()?, from_json(seed.state.get()).ok()?))
        };
        match from_snapshot.or_else(from_page) {
            Some((at, state)) => Held::new(state, Replica::Live(at)),
            None => Held::new(S::default(), Replica::Pending),
        }
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").finish_non_exhaustive()
    }
}

// === impl Snapshot, Seed ===

impl Snapshot {
    fn state<S: State>(&self) -> Option<(Position, S)> {
        if let Some((at, state)) = self.states.get(S::NAME) {
            return state.downcast_ref::<S>().map(|state| (*at, state.clone()));
        }
        // On the server a state that nobody has changed is its default, and that is known.
        cfg!(feature = "ssr").then(|| (self.default_position, S::default()))
    }
}

impl Seed {
    fn of<S: State>(at: Position, state: &S) -> Option<Self> {
        let state = RawValue::from_string(to_json(state).ok()?).ok()?;
        Some(Seed {
            at: at.to_string(),
            state,
        })
    }
}

// === impl Held ===

impl<S: State> Held<S> {
    fn new(state: S, replica: Replica) -> Self {
        Held {
            store: ArcStore::new(state),
            loaded: ArcRwSignal::new(matches!(replica, Replica::Live(_))),
            replica: Mutex::new(replica),
        }
    }

    /// Changes the plain struct under one write, then notifies each touched field once: no
    /// effect sees half an update.
    fn change(
        &self,
        change: impl FnOnce(&mut S, &mut Applied) -> Result<(), ApplyError>,
    ) -> Result<(), ApplyError> {
        let mut applied = Applied::default();
        let changed = match self.store.writer() {
            None => Err(ApplyError("the state is gone".to_owned())),
            Some(mut writer) => {
                writer.untrack();
                change(&mut writer, &mut applied)
            }
        };
        for field in applied.touched {
            let path: Vec<reactive_stores::StorePathSegment> =
                field.into_iter().map(Into::into).collect();
            for trigger in self.store.triggers_for_path(path.into()) {
                trigger.notify();
            }
        }
        applied.wakes.iter().for_each(|wake| wake.wake());
        changed
    }
}

impl<S: Followed> AnyReplica for Held<S> {
    fn resume_from(&self) -> Option<Position> {
        self.replica
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .resume_from()
    }

    fn receive(&self, frame: &StateFrame<'_>, to: Position) -> Result<Verdict, ApplyError> {
        let mut replica = self.replica.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = replica.receive(frame.since, to);
        drop(replica);
        if verdict != Verdict::Apply {
            return Ok(verdict);
        }
        let applied = match frame.since {
            Some(_) => self.change(|state, applied| apply_ops(state, frame.body, applied)),
            None => from_json::<S>(frame.body).and_then(|new| {
                self.change(|state, applied| {
                    state.patch(new, applied);
                    Ok(())
                })
            }),
        };
        match applied {
            Ok(()) if !self.loaded.get_untracked() => self.loaded.set(true),
            Ok(()) => {}
            Err(_) => self
                .replica
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .broke(),
        }
        applied.map(|()| verdict)
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
