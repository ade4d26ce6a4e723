//! What the posts page shows.

use crate::pieces::Chain;
pub use crate::pieces::Post;
use undercurrent::prelude::*;
use upstream::Product;

/// How many posts a run fetches.
pub const POSTS: u32 = 10;

// excerpt: state
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
// end

impl Posts {
    /// The products that have come, by whichever style, each once.
    pub fn products(&self) -> Vec<Product> {
        let all = self.background.iter().chain(self.chained.iter());
        let mut all: Vec<Product> = all.filter_map(|post| post.product.clone().ok()).collect();
        all.sort_by_key(|product| product.id);
        all.dedup_by_key(|product| product.id);
        all
    }

    /// What came of fetching a product for the background task.
    pub fn add<E: std::fmt::Display>(&mut self, id: u32, fetched: Result<Product, E>) {
        self.background.push(Post::of(id, fetched));
    }

    /// A run of the background task begins.
    pub fn begin(&mut self) -> Result<(), ForVisitor> {
        if self.chain.is_running() {
            return Err(ForVisitor::new("The chained run is under way."));
        }
        self.background.clear();
        Ok(())
    }
}

// excerpt: count
/// Counts a click. It waits in the queue like any event, and that is what it is for.
#[event]
pub fn count(posts: &mut Posts) {
    posts.clicks += 1;
}
// end
