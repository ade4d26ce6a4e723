//! The server's meters: processor, memory, streams, tasks, queue, over five minutes. They begin with
//! the server; the dashboard shows them, and the first page one of them.

pub mod state;
mod tasks;
mod view;

pub use tasks::sample_all;
pub use view::Meters;
