//! What became of the events that this page has sent.

use super::{
    replicas::Replicas,
    scope::scope_of_view,
    toast::{ToastBox, ToastKind},
};
use crate::{
    Call, CancelEvent, EndKind, EventFn, Failure, WhichEvents,
    builtin::ClientEnds,
    core::{position::Epoch, scope::ScopeName},
    message::EventDef,
};
use leptos::prelude::*;
use serde_json::Value;
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
    failures: ArcRwSignal<Failures>,
    /// What nobody shows where it belongs is shown here.
    pub(super) toasts: ToastBox,
    /// The handles whose error a view shows, by event.
    // A std mutex, held to add, to remove and to look.
    shown: Arc<Mutex<BTreeSet<(&'static str, u64)>>>,
    /// Failures come again with each snapshot; each is told once.
    seen: Arc<Mutex<BTreeSet<(u64, String)>>>,
    // A std mutex: held to add, to remove and to copy out, never across a listener's call.
    listeners: Arc<Mutex<Listeners>>,
    next_id: Arc<AtomicU64>,
    /// The newest number that the server had taken when the connection was lost.
    lost_at: Arc<AtomicU64>,
    /// The server took nothing, the last times that it was asked.
    are_held: ArcRwSignal<bool>,
}

/// The last failure of each event with each of its arguments.
#[derive(Default)]
struct Failures {
    last: BTreeMap<Place, BTreeMap<String, Failure>>,
    /// The newest number that was sent: an older failure is history.
    sent: BTreeMap<Place, u64>,
}

/// An event of a scope.
type Place = (ScopeName, String);

type Listener = Arc<dyn Fn(Ended) + Send + Sync>;
type Listeners = BTreeMap<u64, (ScopeName, &'static str, Listener)>;

/// An event under way.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) number: u64,
    /// Where it is sent to.
    pub(crate) scope: ScopeName,
    pub(crate) event: &'static str,
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "the browser's outbox reads it")
    )]
    pub(crate) schema: u32,
    /// As JSON.
    pub(crate) arguments: String,
    /// When it was sent, on the page's clock.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "the browser's outbox reads it")
    )]
    pub(crate) sent_ms: f64,
    /// The server has taken it: in which history, and when on the page's clock.
    pub(crate) taken: Option<(Epoch, f64)>,
    /// The page has cancelled it since.
    pub(crate) is_cancelled: bool,
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

/// One event, as this page has sent it: with any arguments, or with certain ones.
#[derive(Clone, Copy, Debug)]
pub struct EventHandle {
    pending: Signal<usize>,
    failure: Signal<Option<Failure>>,
    name: &'static str,
    id: u64,
    which: Signal<Sent>,
    scope: StoredValue<ScopeName>,
    events: StoredValue<Events>,
}

/// Which sendings of an event a handle follows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sent {
    /// With whatever arguments.
    All,
    /// With these, as JSON.
    With(String),
    /// None so far.
    None,
}

/// Follows what becomes of an event that this page sends: of a keyed state, to the scope that
/// this place is in.
///
/// # Panics
///
/// For an event of a keyed state outside of the component that says which one is meant.
pub fn use_event<Arguments, F: EventFn<Arguments>>(_event: F) -> EventHandle {
    let scope = scope_of_view::<<F::Event as EventDef>::State>();
    EventHandle::made(F::Event::NAME, Signal::stored(Sent::All), scope, true)
}

impl EventHandle {
    pub(super) fn new(name: &'static str, which: Signal<Sent>, scope: ScopeName) -> Self {
        EventHandle::made(name, which, scope, false)
    }

