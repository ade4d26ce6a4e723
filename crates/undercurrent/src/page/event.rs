//! What became of the events that this page has sent.

use super::{replicas::Replicas, scope::scope_of_view};
use crate::{
    EndKind, EventFn, Failure,
    core::{position::Epoch, scope::ScopeName},
    message::EventDef,
};
use leptos::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The page's events: those under way, and the last failure of each.
#[derive(Clone)]
pub(crate) struct Events {
    /// Oldest first.
    outgoing: ArcRwSignal<Vec<Outgoing>>,
    failures: ArcRwSignal<BTreeMap<(ScopeName, String), Failure>>,
    /// Failures come again with each snapshot; each is told once.
    seen: Arc<Mutex<BTreeSet<(u64, String)>>>,
    // A std mutex: held to add, to remove and to copy out, never across a listener's call.
    listeners: Arc<Mutex<Listeners>>,
    next_listener: Arc<AtomicU64>,
}

type Listener = Arc<dyn Fn(Ended) + Send + Sync>;
type Listeners = BTreeMap<u64, (ScopeName, &'static str, Listener)>;

/// An event under way.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) number: u64,
    /// Where it is sent to.
    pub(crate) scope: ScopeName,
    pub(crate) event: String,
    /// When it was sent, on the page's clock.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "the browser's outbox reads it")
    )]
    pub(crate) sent_ms: f64,
    /// The server has taken it: in which history, and when on the page's clock.
    pub(crate) taken: Option<(Epoch, f64)>,
}

/// An event of this page ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The event's number among those of this page.
    pub number: u64,
    /// How.
    pub kind: EndKind,
    /// Milliseconds from the click to the moment at which the page shows the effect.
    pub elapsed_ms: f64,
}

/// One event, as this page has sent it.
#[derive(Clone, Copy, Debug)]
pub struct EventHandle {
    pending: Signal<usize>,
    failure: Signal<Option<Failure>>,
    name: &'static str,
    scope: StoredValue<ScopeName>,
    events: StoredValue<Events>,
}

/// Follows what becomes of an event that this page sends: of a keyed state, to the scope that
/// this place is in.
///
/// # Panics
///
/// For an event of a keyed state outside of the component that says which one is meant.
pub fn use_event<Arguments, F: EventFn<Arguments>>(_event: F) -> EventHandle {
    let name = F::Event::NAME;
    let replicas = Replicas::current();
    let scope = scope_of_view::<<F::Event as EventDef>::State>();
    replicas.hold_ends(&scope);
    let events = replicas.events().clone();
    let (outgoing, failures) = (events.outgoing.clone(), events.failures.clone());
    let of_this = {
        let scope = scope.clone();
        move |event: &&Outgoing| event.event == name && event.scope == scope
    };
    let key = (scope.clone(), name.to_owned());
    EventHandle {
        pending: Signal::derive(move || outgoing.with(|all| all.iter().filter(&of_this).count())),
        failure: Signal::derive(move || failures.with(|all| all.get(&key).cloned())),
        name,
        scope: StoredValue::new(scope),
        events: StoredValue::new(events),
    }
}

impl EventHandle {
    /// How many clicks of this page on this event have not ended.
    pub fn pending(self) -> usize {
        self.pending.get()
    }

    /// At least one has not ended.
    pub fn is_pending(self) -> bool {
        self.pending.get() > 0
    }

    /// What the visitor is told of the last one, if it did not end well.
    pub fn error(self) -> Option<String> {
        self.failure.get().map(|failure| failure.message)
    }

    /// Calls back at each end, once the page shows the effect: after the effects that the
    /// update's signals set off have run. Until the component goes.
    pub fn on_end(self, listener: impl Fn(Ended) + Send + Sync + 'static) {
        let (Some(events), Some(scope)) = (self.events.try_get_value(), self.scope.try_get_value())
        else {
            return;
        };
        let id = events.next_listener.fetch_add(1, Ordering::Relaxed);
        events
            .lock_listeners()
            .insert(id, (scope, self.name, Arc::new(listener)));
        on_cleanup(move || drop(events.lock_listeners().remove(&id)));
    }
}

// === impl Events ===

impl Default for Events {
    fn default() -> Self {
        Events {
            outgoing: ArcRwSignal::new(Vec::new()),
            failures: ArcRwSignal::new(BTreeMap::new()),
            seen: Arc::default(),
            listeners: Arc::default(),
            next_listener: Arc::default(),
        }
    }
}

#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "the browser's outbox calls it")
)]
impl Events {
    /// An event is on its way. What is known of an earlier failure is history.
    pub(crate) fn sent(&self, event: Outgoing) {
        let key = (event.scope.clone(), event.event.clone());
        if self.failures.with_untracked(|all| all.contains_key(&key)) {
            self.failures.update(|all| drop(all.remove(&key)));
        }
        self.outgoing.update(|all| all.push(event));
    }

    /// The server has taken an event into its queue.
    pub(crate) fn taken(&self, number: u64, epoch: Epoch, now_ms: f64) {
        // Nobody shows it: no notice.
        self.outgoing.update_untracked(|all| {
            if let Some(event) = all.iter_mut().find(|event| event.number == number) {
                event.taken = Some((epoch, now_ms));
            }
        });
    }

    /// Some events ended. `failures` has those that did not end well.
    pub(crate) fn ended(
        &self,
        is_ended: impl Fn(&Outgoing) -> bool,
        failures: &[Failure],
    ) -> Vec<(Outgoing, EndKind)> {
        if !self
            .outgoing
            .with_untracked(|all| all.iter().any(&is_ended))
        {
            return Vec::new();
        }
        let mut ended = Vec::new();
        self.outgoing.update(|all| {
            all.retain(|event| {
                let goes = is_ended(event);
                if goes {
                    let failure = failures
                        .iter()
                        .find(|failure| failure.number == event.number);
                    let kind = failure.map_or(EndKind::Done, |failure| failure.kind);
                    ended.push((event.clone(), kind));
                }
                !goes
            });
        });
        ended
    }

    /// The events under way.
    pub(crate) fn outgoing(&self) -> Vec<Outgoing> {
        self.outgoing.get_untracked()
    }

    /// Those that are newer than what is known of their event.
    pub(crate) fn unseen(&self, failures: &[Failure]) -> Vec<Failure> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = failures
            .iter()
            .filter(|failure| seen.insert((failure.number, failure.event.clone())));
        unseen.cloned().collect()
    }

    pub(crate) fn failed(&self, scope: &ScopeName, failure: Failure) {
        let key = (scope.clone(), failure.event.clone());
        self.failures.update(|all| drop(all.insert(key, failure)));
    }

    /// Tells the listeners of ended events.
    pub(crate) fn tell(&self, scope: &ScopeName, event: &str, ended: &Ended) {
        let listeners = self.lock_listeners();
        let concerned: Vec<Listener> = listeners
            .values()
            .filter(|(of, name, _)| of == scope && *name == event)
            .map(|(_, _, listener)| listener.clone())
            .collect();
        drop(listeners);
        concerned
            .iter()
            .for_each(|listener| listener(ended.clone()));
    }
}

impl Events {
    fn lock_listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
