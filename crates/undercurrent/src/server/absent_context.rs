//! The contexts where there is no server: their names, for the signatures of handlers.

use std::marker::PhantomData;

/// What an event that must wait gets. On the server it has the methods.
#[derive(Debug)]
pub struct EventContext<S>(PhantomData<fn() -> S>);

/// What a background task gets. On the server it has the methods.
#[derive(Debug)]
pub struct TaskContext<S>(PhantomData<fn() -> S>);
