//! The browser's side: the stream that feeds the replicas, and the outbox for events.

mod boxes;
mod effects;
mod faults;
mod focus;
mod leader;
mod lock;
mod neighbours;
mod outbox;
mod reload;
mod stream;
mod tab;

pub(crate) use self::{
    boxes::{arrange_box, measure_box},
    focus::keep_focus,
    leader::stand,
};
use self::{
    effects::Done, faults::Slow, focus::Focus, neighbours::Neighbours, outbox::Outbox,
    stream::Stream, tab::Tab,
};
use crate::{
    core::{
        connection::{self, Input},
        scope::ScopeName,
    },
    page::{Link, Replicas, SESSION},
};
use leptos::prelude::*;
use std::{cell::OnceCell, rc::Rc, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::{
    Event, FormData, HtmlFormElement, HtmlInputElement, SubmitEvent,
    js_sys::{self, Reflect},
};

/// This is the program of a page.
pub(crate) const IS_HERE: bool = true;

/// Tests and stylesheets can tell by it a page that answers from one that is only painted.
const ALIVE: &str = "data-hydrated";
/// The page has its program, whatever becomes of that: nobody fetches another.
const BEGUN: &str = "data-begun";

/// The one page that this wasm runs in.
struct Hub {
    replicas: Replicas,
    outbox: Outbox,
    stream: Stream,
    slow: Slow,
    effects: Done,
    tab: Tab,
    focus: Focus,
    neighbours: Neighbours,
}

thread_local! {
    // There is one thread in a page; this is its only state outside of leptos.
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

/// Takes the page over: hydrates the app in the body, opens the stream, sends what is clicked.
///
/// Apps export it by [`hydrate!`](crate::hydrate!).
pub fn hydrate<App, V>(app: App)
where
    App: FnOnce() -> V + 'static,
    V: IntoView + 'static,
{
    // Its scripts came twice: they were fetched again while they were on their way.
    let root = document().document_element();
    if root.as_ref().is_some_and(|root| root.has_attribute(BEGUN)) {
        return;
    }
    mark(root.as_ref(), BEGUN);
    std::panic::set_hook(Box::new(stream::report_panic));
    let replicas = Replicas::new(None);
    let hub = Rc::new(Hub {
        outbox: Outbox::new(random_id(), rendered_session()),
        stream: Stream::default(),
        slow: Slow::default(),
        effects: Done::default(),
        tab: Tab::default(),
        focus: Focus::default(),
        neighbours: Neighbours::default(),
        replicas: replicas.clone(),
    });
    HUB.with(|cell| drop(cell.set(hub.clone())));
    leptos::mount::hydrate_body(move || {
        provide_context(replicas);
        app()
    });
    hub.stream.start(&hub);
    focus::hand_over();
    reload::is_alive();
    mark(root.as_ref(), ALIVE);
}

/// The session that the page was rendered for. Empty where the server did not know.
fn rendered_session() -> String {
    let script = document().query_selector(&format!("script[{SESSION}]"));
    let session = script
        .ok()
        .flatten()
        .and_then(|script| script.get_attribute(SESSION));
    session.unwrap_or_default()
}

/// For scripts, stylesheets and tests.
fn mark(root: Option<&web_sys::Element>, what: &str) {
    let _ = root.map(|root| root.set_attribute(what, ""));
}

/// Puts an event into the outbox.
pub(crate) fn send(
    event: (&'static str, u32),
    scope: Option<ScopeName>,
    arguments: serde_json::Result<String>,
) {
    with_hub(|hub| outbox::send(hub, event, scope, arguments));
}

/// A view asked for a state for the first time, or left a scope.
pub(crate) fn follow() {
    with_hub(|hub| hub.stream.follow_more(hub));
}

/// Closes the stream for a while.
pub(crate) fn cut_stream(span: Duration) {
    with_hub(|hub| stream::feed(hub, Input::Cut(span.as_millis() as f64)));
}

/// Holds back whatever comes and goes, or no longer does.
pub(crate) fn slow_network(slow: bool) {
    with_hub(|hub| faults::slow_network(hub, slow));
}

/// Drops the page's copy of its states, and asks for snapshots.
pub(crate) fn drop_copy() {
    with_hub(stream::drop_copy);
}

/// The hidden fields of a form are for pages without JavaScript.
pub(crate) fn form_client() -> String {
    random_id()
}

/// The session that the page shows.
pub(crate) fn form_session() -> String {
    let hub = HUB.with(|cell| cell.get().cloned());
    hub.map_or_else(String::new, |hub| hub.outbox.session())
}

pub(crate) fn form_return_path() -> String {
    let location = window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}

/// What is typed into these controls of a form. They are as they were at first then, as those of a
/// page that was loaded again.
pub(crate) fn take_fields(
    submit: &SubmitEvent,
    names: &[&'static str],
) -> Vec<(&'static str, String)> {
    let form: Option<HtmlFormElement> = submit.target().and_then(|form| form.dyn_into().ok());
    let Some(form) = form else {
        return Vec::new();
    };
    let Ok(data) = FormData::new_with_form(&form) else {
        return Vec::new();
    };
    let typed = |name: &&'static str| match data.get(name).as_string() {
        Some(text) => Some((*name, text)),
        // A box without its tick is not among a form's data.
        None => is_box(&form, name).then(|| (*name, "false".to_owned())),
    };
    let typed = names.iter().filter_map(typed).collect();
    form.reset();
    typed
}

/// What was typed into controls of a form and was refused stands in them again, but where something
/// else was typed meanwhile.
pub(crate) fn put_back(form: &HtmlFormElement, fields: &[(&'static str, String)]) {
    for (name, text) in fields {
        let Some(control) = form.elements().named_item(name) else {
            continue;
        };
        if is_box(form, name) {
            let input: &HtmlInputElement = control.unchecked_ref();
            if input.checked() == input.default_checked() {
                input.set_checked(text != "false");
            }
            continue;
        }
        // Of a list, or of buttons of which one is chosen, nobody tells what it was at first.
        let (first, value) = ("defaultValue".into(), "value".into());
        let first = Reflect::get(&control, &first).unwrap_or_default();
        if first.is_undefined() || Reflect::get(&control, &value) == Ok(first) {
            let _ = Reflect::set(&control, &value, &text.into());
        }
    }
}

/// The button that submits is off: it is there to keep the focus, and does nothing.
pub(crate) fn is_off(submit: &SubmitEvent) -> bool {
    let button = submit.submitter();
    button.is_some_and(|button| button.get_attribute("aria-disabled").as_deref() == Some("true"))
}

fn is_box(form: &HtmlFormElement, name: &str) -> bool {
    let control = form.elements().named_item(name);
    let control = control.and_then(|control| control.dyn_into::<HtmlInputElement>().ok());
    control.is_some_and(|control| control.type_() == "checkbox")
}

/// What stands in the input is not of its kind: a number of which only "1e" is there.
pub(crate) fn is_half_typed(input: &Event) -> bool {
    let input: Option<HtmlInputElement> = input.target().and_then(|input| input.dyn_into().ok());
    input.is_some_and(|input| input.validity().bad_input())
}

fn with_hub(act: impl FnOnce(&Rc<Hub>)) {
    if let Some(hub) = HUB.with(|cell| cell.get().cloned()) {
        act(&hub);
    }
}

impl Hub {
    /// How a scope is called on the wire. `None` while it is not known which tab this is.
    fn written(&self, scope: &ScopeName) -> Option<String> {
        match scope {
            ScopeName::Tab(_) => self
                .tab
                .id()
                .map(|id| ScopeName::Tab(id.into()).to_string()),
            scope => Some(scope.to_string()),
        }
    }

    fn set_link(&self, link: Link) {
        let known = self.replicas.link();
        let before = known.get_untracked();
        if before == Link::Connected && link != Link::Connected {
            self.replicas.events().connection_lost();
            self.outbox.is_told();
        }
        if before != link {
            known.set(link);
        }
    }
}

/// The browser's clock, in milliseconds since 1970.
pub(crate) fn clock_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// Milliseconds on the page's clock.
fn now_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// Sixteen hexadecimal digits. A client's id need not be a secret, only its own.
fn random_id() -> String {
    let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    format!("{:08x}{:08x}", half(), half())
}

/// A span as it is waited for; see [`connection::jittered`].
fn jittered(ms: f64) -> Duration {
    Duration::from_millis(connection::jittered(ms, js_sys::Math::random()) as u64)
}
