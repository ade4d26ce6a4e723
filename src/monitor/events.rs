//! The task that watches, and what adds and removes. Pause, resume and stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;
use upstream::{Address, Of};

// excerpt: watch
/// Asks for a product again and again. One an address: however often it is started, one runs.
#[background(key = at, overlap = reject)]
pub async fn watch_endpoint(cx: TaskContext<Monitor>, at: Address) -> Result<()> {
    use std::time::Instant;
    use upstream::{Sales, Upstream};
    let (products, sales) = (cx.expect::<Upstream>(), cx.expect::<Sales>());
    while let Some(every) = cx.read(|monitor| monitor.every(at)).await? {
        let call = async {
            let asked = Instant::now();
            let title = at.title(&products, &sales).await;
            (asked.elapsed().as_millis() as u32, title)
        };
        // Stop ends the call, too, however long it would take.
        let (ms, title) = cx.wait_for(call).await?;
        cx.update(|monitor| monitor.note(at, ms, title)).await?;
        // A new interval counts at once, and so does a removal.
        let is_other = |monitor: &Monitor| monitor.every(at) != Some(every);
        cx.until_within(every, |monitor| is_other(monitor).then_some(()))
            .await?;
    }
    Ok(())
}
// end

/// Adds an endpoint, and begins to watch it.
#[event]
pub async fn add(cx: EventContext<Monitor>, of: Of, id: u32, every: u32) -> Result<()> {
    let at = Address { of, id };
    cx.try_update(|monitor| monitor.add(at, every)).await?;
    cx.dispatch(watch_endpoint(at));
    Ok(())
}

/// Removes an endpoint, and ends its task.
#[event]
pub async fn remove(cx: EventContext<Monitor>, at: Address) -> Result<()> {
    cx.update(|monitor| monitor.endpoints.retain(|one| one.at != at))
        .await?;
    cx.cancel(watch_endpoint, at).await;
    Ok(())
}
