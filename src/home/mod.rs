//! The first page: the demonstration runs beside the lines that make it, then the other pages,
//! each as it is now, then what was measured. It has no state of its own.

mod pages;
mod view;
mod watch;

pub use view::HomePage;
