//! What the page of streams shows.

use crate::dice::roll;
use undercurrent::prelude::*;

/// So many streams a visitor has at once.
pub const STREAMS: usize = 20;
/// What is said to one more.
pub const TOO_MANY: &str = "20 streams are enough. Remove one to add another.";

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct Lorem {
    /// Newest first.
    pub streams: List<Stream>,
    #[state(server)]
    last_id: u32,
}

/// Words that come three at a time.
#[derive(State, Clone, Debug, Default)]
pub struct Stream {
    /// Counted from 1, never used again.
    pub id: u32,
    /// What has come.
    pub text: Text,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub of: u32,
}

impl Lorem {
    /// Adds a stream, and returns its id.
    pub fn add(&mut self) -> Result<u32, ForVisitor> {
        if self.streams.len() >= STREAMS {
            return Err(ForVisitor::new(TOO_MANY));
        }
        self.last_id += 1;
        self.streams.push_front(Stream::new(self.last_id));
        Ok(self.last_id)
    }

    /// A stream, if it is still there.
    pub fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        let place = self.streams.iter().position(|stream| stream.id == id)?;
        self.streams.get_mut(place)
    }

    /// Removes a stream.
    pub fn remove(&mut self, id: u32) {
        self.streams.retain(|stream| stream.id != id);
    }
}

impl Stream {
    /// An empty one, of some seven to twelve steps.
    pub fn new(id: u32) -> Self {
        Stream {
            id,
            of: roll(7, 12).unsigned_abs(),
            ..Stream::default()
        }
    }

    /// All of it is here.
    pub fn is_done(&self) -> bool {
        self.done >= self.of
    }
}
