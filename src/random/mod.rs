//! Random numbers in a range, drawn in two styles: by chained events, and by a background task.

mod background;
mod chained;
pub mod state;
mod view;

pub use view::RandomPage;
