//! `on_disconnect = cancel_after(…)`: a run whose visitor has gone.

use super::{
    super::presence::{HIDDEN_LEASE, LEASE, Stays},
    TaskRun,
};
use crate::{Visitor, Which};
use std::{pin::pin, sync::Arc, time::Duration};

/// Cancels a run when its visitor has had no page open on its scope for so long. One that goes on
/// behind a restart leaves hidden pages the time to say that they are there. A server that goes down
/// ends the streams itself: nobody has gone.
pub(super) async fn cancel_when_gone(run: Arc<TaskRun>, goes_on: bool) {
    let Some(ms) = run.policy.on_disconnect_ms else {
        return;
    };
    let span = Duration::from_millis(ms);
    let first = if goes_on {
        span.max(HIDDEN_LEASE)
    } else {
        span
    };
    tokio::select! {
        biased;
        () = run.over.cancelled() => {}
        () = run.runtime.shutdown.cancelled() => {}
        () = until_gone(&run, span, first) => {
            tracing::info!(task = run.name, "its visitor has gone: the task is cancelled");
            run.scope.cancel_tasks(&Which {
                task: run.name.to_owned(),
                key: run.key.clone(),
                run: Some(run.id),
            }, Visitor::SERVER).await;
        }
    }
}

async fn until_gone(run: &TaskRun, span: Duration, first: Duration) {
    let presence = &run.scope.slot.followers.presence;
    let mut left = first;
    loop {
        // Listens before it looks, so that who comes or goes in between is not missed.
        let mut moved = pin!(presence.moved.notified());
        moved.as_mut().enable();
        match presence.stays(run.visitor) {
            Stays::Open => moved.await,
            Stays::Until(until) => tokio::select! {
                () = moved => continue,
                () = tokio::time::sleep_until(until) => {}
            },
            Stays::Gone => {
                let until = tokio::time::Instant::now() + left;
                if until_comes(run, until).await {
                    return;
                }
            }
        }
        // The lease is part of the absence.
        left = span.saturating_sub(LEASE);
    }
}

/// Waits until the visitor is here again, or has been away until then. Says which.
async fn until_comes(run: &TaskRun, until: tokio::time::Instant) -> bool {
    let presence = &run.scope.slot.followers.presence;
    loop {
        let mut moved = pin!(presence.moved.notified());
        moved.as_mut().enable();
        if presence.stays(run.visitor) != Stays::Gone {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep_until(until) => return true,
            () = moved => {}
        }
    }
}
