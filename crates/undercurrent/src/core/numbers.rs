//! The numbers of events: what makes a retry harmless.

use std::collections::HashMap;

/// The highest number accepted of each client of a visitor. Bounded: where there is no room for
/// a new client, the one that has been silent the longest is forgotten.
#[derive(Debug)]
pub struct Numbers {
    clients: HashMap<String, Client>,
    max_clients: usize,
    turn: u64,
}

#[derive(Debug)]
struct Client {
    highest: u64,
    last_turn: u64,
}

impl Numbers {
    /// Remembers so many clients.
    pub fn new(max_clients: usize) -> Self {
        Numbers {
            clients: HashMap::new(),
            max_clients,
            turn: 0,
        }
    }

    /// Whether this event was accepted before.
    pub fn is_known(&self, client: &str, number: u64) -> bool {
        self.clients
            .get(client)
            .is_some_and(|known| number <= known.highest)
    }

    /// The event is accepted. Returns the client that is forgotten for it, if one is.
    pub fn accept(&mut self, client: &str, number: u64) -> Option<String> {
        self.turn += 1;
        if let Some(known) = self.clients.get_mut(client) {
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
        let client_new = Client {
            highest: number,
            last_turn: self.turn,
        };
        self.clients.insert(client.to_owned(), client_new);
        forgotten
    }

    /// All clients that are remembered.
    pub fn clients(&self) -> impl Iterator<Item = &str> {
        self.clients.keys().map(String::as_str)
    }
}
