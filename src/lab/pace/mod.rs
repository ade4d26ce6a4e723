//! A thousand rows of which so many a second change, and an input to type in meanwhile: sent by a
//! task, and, beside it, by the page's own clock into bare signals of leptos. `make speed` compares
//! what a key takes on both.

pub mod state;
mod view;

pub use self::view::{BarePacePage, PacePage};
