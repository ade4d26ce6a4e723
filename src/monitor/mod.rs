//! Several API calls watched at once: a background task for each, with a key.

mod events;
pub mod state;
mod view;

pub use view::MonitorPage;
