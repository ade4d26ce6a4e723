//! The queues of a scope: one for each visitor in it, so that nobody's slow event makes anybody
//! else wait.

use super::{
    queue::{Origin, Queue},
    store::Record,
};
use crate::{Limits, Visitor};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The queues of a scope, by visitor.
#[derive(Debug)]
pub(crate) struct Queues {
    queues: HashMap<Visitor, Used>,
    /// Visitors whose queues went. What else is kept of them goes with the next update.
    forgotten: Vec<Visitor>,
    /// There are some.
    has_forgotten: Arc<AtomicBool>,
    turn: u64,
    last_id: u64,
    limits: Limits,
}

#[derive(Debug)]
struct Used {
    queue: Queue,
    /// When it was last asked for.
    turn: u64,
}

impl Queues {
    pub(crate) fn new(limits: &Limits, has_forgotten: Arc<AtomicBool>) -> Self {
        Queues {
            queues: HashMap::new(),
            forgotten: Vec::new(),
            has_forgotten,
            turn: 0,
            last_id: 0,
            limits: limits.clone(),
        }
    }

    /// The queue of a visitor, made now if there is none. `None` when there is no room: so many
    /// visitors have events that wait or run.
    pub(crate) fn of(&mut self, visitor: Visitor) -> Option<&mut Queue> {
        self.turn += 1;
        let is_full = self.queues.len() >= self.limits.visitors_of_scope;
        if is_full && !self.queues.contains_key(&visitor) && !self.make_room() {
            return None;
        }
        let used = self.queues.entry(visitor).or_insert_with(|| {
            self.forgotten.retain(|gone| *gone != visitor);
            let queue = Queue::new(&self.limits);
            Used { queue, turn: 0 }
        });
        used.turn = self.turn;
        Some(&mut used.queue)
    }

    /// How the store calls the next event.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A store has events up to this one.
    pub(crate) fn ids_from(&mut self, last: u64) {
        self.last_id = self.last_id.max(last);
    }

    /// The queue of a visitor who has one.
    pub(crate) fn existing(&mut self, visitor: Visitor) -> Option<&mut Queue> {
        self.queues.get_mut(&visitor).map(|used| &mut used.queue)
    }

    /// All that a store is to know of them.
    pub(super) fn records(&self) -> Vec<Record> {
        let of = |(visitor, used): (&Visitor, &Used)| {
            let numbers = used.queue.numbers.all();
            let number = |(client, n): (&str, u64)| Record::Number(*visitor, client.to_owned(), n);
            let numbers: Vec<_> = numbers.map(number).collect();
            let events = used.queue.records();
            numbers.into_iter().chain(events).collect::<Vec<_>>()
        };
        self.queues.iter().flat_map(of).collect()
    }

    /// Up to where all of each client have ended that were queued: of this visitor, or of all.
    pub(super) fn ended(&self, of: Option<Visitor>) -> Vec<(Visitor, Origin)> {
        let is_of = |(visitor, _): &(&Visitor, &Used)| of.is_none_or(|of| of == **visitor);
        let ended = |(visitor, used): (&Visitor, &Used)| {
            let visitor = *visitor;
            let ended = used.queue.ended();
            ended
                .map(move |origin| (visitor, origin))
                .collect::<Vec<_>>()
        };
        let queues = self.queues.iter().filter(is_of);
        queues.flat_map(ended).collect()
    }

    pub(crate) fn are_idle(&self) -> bool {
        self.queues.values().all(|used| used.queue.is_idle())
    }

    pub(crate) fn take_forgotten(&mut self) -> Vec<Visitor> {
        self.has_forgotten.store(false, Ordering::Relaxed);
        std::mem::take(&mut self.forgotten)
    }

    /// Forgets the idle visitors who were silent the longest: a part of them at once, so that
    /// the search is not made for each new one.
    fn make_room(&mut self) -> bool {
        let idle = self.queues.iter().filter(|(_, used)| used.queue.is_idle());
        let mut idle: Vec<_> = idle.map(|(visitor, used)| (used.turn, *visitor)).collect();
        idle.sort_unstable();
        idle.truncate((self.limits.visitors_of_scope / 64).max(1));
        for (_, visitor) in &idle {
            self.queues.remove(visitor);
            self.forgotten.push(*visitor);
        }
        self.has_forgotten.store(true, Ordering::Relaxed);
        !idle.is_empty()
    }
}
