//! What a handler gets: the doors to the state, to the queue and to what start-up provided.

mod blocking;
mod children;
mod clock;
mod event;
mod present;
mod task;
mod until;

pub(super) use self::present::until;
pub use self::{
    blocking::BlockingContext,
    children::{ForEach, ForEachLimit},
    clock::Clock,
    event::EventContext,
    task::{TaskContext, Update},
};

use super::{
    HandlerError, Runtime,
    queue::{Origin, Queued},
    scope::{Gate, Look, Scope},
    store::{Record, StoredEvent},
    tasks::NotStarted,
    writing::Writing,
};
use crate::{Call, EventDef, EventFn, State, TaskDef, TaskFn, UpdateError, Visitor, Which};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// One run of an event.
pub(crate) struct EventRun {
    scope: Arc<Scope>,
    runtime: Arc<Runtime>,
    visitor: Visitor,
    origin: Option<Origin>,
    // A std mutex, held to push.
    dispatched: Mutex<Result<Vec<Queued>, NotDispatched>>,
    // A std mutex, taken out of with the first update.
    not_begun: Mutex<Option<(u64, StoredEvent)>>,
    /// A wait of it ended because the server goes down.
    is_cut: AtomicBool,
    /// It was told to end before it had ended by itself.
    stopped: OnceLock<Stop>,
    /// It has ended, or was told to: what it has left running changes nothing any more.
    over: CancellationToken,
}

/// Why an event is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its visitor wants it to.
    Cancelled,
    /// It took longer than so many milliseconds.
    TimedOut(u64),
}

/// An event asks: until it has ended nothing stands in its way. The store is told of its first update
/// that it has begun: after a crash it does not begin again.
#[derive(Clone)]
pub(crate) struct OfEvent(pub(crate) Arc<EventRun>);

impl Gate for OfEvent {
    fn look(&self) -> Look {
        match self.0.is_over() {
            true => Look::Refuse,
            false => Look::Pass,
        }
    }

    fn note(&self, writing: &mut Writing<'_>) {
        if writing.has_changes() {
            writing.notes.extend(self.0.begins());
        }
    }
}

/// Why nothing of what an event dispatched enters the queue.
pub(crate) enum NotDispatched {
    /// More than the queue ever holds.
    Full,
    /// Arguments that can't be written as JSON and read again.
    Arguments(String),
}

/// What a handler dispatches and starts runs in its own scope. The check is made when code is built.
///
/// ```
/// # use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] struct Cart { items: u32 }
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = session)] struct Shop { orders: u32 }
/// # #[event] fn order(shop: &mut Shop) { shop.orders += 1; }
/// #[event]
/// async fn pay(cx: EventContext<Cart>) {
///     cx.dispatch(order());
/// }
/// ```
///
/// ```compile_fail,E0080
/// # use undercurrent::prelude::*;
/// # fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> { Ok(()) }
/// # #[derive(State, Clone, Debug, Default)] struct Cart { items: u32 }
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = keyed, join = anyone)] struct Shop { orders: u32 }
/// # #[event] fn order(shop: &mut Shop) { shop.orders += 1; }
/// #[event]
/// async fn pay(cx: EventContext<Cart>) {
///     cx.dispatch(order());
/// }
/// ```
pub(crate) const fn assert_same_scope<S: State, T: State>() {
    assert!(
        S::SCOPE.is_with(T::SCOPE),
        "a handler dispatches and starts what works on states of its own scope; to another scope \
         it sends by that scope's door, as in `cx.keyed::<Room>(key).dispatch(…)`"
    );
}

/// Two states that one update may change.
///
/// ```
/// # use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] struct Cart { items: u32 }
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = session)] struct Shop { orders: u32 }
/// #[background]
/// async fn pay(cx: TaskContext<Cart>) -> Result {
///     cx.update_both(|cart, shop: &mut Shop| (cart.items, shop.orders) = (0, 1)).await?;
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0080
/// # use undercurrent::prelude::*;
/// # fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> { Ok(()) }
/// # #[derive(State, Clone, Debug, Default)] struct Cart { items: u32 }
/// # #[derive(State, Clone, Debug, Default)] #[state(scope = keyed, join = anyone)] struct Shop { orders: u32 }
/// #[background]
/// async fn pay(cx: TaskContext<Cart>) -> Result {
///     cx.update_both(|cart, shop: &mut Shop| (cart.items, shop.orders) = (0, 1)).await?;
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0080
/// # use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] struct Cart { items: u32 }
/// #[background]
/// async fn pay(cx: TaskContext<Cart>) -> Result {
///     cx.update_both(|one, other: &mut Cart| (one.items, other.items) = (0, 1)).await?;
///     Ok(())
/// }
/// ```
pub(crate) const fn assert_together<S: State, T: State>() {
    assert!(
        S::SCOPE.is_with(T::SCOPE),
        "one update changes states of one scope: these two are shared by different people"
    );
    assert!(
        !crate::core::scope::is_same(S::NAME, T::NAME),
        "the two states of an update are different ones"
    );
}

