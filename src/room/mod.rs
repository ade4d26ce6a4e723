//! A room: one state that all share who are in it. Who is here, a chat, a vote, a timer.

pub mod door;
mod parts;
pub mod state;
pub mod tasks;
mod view;

pub use view::{LobbyPage, RoomPage};
