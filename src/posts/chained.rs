//! The ten posts by chained events: each step runs in the queue and queues the next. Whatever is
//! clicked meanwhile waits for the running step.

use super::state::*;
use undercurrent::prelude::*;

/// Begins a run; with `both`, one of the background task follows it.
#[event]
pub async fn fetch_chained(cx: EventContext<Posts>, both: bool) -> Result<()> {
    let run = cx
        .try_update(|posts| {
            if posts.chain.is_running() || cx.is_running(super::background::get_posts) {
                return Err(ForVisitor::new("A run is under way already."));
            }
            posts.chained.clear();
            Ok(posts.chain.begin())
        })
        .await?;
    cx.dispatch(step(run, 1, both));
    Ok(())
}

// excerpt: step
/// One step of a run: fetches a post and queues the next step.
#[event]
pub async fn step(cx: EventContext<Posts>, run: u32, id: u32, both: bool) -> Result<()> {
    if !cx.read(|posts| posts.chain.is_at(run)).await? {
        return Ok(());
    }
    let product = cx.expect::<upstream::Upstream>().product(id).await;
    cx.update(|posts| {
        posts.chained.push(Post::of(id, product));
        posts.chain.done = id;
        if id == POSTS {
            posts.chain.end(TaskStatus::Done);
        }
    })
    .await?;
    if id < POSTS {
        cx.dispatch(step(run, id + 1, both));
    } else if both {
        cx.dispatch(super::background::get_posts());
    }
    Ok(())
}
// end

// excerpt: stop
/// Stops the run. It waits in the queue for the running step, like any event.
#[event]
pub fn stop_chained(posts: &mut Posts) {
    posts.chain.end(TaskStatus::Cancelled);
}
// end

/// Fetches one post again, in the queue.
#[event]
pub async fn retry_chained(cx: EventContext<Posts>, id: u32) -> Result<()> {
    let product = cx.expect::<upstream::Upstream>().product(id).await;
    cx.update(|posts| Post::of(id, product).replace_in(&mut posts.chained))
        .await?;
    Ok(())
}

/// Drops the posts. It waits in the queue for the running step, too.
#[event]
pub fn clear_chained(posts: &mut Posts) {
    posts.chained.clear();
}