    /// `forgets`: an error that it showed is about what is here, and goes with it, unless another
    /// view shows it, too.
    fn made(name: &'static str, which: Signal<Sent>, scope: ScopeName, forgets: bool) -> Self {
        let replicas = Replicas::current();
        replicas.hold_ends(&scope);
        replicas.tell_of_form(&scope);
        let events = replicas.events().clone();
        let id = events.next_id();
        let (outgoing, failures) = (events.outgoing.clone(), events.failures.clone());
        let place = (scope.clone(), name.to_owned());
        let (ended, left) = (events.clone(), place.clone());
        on_cleanup(move || {
            let mut shown = ended.shown.lock().unwrap_or_else(PoisonError::into_inner);
            let was_shown = shown.remove(&(name, id));
            let is_shown = shown.iter().any(|(other, _)| *other == name);
            drop(shown);
            let has_failed = |all: &Failures| all.last.contains_key(&left);
            let goes = forgets && was_shown && !is_shown;
            if goes && ended.failures.with_untracked(has_failed) {
                ended.dismiss(&left, &Sent::All);
            }
        });
        let of_this = {
            let scope = scope.clone();
            move |event: &Outgoing| event.event == name && event.scope == scope
        };
        EventHandle {
            pending: Signal::derive(move || {
                let which = which.get();
                let is_followed = |event: &&Outgoing| of_this(event) && which.has(&event.arguments);
                outgoing.with(|all| all.iter().filter(is_followed).count())
            }),
            failure: Signal::derive(move || {
                let which = which.get();
                failures.with(|all| all.of(&place, &which).cloned())
            }),
            name,
            id,
            which,
            scope: StoredValue::new(scope),
            events: StoredValue::new(events),
        }
    }

    /// The same event with these arguments: `retry.of(retry_post(id))` is the one of a row.
    pub fn of<E: EventDef>(self, call: Call<E>) -> EventHandle {
        let arguments = serde_json::to_string(&call).unwrap_or_default();
        let scope = self.scope.try_get_value();
        let scope = scope.unwrap_or_else(scope_of_view::<E::State>);
        EventHandle::new(E::NAME, Signal::stored(Sent::With(arguments)), scope)
    }

    /// How many clicks of this page on this event have not ended.
    pub fn pending(self) -> usize {
        self.pending.get()
    }

    /// At least one has not ended.
    pub fn is_pending(self) -> bool {
        self.pending.get() > 0
    }

    /// What the visitor is told of the last one, if it did not end well. Whoever asks shows it:
    /// it comes up in no toast then, and is forgotten when the component that it was shown by goes.
    pub fn error(self) -> Option<String> {
        self.events.try_with_value(|events| {
            let mut shown = events.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.insert((self.name, self.id));
        });
        self.failure.get().map(|failure| failure.message)
    }

    /// The number of the last one, if it did not end well. Does not count as telling the visitor.
    pub(super) fn failed(self) -> Option<u64> {
        self.failure
            .with(|failure| failure.as_ref().map(|failure| failure.number))
    }

    /// The visitor has read the error: it is not told any more.
    pub fn dismiss(self) {
        let (Some(which), Some(scope)) =
            (self.which.try_get_untracked(), self.scope.try_get_value())
        else {
            return;
        };
        let place = (scope, self.name.to_owned());
        self.events
            .try_with_value(|events| events.dismiss(&place, &which));
    }

    /// Cancels what this follows, if it runs or waits: with whatever arguments, those that any page
    /// of the visitor's has sent; with certain ones, those of this page. From the moment the server
    /// has it no update of theirs lands. They end as [`Cancelled`](EndKind::Cancelled), which is told
    /// to [`on_end`](Self::on_end), and is no error. A short event that has begun is not cancelled.
    pub fn cancel(self) {
        let (Some(which), Some(scope)) =
            (self.which.try_get_untracked(), self.scope.try_get_value())
        else {
            return;
        };
        let is_it = |event: &&Outgoing| {
            event.event == self.name && event.scope == scope && which.has(&event.arguments)
        };
        let numbers = match which {
            Sent::All => Vec::new(),
            Sent::With(_) | Sent::None => {
                let outgoing = self.events.try_with_value(Events::outgoing);
                let outgoing = outgoing.unwrap_or_default();
                let numbers = outgoing.iter().filter(is_it).map(|event| event.number);
                let numbers: Vec<u64> = numbers.collect();
                if numbers.is_empty() {
                    return;
                }
                numbers
            }
        };
        self.cancel_of(numbers, scope).dispatch();
    }

    /// The message that cancels, for a form: `<EventForm event=step.cancel_event()>`. It is about
    /// this event with whatever arguments.
    pub fn cancel_event(self) -> Call<CancelEvent> {
        let scope = self.scope.try_get_value().unwrap_or(ScopeName::Session);
        self.cancel_of(Vec::new(), scope)
    }

