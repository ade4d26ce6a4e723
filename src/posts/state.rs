//! What the posts page shows.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;
use upstream::Product;

/// How many posts a run fetches.
pub const POSTS: u32 = 10;

/// The state of the page: the posts of both styles, the chained run, a counter.
#[derive(State, Clone, Debug, Default)]
pub struct Posts {
    /// What the chained events fetched.
    pub chained: List<Post>,
    /// What the background task fetched.
    pub background: List<Post>,
    /// The chained run. The background task's is the runtime's to know.
    pub chain: Chain,
    /// How often the counter was clicked.
    pub clicks: u32,
}

/// A post, or the place where it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Which product.
    pub id: u32,
    /// What came of fetching it.
    pub arrival: Arrival,
}

/// What came of fetching a post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arrival {
    /// It is here.
    Here(Product),
    /// It is not, for this reason.
    Failed(String),
}

/// A run of chained events: each step queues the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// Runs are numbered, so that a step of an old one knows that it is old.
    pub run: u32,
    /// Where the last run is; `None` before the first.
    pub status: Option<TaskStatus>,
    /// Steps done.
    pub done: u32,
}

impl Chain {
    /// A run is under way.
    pub fn is_running(&self) -> bool {
        self.status == Some(TaskStatus::Running)
    }

    /// A run is under way, and it is this one.
    pub fn is_at(&self, run: u32) -> bool {
        self.is_running() && self.run == run
    }
}

impl Post {
    /// What came of fetching a product.
    pub fn of<E: std::fmt::Display>(id: u32, fetched: Result<Product, E>) -> Self {
        let arrival = match fetched {
            Ok(product) => Arrival::Here(product),
            Err(error) => Arrival::Failed(error.to_string()),
        };
        Post { id, arrival }
    }

    /// Takes the place of an earlier try.
    pub fn replace_in(self, posts: &mut List<Post>) {
        let place = posts.iter().position(|post| post.id == self.id);
        if let Some(post) = place.and_then(|place| posts.get_mut(place)) {
            *post = self;
        }
    }
}

/// What a region's places go by: how many posts it has, and which is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Posts that are here, arrived or failed.
    pub count: u32,
    last: u32,
}

impl Seen {
    /// What is seen of these posts.
    pub fn of(posts: &List<Post>) -> Self {
        let last = posts.last().map_or(0, |post| post.id);
        Seen {
            count: posts.len() as u32,
            last,
        }
    }

    /// There are none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// How many posts a run still brings. A post is seen a moment before the run tells that it
    /// is done with it; those that Clear dropped do not come again.
    pub fn coming(self, is_running: bool, done: u32) -> u32 {
        if is_running {
            POSTS.saturating_sub(done.max(self.last))
        } else {
            0
        }
    }
}

/// Counts a click. It waits in the queue like any event, and that is what it is for.
#[event]
pub fn count(posts: &mut Posts) {
    posts.clicks += 1;
}
