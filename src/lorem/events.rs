//! What can be done with streams. Pause, resume and cancel are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

/// Streams words into a card, from where it stands to its end. One a card: whatever is clicked,
/// two never write into one.
#[background(key = id, overlap = reject)]
pub async fn stream_text(cx: TaskContext<Lorem>, id: u32) -> Result<()> {
    loop {
        cx.sleep(Millis(500)).await?;
        let words = super::words::three();
        let step = cx.update(|lorem| {
            // A stream that was removed has no more steps.
            let stream = lorem.stream(id).filter(|stream| !stream.is_done())?;
            stream.text.push_str(&words);
            stream.done += 1;
            Some((stream.done, stream.of))
        });
        let Some((done, of)) = step.await? else {
            return Ok(());
        };
        cx.progress(done, of);
        if done == of {
            return Ok(());
        }
    }
}

/// Adds a stream.
#[event]
pub async fn add_stream(cx: EventContext<Lorem>) -> Result<()> {
    let id = cx.try_update(|lorem| lorem.add()).await?;
    cx.dispatch(stream_text(id));
    Ok(())
}

/// Begins a stream anew that has come to its end, with another length.
#[event]
pub async fn restart(cx: EventContext<Lorem>, id: u32) -> Result<()> {
    cx.update(|lorem| {
        if let Some(stream) = lorem.stream(id).filter(|stream| stream.is_done()) {
            *stream = Stream::new(id);
        }
    })
    .await?;
    cx.dispatch(stream_text(id));
    Ok(())
}

// excerpt: remove
/// Removes a stream, and ends its task.
#[event]
pub async fn remove(cx: EventContext<Lorem>, id: u32) -> Result<()> {
    cx.update(|lorem| lorem.remove(id)).await?;
    cx.cancel(stream_text, id).await;
    Ok(())
}
// end
