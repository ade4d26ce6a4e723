//! The focus, over a move of rows: a node that is taken out and put in elsewhere loses it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{FocusOptions, HtmlElement};

/// Moves nodes. What had the focus before has it after, if it is still in the page.
pub(crate) fn keep_focus(moves: impl FnOnce()) {
    let before = document().active_element();
    moves();
    let lost = before.filter(|before| {
        before.is_connected() && document().active_element().as_ref() != Some(before)
    });
    if let Some(lost) = lost.and_then(|lost| lost.dyn_into::<HtmlElement>().ok()) {
        // Where it stands is no news: the page scrolls nowhere.
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = lost.focus_with_options(&options);
    }
}