/// The runs of a task with a key.
fn which<Arguments, F: TaskFn<Arguments>>(key: impl ToString) -> Which {
    Which {
        task: <F as EventFn<Arguments>>::Event::NAME.to_owned(),
        key: key.to_string(),
        run: None,
    }
}

async fn start<E: TaskDef>(
    gate: &impl Gate,
    (scope, runtime): (&Arc<Scope>, &Arc<Runtime>),
    by: (Visitor, Option<Origin>),
    task: Call<E>,
) -> Result<u64, NotStarted> {
    let task = runtime.prepared_task(task)?;
    scope.start_task(gate, task, by, &mut Vec::new()).await
}

// === impl EventRun ===

impl EventRun {
    pub(crate) fn new(
        scope: Arc<Scope>,
        runtime: Arc<Runtime>,
        (visitor, origin): (Visitor, Option<Origin>),
        not_begun: Option<(u64, StoredEvent)>,
    ) -> Self {
        EventRun {
            scope,
            runtime,
            visitor,
            origin,
            dispatched: Mutex::new(Ok(Vec::new())),
            not_begun: Mutex::new(not_begun),
            is_cut: AtomicBool::new(false),
            stopped: OnceLock::new(),
            over: CancellationToken::new(),
        }
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        let _not_begun = self.lock_not_begun();
        self.over.cancel();
    }

    pub(in crate::server) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Tells it to end, unless it has. From now on nothing of it lands. Returns what a store is to
    /// know.
    pub(crate) fn stop(&self, why: Stop) -> Option<Record> {
        let _not_begun = self.lock_not_begun();
        if self.is_over() {
            return None;
        }
        let _ = self.stopped.set(why);
        self.over.cancel();
        let is_cancelled = why == Stop::Cancelled;
        let mut queues = self.scope.lock_queues();
        let queue = queues.existing(self.visitor).filter(|_| is_cancelled)?;
        // What runs is this: it is not over.
        queue.running_is_cancelled()
    }

    /// Why it was told to end, if it was.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stopped.get().copied()
    }

    /// Until it is told to end, which it is after so many milliseconds.
    pub(crate) async fn until_stopped(&self, ms: Option<u64>) {
        let time_over = async {
            match ms {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.over.cancelled() => {}
            () = time_over => drop(self.stop(Stop::TimedOut(ms.unwrap_or_default()))),
        }
    }

    /// The server goes down, and a wait ends with it.
    fn cut(&self) -> UpdateError {
        self.is_cut.store(true, Ordering::Relaxed);
        UpdateError::Cancelled
    }

    /// Until the server goes down, or it is over.
    pub(in crate::server) async fn until_cut(&self) {
        tokio::select! {
            () = self.over.cancelled() => {}
            () = self.runtime.interrupted.cancelled() => drop(self.cut()),
        }
    }

    /// It ended with this because the server goes down.
    pub(crate) fn is_cut_by(&self, error: &HandlerError) -> bool {
        let is_cancelled = matches!(error, HandlerError::Cancelled);
        let is_cut = self.is_cut.load(Ordering::Relaxed) || is_cancelled;
        is_cut && self.runtime.interrupted.is_cancelled()
    }

    /// It has changed something, or started something.
    pub(crate) fn has_begun(&self) -> bool {
        self.lock_not_begun().is_none()
    }

    /// Something of it is about to land elsewhere: after a crash it does not begin again. Says
    /// whether it still may.
    pub(in crate::server) fn begin(&self) -> bool {
        let mut not_begun = self.lock_not_begun();
        // Under this lock: what is handed over behind its end would bring it back.
        let may_go_on = !self.is_over();
        if may_go_on {
            let begins = self.begins_with(&mut not_begun);
            self.scope.hand_over(begins.into_iter().collect());
        }
        may_go_on
    }

    /// What the store is to know with its first update. The scope's lock is held, so that its end
    /// comes after it.
    fn begins(&self) -> Option<Record> {
        self.begins_with(&mut self.lock_not_begun())
    }

    fn begins_with(&self, not_begun: &mut Option<(u64, StoredEvent)>) -> Option<Record> {
        let (id, mut event) = not_begun.take()?;
        event.has_begun = true;
        if let Some(queue) = self.scope.lock_queues().existing(self.visitor) {
            queue.note_running(id, &event);
        }
        Some(Record::Event(id, event))
    }

    fn lock_not_begun(&self) -> MutexGuard<'_, Option<(u64, StoredEvent)>> {
        self.not_begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_dispatched(&self) -> Result<Vec<Queued>, NotDispatched> {
        let mut dispatched = self
            .dispatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *dispatched, Ok(Vec::new()))
    }
}

impl fmt::Debug for EventRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRun").finish_non_exhaustive()
    }
}
