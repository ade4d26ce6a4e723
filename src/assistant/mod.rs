//! A conversation with a model: answers come word by word, tools run side by side, and one asks
//! before it does something.

mod message;
pub mod model;
pub mod state;
pub mod tasks;
mod view;

pub use view::AssistantPage;
