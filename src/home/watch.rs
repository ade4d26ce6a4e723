//! The first page leads to where its task is seen in full.

use crate::posts::state::Posts;
use undercurrent::prelude::*;

/// Leads the page to where the task is seen in full, and starts it.
#[event]
pub async fn watch(cx: EventContext<Posts>) -> Result<()> {
    cx.page().go_to("/posts").await?;
    cx.start(crate::posts::background::get_posts()).await?;
    Ok(())
}
