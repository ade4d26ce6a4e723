//! The task that makes the report, the one that asks for a product again, and Clear. Pause, resume
//! and Stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

// excerpt: make_report
/// Asks for all products, so many at once, and writes the report of what came. After a crash it
/// goes on where it was; after a Stop, when it is started again. What is here is not asked for.
#[background(overlap = reject, on_crash = resume, on_end = put_back)]
pub async fn make_report(cx: TaskContext<Report>) -> Result<()> {
    use upstream::{Sales, sales::figures::Figures};
    let has_begun = cx.cursor()?.unwrap_or(false);
    if !has_begun && !cx.read(|report| report.is_open()).await? {
        let listed = cx.wait_for(cx.expect::<Sales>().list()).await?;
        let listed = listed.map_err(|error| {
            ForVisitor::new(format!("The list of products did not come: {error}."))
        })?;
        let begun = cx.update(|report| report.begin(listed));
        begun.checkpoint(true).await?;
    }
    let open = cx.update(|report| report.take_up()).checkpoint(true);
    let at_once = |report: &Report| report.at_once as usize;
    cx.for_each(open.await?, at_once, |cx, id| async move {
        cx.update(|report| report.ask(id)).await?;
        let record = cx.wait_for(cx.expect::<Sales>().record(id)).await?;
        // The answer and that it is here are one commit: it is not asked for again.
        let settled = cx.update(|report| report.settle(id, Figures::came(record)));
        let (done, of) = settled.checkpoint(true).await?;
        cx.progress(done, of);
        Result::<()>::Ok(())
    })
    .await?;
    while cx.update(|report| report.write_on()).await? {
        cx.sleep(PACE).await?;
    }
    Ok(())
}
// end

/// However the task ends, nothing is asked for any more.
fn put_back(report: &mut Report, _end: &TaskEnd) {
    report.put_back();
}

/// Asks for one product again, and writes anew what it changes.
#[background(key = id, overlap = reject, on_crash = resume)]
pub async fn ask_again(cx: TaskContext<Report>, id: u32) -> Result<()> {
    use upstream::{Sales, sales::figures::Figures};
    if !cx.cursor()?.unwrap_or(false) {
        let record = cx.wait_for(cx.expect::<Sales>().record(id)).await?;
        let settled = cx.update(|report| report.settle_again(id, Figures::came(record)));
        settled.checkpoint(true).await?;
    }
    while cx.update(|report| report.write_on()).await? {
        cx.sleep(PACE).await?;
    }
    Ok(())
}

/// Drops the report, and what is under way of it.
#[event]
pub async fn clear(cx: EventContext<Report>) -> Result<()> {
    cx.cancel(make_report, "").await;
    cx.update(|report| report.clear()).await?;
    Ok(())
}
