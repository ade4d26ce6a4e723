//! The background tasks of the lab.

use super::state::*;
use undercurrent::prelude::*;

/// Adds one at a time.
#[background(overlap = parallel(8))]
pub async fn delayed_increment(cx: TaskContext<Lab>) -> Result<()> {
    let times = cx.update(|lab| lab.begin()).await?;
    for _ in 0..times {
        cx.update(|lab| lab.counter += 1).await?;
        cx.sleep(Millis(5)).await?;
    }
    Ok(())
}

/// Changes nothing itself: starts a task and dispatches an event by turns.
#[background(overlap = parallel(8))]
pub async fn yield_increment(cx: TaskContext<Lab>) -> Result<()> {
    use undercurrent::server::NotStarted;

    let times = cx.update(|lab| lab.begin()).await?;
    for n in 0..times {
        if n % 2 == 0 {
            // Where there is no room for a task it waits for some: none is lost.
            while let Err(why) = cx.start(increment_arbitrary(1)).await {
                match why {
                    NotStarted::Busy | NotStarted::Full => cx.sleep(Millis(5)).await?,
                    _ => return Err(why.into()),
                }
            }
        } else {
            cx.dispatch(increment()).await?;
        }
        cx.sleep(Millis(5)).await?;
    }
    Ok(())
}

/// A thousand events, as fast as there is room for them. None is lost.
#[background]
pub async fn fast_yielding(cx: TaskContext<Lab>) -> Result<()> {
    use undercurrent::UpdateError;

    for _ in 0..1_000 {
        loop {
            match cx.dispatch(increment()).await {
                Err(UpdateError::QueueFull) => cx.sleep(Millis(5)).await?,
                done => break done?,
            }
        }
    }
    Ok(())
}

/// Adds some at once.
#[background(overlap = parallel(16))]
pub async fn increment_arbitrary(cx: TaskContext<Lab>, n: i64) -> Result<()> {
    cx.update(|lab| lab.counter += n).await?;
    Ok(())
}

/// Holds nothing up.
#[background(overlap = parallel(8))]
pub async fn non_blocking_pause(cx: TaskContext<Lab>) -> Result<()> {
    cx.sleep(Millis(20)).await?;
    Ok(())
}

/// Four loops at a time in one task.
#[background(overlap = parallel(8))]
pub async fn racy_increment(cx: TaskContext<Lab>) -> Result<()> {
    cx.for_each(0..4, 4, |cx, _| async move {
        let times = cx.update(|lab| lab.begin()).await?;
        for _ in 0..times {
            cx.update(|lab| lab.counter += 1).await?;
            cx.sleep(Millis(5)).await?;
        }
        Ok::<_, undercurrent::UpdateError>(())
    })
    .await
}

/// An update in an update is refused. It does not compile with `.await`; asked by hand, it is an
/// error at once, where a lock would wait for itself.
#[background]
pub async fn nested_update(cx: TaskContext<Lab>) -> Result<()> {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    use undercurrent::UpdateError;

    let inner = cx
        .update(|lab| {
            lab.counter += 1;
            let inner = pin!(cx.update(|lab| lab.counter += 100).into_future());
            inner.poll(&mut Context::from_waker(Waker::noop()))
        })
        .await?;
    match inner {
        Poll::Ready(Err(UpdateError::Nested)) => Ok(()),
        other => Err(format!("the inner update was not refused: {other:?}").into()),
    }
}

/// Reflex yields while it holds the state. An update is shown when it returns: two show both.
#[background]
pub async fn yield_in_update(cx: TaskContext<Lab>) -> Result<()> {
    cx.update(|lab| lab.counter += 1).await?;
    cx.update(|lab| lab.counter += 1).await?;
    Ok(())
}

/// Has the page lose its stream, and adds one more while it is away.
#[background]
pub async fn disconnect_reconnect(cx: TaskContext<Lab>) -> Result<()> {
    cx.update(|lab| {
        lab.counter += 1;
        lab.cuts += 1;
    })
    .await?;
    cx.sleep(Millis(500)).await?;
    cx.update(|lab| lab.counter += 1).await?;
    Ok(())
}

/// Changes the other state and the first one together. Outside of an update neither has a name,
/// so that nothing is left to refuse at run time.
#[background]
pub async fn increment_from_other_state(cx: TaskContext<LabOther>) -> Result<()> {
    for _ in 0..2 {
        cx.update_both(|other, lab: &mut Lab| {
            other.visits += 1;
            lab.counter += 1;
            lab.triple();
        })
        .await?;
    }
    Ok(())
}
