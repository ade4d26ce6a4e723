//! A file for the page that asked, made by a handler.

use crate::files::{File, Files, keep};
use undercurrent::prelude::*;

/// Keeps a file, and has the page download it. `name` is this server's own.
///
/// # Errors
///
/// There was no room, or no page. [`ForVisitor`] where it was gone before it could be fetched.
pub async fn give<S: State>(cx: &EventContext<S>, name: &'static str, text: String) -> Result<()> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let token = format!("{:032x}", u128::from_ne_bytes(bytes));
    let file = File {
        token: token.clone(),
        name: name.to_owned(),
        text,
    };
    let files = cx.process::<Files>();
    files.dispatch(keep(file)).await?;
    // It is kept a moment after it was sent. The page must not come before; and where so many
    // others make files that this one is gone already, it would wait for ever.
    let is_kept = |files: &Files| files.find(&token).map(drop);
    let kept = files.until_within(Millis(2_000), is_kept).await?;
    kept.ok_or(ForVisitor::new(
        "The file could not be made just now. Try again.",
    ))?;
    cx.page().download(format!("/files/{token}")).await?;
    Ok(())
}
