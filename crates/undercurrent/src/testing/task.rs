//! A task, as a page has it in hand.

use super::client::{Refused, TestClient};
use crate::{
    Call, CancelTask, EventDef, PauseTask, ResumeTask, RetryTask, Which, core::scope::ScopeName,
};

/// The runs of a task, asked for by a page: see [`TestClient::task`].
#[derive(Debug)]
pub struct TestTask<'a> {
    client: &'a mut TestClient,
    scope: ScopeName,
    which: Which,
}

impl<'a> TestTask<'a> {
    pub(super) fn new(client: &'a mut TestClient, scope: ScopeName, name: &str) -> Self {
        TestTask {
            client,
            scope,
            which: Which {
                task: name.to_owned(),
                ..Which::default()
            },
        }
    }

    /// The instance of a key, for tasks that have one.
    pub fn key(mut self, key: impl ToString) -> Self {
        self.which.key = key.to_string();
        self
    }

    /// Cancels it.
    ///
    /// # Errors
    ///
    /// As [`TestClient::send`].
    pub async fn cancel(self) -> Result<(), Refused> {
        self.ask(CancelTask).await
    }

    /// Pauses it.
    ///
    /// # Errors
    ///
    /// As [`TestClient::send`].
    pub async fn pause(self) -> Result<(), Refused> {
        self.ask(PauseTask).await
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// As [`TestClient::send`].
    pub async fn resume(self) -> Result<(), Refused> {
        self.ask(ResumeTask).await
    }

    /// Starts the last of its runs that has ended once more, with its arguments.
    ///
    /// # Errors
    ///
    /// As [`TestClient::send`].
    pub async fn retry(self) -> Result<(), Refused> {
        self.ask(RetryTask).await
    }

    async fn ask<E: EventDef>(self, message: impl FnOnce(Which) -> E) -> Result<(), Refused> {
        let call = Call::new(message(self.which));
        self.client.send_to_scope(self.scope, call).await.map(drop)
    }
}
