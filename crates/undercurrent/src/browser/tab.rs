//! Which tab this is. The id lies in `sessionStorage`, which a reload keeps and which a duplicated
//! tab gets a copy of; so each tab holds a lock of its id's name, and who finds it taken is another
//! tab, and makes an id of its own.

use super::{Hub, lock, outbox, random_id, stream};
use leptos::prelude::set_timeout;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsValue, prelude::Closure};
use web_sys::{AbortController, Storage, js_sys::Promise};

/// The id of this tab, learned when a state of the tab is first used.
#[derive(Default)]
pub(super) struct Tab {
    id: RefCell<Option<String>>,
    is_asked: Cell<bool>,
}

/// Where the id lies, and what the lock's name begins with.
const NAME: &str = "undercurrent-tab";
/// For the page that was here before a reload to let go of the lock. A duplicated tab waits as long
/// before it knows that it is one.
const LET_GO: Duration = Duration::from_millis(500);

impl Tab {
    /// The id, if it is known. The first time it is asked for, it is found out; then the stream and
    /// the outbox go on.
    pub(super) fn id(&self) -> Option<String> {
        let known = self.id.borrow().clone();
        if known.is_none() && !self.is_asked.replace(true) {
            // Not inside of whoever asks: it may be told at once.
            leptos::task::spawn_local(async { super::with_hub(find_out) });
        }
        known
    }
}

fn find_out(hub: &Rc<Hub>) {
    let storage = leptos::prelude::window().session_storage().ok().flatten();
    let kept = storage
        .as_ref()
        .and_then(|storage| storage.get_item(NAME).ok().flatten());
    let Some(kept) = kept else {
        return found(hub, storage.as_ref(), random_id());
    };
    let hub = hub.clone();
    let name = lock_name(&kept);
    hold(&name, move |is_ours| match is_ours {
        true => is_known(&hub, kept),
        false => found(&hub, storage.as_ref(), random_id()),
    });
}

/// This tab is a new one.
fn found(hub: &Rc<Hub>, storage: Option<&Storage>, id: String) {
    if let Some(storage) = storage {
        // Full or forbidden: then a reload makes another tab of this one, no more.
        let _ = storage.set_item(NAME, &id);
    }
    // Nobody else has it. Held for those who will get a copy.
    hold(&lock_name(&id), |_| {});
    is_known(hub, id);
}

fn is_known(hub: &Rc<Hub>, id: String) {
    *hub.tab.id.borrow_mut() = Some(id);
    stream::follows_other(hub);
    outbox::pump(hub);
}

fn lock_name(id: &str) -> String {
    format!("{NAME}:{id}")
}

/// Takes a lock for as long as the page lives, and tells whether it got it. Where there are no
/// locks, on a page without https, it did.
fn hold(name: &str, then: impl FnOnce(bool) + 'static) {
    let then = Rc::new(Cell::new(Some(then)));
    let tell = move |is_ours| {
        if let Some(then) = then.take() {
            then(is_ours);
        }
    };
    if request(name, tell.clone()).is_err() {
        tell(true);
    }
}

fn request(name: &str, tell: impl FnOnce(bool) + Clone + 'static) -> Result<(), JsValue> {
    let taken = tell.clone();
    let taken = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
        taken(true);
        // It is held until this promise is kept, and it never is.
        Promise::new(&mut |_, _| {}).into()
    });
    // Once it was taken this does nothing.
    let asking = AbortController::new()?;
    let held = lock::request(name, &asking.signal(), &taken)?;
    let refused = Closure::once(move |_why: JsValue| tell(false));
    let _ = held.catch(&refused);
    // One, for the life of the page.
    refused.forget();
    set_timeout(move || asking.abort(), LET_GO);
    Ok(())
}
