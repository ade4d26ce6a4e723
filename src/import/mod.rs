//! A file of rows: it streams up, is looked at, and is taken in by a task, some hundred rows an
//! update. `routes.rs` is the server's alone.

mod bad;
mod parts;
pub mod state;
pub mod tasks;
mod view;

pub use parts::{asks, done};
pub use view::ImportPage;
