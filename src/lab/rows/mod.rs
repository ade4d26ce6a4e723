//! A list and a map as rows, and everything that can be done to them.

pub mod state;
mod view;
mod window;

pub use self::{view::RowsPage, window::WindowPage};
