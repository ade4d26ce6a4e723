//! Random numbers in a range, drawn in two styles: by chained events, and by a background task.

pub mod background;
pub mod chained;
pub mod state;
mod view;

pub use view::RandomPage;
