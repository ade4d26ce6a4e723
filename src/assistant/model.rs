//! What pages know of the model.

use undercurrent::prelude::*;

/// What all pages know of it.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
pub struct Model {
    /// It is the one that comes with the gallery, and fails when it is asked to.
    pub is_builtin: bool,
}

/// Tells pages, once the server serves.
#[background(overlap = reject)]
pub async fn tell_model(cx: TaskContext<Model>) -> Result<()> {
    let is_builtin = cx.expect::<upstream::Chat>().is_builtin();
    cx.update(|model| model.is_builtin = is_builtin).await?;
    Ok(())
}
