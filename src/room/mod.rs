//! A room: one state that all share who are in it. Who is here, a chat, a vote, a timer. The door to
//! it is in `lobby`.

mod parts;
pub mod state;
pub mod tasks;
mod view;

pub use view::RoomPage;
