//! The task that watches, and what adds and removes. Pause, resume and stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

/// Asks for a product again and again. One a number: however often it is started, one runs.
#[background(key = id, overlap = reject)]
pub async fn watch_product(cx: TaskContext<Monitor>, id: u32) -> Result<()> {
    use std::time::Instant;
    loop {
        let asked = Instant::now();
        let product = cx.expect::<upstream::Upstream>().product(id).await;
        let ms = asked.elapsed().as_millis() as u32;
        let answer = product.map(|product| product.title);
        let answer = answer.map_err(|error| error.to_string());
        cx.update(|monitor| {
            if let Some(endpoint) = monitor.endpoint(id) {
                endpoint.note(ms, answer);
            }
        })
        .await?;
        // Second by second, so that a new interval counts at once.
        for waited in 1.. {
            cx.sleep(Millis(1_000)).await?;
            match cx.read(|monitor| monitor.every(id)).await? {
                None => return Ok(()),
                Some(every) if waited >= every => break,
                Some(_) => {}
            }
        }
    }
}

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
