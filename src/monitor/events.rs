//! The task that watches, and what adds and removes. Pause, resume and stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

// excerpt: watch
/// Asks for a product again and again. One a number: however often it is started, one runs.
#[background(key = id, overlap = reject)]
pub async fn watch_product(cx: TaskContext<Monitor>, id: u32) -> Result<()> {
    use std::time::Instant;
    while let Some(every) = cx.read(|monitor| monitor.every(id)).await? {
        let asked = Instant::now();
        let product = cx.expect::<upstream::Upstream>().product(id).await;
        let ms = asked.elapsed().as_millis() as u32;
        cx.update(|monitor| monitor.note(id, ms, product)).await?;
        // A new interval counts at once, and so does a removal.
        let is_other = |monitor: &Monitor| monitor.every(id) != Some(every);
        cx.until_within(every, |monitor| is_other(monitor).then_some(()))
            .await?;
    }
    Ok(())
}
// end

/// Adds an endpoint, and begins to watch it.
#[event]
pub async fn add(cx: EventContext<Monitor>, id: u32, every: u32) -> Result<()> {
    cx.try_update(|monitor| monitor.add(id, every)).await?;
    cx.dispatch(watch_product(id));
    Ok(())
}

/// Removes an endpoint, and ends its task.
#[event]
pub async fn remove(cx: EventContext<Monitor>, id: u32) -> Result<()> {
    cx.update(|monitor| monitor.endpoints.retain(|one| one.id != id))
        .await?;
    cx.cancel(watch_product, id).await;
    Ok(())
}
