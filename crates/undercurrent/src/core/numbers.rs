//! The numbers of events: what makes a retry harmless.

use std::collections::{HashMap, VecDeque};

/// The highest number accepted of each client of a visitor, and which below it never came. Bounded:
/// where there is no room for a new client, the one that has been silent the longest is forgotten.
#[derive(Debug)]
pub struct Numbers {
    clients: HashMap<String, Client>,
    max_clients: usize,
    turn: u64,
}

#[derive(Debug)]
struct Client {
    highest: u64,
    /// Spans of numbers that were passed over, each with its first and its last, in order.
    passed_over: VecDeque<(u64, u64)>,
    last_turn: u64,
}

/// So many spans are remembered of a client. A number of an older one counts as accepted: a client
/// that keeps to one request at a time has none that comes so late.
const MAX_SPANS: usize = 64;

impl Numbers {
    /// Remembers so many clients.
    pub fn new(max_clients: usize) -> Self {
        Numbers {
            clients: HashMap::new(),
            max_clients,
            turn: 0,
        }
    }

    /// The highest number accepted of each client.
    pub fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = self.clients.iter();
        all.map(|(name, known)| (name.as_str(), known.highest))
    }

    /// Whether this event was accepted before.
    pub fn is_known(&self, client: &str, number: u64) -> bool {
        self.clients
            .get(client)
            .is_some_and(|known| number <= known.highest && !known.has_passed(number))
    }

    /// Whether neither this event nor a later one was accepted.
    pub fn is_new(&self, client: &str, number: u64) -> bool {
        let known = self.clients.get(client);
        known.is_none_or(|known| number > known.highest)
    }

    /// Whether a later one was accepted, and this one never was. To take it now would swap the two.
    pub fn is_late(&self, client: &str, number: u64) -> bool {
        let known = self.clients.get(client);
        known.is_some_and(|known| known.has_passed(number))
    }

    /// A store has this number as the client's highest. Which below it never came, nobody knows any
    /// more.
    pub fn remember(&mut self, client: &str, number: u64) {
        self.accept(client, number);
        if let Some(known) = self.clients.get_mut(client) {
            known.passed_over.clear();
        }
    }

    /// The event is accepted. Returns the client that is forgotten for it, if one is.
    pub fn accept(&mut self, client: &str, number: u64) -> Option<String> {
        self.turn += 1;
        if let Some(known) = self.clients.get_mut(client) {
            known.pass_over(known.highest.saturating_add(1), number);
            known.highest = number.max(known.highest);
            known.last_turn = self.turn;
            return None;
        }
        let mut forgotten = None;
        if self.clients.len() >= self.max_clients {
            let silent = self.clients.iter().min_by_key(|(_, known)| known.last_turn);
            forgotten = silent.map(|(name, _)| name.clone());
            if let Some(silent) = &forgotten {
                self.clients.remove(silent);
            }
        }
        let mut client_new = Client {
            highest: number,
            passed_over: VecDeque::new(),
            last_turn: self.turn,
        };
        client_new.pass_over(1, number);
        self.clients.insert(client.to_owned(), client_new);
        forgotten
    }

    /// All clients that are remembered.
    pub fn clients(&self) -> impl Iterator<Item = &str> {
        self.clients.keys().map(String::as_str)
    }
}

impl Client {
    /// The numbers from the first on, up to one that is accepted, may still come.
    fn pass_over(&mut self, first: u64, accepted: u64) {
        if first >= accepted {
            return;
        }
        if self.passed_over.len() >= MAX_SPANS {
            self.passed_over.pop_front();
        }
        self.passed_over.push_back((first, accepted - 1));
    }

    fn has_passed(&self, number: u64) -> bool {
        let mut spans = self.passed_over.iter();
        spans.any(|(first, last)| (*first..=*last).contains(&number))
    }
}
