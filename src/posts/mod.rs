//! Ten posts, fetched twice: by chained events, and by a background task.

pub mod background;
pub mod chained;
pub mod save;
pub mod state;
mod view;

pub use view::PostsPage;
