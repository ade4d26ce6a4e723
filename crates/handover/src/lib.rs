//! The tests of this crate take `server/handover.rs` of the runtime through every order that the
//! steps of a commit and of a stream can have, with what the memory model allows each to see.
//!
//! The file is compiled here with loom's atomics in the place of the usual ones; nothing else of
//! the runtime is.
