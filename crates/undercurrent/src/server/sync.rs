//! What `handover` is made of. Where it is taken through every order these are loom's.

pub(super) use futures::task::AtomicWaker;
pub(super) use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
