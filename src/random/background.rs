//! Numbers by a background task: it runs beside the queue, and the page answers at once.

use super::state::*;
use undercurrent::prelude::*;

// excerpt: numbers
/// Draws numbers until it is told to stop, or one. Started again while it runs, it begins anew:
/// two loops never draw at once.
#[background(overlap = replace)]
pub async fn numbers(cx: TaskContext<Random>, once: bool) -> Result<()> {
    cx.try_update(|random| {
        if random.chain.is_running() {
            return Err(ForVisitor::new("The chained run is under way."));
        }
        (random.goes_on, random.stops) = (!once, false);
        Ok(())
    })
    .await?;
    for drawn in 1u64.. {
        let span = cx.read(|random| random.step()).await?;
        cx.sleep(span).await?;
        let goes_on = cx.update(|random| random.draw()).await?;
        cx.progress(drawn, 0);
        if !goes_on {
            break;
        }
    }
    Ok(())
}
// end

/// Ends the run after the step under way. It does not wait for it.
#[event]
pub fn stop_background(random: &mut Random) {
    (random.goes_on, random.stops) = (false, true);
}
