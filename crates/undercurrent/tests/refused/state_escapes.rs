//! Outside of an update there is no way to name the state.
//~ E0521
use undercurrent::prelude::*;

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    pub posts: List<String>,
}

#[background]
pub async fn fetch(cx: TaskContext<Feed>) -> Result<()> {
    let mut kept: Option<&mut Feed> = None;
    cx.update(|feed| kept = Some(feed)).await?;
    Ok(())
}

fn main() {}
