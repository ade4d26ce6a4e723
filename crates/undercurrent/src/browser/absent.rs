//! The browser's side where there is no browser: on the server, in native tests.

use crate::core::scope::ScopeName;

/// This is no page's program.
pub(crate) const IS_HERE: bool = false;

/// Sending from a page needs a page: on the server handlers send through their context.
pub(crate) fn send(
    (event, _schema): (&'static str, u32),
    _scope: Option<ScopeName>,
    _arguments: serde_json::Result<String>,
) {
    #[cfg(feature = "ssr")]
    tracing::warn!(
        event,
        "`.dispatch()` sends from a page; in a handler use `cx.dispatch(…)`"
    );
    #[cfg(not(feature = "ssr"))]
    let _ = event;
}

/// The machine's clock, in milliseconds since 1970.
pub(crate) fn clock_ms() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// There is no stream to follow.
pub(crate) fn follow() {}

/// There is no focus to lose.
pub(crate) fn keep_focus(moves: impl FnOnce()) {
    moves();
}

/// There is one page, and it leads nothing.
pub(crate) fn stand(_name: &'static str, _leads: leptos::prelude::RwSignal<bool>) {}

/// Nobody presses anything.
pub(crate) fn is_off(_submit: &leptos::ev::SubmitEvent) -> bool {
    false
}

/// There is nothing to break.
pub(crate) fn cut_stream(_span: std::time::Duration) {}
pub(crate) fn slow_network(_slow: bool) {}
pub(crate) fn drop_copy() {}

/// An id for a form, unguessable only so far as it must not collide.
pub(crate) fn form_client() -> String {
    #[cfg(feature = "ssr")]
    return crate::server::random_id();
    #[cfg(not(feature = "ssr"))]
    String::new()
}

/// Nothing is laid out.
pub(crate) fn measure_box(_nodes: &crate::page::BoxNodes) -> crate::page::Measures {
    crate::page::Measures::default()
}
pub(crate) fn arrange_box(
    _nodes: &crate::page::BoxNodes,
    _height: f64,
    _above: f64,
    _top: Option<f64>,
) {
}

/// Nobody types into a page that is rendered.
pub(crate) fn take_fields(
    _submit: &leptos::ev::SubmitEvent,
    _names: &[&'static str],
) -> Vec<(&'static str, String)> {
    Vec::new()
}

pub(crate) fn put_back(
    _form: &leptos::web_sys::HtmlFormElement,
    _fields: &[(&'static str, String)],
) {
}

/// Nobody types.
pub(crate) fn is_half_typed(_input: &leptos::ev::Event) -> bool {
    false
}

/// The session that the page shows which is rendered.
pub(crate) fn form_session() -> String {
    #[cfg(feature = "ssr")]
    return crate::server::request_session();
    #[cfg(not(feature = "ssr"))]
    String::new()
}

/// The path of the page that is rendered: a form leads back to it.
pub(crate) fn form_return_path() -> String {
    #[cfg(feature = "ssr")]
    return crate::server::request_path();
    #[cfg(not(feature = "ssr"))]
    String::new()
}
