//! What a visitor's session knows of rooms.

use undercurrent::prelude::*;

/// So many rooms it remembers. The oldest goes.
pub const ROOMS: usize = 12;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct Rooms {
    /// How the visitor is called, in all of them.
    pub name: String,
    /// The number by which rooms know the visitor.
    pub me: String,
    /// Rooms that were entered, with their keys; the newest last.
    pub entered: List<Entered>,
}

/// A room that was entered.
#[derive(State, Clone, Debug, Default)]
pub struct Entered {
    /// As its address says.
    pub room: String,
    /// The key of its scope.
    pub key: String,
}

impl Rooms {
    /// The key of a room that was entered.
    pub fn key_of(entered: &List<Entered>, room: &str) -> Option<String> {
        let mut entered = entered.iter();
        entered
            .find(|one| one.room == room)
            .map(|one| one.key.clone())
    }

    /// Notes a room that was entered, as the newest.
    pub fn enter(&mut self, room: String, key: String) {
        self.entered.retain(|one| one.room != room);
        self.entered.push(Entered { room, key });
        if self.entered.len() > ROOMS {
            self.entered.remove(0);
        }
    }
}
