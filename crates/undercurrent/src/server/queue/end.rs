//! How an event ended, and whom it is told.

use super::{NOT_STORED, Origin};
use crate::{
    EndKind, Failure, Visitor,
    builtin::{ClientEnds, UcEnds},
    server::{
        HandlerError, Runtime,
        context::Stop,
        describe_panic,
        outcome::Outcome,
        random_id,
        store::Record,
        tasks::in_words,
        writing::{HandlerFailure, Writing},
    },
};
use std::convert::Infallible;

/// How a handler ended, and what the visitor is told.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: EndKind,
    pub(crate) message: String,
}

/// Whose end it is that is recorded.
pub(in crate::server) struct Sender {
    pub(in crate::server) name: &'static str,
    pub(in crate::server) visitor: Visitor,
    pub(in crate::server) origin: Option<Origin>,
    pub(in crate::server) is_first: bool,
    /// How the store calls the event.
    pub(in crate::server) id: u64,
}

impl Sender {
    /// Of an event that no store has, and that its client waits for.
    pub(in crate::server) fn of_client(
        name: &'static str,
        visitor: Visitor,
        origin: Origin,
    ) -> Self {
        Sender {
            name,
            visitor,
            origin: Some(origin),
            is_first: true,
            id: NOT_STORED,
        }
    }
}

impl End {
    pub(in crate::server) const DONE: End = End {
        kind: EndKind::Done,
        message: String::new(),
    };

    /// The server went down before it ended.
    pub(in crate::server) fn interrupted() -> Self {
        End {
            kind: EndKind::Interrupted,
            message: "The server was started anew before this was done.".to_owned(),
        }
    }

    /// Its visitor has cancelled it.
    pub(in crate::server) fn cancelled() -> Self {
        End {
            kind: EndKind::Cancelled,
            message: "It was cancelled.".to_owned(),
        }
    }

    /// It was told to end before it had.
    pub(super) fn of_stop(stop: Stop) -> Self {
        let Stop::TimedOut(ms) = stop else {
            return End::cancelled();
        };
        End {
            kind: EndKind::TimedOut,
            message: format!("It took longer than {}.", in_words(ms)),
        }
    }

    pub(super) fn full() -> Self {
        let message = "The queue is full: what this event would have queued is not queued.";
        End {
            kind: EndKind::Full,
            message: message.to_owned(),
        }
    }

    /// The log gets what is internal, once; the visitor an id to ask with.
    pub(crate) fn of(
        handler: &str,
        outcome: Result<Outcome, Box<dyn std::any::Any + Send>>,
    ) -> Self {
        let error = match outcome {
            Ok(Ok(())) => return End::DONE,
            Err(panic) => {
                let id = random_id();
                let id = &id[..6];
                tracing::error!(
                    handler,
                    id,
                    panic = describe_panic(&*panic),
                    "a handler panicked"
                );
                return End {
                    kind: EndKind::Panicked,
                    message: something_went_wrong(id),
                };
            }
            Ok(Err(error)) => error,
        };
        match error {
            HandlerError::Cancelled => End {
                kind: EndKind::Failed,
                message: "Something that it waited for was cancelled.".to_owned(),
            },
            HandlerError::ForVisitor(error) => {
                if let Some(cause) = error.source() {
                    tracing::info!(handler, %error, cause = ?cause, "a handler refused");
                }
                End {
                    kind: EndKind::Failed,
                    message: error.to_string(),
                }
            }
            HandlerError::Cursor(error) => {
                tracing::error!(handler, %error, "a task can't go on from its last checkpoint");
                End {
                    kind: EndKind::Interrupted,
                    message: "It can't go on from where it was.".to_owned(),
                }
            }
            HandlerError::NotStored(error) => {
                tracing::error!(handler, %error, "a handler stopped, since the store has trouble");
                End {
                    kind: EndKind::Failed,
                    message:
                        "The server has trouble with its disk, and this stopped where it was. \
                              What was done so far stays. Try again in a minute."
                            .to_owned(),
                }
            }
            HandlerError::Internal(error) => {
                let id = random_id();
                let id = &id[..6];
                tracing::error!(handler, id, ?error, "a handler failed");
                End {
                    kind: EndKind::Failed,
                    message: something_went_wrong(id),
                }
            }
        }
    }

    /// A panic outside of the handler's own run. Nothing of the user's is formatted any more.
    pub(crate) fn of_stray_panic(handler: &str) -> Self {
        let id = random_id();
        let id = &id[..6];
        tracing::error!(handler, id, "a handler panicked outside of its run");
        End {
            kind: EndKind::Panicked,
            message: something_went_wrong(id),
        }
    }

    pub(super) fn of_failure(handler: &str, result: Result<(), HandlerFailure>) -> Self {
        match result {
            Ok(()) => End::DONE,
            Err(HandlerFailure::Error(error)) => End::of(handler, Ok(Err(error))),
            Err(HandlerFailure::Panic(panic)) => End::of(handler, Err(panic)),
        }
    }
}

fn something_went_wrong(id: &str) -> String {
    format!("Something went wrong. What was there is kept. The log has it under {id}.")
}

impl Writing<'_> {
    /// Records the end of an event for the client that sent it, in the update under way.
    pub(super) fn end_event(&mut self, runtime: &Runtime, sender: &Sender, end: &End) {
        let Sender {
            name,
            visitor,
            origin,
            is_first,
            id,
        } = sender;
        if *id != NOT_STORED && runtime.store.outlives() {
            self.notes.push(Record::Ended(*id));
            if let Some(queue) = self.scope.lock_queues().existing(*visitor) {
                queue.running.take_if(|(running, _)| running == id);
            }
        }
        let Some(Origin { client, number }) = origin else {
            return;
        };
        if !is_first && end.kind == EndKind::Done {
            return;
        }
        let failure = (end.kind != EndKind::Done).then(|| Failure {
            number: *number,
            event: (*name).to_owned(),
            kind: end.kind,
            message: end.message.clone(),
        });
        let limits = &runtime.limits;
        let recorded = self.change_ends(*visitor, |ends: &mut UcEnds| {
            let last = ends.clients.len().checked_sub(1);
            let known = ends.clients.iter().rposition(|ends| ends.client == *client);
            if known.is_none() || known != last {
                // The one that has been silent the longest stands first, and goes first.
                let own = known.map(|known| ends.clients.remove(known));
                if ends.clients.len() >= limits.clients {
                    ends.clients.remove(0);
                }
                ends.clients.push(own.unwrap_or_else(|| ClientEnds {
                    client: client.clone(),
                    ..Default::default()
                }));
            }
            if let Some(ends) = ends.clients.last_mut() {
                if *is_first {
                    ends.upto = ends.upto.max(*number);
                }
                if let Some(failure) = failure {
                    ends.failures.push(failure);
                    if ends.failures.len() > limits.failures {
                        ends.failures.remove(0);
                    }
                }
            }
            Ok::<(), Infallible>(())
        });
        debug_assert!(recorded.is_ok(), "the runtime's own states are plain data");
    }
}
