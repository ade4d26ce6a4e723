//! The page is of another version than the server, or its session is gone: only loading it again
//! helps. It does so itself where nothing would be lost, and not again and again.

use super::Hub;
use crate::page::Link;
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlTextAreaElement, js_sys::Date};

/// When it was last loaded again, in `sessionStorage`.
const NAME: &str = "undercurrent-reloaded";
/// How often it was loaded again for its scripts' sake, by `server/loads_again.js`.
const TRIES: &str = "undercurrent-tries";
/// Milliseconds in which the page is loaded again once at most: what helps at all helps at once.
const AT_MOST_EVERY_MS: f64 = 30_000.0;

pub(super) fn outdated(hub: &Rc<Hub>) {
    hub.set_link(Link::Outdated);
    if hub.outbox.is_empty() && !is_being_written_in() && is_time() {
        let _ = window().location().reload();
    }
}

/// The page has its scripts: the next time that they have gone is the first again.
pub(super) fn is_alive() {
    if let Ok(Some(storage)) = window().session_storage() {
        let _ = storage.remove_item(TRIES);
    }
}

/// Whether long enough has passed since the last time; from now on it has not. Where nothing can
/// be kept it never has: the page would not know of a loop.
fn is_time() -> bool {
    let storage = window().session_storage().ok().flatten();
    let Some(storage) = storage else { return false };
    let last = storage.get_item(NAME).ok().flatten();
    let last = last.and_then(|last| last.parse::<f64>().ok());
    let now = Date::now();
    // A clock that was set back since says little of when that was, but it was no moment ago.
    let is_time = last.is_none_or(|last| (now - last).abs() > AT_MOST_EVERY_MS);
    is_time && storage.set_item(NAME, &now.to_string()).is_ok()
}

/// Somebody has written something that a reload would throw away.
fn is_being_written_in() -> bool {
    let Some(field) = document().active_element() else {
        return false;
    };
    match field.dyn_into::<HtmlInputElement>() {
        Ok(input) => input.value() != input.default_value(),
        Err(other) => other
            .dyn_into::<HtmlTextAreaElement>()
            .is_ok_and(|area| !area.value().is_empty()),
    }
}