    fn cancel_of(self, numbers: Vec<u64>, scope: ScopeName) -> Call<CancelEvent> {
        let event = self.name.to_owned();
        Call::new(CancelEvent(WhichEvents { event, numbers })).sent_to(scope)
    }

    /// Calls back at each end, once the page shows the effect: after the effects that the
    /// update's signals set off have run. Until the component goes.
    pub fn on_end(self, listener: impl Fn(Ended) + Send + Sync + 'static) {
        let (Some(events), Some(scope)) = (self.events.try_get_value(), self.scope.try_get_value())
        else {
            return;
        };
        let id = events.next_id();
        events
            .lock_listeners()
            .insert(id, (scope, self.name, Arc::new(listener)));
        on_cleanup(move || drop(events.lock_listeners().remove(&id)));
    }
}

// === impl Sent ===

impl Sent {
    fn has(&self, arguments: &str) -> bool {
        match self {
            Sent::All => true,
            Sent::With(these) => these == arguments,
            Sent::None => false,
        }
    }
}

// === impl Events ===

impl Default for Events {
    fn default() -> Self {
        Events {
            outgoing: ArcRwSignal::new(Vec::new()),
            failures: ArcRwSignal::new(Failures::default()),
            toasts: ToastBox::default(),
            shown: Arc::default(),
            seen: Arc::default(),
            listeners: Arc::default(),
            next_id: Arc::default(),
            lost_at: Arc::default(),
            are_held: ArcRwSignal::new(false),
        }
    }
}

#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "the browser's outbox calls it")
)]
impl Events {
    /// The server takes nothing, or something again.
    pub(crate) fn hold(&self, are_held: bool) {
        if self.are_held.get_untracked() != are_held {
            self.are_held.set(are_held);
        }
    }

    /// An event is on its way. What is known of an earlier failure is history.
    pub(crate) fn sent(&self, event: Outgoing) {
        let place = (event.scope.clone(), event.event.to_owned());
        let is_known = |all: &Failures| all.last.contains_key(&place);
        let forget = |all: &mut Failures| {
            if let Some(failures) = all.last.get_mut(&place) {
                failures.remove(&event.arguments);
            }
            all.sent.insert(place.clone(), event.number);
        };
        if self.failures.with_untracked(is_known) {
            self.failures.update(forget);
        } else {
            // Nobody shows it: no notice.
            self.failures.update_untracked(forget);
        }
        self.outgoing.update(|all| all.push(event));
    }

    /// The server has taken an event into its queue: in which history, and when. Or it is to be
    /// asked once more whether it has.
    pub(crate) fn taken(&self, number: u64, taken: Option<(Epoch, f64)>) {
        // Nobody shows it: no notice.
        self.outgoing.update_untracked(|all| {
            if let Some(event) = all.iter_mut().find(|event| event.number == number) {
                event.taken = taken;
            }
        });
    }

