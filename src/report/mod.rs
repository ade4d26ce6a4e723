//! Map and reduce: a shop is asked for a year of each product, so many at once, and a report is
//! written of what came.

pub mod export;
pub mod state;
pub mod tasks;
mod view;

pub use view::ReportPage;
