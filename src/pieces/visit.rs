//! Whether a browser is here for the first time.

use leptos::prelude::*;

/// What the browser keeps from its first visit on.
const MARK: &str = "undercurrent.was-here";

/// True once a browser, and only where motion is allowed. A browser that keeps nothing is asked no
/// more: for it no visit is the first. Ask in an effect: the server does not know.
pub fn is_first_visit() -> bool {
    let is_still = window()
        .match_media("(prefers-reduced-motion: reduce)")
        .ok()
        .flatten()
        .is_none_or(|query| query.matches());
    let Some(storage) = window().local_storage().ok().flatten() else {
        return false;
    };
    let is_new = storage.get_item(MARK).ok().flatten().is_none();
    is_new && storage.set_item(MARK, "1").is_ok() && !is_still
}
