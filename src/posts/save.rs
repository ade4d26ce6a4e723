//! The posts as a file.

use super::state::*;
use undercurrent::prelude::*;

/// Makes a file of the posts that are here, and has the page download it.
#[event]
pub async fn save(cx: EventContext<Posts>) -> Result<()> {
    use crate::files::{File, Files, keep};
    let token = || -> Result<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
    };
    let products = cx.read(|posts| posts.products()).await?;
    if products.is_empty() {
        cx.page().toast("There are no posts to save yet.").await?;
        return Ok(());
    }
    let file = File {
        token: token()?,
        name: "posts.json".to_owned(),
        text: serde_json::to_string_pretty(&products)?,
    };
    let (path, token) = (format!("/files/{}", file.token), file.token.clone());
    let files = cx.process::<Files>();
    files.dispatch(keep(file)).await?;
    // It is kept a moment after it was sent. The page must not come before; and where so many
    // others make files that this one is gone already, it would wait for ever.
    let is_kept = |files: &Files| files.find(&token).map(drop);
    let kept = files.until_within(Millis(2_000), is_kept).await?;
    kept.ok_or(ForVisitor::new(
        "The file could not be made just now. Try again.",
    ))?;
    cx.page().download(path).await?;
    let words = format!("{} posts go into posts.json.", products.len());
    cx.page().toast(words).await?;
    Ok(())
}

/// Leads the page to where the task is seen in full, and starts it.
#[event]
pub async fn watch(cx: EventContext<Posts>) -> Result<()> {
    cx.page().go_to("/posts").await?;
    cx.start(super::background::get_posts()).await?;
    Ok(())
}
