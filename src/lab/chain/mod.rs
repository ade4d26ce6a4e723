//! Chains of events: which order they run in, where they lead, what a page begins with.

pub mod events;
mod view;

pub use self::view::{ChainRoutes, ChainRoutesProps};
