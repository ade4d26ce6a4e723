//! The pure core: positions, recorded collections, ops, log, replica, connection.
//!
//! Nothing in here knows of tokio, of the web or of a clock, and nothing is behind a `cfg`:
//! unit tests, property tests and the browser run the very same code.

pub mod connection;
pub mod field;
pub mod frame;
pub mod list;
pub mod log;
pub mod map;
pub mod node;
pub mod numbers;
pub mod ops;
pub mod position;
pub mod replica;
mod role;
pub mod schema;
pub mod scope;
mod seq;
pub mod sse;
pub mod state;
pub mod task;
pub mod text;
pub mod untyped;
pub mod witness;
pub mod writer;

#[cfg(test)]
mod connection_tests;
#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod parsers;
#[cfg(test)]
mod tests;
