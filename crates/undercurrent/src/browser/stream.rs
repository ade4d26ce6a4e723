//! The stream: web-sys' EventSource, opened anew by ourselves. The browser's own retry stops for
//! good at any answer but 200, and goes on from an old URL.

use super::{Hub, faults, jittered, now_ms, outbox, reload::outdated};
use crate::{
    builtin::UcEnds,
    core::{
        frame::{ByeReason, Control, Frame, HelloScope, parse_id},
        replica::Verdict,
        scope::ScopeName,
        state::State,
    },
    page::{Link, Outgoing},
};
use leptos::{ev, prelude::*, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent, js_sys::encode_uri_component};

/// The stream of this page.
#[derive(Default)]
pub(super) struct Stream {
    phase: RefCell<Phase>,
    /// Streams are told apart, so that the last words of an old one are not heard.
    generation: Cell<u64>,
    /// What the open stream follows; a view that asks for more needs another.
    following: RefCell<Vec<(ScopeName, &'static str)>>,
    /// The scopes by their tags, as the server has told them.
    tags: RefCell<BTreeMap<String, ScopeName>>,
    failures_in_a_row: Cell<u32>,
    heard_ms: Cell<f64>,
    asked_ms: Cell<f64>,
    /// Infinite while none is open.
    opened_ms: Cell<f64>,
    ping_ms: Cell<f64>,
    /// Until then it is cut on purpose, on the page's clock.
    cut_until_ms: Cell<f64>,
    is_started: Cell<bool>,
    /// The tab is hidden for long: it says now and then that it is there, and needs no more.
    is_resting: Cell<bool>,
    is_follow_planned: Cell<bool>,
    /// Holds the window's listeners.
    listeners: RefCell<Option<Owner>>,
}

/// Where the stream is.
#[derive(Default)]
enum Phase {
    /// There is none: nothing to follow yet, or the server does not want this page any more.
    #[default]
    Closed,
    /// On its way, or open. An error, a silence or a `bye` leads to `Waiting`.
    Connected {
        _connection: Connection,
        replaced: Option<Box<Phase>>,
    },
    /// It was lost, it is another tab's turn, or the tab is hidden. A timer, a look at the tab, or
    /// an event of its own leads to `Connected`.
    Waiting,
}

/// An EventSource with its handlers. Dropped, it is closed and nothing more comes.
struct Connection {
    source: EventSource,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut()>,
}

/// Milliseconds before the first new try; each further one waits twice as long, up to the last.
/// The last is short: a page is current again five seconds after its server is back.
const RETRY_MS: (f64, f64) = (200.0, 2_000.0);
/// A stream that lived so long was a good one: the next failure begins anew.
const GOOD_AFTER_MS: f64 = 5_000.0;
/// Milliseconds that a tab is hidden before it gives its stream back.
const REST_AFTER_MS: u64 = 30_000;
/// Milliseconds before a stream that did not fit is opened anew.
const RESYNC_MS: u32 = 1_000;
/// A request that was silent for so many milliseconds when the stream came back is sent again.
const STALLED_MS: f64 = 2_000.0;
/// Milliseconds for which an event that was taken is expected to end soon, and between two looks of
/// a tab without a stream of its own until it has.
const SOON_MS: f64 = 3_000.0;
const SOON_RETRY_MS: u32 = 100;
/// How the last words of a stream begin.
const BYE: &str = "{\"bye\"";
/// So many missed pings mean that the connection is dead.
const MISSED_PINGS: f64 = 3.0;

impl Stream {
    /// The page is hydrated: opens the stream, and minds what the browser tells of the network.
    pub(super) fn start(&self, hub: &Rc<Hub>) {
        self.is_started.set(true);
        self.ping_ms.set(15_000.0);
        self.opened_ms.set(f64::INFINITY);
        connect(hub);
        let owner = Owner::new();
        owner.with(|| {
            let online = hub.clone();
            window_event_listener(ev::online, move |_| reconnect_now(&online));
            let offline = hub.clone();
            window_event_listener(ev::offline, move |_| offline.set_link(Link::Offline));
            // A page from the back-forward cache has lost its stream without a word.
            let shown = hub.clone();
            window_event_listener(ev::pageshow, move |event| {
                if event
                    .unchecked_ref::<web_sys::PageTransitionEvent>()
                    .persisted()
                {
                    reconnect_now(&shown);
                }
            });
            let looked_at = hub.clone();
            window_event_listener(ev::visibilitychange, move |_| {
                visibility_changed(&looked_at)
            });
            let left = hub.clone();
            window_event_listener(ev::pagehide, move |_| say_closed(&left));
            let watched = hub.clone();
            drop(set_interval_with_handle(
                move || watch(&watched),
                Duration::from_secs(5),
            ));
        });
        // For as long as the page is.
        *self.listeners.borrow_mut() = Some(owner);
    }

