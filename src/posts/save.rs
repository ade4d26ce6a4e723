//! The posts as a file.

use super::state::*;
use undercurrent::prelude::*;

/// Makes a file of the posts that are here, and has the page download it.
#[event]
pub async fn save(cx: EventContext<Posts>) -> Result<()> {
    let products = cx.read(|posts| posts.products()).await?;
    if products.is_empty() {
        cx.page().toast("There are no posts to save yet.").await?;
        return Ok(());
    }
    let text = serde_json::to_string_pretty(&products)?;
    crate::give::give(&cx, "posts.json", text).await?;
    let words = format!("{} posts go into posts.json.", products.len());
    cx.page().toast(words).await?;
    Ok(())
}
