//! The browser's locks, which all pages of a browser share. web-sys has them under an unstable flag
//! only.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortSignal,
    js_sys::{Function, Object, Promise, Reflect},
};

/// `navigator.locks.request(name, { signal }, taken)`. The lock is held until the promise is kept
/// that `taken` returns; what comes back is rejected where the signal came first. An error where
/// there are no locks: on a page without https.
pub(super) fn request(
    name: &str,
    signal: &AbortSignal,
    taken: &JsValue,
) -> Result<Promise, JsValue> {
    let navigator = leptos::prelude::window().navigator();
    let locks = Reflect::get(&navigator, &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    Reflect::set(&options, &"signal".into(), signal)?;
    request
        .call3(&locks, &name.into(), &options, taken)?
        .dyn_into()
}
