//! What a change of a state costs.
//!
//! A change of O(1) items is to cost the same in a state of ten elements and in one of a hundred
//! thousand: the same bytes of ops, the same number of allocations, about the same time. The
//! tests go through all of [`OPERATIONS`] at both sizes, on the way that an update of the server
//! takes ([`Committed`]) and on the way that a replica takes ([`Committed::follow`]).

mod committed;
mod operations;

pub use committed::{Committed, Update};
pub use operations::{Board, Card, Inner, LOOKING, OPERATIONS, Operation, Post, Stage, post};
