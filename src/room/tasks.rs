//! What goes on in a room: lines, votes, the timer.

use super::state::*;
use undercurrent::prelude::*;

/// Says something to all.
#[event]
pub async fn say(cx: EventContext<Room>, text: String) -> Result<()> {
    let by = cx.visitor().id();
    cx.try_update(|room| room.say(&by, &text)).await
}

/// Votes, or takes the vote back.
#[event]
pub async fn vote(cx: EventContext<Room>, choice: u32) -> Result<()> {
    let by = cx.visitor().id();
    cx.try_update(|room| room.vote(&by, choice)).await
}

/// Starts the timer of the room. The one that runs ends.
#[event]
pub async fn set_timer(cx: EventContext<Room>, minutes: u32) -> Result<()> {
    let by = cx.visitor().id();
    cx.try_update(|room| room.timer_of(&by, minutes)).await?;
    cx.dispatch(count_down(minutes));
    Ok(())
}

// excerpt: count_down
/// Counts down, for all who look. A pause and the time in which the server is down do not count.
#[background(overlap = replace, on_crash = resume)]
pub async fn count_down(cx: TaskContext<Room>, minutes: u32) -> Result<()> {
    let by = cx.visitor().id();
    let mut timer = cx.try_update(|room| room.timer_of(&by, minutes)).await?;
    let (mut clock, of_s) = (cx.clock(), timer.of_s);
    for left_s in (0..=cx.cursor()?.unwrap_or(of_s)).rev() {
        timer.left_s = left_s;
        let now = timer.clone();
        cx.update(|room| room.timer = Some(now))
            .checkpoint(left_s)
            .await?;
        cx.progress(of_s - left_s, of_s);
        if left_s > 0 {
            clock.wait(Millis(1_000)).await?;
        }
    }
    Ok(())
}
// end
