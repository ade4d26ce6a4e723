//! Streams of words: each is a background task of its own, paused, resumed and ended one by one.

pub mod events;
pub mod state;
mod view;
pub mod words;

pub use view::LoremPage;
