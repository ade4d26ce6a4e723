//! What a run does from its turn to its end: attempts, their time, the pauses between them.

use super::{
    super::{
        Runtime, drop_quietly, forget_panic,
        outcome::{HandlerError, Outcome},
        queue::End,
    },
    run::{Attempt, Control, TaskRun},
};
use crate::{EndKind, TaskStatus};
use futures::FutureExt;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How an attempt ended.
enum Ended {
    /// Its future returned, or panicked.
    Itself(Result<Outcome, Box<dyn Any + Send>>),
    /// It took longer than it may. What it returned after that, if anything, is not asked.
    TooLong,
    /// It was cancelled and did not leave in time.
    Dropped,
}

/// Where an attempt leads.
enum Next {
    End(TaskStatus, Option<String>),
    /// Once more, after a while.
    Retry(String),
}

/// Runs a task whose turn has come.
pub(super) async fn drive(run: Arc<TaskRun>) {
    let runtime = run.runtime.clone();
    let attempts = run.policy.retries.saturating_add(1);
    let mut attempt = run.first_attempt;
    let (status, error) = loop {
        // Paused or cancelled before it began, behind a restart say: nothing of it runs.
        run.until(Control::Go).await;
        if run.is_cancelled() {
            break (cancelled(&runtime, &run), None);
        }
        let ended = one_attempt(&runtime, &run).await;
        match next(&runtime, &run, ended, attempt < attempts) {
            Next::End(status, error) => break (status, error),
            Next::Retry(error) => {
                attempt += 1;
                run.scope.show_retry(&run, attempt, error).await;
                tokio::select! {
                    () = tokio::time::sleep(backoff(&runtime, attempt)) => {}
                    () = run.until(Control::Cancel) => {}
                }
                // Paused meanwhile, it stays so.
                run.until(Control::Go).await;
                if !run.is_cancelled() {
                    run.scope.show_attempt(&run).await;
                }
            }
        }
    };
    if status == TaskStatus::Interrupted && runtime.is_shutting_down() && run.goes_on_later() {
        // It stays as it is in the store, and goes on when the server is back.
        run.over.cancel();
        return;
    }
    run.scope.end_task(&run, status, error).await;
}

async fn one_attempt(runtime: &Arc<Runtime>, run: &Arc<TaskRun>) -> Ended {
    let attempt = Attempt::of(run.clone());
    // The last resort for whatever the user's code has kept of its context.
    let _over = attempt.over.clone().drop_guard();
    let (body, given) = (run.body.clone(), attempt.clone());
    // Made inside, too: the arguments are cloned for it, and that is user code.
    let future = async move { body(given).await };
    let future = Box::pin(AssertUnwindSafe(future).catch_unwind());
    let mut future = runtime.polls.watch(run.name, future);
    let grace = async {
        tokio::select! {
            () = tokio::time::sleep(runtime.cancel_grace()) => {}
            () = run.is_in_the_way.cancelled() => {}
        }
    };
    let ended = tokio::select! {
        outcome = &mut future => Ended::Itself(outcome),
        () = run.until(Control::Cancel) => {
            tokio::select! {
                outcome = &mut future => Ended::Itself(outcome),
                () = grace => Ended::Dropped,
            }
        }
        () = time_over(run) => {
            attempt.over.cancel();
            tokio::select! {
                // It leaves, or it does not: its time is over.
                outcome = &mut future => drop_outcome(outcome),
                () = grace => {}
            }
            Ended::TooLong
        }
    };
    // What the task held may panic where it is dropped. It has ended all the same.
    if !drop_quietly(future) {
        tracing::error!(task = run.name, "a task panicked while it was dropped");
    }
    ended
}

/// Until an attempt has had its time. The time in which it is paused does not count.
async fn time_over(run: &TaskRun) {
    let Some(ms) = run.policy.timeout_ms else {
        return std::future::pending().await;
    };
    let mut left = Duration::from_millis(ms);
    loop {
        run.until(Control::Go).await;
        let since = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(left) => return,
            () = run.until(Control::Pause) => left = left.saturating_sub(since.elapsed()),
        }
        if run.is_cancelled() {
            return std::future::pending().await;
        }
    }
}

fn next(runtime: &Runtime, run: &TaskRun, ended: Ended, has_retries: bool) -> Next {
    let outcome = match ended {
        Ended::Dropped => return Next::End(cancelled(runtime, run), None),
        Ended::TooLong => {
            let ms = run.policy.timeout_ms.unwrap_or_default();
            let error = format!("It took longer than {}.", in_words(ms));
            if run.is_cancelled() {
                return Next::End(cancelled(runtime, run), None);
            }
            return match has_retries {
                true => Next::Retry(error),
                false => Next::End(TaskStatus::TimedOut, Some(error)),
            };
        }
        Ended::Itself(outcome) => outcome,
    };
    // However a cancelled run carries the error out, it is a cancelled run.
    if run.is_cancelled() && matches!(outcome, Ok(Err(_))) {
        drop_outcome(outcome);
        return Next::End(cancelled(runtime, run), None);
    }
    let name = run.name;
    let end = catch_unwind(AssertUnwindSafe(|| End::of(name, outcome)));
    let end = end.unwrap_or_else(|panic| {
        forget_panic(panic);
        End::of_stray_panic(name)
    });
    match end.kind {
        EndKind::Done => Next::End(TaskStatus::Done, None),
        // It would come again.
        EndKind::Panicked => Next::End(TaskStatus::Panicked, Some(end.message)),
        EndKind::Interrupted => Next::End(TaskStatus::Interrupted, Some(end.message)),
        _ if has_retries => Next::Retry(end.message),
        _ => Next::End(TaskStatus::Failed, Some(end.message)),
    }
}

/// Who wanted it to end says how it is called, though the server goes down meanwhile.
fn cancelled(runtime: &Runtime, run: &TaskRun) -> TaskStatus {
    match runtime.is_shutting_down() && !run.is_unwanted() {
        true => TaskStatus::Interrupted,
        false => TaskStatus::Cancelled,
    }
}

/// The pause before an attempt: twice the one before, up to a bound.
fn backoff(runtime: &Runtime, attempt: u32) -> Duration {
    let limits = &runtime.limits;
    let doubled = 1u64.checked_shl(attempt.saturating_sub(2));
    let ms = doubled.and_then(|factor| limits.retry_first_ms.checked_mul(factor));
    Duration::from_millis(ms.unwrap_or(u64::MAX).min(limits.retry_last_ms))
}

/// What user code returned or panicked with may panic where it is dropped.
pub(in crate::server) fn drop_outcome(outcome: Result<Outcome, Box<dyn Any + Send>>) {
    match outcome {
        Err(panic) => forget_panic(panic),
        Ok(Err(
            HandlerError::ForVisitor(error)
            | HandlerError::Cursor(error)
            | HandlerError::NotStored(error)
            | HandlerError::Internal(error),
        )) => {
            drop_quietly(error);
        }
        Ok(Ok(()) | Err(HandlerError::Cancelled)) => {}
    }
}

/// As the attribute writes it, in words.
pub(in crate::server) fn in_words(ms: u64) -> String {
    match ms {
        ms if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}
