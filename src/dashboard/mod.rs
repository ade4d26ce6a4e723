//! Parts of one page that move independently, each by a background task of its own: the server's
//! meters, which all visitors share, a job and a log, which are the visitor's.

mod log;
pub mod state;
mod tasks;
mod view;

pub use view::DashboardPage;
