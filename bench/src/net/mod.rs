//! What the load generator's clients speak: HTTP/1.1, server-sent events and WebSocket, by hand.
//! They do no more than is needed, since they share the machine with the server that is measured.

pub mod events;
pub mod http;
pub mod socket;
mod wire;

pub use wire::Wire;