    /// These were cancelled, whichever a [`CancelEvent`] with such arguments is about.
    pub(crate) fn cancelled(&self, scope: &ScopeName, arguments: &str) {
        let which: Value = serde_json::from_str(arguments).unwrap_or_default();
        let numbers = which["numbers"].as_array();
        // Nobody shows it: no notice.
        self.outgoing.update_untracked(|all| {
            let of_name =
                |event: &&mut Outgoing| event.scope == *scope && which["event"] == event.event;
            for event in all.iter_mut().filter(of_name) {
                event.is_cancelled |= numbers.is_none_or(|all| all.contains(&event.number.into()));
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

    /// The connection is lost: what is sent from now on waits for it, and so does what was sent and
    /// not answered. That the connection is lost is known a while after it was.
    pub(crate) fn connection_lost(&self) {
        let lost_at = self.outgoing.with_untracked(|all| {
            let waits = all.iter().find(|event| event.taken.is_none());
            let newest = all.last().map_or(0, |event| event.number);
            waits.map_or(newest, |event| event.number - 1)
        });
        self.lost_at.store(lost_at, Ordering::Relaxed);
    }

    /// The server had taken something, and it had not ended, when the connection was lost.
    pub(crate) fn is_in_doubt(&self) -> bool {
        let lost_at = self.lost_at.load(Ordering::Relaxed);
        let is_it = |event: &Outgoing| event.taken.is_some() && event.number <= lost_at;
        self.outgoing.with_untracked(|all| all.iter().any(is_it))
    }

    /// The events under way.
    pub(crate) fn outgoing(&self) -> Vec<Outgoing> {
        self.outgoing.get_untracked()
    }

    /// Those that nobody was told of. That of an event which is still under way waits: its end may
    /// be known before the server's answer that it was taken.
    pub(crate) fn unseen(&self, failures: &[Failure]) -> Vec<Failure> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_under_way = |failure: &Failure| {
            let is_it =
                |event: &Outgoing| event.number == failure.number && event.event == failure.event;
            self.outgoing.with_untracked(|all| all.iter().any(is_it))
        };
        let unseen = failures.iter().filter(|failure| {
            !is_under_way(failure) && seen.insert((failure.number, failure.event.clone()))
        });
        unseen.cloned().collect()
    }

    /// A handler tells something.
    pub(crate) fn toast(&self, kind: ToastKind, text: String) {
        self.toasts.show(kind, text);
    }

    /// An event failed, with these arguments. What another event dispatched has none here.
    pub(crate) fn failed(&self, scope: &ScopeName, failure: Failure, arguments: String) {
        // The visitor has asked for it.
        if failure.kind == EndKind::Cancelled {
            return;
        }
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_shown = shown.iter().any(|(name, _)| *name == failure.event);
        drop(shown);
        if !is_shown {
            self.toasts
                .show(ToastKind::Failure, failure.message.clone());
        }
        let place = (scope.clone(), failure.event.clone());
        self.failures.update(|all| {
            all.last
                .entry(place)
                .or_default()
                .insert(arguments, failure);
        });
    }

    /// The tasks of a scope have changed: that one runs already is told as long as it does.
    pub(crate) fn forget_busy(&self, scope: &ScopeName, runs: &dyn Fn(&str) -> bool) {
        let is_over = |(of, name): &Place, failure: &Failure| {
            failure.kind == EndKind::Busy && of == scope && !runs(name)
        };
        let has_any = |all: &Failures| {
            let mut all = all.last.iter();
            all.any(|(place, of)| of.values().any(|failure| is_over(place, failure)))
        };
        if !self.failures.with_untracked(has_any) {
            return;
        }
        self.failures.update(|all| {
            for (place, failures) in &mut all.last {
                failures.retain(|_, failure| {
                    let is_over = is_over(place, failure);
                    if is_over {
                        let toasts = &self.toasts.all;
                        toasts.update(|all| {
                            all.retain(|toast| {
                                toast.kind != ToastKind::Failure || toast.text != failure.message
                            });
                        });
                    }
                    !is_over
                });
            }
        });
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
    fn dismiss(&self, place: &Place, which: &Sent) {
        self.failures.update(|all| match which {
            Sent::None => {}
            Sent::All => drop(all.last.remove(place)),
            Sent::With(arguments) => {
                if let Some(failures) = all.last.get_mut(place) {
                    failures.remove(arguments);
                }
            }
        });
    }

    /// What a form that led here was told, once. It is older than whatever the page sends.
    pub(super) fn of_form(&self, scope: &ScopeName, ends: &ClientEnds) {
        for failure in &ends.failures {
            let told = (0, format!("{} {}", ends.client, failure.event));
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = seen.insert(told);
            drop(seen);
            if is_new {
                let (place, failure) = (
                    (scope.clone(), failure.event.clone()),
                    Failure {
                        number: 0,
                        ..failure.clone()
                    },
                );
                self.failures.update(|all| {
                    let of_event = all.last.entry(place).or_default();
                    of_event.insert(String::new(), failure);
                });
            }
        }
    }

    /// The server has taken nothing lately.
    pub(super) fn are_held(&self) -> bool {
        self.are_held.get()
    }

    /// How many were sent since the connection was lost, and have not ended.
    pub(super) fn sent_since_lost(&self) -> usize {
        let lost_at = self.lost_at.load(Ordering::Relaxed);
        let is_behind = |event: &&Outgoing| event.number > lost_at;
        self.outgoing
            .with(|all| all.iter().filter(is_behind).count())
    }

    fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn lock_listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn of(&self, place: &Place, which: &Sent) -> Option<&Failure> {
        let failures = self.last.get(place)?;
        match which {
            Sent::None => return None,
            Sent::With(arguments) => return failures.get(arguments),
            Sent::All => {}
        }
        let newest = failures.values().max_by_key(|failure| failure.number)?;
        let sent = self.sent.get(place).copied().unwrap_or(0);
        (newest.number >= sent).then_some(newest)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[derive(State, Clone, Debug, Default)]
    struct Door {
        #[allow(dead_code)]
        is_open: bool,
    }

    #[event]
    fn open_door(door: &mut Door) {
        door.is_open = true;
    }

    fn name_of<Arguments, F: EventFn<Arguments>>(_event: F) -> &'static str {
        F::Event::NAME
    }

    #[test]
    fn an_error_that_was_shown_goes_with_what_it_was_shown_in() {
        let page = Owner::new();
        page.set();
        let replicas = Replicas::current();
        let fails = |number| {
            let failure = Failure {
                number,
                event: name_of(open_door).to_owned(),
                kind: EndKind::Failed,
                message: "It is locked.".to_owned(),
            };
            replicas
                .events()
                .failed(&ScopeName::Session, failure, "{}".to_owned());
        };
        let (first, second) = (page.child(), page.child());
        let of_first = first.with(|| use_event(open_door));
        let of_second = second.with(|| use_event(open_door));
        assert_eq!((of_first.error(), of_second.error()), (None, None));
        fails(1);
        assert_eq!(of_first.error().as_deref(), Some("It is locked."));
        first.cleanup();
        // Somebody still shows it.
        assert!(of_second.error().is_some());
        second.cleanup();
        let later = page.with(|| use_event(open_door));
        assert_eq!(later.error(), None);
        fails(2);
        assert!(later.error().is_some());
        // A form puts back what was typed each time, though nothing was in between.
        let failed = page.with(|| Memo::new(move |_| later.failed()));
        assert_eq!(failed.get_untracked(), Some(2));
        fails(3);
        assert_eq!(failed.get_untracked(), Some(3));
    }

    #[test]
    fn that_a_task_runs_already_is_told_as_long_as_it_does() {
        let page = Owner::new();
        page.set();
        let events = Replicas::current().events().clone();
        let opening = use_event(open_door);
        let fails = |kind| {
            let failure = Failure {
                number: 1,
                event: name_of(open_door).to_owned(),
                kind,
                message: "It is open already.".to_owned(),
            };
            events.failed(&ScopeName::Session, failure, "{}".to_owned());
        };
        fails(EndKind::Busy);
        events.forget_busy(&ScopeName::Session, &|name| name == name_of(open_door));
        assert_eq!(events.toasts.all.get_untracked().len(), 1);
        assert!(opening.error().is_some());
        events.forget_busy(&ScopeName::Session, &|_| false);
        assert_eq!(events.toasts.all.get_untracked(), []);
        assert_eq!(opening.error(), None);
        // What went wrong otherwise stays.
        fails(EndKind::Failed);
        events.forget_busy(&ScopeName::Session, &|_| false);
        assert!(opening.error().is_some());
    }

    #[test]
    fn what_the_server_has_not_taken_as_the_connection_is_lost_waits_too() {
        let events = Events::default();
        let taken = Some((Epoch::NONE, 0.0));
        let send = |number| {
            events.sent(Outgoing {
                number,
                scope: ScopeName::Session,
                event: name_of(open_door),
                schema: 0,
                arguments: "{}".to_owned(),
                sent_ms: 0.0,
                taken: None,
                is_cancelled: false,
            });
        };
        events.connection_lost();
        assert_eq!(events.sent_since_lost(), 0);
        (1..=3).for_each(send);
        assert_eq!(events.sent_since_lost(), 3);
        events.taken(1, taken);
        assert!(!events.is_in_doubt());
        events.connection_lost();
        assert_eq!(events.sent_since_lost(), 2);
        // Of what was taken nobody knows whether the next server has it.
        assert!(events.is_in_doubt());
        events.taken(1, None);
        assert!(!events.is_in_doubt());
        send(4);
        assert_eq!(events.sent_since_lost(), 3);
        (1..=4).for_each(|number| events.taken(number, taken));
        events.connection_lost();
        assert_eq!(events.sent_since_lost(), 0);
    }
}
