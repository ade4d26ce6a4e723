//! What the posts page shows.

use crate::pieces::{Chain, Seen};
use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;
use upstream::Product;

/// How many posts a run fetches.
pub const POSTS: u32 = 10;

/// The state of the page.
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

impl Posts {
    /// A run of the background task begins.
    pub fn begin(&mut self) -> Result<(), ForVisitor> {
        if self.chain.is_running() {
            return Err(ForVisitor::new("The chained run is under way."));
        }
        self.background.clear();
        Ok(())
    }
}

/// A post: the product, or why it is not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Which product.
    pub id: u32,
    /// What came of fetching it.
    pub product: Result<Product, String>,
}

impl Post {
    /// What came of fetching a product.
    pub fn of<E: std::fmt::Display>(id: u32, fetched: Result<Product, E>) -> Self {
        let product = fetched.map_err(|error| error.to_string());
        Post { id, product }
    }

    /// Takes the place of an earlier try.
    pub fn replace_in(self, posts: &mut List<Post>) {
        let place = posts.iter().position(|post| post.id == self.id);
        if let Some(post) = place.and_then(|place| posts.get_mut(place)) {
            *post = self;
        }
    }

    /// What a region goes by: how many posts there are, and which is the last.
    pub fn seen(posts: &List<Post>) -> Seen {
        Seen {
            count: posts.len() as u32,
            last: posts.last().map_or(0, |post| post.id),
        }
    }
}

/// Counts a click. It waits in the queue like any event, and that is what it is for.
#[event]
pub fn count(posts: &mut Posts) {
    posts.clicks += 1;
}
