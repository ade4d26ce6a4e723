//! The queue of a visitor in a scope: events run one at a time, in the order accepted, detached from the
//! request that brought them.

mod accept;
mod at_once;
mod cancel;
mod end;
mod run;

pub(super) use self::end::Sender;
pub(crate) use self::{accept::Accepted, end::End};

use self::{accept::SharedEnd, cancel::Current};
use super::{
    queues::Queues,
    registration::Prepared,
    scope::Scope,
    store::{Record, StoredEvent},
};
use crate::{EndKind, Limits, Visitor, core::numbers::Numbers};
use std::{
    collections::VecDeque,
    fmt,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
};
use tokio::sync::oneshot;

/// What waits, and whether one runs.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) waiting: VecDeque<Queued>,
    /// A runner is spawned when the queue gets its first event, and ends with its last: an idle
    /// queue costs nothing.
    pub(super) is_running: bool,
    /// What runs was not queued, and the store knows nothing of it yet: whoever comes meanwhile
    /// waits for its commit, so that no later number is kept before it.
    pub(super) is_at_once: bool,
    /// What has been taken out to be run, and has not made room for the next.
    current: Option<Current>,
    /// What runs, as a store has it: whoever writes all of it anew needs it, too.
    running: Option<(u64, StoredEvent)>,
    pub(super) numbers: Numbers,
    /// What came, or will come, of the last events beside the queue: a repeated one gets the
    /// same answer. The oldest goes.
    beside: VecDeque<(Origin, SharedEnd)>,
    /// How many of them have not ended.
    beside_under_way: usize,
    max: usize,
}

/// Who sent an event: a client, and its number for the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client: String,
    pub(crate) number: u64,
}

/// An event with its arguments, on its way through the queue.
pub(crate) struct Queued {
    pub(crate) name: &'static str,
    pub(crate) prepared: Prepared,
    /// Its arguments as JSON, for the store.
    pub(crate) arguments: String,
    /// How the store calls it, once it waits.
    pub(crate) id: u64,
    /// How often it was begun before this server ran.
    pub(crate) tries: u32,
    /// In whose queue it waits.
    pub(crate) visitor: Visitor,
    /// What it goes back to. An event that a handler dispatched has its sender's.
    pub(crate) origin: Option<Origin>,
    /// It is the client's own event, whose end the client waits for.
    pub(crate) is_first: bool,
    /// Its visitor has cancelled it: it ends when its turn comes, so that ends come in order, and
    /// nothing of it runs.
    pub(crate) is_cancelled: bool,
    /// Told at the end, for a form that waits.
    pub(crate) ended: Option<oneshot::Sender<EndKind>>,
}

/// Of an event that no store has.
const NOT_STORED: u64 = 0;

// === impl Queue ===

impl Queue {
    pub(crate) fn new(limits: &Limits) -> Self {
        Queue {
            waiting: VecDeque::new(),
            is_running: false,
            is_at_once: false,
            current: None,
            running: None,
            numbers: Numbers::new(limits.clients),
            beside: VecDeque::new(),
            beside_under_way: 0,
            max: limits.queue,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        !self.is_running && self.waiting.is_empty() && self.beside_under_way == 0
    }

    /// An earlier one of its client that runs beside the queue, and is not kept yet: were the later
    /// number kept before it, a crash would lose the earlier one without a word.
    fn is_before(&self, event: &Queued) -> Option<SharedEnd> {
        let origin = event
            .origin
            .as_ref()
            .filter(|_| self.beside_under_way > 0)?;
        let is_before = |(known, end): &&(Origin, SharedEnd)| {
            known.client == origin.client && known.number < origin.number && end.peek().is_none()
        };
        let found = self.beside.iter().find(is_before);
        found.map(|(_, end)| end.clone())
    }

    /// All that a store is to know of its events.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let running = self.running.iter();
        let running = running.map(|(id, event)| Record::Event(*id, event.clone()));
        running.chain(self.waiting.iter().map(Queued::record))
    }

    /// Up to where all of each client have ended, while nothing runs.
    pub(super) fn ended(&self) -> impl Iterator<Item = Origin> {
        self.numbers.all().map(|(client, highest)| {
            let waiting = self.waiting.iter().filter(|event| event.is_first);
            let origins = waiting.filter_map(|event| event.origin.as_ref());
            let own = origins.filter(|origin| origin.client == client);
            let first = own.map(|origin| origin.number).min();
            Origin {
                client: client.to_owned(),
                number: first.map_or(highest, |first| first - 1),
            }
        })
    }

    /// What runs has changed something, or is begun once more.
    pub(super) fn note_running(&mut self, id: u64, event: &StoredEvent) {
        if let Some((_, running)) = self.running.as_mut().filter(|(known, _)| *known == id) {
            *running = event.clone();
        }
    }

    /// An event of its number was accepted before.
    fn knows(&self, event: &Queued) -> bool {
        let origin = event.origin.as_ref();
        origin.is_some_and(|origin| self.numbers.is_known(&origin.client, origin.number))
    }

    /// A later one of its client was accepted, and this one never was.
    fn is_behind(&self, event: &Queued) -> bool {
        let origin = event.origin.as_ref();
        origin.is_some_and(|origin| self.numbers.is_late(&origin.client, origin.number))
    }

    fn is_new(&self, event: &Queued) -> bool {
        let origin = event.origin.as_ref();
        origin.is_none_or(|origin| self.numbers.is_new(&origin.client, origin.number))
    }
}

impl Queued {
    fn with_id(mut self, id: u64) -> Self {
        self.id = id;
        self
    }

    /// As the store keeps it.
    fn stored(&self) -> StoredEvent {
        let origin = self.origin.as_ref();
        StoredEvent {
            name: self.name.to_owned(),
            arguments: self.arguments.clone(),
            visitor: self.visitor,
            origin: origin.map(|origin| (origin.client.clone(), origin.number)),
            is_first: self.is_first,
            tries: self.tries,
            has_begun: false,
            is_cancelled: self.is_cancelled,
        }
    }

    pub(super) fn record(&self) -> Record {
        Record::Event(self.id, self.stored())
    }

    /// It waits in the queue, and does not run beside it.
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.prepared, Prepared::Sync(_) | Prepared::Async(..))
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Scope {
    pub(super) fn lock_queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_events(&self, more: usize) {
        if let Some(runtime) = self.runtime.upgrade() {
            let events = &runtime.events_under_way;
            events.fetch_add(more, Ordering::Relaxed);
        }
    }
}
