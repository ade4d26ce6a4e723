//! Numbers by chained events: each step runs in the queue, and queues the next.

use super::state::*;
use undercurrent::prelude::*;

/// Draws numbers until it is stopped, or one.
#[event]
pub async fn run_chained(cx: EventContext<Random>, once: bool) -> Result<()> {
    let run = cx
        .try_update(|random| {
            if cx.is_running(super::background::numbers) {
                return Err(ForVisitor::new("The background task runs."));
            }
            random.goes_on = !once;
            // A step of an earlier run that waits in the queue knows by the number that it is old.
            Ok(random.chain.begin())
        })
        .await?;
    cx.dispatch(step(run));
    Ok(())
}

/// One step: waits, draws, queues the next.
#[event]
pub async fn step(cx: EventContext<Random>, run: u32) -> Result<()> {
    let span = cx.read(|random| random.chain.is_at(run).then(|| random.step()));
    let Some(span) = span.await? else {
        return Ok(());
    };
    cx.sleep(span).await?;
    let goes_on = cx
        .update(|random| {
            random.chain.done += 1;
            let goes_on = random.draw();
            if !goes_on {
                random.chain.end(TaskStatus::Done);
            }
            goes_on
        })
        .await?;
    if goes_on {
        cx.dispatch(step(run));
    }
    Ok(())
}

/// Stops the run. It waits in the queue for the running step, like any event.
#[event]
pub fn stop_chained(random: &mut Random) {
    random.goes_on = false;
    random.chain.end(TaskStatus::Cancelled);
}