    /// A view follows another state: one more stream, with the longer list, once the components
    /// that are being made have said what they want.
    pub(super) fn follow_more(&self, hub: &Rc<Hub>) {
        if !self.is_started.get() || self.is_follow_planned.replace(true) {
            return;
        }
        let hub = hub.clone();
        spawn_local(async move {
            hub.stream.is_follow_planned.set(false);
            hub.replicas.leave();
            let (wanted, _) = Asked::of(&hub);
            if *hub.stream.following.borrow() != wanted {
                connect(&hub);
            }
        });
    }
}

pub(super) fn connect(hub: &Rc<Hub>) {
    let stream = &hub.stream;
    if now_ms() < stream.cut_until_ms.get() {
        return;
    }
    let (following, asked) = Asked::of(hub);
    *stream.following.borrow_mut() = following;
    if asked.follow.is_empty() {
        return;
    }
    let url = asked.url(hub);
    let generation = stream.generation.get() + 1;
    stream.generation.set(generation);
    stream.heard_ms.set(now_ms());
    stream.asked_ms.set(now_ms());
    match Connection::open(hub, &url, generation) {
        Some(connection) => {
            // The old stream goes on until the new one is open.
            let replaced = match stream.phase.take() {
                phase @ Phase::Connected { .. } => Some(Box::new(phase)),
                Phase::Closed | Phase::Waiting => None,
            };
            *stream.phase.borrow_mut() = Phase::Connected {
                _connection: connection,
                replaced,
            };
        }
        None => lost(hub, None),
    }
}

/// What a stream is asked for.
#[derive(Default)]
struct Asked {
    follow: Vec<String>,
    /// Written names of the scopes beside the session.
    scopes: Vec<String>,
}

impl Asked {
    /// All that the page follows, and the same for the address.
    fn of(hub: &Hub) -> (Vec<(ScopeName, &'static str)>, Self) {
        let (mut following, mut asked) = (Vec::new(), Asked::default());
        for (scope, states) in hub.replicas.followed() {
            let Some(written) = hub.written(&scope) else {
                continue;
            };
            let prefix = match scope {
                ScopeName::Session => "s".to_owned(),
                _ => {
                    asked.scopes.push(written);
                    (asked.scopes.len() - 1).to_string()
                }
            };
            for (name, schema, position) in states {
                let at = position.map_or_else(String::new, |position| format!("@{position}"));
                asked
                    .follow
                    .push(format!("{prefix}.{name}!{schema:08x}{at}"));
                following.push((scope.clone(), name));
            }
        }
        (following, asked)
    }

    fn url(&self, hub: &Hub) -> String {
        let mut url = format!("/api/stream?follow={}", self.follow.join(","));
        if hub.stream.is_resting.get() {
            url.push_str("&hidden=1");
        }
        url + &self.page(hub)
    }

    /// Which page asks, and about which scopes.
    fn page(&self, hub: &Hub) -> String {
        let mut page = format!("&client={}", hub.outbox.client);
        for scope in &self.scopes {
            page.push_str("&scope=");
            page.push_str(&String::from(encode_uri_component(scope)));
        }
        page
    }
}

/// The scope that the server calls so.
fn find_scope(hub: &Hub, written: &str) -> Option<ScopeName> {
    let followed = hub.replicas.followed().into_iter();
    let mut scopes = followed.map(|(scope, _)| scope);
    scopes.find(|scope| hub.written(scope).is_some_and(|known| known == written))
}

fn opened(hub: &Rc<Hub>) {
    hub.stream.opened_ms.set(now_ms());
    let old = match &mut *hub.stream.phase.borrow_mut() {
        Phase::Connected { replaced, .. } => replaced.take(),
        Phase::Closed | Phase::Waiting => None,
    };
    drop(old);
}

/// The stream is lost. The next one comes after a while, longer after each failure.
fn lost(hub: &Rc<Hub>, after_ms: Option<u32>) {
    let stream = &hub.stream;
    // Counted once: while nothing opens, the tries grow further apart.
    let opened_ms = stream.opened_ms.replace(f64::INFINITY);
    if now_ms() - opened_ms > GOOD_AFTER_MS {
        stream.failures_in_a_row.set(0);
    }
    let failures = stream.failures_in_a_row.get();
    stream.failures_in_a_row.set(failures + 1);
    let is_online = window().navigator().on_line();
    hub.set_link(if is_online {
        Link::Reconnecting
    } else {
        Link::Offline
    });
    let (first, last) = RETRY_MS;
    let wait = (first * 2f64.powi(failures.min(10) as i32)).min(last);
    pause(hub, Some((wait as u32).max(after_ms.unwrap_or(0))));
}

/// Closes the stream, for a while or until the page is looked at again.
fn pause(hub: &Rc<Hub>, for_ms: Option<u32>) {
    let stream = &hub.stream;
    // Whatever still comes from the old one is not heard.
    hub.slow.forget();
    let generation = stream.generation.get() + 1;
    stream.generation.set(generation);
    let old = stream.phase.replace(Phase::Waiting);
    // Not inside its own callback.
    spawn_local(async move { drop(old) });
    let Some(for_ms) = for_ms else { return };
    let hub = hub.clone();
    set_timeout(
        move || {
            if hub.stream.generation.get() == generation {
                connect(&hub);
            }
        },
        jittered(f64::from(for_ms)),
    );
}

/// Cuts the stream on purpose. Until the time is over nothing opens another.
pub(super) fn cut(hub: &Rc<Hub>, span: Duration) {
    let stream = &hub.stream;
    let until = now_ms() + span.as_millis() as f64;
    stream.cut_until_ms.set(until);
    pause(hub, None);
    hub.set_link(Link::Reconnecting);
    let set = |hub: &Hub, cut| {
        let faults = &hub.replicas.inspection().faults;
        faults.update(|faults| faults.cut = cut);
    };
    set(hub, true);
    let hub = hub.clone();
    let heal = move || {
        // Cut again meanwhile, the later cut heals.
        if hub.stream.cut_until_ms.get() == until {
            hub.stream.cut_until_ms.set(0.0);
            set(&hub, false);
            reconnect_now(&hub);
        }
    };
    set_timeout(heal, span);
}

/// Drops what the page has, and opens a stream that begins with snapshots.
pub(super) fn drop_copy(hub: &Rc<Hub>) {
    hub.replicas.forget();
    connect(hub);
}

/// A tab that nobody looks at gives its connection back: a browser has six for a host. That it is
/// there it says now and then, by a stream that ends at once.
fn visibility_changed(hub: &Rc<Hub>) {
    if !document().hidden() {
        let was_resting = hub.stream.is_resting.replace(false);
        if was_resting || matches!(*hub.stream.phase.borrow(), Phase::Waiting) {
            reconnect_now(hub);
        }
        return;
    }
    let hub = hub.clone();
    let rest = move || {
        let is_closed = matches!(*hub.stream.phase.borrow(), Phase::Closed);
        if document().hidden() && !is_closed && !hub.stream.is_resting.replace(true) {
            connect(&hub);
        }
    };
    set_timeout(rest, Duration::from_millis(REST_AFTER_MS));
}

/// The page goes. The end of a stream tells that, too, but a page that rests has none.
fn say_closed(hub: &Rc<Hub>) {
    if hub.stream.is_resting.get() {
        let (_, asked) = Asked::of(hub);
        let url = format!("/api/closed?{}", &asked.page(hub)[1..]);
        // Nobody is there any more to whom a failure could be told.
        let _ = window().navigator().send_beacon(&url);
    }
}

/// An event of this page was taken. Where it has no stream of its own, what comes of that is asked
/// for now, and not when it is its turn.
pub(super) fn look_now(hub: &Rc<Hub>) {
    if matches!(*hub.stream.phase.borrow(), Phase::Waiting) {
        connect(hub);
    }
}

/// An event that was taken a moment ago has not ended yet.
fn awaits_an_end(hub: &Hub) -> bool {
    let since = now_ms() - SOON_MS;
    let outgoing = hub.replicas.events().outgoing();
    let is_awaited = |event: &Outgoing| event.taken.is_some_and(|(_, at)| at > since);
    outgoing.iter().any(is_awaited)
}

fn reconnect_now(hub: &Rc<Hub>) {
    hub.stream.failures_in_a_row.set(0);
    drop(hub.stream.phase.take());
    connect(hub);
    // What is under way may be on a connection that is lost.
    hub.outbox.give_up_after(STALLED_MS);
    outbox::pump(hub);
}

/// A connection can die without a word. The server's pings tell.
fn watch(hub: &Rc<Hub>) {
    let is_connected = matches!(*hub.stream.phase.borrow(), Phase::Connected { .. });
    let silence = now_ms() - hub.stream.heard_ms.get();
    if is_connected && silence > MISSED_PINGS * hub.stream.ping_ms.get() {
        lost(hub, None);
    }
}

pub(super) fn heard(hub: &Rc<Hub>, data: &str, id: &str) {
    hub.stream.heard_ms.set(now_ms());
    let frame = match Frame::parse(data) {
        Ok(frame) => frame,
        Err(error) => {
            leptos::logging::warn!("a frame of the stream can't be read: {error}");
            return;
        }
    };
    match frame {
        Frame::Control(Control::Hello {
            ping_s,
            epoch,
            scopes,
        }) => {
            hub.stream.ping_ms.set(f64::from(ping_s) * 1_000.0);
            if hub.replicas.link().get_untracked() != Link::Connected {
                // The server is there again. A request may be on a connection that is not.
                hub.outbox.give_up_after(STALLED_MS);
            }
            hub.set_link(Link::Connected);
            // What was taken after the stream was asked for may be of a newer history.
            let asked_ms = hub.stream.asked_ms.get();
            if let Ok(epoch) = epoch.parse() {
                outbox::history_is(hub, &ScopeName::Session, epoch, asked_ms);
            }
            for HelloScope { scope, tag, epoch } in scopes {
                let Some(scope) = find_scope(hub, &scope) else {
                    continue;
                };
                if let Ok(epoch) = epoch.parse() {
                    outbox::history_is(hub, &scope, epoch, asked_ms);
                }
                hub.replicas.refuse(&scope, None);
                hub.stream.tags.borrow_mut().insert(tag, scope);
            }
            outbox::pump(hub);
        }
        Frame::Control(Control::Refused { scope, message }) => {
            if let Some(scope) = find_scope(hub, &scope) {
                hub.replicas.refuse(&scope, Some(message));
            }
        }
        Frame::Control(Control::Ahead { tag, state }) => {
            let scope = scope_of_tag(hub, &tag);
            if let Some(replica) = scope.and_then(|scope| hub.replicas.find(&scope, &state)) {
                replica.broke();
            }
        }
        Frame::Control(Control::Ping(_)) => {}
        Frame::Control(Control::Bye { reason, retry_ms }) => match reason {
            ByeReason::Turn => {
                let is_soon = awaits_an_end(hub);
                let retry_ms = if is_soon {
                    retry_ms.min(SOON_RETRY_MS)
                } else {
                    retry_ms
                };
                pause(hub, Some(retry_ms));
            }
            ByeReason::Shutdown | ByeReason::Full | ByeReason::Slow => lost(hub, Some(retry_ms)),
            ByeReason::NoSession | ByeReason::UnknownState | ByeReason::Outdated => give_up(hub),
        },
        Frame::State(frame) => {
            let Ok((tag, position)) = parse_id(id) else {
                return;
            };
            let Some(scope) = scope_of_tag(hub, tag) else {
                return;
            };
            let Some(replica) = hub.replicas.find(&scope, &frame.state) else {
                return;
            };
            let before = replica.resume_from();
            let received = replica.receive(&frame, position);
            if let Ok(verdict) = received {
                let name = format!("{scope}.{}", frame.state);
                hub.replicas.inspection().count(|witness| {
                    witness.begins(&name, before);
                    witness.saw(&name, frame.since, position, verdict);
                });
            }
            match received {
                Ok(Verdict::Apply) if frame.state == UcEnds::NAME => {
                    if let Some(epoch) = outbox::ends_changed(hub, &scope) {
                        let asked_ms = hub.stream.asked_ms.get();
                        outbox::history_is(hub, &scope, epoch, asked_ms);
                    }
                }
                Ok(Verdict::Apply | Verdict::Drop) => {}
                // The replica asks for a snapshot by having no position.
                Ok(Verdict::Resync) => connect(hub),
                // A delta that does not fit: a snapshot will. A snapshot that does not: the page
                // and the server are of different versions, and no further one will.
                Err(error) => {
                    leptos::logging::warn!("{}: {error}", frame.state);
                    match frame.since {
                        Some(_) => lost(hub, Some(RESYNC_MS)),
                        None => give_up(hub),
                    }
                }
            }
        }
    }
}

fn scope_of_tag(hub: &Hub, tag: &str) -> Option<ScopeName> {
    match tag {
        "s" => Some(ScopeName::Session),
        tag => hub.stream.tags.borrow().get(tag).cloned(),
    }
}

/// The server does not take this page any more: only loading it again helps.
fn give_up(hub: &Rc<Hub>) {
    hub.stream.generation.set(hub.stream.generation.get() + 1);
    let old = hub.stream.phase.take();
    // Not inside its own callback.
    spawn_local(async move { drop(old) });
    outdated(hub);
}

/// A panic in wasm leaves a dead page. It says so in the console, and on the page.
pub(super) fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    leptos::logging::error!("{panic}");
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-panicked", "");
    }
}

