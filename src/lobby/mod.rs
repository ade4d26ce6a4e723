//! The lobby: rooms are opened here, and one goes in by the door of each. What a name and a
//! passphrase may be says the crate `rooms`.

pub mod events;
pub mod state;
mod view;

pub use view::{Door, IfKnown, LobbyPage};
