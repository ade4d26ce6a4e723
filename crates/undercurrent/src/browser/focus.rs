//! The focus, over what a view does with the node that has it: a move, a removal, a swap.

use super::{Hub, with_hub};
use leptos::prelude::*;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{
    Element, FocusOptions, HtmlElement, MutationObserver, MutationRecord, Node, NodeList, js_sys,
};

/// What can have the focus.
const FOCUSABLE: &str = "a[href], button:not(:disabled), input:not(:disabled):not([type=hidden]), \
                         select:not(:disabled), textarea:not(:disabled), summary, \
                         [tabindex]:not([tabindex='-1'])";

/// What has a heading of its own: the focus stays in it.
const PART: &str = "section, article, details, dialog, main, body";

/// The page's focus, remembered: a node that is taken out of the page loses it without a word.
#[derive(Default)]
pub(super) struct Focus {
    has_it: RefCell<Option<HtmlElement>>,
}

/// Moves nodes. What had the focus before has it after, if it is still in the page.
pub(crate) fn keep_focus(moves: impl FnOnce()) {
    let before = document().active_element();
    moves();
    let lost = before.filter(|before| {
        before.is_connected() && document().active_element().as_ref() != Some(before)
    });
    if let Some(lost) = lost.and_then(|lost| lost.dyn_into::<HtmlElement>().ok()) {
        give(&lost);
    }
}

/// From now on the focus is handed over when the node that has it goes: to what took its place, to
/// the next row, to a heading.
pub(super) fn hand_over() {
    // All of it for the life of the page.
    window_event_listener_untyped("focusin", |event| {
        let has_it = event.target().and_then(|target| target.dyn_into().ok());
        with_hub(|hub| *hub.focus.has_it.borrow_mut() = has_it);
    });
    window_event_listener_untyped("focusout", |_| {
        // Who clicks beside everything wants it nowhere. That a node goes is known a moment later.
        leptos::task::spawn_local(async { with_hub(given_up) });
    });
    let changed = Closure::<dyn Fn(js_sys::Array)>::new(|records| {
        with_hub(|hub| nodes_changed(hub, &records));
    });
    let options = web_sys::MutationObserverInit::new();
    options.set_child_list(true);
    options.set_subtree(true);
    let body = document().body();
    if let (Ok(observer), Some(body)) = (
        MutationObserver::new(changed.as_ref().unchecked_ref()),
        body,
    ) {
        let _ = observer.observe_with_options(&body, &options);
    }
    changed.forget();
}

fn given_up(hub: &Rc<Hub>) {
    let mut has_it = hub.focus.has_it.borrow_mut();
    let is_lost = |node: &HtmlElement| node.is_connected() && active().as_ref() != Some(node);
    if has_it.as_ref().is_some_and(is_lost) {
        *has_it = None;
    }
}

fn nodes_changed(hub: &Rc<Hub>, records: &js_sys::Array) {
    // Nearly always it ends here.
    let is_here = |node: &HtmlElement| node.is_connected();
    if hub.focus.has_it.borrow().as_ref().is_none_or(is_here) {
        return;
    }
    let Some(lost) = hub.focus.has_it.borrow_mut().take() else {
        return;
    };
    let place = Place::of(&lost, records);
    leptos::task::spawn_local(async move {
        // What takes its place may come by another effect.
        leptos::task::tick().await;
        let is_nowhere = active() == document().body();
        if is_nowhere && let Some(next) = place.and_then(|place| place.next()) {
            give(&next);
        }
    });
}

/// What has the focus; the body, if nothing has.
fn active() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

fn give(element: &HtmlElement) {
    // Where it stands is no news: the page scrolls nowhere.
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = element.focus_with_options(&options);
}

/// Where a node stood: in what, and behind what.
struct Place {
    within: Element,
    behind: Option<Node>,
}

impl Place {
    fn of(lost: &HtmlElement, records: &js_sys::Array) -> Option<Self> {
        let records = || {
            records
                .iter()
                .filter_map(|record| record.dyn_into::<MutationRecord>().ok())
        };
        let mut node: Node = lost.clone().into();
        // It may have gone with what was around it, and that with what was around it.
        loop {
            let has_it = |record: &MutationRecord| {
                let mut removed = nodes(record.removed_nodes());
                removed.any(|removed| removed.contains(Some(&node)))
            };
            let record = records().find(has_it)?;
            let target = record.target()?;
            if target.is_connected() {
                // What takes its place may have come before it, or behind it.
                let is_new = |node: &Node| {
                    records().any(|record| nodes(record.added_nodes()).any(|new| new == *node))
                };
                let mut behind = record.previous_sibling();
                while let Some(node) = behind.take_if(|node| is_new(node)) {
                    behind = node.previous_sibling();
                }
                return Some(Place {
                    within: target.dyn_into().ok()?,
                    behind: behind.filter(|node| node.is_connected()),
                });
            }
            node = target;
        }
    }

    /// What has it next: what stands there now, or the row before, or the heading above.
    fn next(self) -> Option<HtmlElement> {
        if !self.within.is_connected() {
            return heading(None);
        }
        let Place {
            mut within,
            mut behind,
        } = self;
        loop {
            let focusable = all(&within, FOCUSABLE);
            let is_behind = |element: &&HtmlElement| match &behind {
                None => true,
                Some(node) => follows(node, element) && !node.contains(Some(element.as_ref())),
            };
            if let Some(next) = focusable.iter().find(is_behind) {
                return Some(next.clone());
            }
            if let Some(last) = focusable.last() {
                // The row of the last one, from its begin.
                let is_of_its_row = |element: &&HtmlElement| {
                    row_of(&within, element).is_some_and(|row| row.contains(Some(last.as_ref())))
                };
                return focusable.iter().find(is_of_its_row).cloned();
            }
            if within.matches(PART).unwrap_or(true) {
                return heading(Some(&within));
            }
            let parent = within.parent_element()?;
            if parent.matches("main, body").unwrap_or(true) {
                return heading(Some(&within));
            }
            behind = Some(within.into());
            within = parent;
        }
    }
}

fn nodes(list: NodeList) -> impl Iterator<Item = Node> {
    (0..list.length()).filter_map(move |at| list.get(at))
}

/// The child of a list that something stands in.
fn row_of(list: &Element, element: &HtmlElement) -> Option<Element> {
    let mut row: Element = element.clone().into();
    loop {
        let parent = row.parent_element()?;
        if parent == *list {
            return Some(row);
        }
        row = parent;
    }
}

/// The last heading above an element, or the first of the page.
fn heading(of: Option<&Element>) -> Option<HtmlElement> {
    let headings = all(document().body()?.as_ref(), "h1, h2, h3");
    let is_above = |heading: &&HtmlElement| {
        of.is_some_and(|of| follows(heading, of) || of.contains(Some(heading.as_ref())))
    };
    let heading = headings.iter().rev().find(is_above).or(headings.first())?;
    let _ = heading.set_attribute("tabindex", "-1");
    Some(heading.clone())
}

fn follows(node: &Node, other: &Node) -> bool {
    node.compare_document_position(other) & Node::DOCUMENT_POSITION_FOLLOWING != 0
}

/// Those that can be seen.
fn all(within: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = within.query_selector_all(selector) else {
        return Vec::new();
    };
    let found = nodes(found).filter_map(|node| node.dyn_into::<HtmlElement>().ok());
    found.filter(|element| element.offset_width() > 0).collect()
}