// === impl Connection ===

impl Connection {
    fn open(hub: &Rc<Hub>, url: &str, generation: u64) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let is_heard = {
            let hub = Rc::downgrade(hub);
            move || {
                hub.upgrade()
                    .filter(|hub| hub.stream.generation.get() == generation)
            }
        };
        let open = {
            let is_heard = is_heard.clone();
            Closure::<dyn FnMut()>::new(move || {
                if let Some(hub) = is_heard() {
                    opened(&hub);
                }
            })
        };
        let message = {
            let hub = Rc::downgrade(hub);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                // An old stream that is being replaced is still heard: what it says twice the
                // replicas drop. That it ends is of no concern to the new one.
                if let (Some(hub), Some(data)) = (hub.upgrade(), event.data().as_string()) {
                    let is_old = hub.stream.generation.get() != generation;
                    if !is_old || !data.starts_with(BYE) {
                        faults::arrived(&hub, data, event.last_event_id());
                    }
                }
            })
        };
        let error = Closure::<dyn FnMut()>::new(move || {
            if let Some(hub) = is_heard() {
                lost(&hub, None);
            }
        });
        source.set_onopen(Some(open.as_ref().unchecked_ref()));
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        source.set_onerror(Some(error.as_ref().unchecked_ref()));
        Some(Connection {
            source,
            _open: open,
            _message: message,
            _error: error,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
