//! `on_disconnect = cancel_after(…)`: a run whose visitor has gone.

use super::TaskRun;
use crate::Which;
use std::{pin::pin, sync::Arc, time::Duration};

/// Cancels a run when its visitor has had no stream in its scope for so long. A reload is a stream
/// that goes and comes.
pub(super) async fn cancel_when_gone(run: Arc<TaskRun>) {
    let Some(ms) = run.policy.on_disconnect_ms else {
        return;
    };
    let grace = Duration::from_millis(ms);
    tokio::select! {
        () = run.over.cancelled() => {}
        () = until_gone(&run, grace) => {
            tracing::info!(task = run.name, "its visitor has gone: the task is cancelled");
            run.scope.cancel_tasks(&Which {
                task: run.name.to_owned(),
                key: run.key.clone(),
                run: Some(run.id),
            }).await;
        }
    }
}

async fn until_gone(run: &TaskRun, grace: Duration) {
    loop {
        until_here(run, false).await;
        tokio::select! {
            () = tokio::time::sleep(grace) => return,
            () = until_here(run, true) => {}
        }
    }
}

/// Until the visitor has a stream in the scope, or has none.
async fn until_here(run: &TaskRun, wanted: bool) {
    let followers = &run.scope.slot.followers;
    loop {
        // Listens before it looks, so that who comes or goes in between is not missed.
        let mut moved = pin!(followers.moved.notified());
        moved.as_mut().enable();
        if followers.has(run.visitor) == wanted {
            return;
        }
        moved.await;
    }
}
