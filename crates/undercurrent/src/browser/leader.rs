//! Which of a browser's pages leads: the one that holds a lock, of those that are looked at.

use super::lock;
use leptos::{ev, prelude::*};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsValue, prelude::Closure};
use web_sys::{
    AbortController,
    js_sys::{Function, Promise},
};

/// Stands for it while the page is looked at, until the component goes.
pub(crate) fn stand(name: &'static str, leads: RwSignal<bool>) {
    let candidate = StoredValue::new_local(None::<Candidate>);
    let stand = move || match document().hidden() {
        true => {
            candidate.set_value(None);
            leads.set(false);
        }
        false if candidate.with_value(Option::is_none) => {
            let stands = Candidate::new(name, leads);
            // Where there are no locks each page leads.
            leads.set(stands.is_err());
            candidate.set_value(stands.ok());
        }
        false => {}
    };
    stand();
    let listener = window_event_listener(ev::visibilitychange, move |_| stand());
    on_cleanup(move || {
        listener.remove();
        candidate.set_value(None);
    });
}

/// A request for the lock, and then the lock. Dropped, the next page has it.
struct Candidate {
    request: AbortController,
    let_go: LetGo,
}

/// Keeps the promise for which the lock is held, once it is.
type LetGo = Rc<RefCell<Option<Function>>>;

impl Candidate {
    fn new(name: &str, leads: RwSignal<bool>) -> Result<Self, JsValue> {
        let candidate = Candidate {
            request: AbortController::new()?,
            let_go: LetGo::default(),
        };
        let let_go = candidate.let_go.clone();
        let taken = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
            let held = Promise::new(&mut |keep, _| *let_go.borrow_mut() = Some(keep));
            leads.try_set(true);
            held.into()
        });
        let asked = lock::request(name, &candidate.request.signal(), &taken)?;
        // Given up before it was taken: nobody waits to hear it.
        let given_up = Closure::once(|_why: JsValue| {});
        let _ = asked.catch(&given_up);
        // One each time that the page is looked at.
        given_up.forget();
        Ok(candidate)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        match self.let_go.take() {
            Some(let_go) => drop(let_go.call0(&JsValue::UNDEFINED)),
            None => self.request.abort(),
        }
    }
}
