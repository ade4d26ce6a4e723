//! What handlers ask of this page: go to a path, show a toast, download.

use super::Hub;
use crate::{
    PageEffect,
    builtin::{Effect, UcEnds},
    core::{position::Epoch, scope::ScopeName},
    page::ToastKind,
};
use leptos::prelude::*;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Up to where this page has done what it was asked, by scope, and in which life of it: each is done
/// once.
#[derive(Default)]
pub(super) struct Done(RefCell<BTreeMap<ScopeName, (Epoch, u64)>>);

/// Does what is asked of this page and is new.
pub(super) fn asked(hub: &Rc<Hub>, scope: &ScopeName, ends: &UcEnds, epoch: Epoch) {
    let is_own = |asked: &&PageEffect| asked.client == hub.outbox.client;
    let Some(last) = ends.effects.iter().rev().find(is_own) else {
        return;
    };
    let done = (epoch.life(), last.n);
    let before = hub.effects.0.borrow_mut().insert(scope.clone(), done);
    let upto = match before {
        Some((known, upto)) if known == epoch.life() => upto,
        _ => 0,
    };
    for asked in ends
        .effects
        .iter()
        .filter(is_own)
        .filter(|asked| asked.n > upto)
    {
        match &asked.effect {
            Effect::Toast(text) => hub.replicas.events().toast(ToastKind::Note, text.clone()),
            Effect::Go(path) => follow_link(path, None),
            Effect::Download(path) => follow_link(path, Some("")),
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
