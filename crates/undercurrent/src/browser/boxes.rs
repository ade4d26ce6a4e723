//! The box of a windowed list, as the browser lays it out.

use crate::page::{BoxNodes, Measures};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Measures the box and its first row.
pub(crate) fn measure_box(nodes: &BoxNodes) -> Measures {
    let row = nodes.block.first_element_child();
    Measures {
        row: row.map_or(0.0, |row| row.get_bounding_client_rect().height()),
        seen: f64::from(nodes.outer.client_height()),
        top: f64::from(nodes.outer.scroll_top()),
    }
}

/// Lays the box out: how high all rows are, how far down those stand that are there, how far it
/// is scrolled. Set as properties: a policy for styles forbids attributes.
pub(crate) fn arrange_box(nodes: &BoxNodes, height: f64, above: f64, top: Option<f64>) {
    let set = |element: &web_sys::Element, name, value: String| {
        if let Some(element) = element.dyn_ref::<HtmlElement>() {
            let _ = element.style().set_property(name, &value);
        }
    };
    // The browser's own way of keeping rows in place would be added to this one.
    set(&nodes.outer, "overflow-anchor", "none".to_owned());
    set(&nodes.inner, "height", format!("{height}px"));
    set(&nodes.block, "transform", format!("translateY({above}px)"));
    if let Some(top) = top {
        nodes.outer.set_scroll_top(top.round() as i32);
    }
}
