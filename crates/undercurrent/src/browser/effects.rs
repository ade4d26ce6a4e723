//! What handlers ask of this page: go to a path, show a toast, download.

use super::Hub;
use crate::{
    builtin::{Effect, UcEffects},
    core::position::Epoch,
    page::ToastKind,
};
use leptos::prelude::*;
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Up to where this page has done what it was asked, and in which history: each is done once.
#[derive(Default)]
pub(super) struct Done(Cell<(Epoch, u64)>);

/// The state of effects has changed: some may be this page's.
pub(super) fn changed(hub: &Rc<Hub>) {
    let Some((all, position)) = hub.replicas.read::<UcEffects>() else {
        return;
    };
    let (epoch, upto) = hub.effects.0.get();
    let upto = if epoch == position.epoch { upto } else { 0 };
    let own = all
        .effects
        .iter()
        .filter(|asked| asked.client == hub.outbox.client && asked.n > upto);
    let own: Vec<_> = own.cloned().collect();
    let last = own.last().map_or(upto, |asked| asked.n);
    hub.effects.0.set((position.epoch, last));
    for asked in own {
        match asked.effect {
            Effect::Toast(text) => hub.replicas.events().toast(ToastKind::Note, text),
            Effect::Go(path) => follow_link(&path, None),
            Effect::Download(path) => follow_link(&path, Some("")),
        }
    }
}

/// A link that is clicked: the router takes it where it can, the browser where it can't.
fn follow_link(path: &str, download: Option<&str>) {
    let made = document().create_element("a").ok();
    let (Some(link), Some(body)) = (made, document().body()) else {
        return;
    };
    let _ = link.set_attribute("href", path);
    if let Some(name) = download {
        let _ = link.set_attribute("download", name);
    }
    // Outside of the document some browsers don't follow it.
    let _ = body.append_child(&link);
    if let Some(link) = link.dyn_ref::<HtmlElement>() {
        link.click();
    }
    link.remove();
}
