//! The gallery: pages that each show one thing background tasks are good for.
//!
//! One folder a page: its state, its events, its view. `app` has the shell around them, `shell`
//! the pieces that they share, `upstream` the products that the server fetches.

pub mod app;
pub mod pieces;
pub mod posts;
pub mod product;
#[cfg(feature = "ssr")]
pub mod upstream;

undercurrent::hydrate!(app::App);
