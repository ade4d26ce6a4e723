//! The stream: web-sys' EventSource, opened anew by ourselves. The browser's own retry stops for
//! good at any answer but 200, and goes on from an old URL. When to open one and what to show is
//! decided in [`core::connection`](crate::core::connection), which is fed here.

use super::{Hub, faults, neighbours, now_ms, outbox, reload::outdated};
use crate::{
    EventDef, RetryTask,
    builtin::{UcEnds, UcTasks},
    core::{
        connection::{Action, Connection, Input, Moment, Phase, Stay},
        frame::{ByeReason, Control, Frame, HelloScope, parse_id},
        replica::Verdict,
        scope::ScopeName,
        state::State,
    },
    page::Outgoing,
};
use leptos::{ev, prelude::*, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{
    EventSource, MessageEvent,
    js_sys::{Date, Math, encode_uri_component},
};

/// The stream of this page.
#[derive(Default)]
pub(super) struct Stream {
    connection: RefCell<Connection>,
    /// Those that are open or on their way, by their numbers.
    sources: RefCell<BTreeMap<u64, Source>>,
    /// What the last stream follows; a view that asks for more needs another.
    following: RefCell<Vec<(ScopeName, &'static str)>>,
    /// The scopes by their tags, as the server has told them.
    tags: RefCell<BTreeMap<String, ScopeName>>,
    is_started: Cell<bool>,
    is_follow_planned: Cell<bool>,
    /// Holds the window's listeners.
    listeners: RefCell<Option<Owner>>,
}

/// An EventSource with its handlers. Closed, nothing more comes.
struct Source {
    source: EventSource,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut()>,
}

/// A request that was silent for so many milliseconds when the stream came back is sent again.
const STALLED_MS: f64 = 2_000.0;
/// Milliseconds for which an event that was taken is expected to end soon.
const SOON_MS: f64 = 3_000.0;
/// Between two looks whether the connection has died without a word.
const WATCH_EVERY: Duration = Duration::from_secs(5);

impl Stream {
    /// The page is hydrated: opens the stream, and minds what the browser tells of the network.
    pub(super) fn start(&self, hub: &Rc<Hub>) {
        self.is_started.set(true);
        let start = Input::Start {
            follows: is_following(hub),
            is_hidden: document().hidden(),
        };
        feed(hub, start);
        let owner = Owner::new();
        let told = |hub: &Rc<Hub>, input: Input| {
            let hub = hub.clone();
            move |_: web_sys::Event| feed(&hub, input)
        };
        owner.with(|| {
            window_event_listener(ev::online, told(hub, Input::Online));
            window_event_listener(ev::offline, told(hub, Input::Offline));
            let left = hub.clone();
            window_event_listener(ev::pagehide, move |_| {
                outbox::leave(&left);
                feed(&left, Input::Left);
            });
            let shown = hub.clone();
            window_event_listener(ev::pageshow, move |event| {
                let event = event.unchecked_ref::<web_sys::PageTransitionEvent>();
                if event.persisted() {
                    feed(&shown, Input::Shown);
                }
            });
            let looked_at = hub.clone();
            window_event_listener(ev::visibilitychange, move |_| {
                let input = match document().hidden() {
                    true => Input::Hidden,
                    false => Input::Visible,
                };
                feed(&looked_at, input);
            });
            let told = Rc::downgrade(hub);
            hub.neighbours.listen(move || {
                if let Some(hub) = told.upgrade() {
                    feed(&hub, Input::HeardElsewhere);
                }
            });
            let watched = hub.clone();
            let watch = move || feed(&watched, Input::Tick);
            drop(set_interval_with_handle(watch, WATCH_EVERY));
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
                follows_other(&hub);
            }
        });
    }
}

/// Tells the connection what happens, and does what it says.
pub(super) fn feed(hub: &Rc<Hub>, input: Input) {
    let now = Moment {
        ms: now_ms(),
        wall_ms: Date::now(),
        chance: Math::random(),
        is_online: window().navigator().on_line(),
    };
    // Not borrowed while it is done: what is shown may run effects that cut the stream.
    let actions = hub.stream.connection.borrow_mut().on(input, now);
    actions.into_iter().for_each(|action| act(hub, action));
}

fn act(hub: &Rc<Hub>, action: Action) {
    match action {
        Action::Open { stream, stay } => open(hub, stream, stay),
        Action::Close(stream) => {
            hub.slow.forget(stream);
            let old = hub.stream.sources.borrow_mut().remove(&stream);
            if let Some(old) = old {
                old.close();
                // Its handlers go later: one of them may be running.
                spawn_local(async move { drop(old) });
            }
        }
        Action::Wait(timer, ms) => {
            let hub = hub.clone();
            let fired = move || feed(&hub, Input::Fired(timer));
            set_timeout(fired, Duration::from_millis(ms as u64));
        }
        Action::Show(link) => hub.set_link(link),
        Action::SendAgain => {
            hub.outbox.give_up_after(STALLED_MS);
            outbox::pump(hub);
        }
        Action::ShowCut(cut) => {
            let faults = &hub.replicas.inspection().faults;
            faults.update(|faults| faults.cut = cut);
        }
        Action::GiveUp => outdated(hub),
        Action::SayClosed => {
            let (_, asked) = Asked::of(hub);
            let url = format!("/api/closed?{}", &asked.page(hub)[1..]);
            // Nobody is there any more to whom a failure could be told.
            let _ = window().navigator().send_beacon(&url);
        }
    }
}

fn open(hub: &Rc<Hub>, stream: u64, stay: Stay) {
    let (following, asked) = Asked::of(hub);
    *hub.stream.following.borrow_mut() = following;
    match Source::open(hub, &asked.url(hub, stay), stream) {
        Some(source) => drop(hub.stream.sources.borrow_mut().insert(stream, source)),
        None => feed(hub, Input::Failed(stream)),
    }
}

/// What the page follows is something else than what the stream does.
pub(super) fn follows_other(hub: &Rc<Hub>) {
    feed(hub, Input::Follows(is_following(hub)));
}

/// Whether there is anything to ask for.
fn is_following(hub: &Hub) -> bool {
    let (following, _) = Asked::of(hub);
    let is_following = !following.is_empty();
    *hub.stream.following.borrow_mut() = following;
    is_following
}

/// The stream that is open is of another session than the browser has. One that is on its way, or is
/// waited for, will be of this one.
pub(super) fn is_of_another(hub: &Rc<Hub>) {
    let phase = hub.stream.connection.borrow().phase();
    match phase {
        Phase::Open { .. } => feed(hub, Input::Resync),
        Phase::Waiting { .. } => feed(hub, Input::LookNow),
        Phase::Idle | Phase::Opening { .. } | Phase::Cut { .. } | Phase::GivenUp => {}
    }
}

/// Drops what the page has, and opens a stream that begins with snapshots.
pub(super) fn drop_copy(hub: &Rc<Hub>) {
    hub.replicas.forget();
    feed(hub, Input::Resync);
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

    fn url(&self, hub: &Hub, stay: Stay) -> String {
        let mut url = format!("/api/stream?follow={}", self.follow.join(","));
        url.push_str(match stay {
            Stay::Lasting => "",
            Stay::Brief => "&brief=1",
            Stay::Resting => "&hidden=1",
        });
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

/// An event that was taken a moment ago has not ended yet.
fn awaits_an_end(hub: &Hub) -> bool {
    let since = now_ms() - SOON_MS;
    let outgoing = hub.replicas.events().outgoing();
    let is_awaited = |event: &Outgoing| event.taken.is_some_and(|(_, at)| at > since);
    outgoing.iter().any(is_awaited)
}

/// A stream has said something. One that is being replaced is still heard: what it says twice the
/// replicas drop.
pub(super) fn heard(hub: &Rc<Hub>, stream: u64, data: &str, id: &str) {
    feed(hub, Input::Heard(stream));
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
            session,
            scopes,
        }) => {
            // First: what follows sends what waits.
            hub.outbox.is_told();
            outbox::session_is(hub, session);
            feed(hub, Input::Hello { stream, ping_s });
            // What was taken after the stream was asked for may be of a newer history.
            let asked_ms = hub.stream.connection.borrow().asked_ms();
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
                outbox::is_shut(hub, &scope, &message);
                hub.replicas.refuse(&scope, Some(message));
            }
        }
        Frame::Control(Control::Ahead { tag, state }) => {
            let scope = scope_of_tag(hub, &tag);
            if let Some(replica) = scope.and_then(|scope| hub.replicas.find(&scope, &state)) {
                replica.stands().broke();
            }
        }
        Frame::Control(Control::Ping(_)) => {}
        Frame::Control(Control::Bye { reason, retry_ms }) => {
            let bye = Input::Bye {
                stream,
                reason,
                retry_ms,
                is_end_awaited: reason == ByeReason::Turn && awaits_an_end(hub),
            };
            feed(hub, bye);
        }
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
            let before = replica.stands().resume_from();
            let received = replica.receive(&frame, position);
            if let Ok(verdict) = received {
                let name = format!("{scope}.{}", frame.state);
                hub.replicas.inspection().count(|witness| {
                    witness.begins(&name, before);
                    witness.saw(&name, frame.since, position, verdict);
                });
            }
            if matches!(received, Ok(Verdict::Apply)) && frame.since.is_some() {
                neighbours::tell(hub);
            }
            match received {
                Ok(Verdict::Apply) if frame.state == UcEnds::NAME => {
                    if let Some(epoch) = outbox::ends_changed(hub, &scope) {
                        let asked_ms = hub.stream.connection.borrow().asked_ms();
                        outbox::history_is(hub, &scope, epoch, asked_ms);
                        outbox::pump(hub);
                    }
                }
                Ok(Verdict::Apply) if frame.state == UcTasks::NAME => {
                    hub.replicas.events().forget_busy(&scope, &|name| {
                        let tasks = hub.replicas.read::<UcTasks>(&scope);
                        let runs = |(tasks, _): (UcTasks, _)| {
                            // Which task was to be started again, its failure does not say.
                            let is_retry = name == RetryTask::NAME;
                            let mut runs = tasks.runs.iter().filter(|run| !run.status.is_end());
                            runs.any(|run| is_retry || run.name == name)
                        };
                        tasks.is_some_and(runs)
                    });
                }
                Ok(Verdict::Apply | Verdict::Drop) => {}
                // The replica asks for a snapshot by having no position.
                Ok(Verdict::Resync) => feed(hub, Input::Resync),
                Err(error) => {
                    leptos::logging::warn!("{}: {error}", frame.state);
                    let misfits = match frame.since {
                        Some(_) => Input::ChangeMisfits,
                        None => Input::SnapshotMisfits,
                    };
                    feed(hub, misfits);
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

/// A panic in wasm leaves a dead page. It says so in the console, and on the page.
pub(super) fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    leptos::logging::error!("{panic}");
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-panicked", "");
    }
}

// === impl Source ===

impl Source {
    fn open(hub: &Rc<Hub>, url: &str, stream: u64) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let told = |input: Input| {
            let hub = Rc::downgrade(hub);
            Closure::<dyn FnMut()>::new(move || {
                if let Some(hub) = hub.upgrade() {
                    feed(&hub, input);
                }
            })
        };
        let (open, error) = (told(Input::Opened(stream)), told(Input::Failed(stream)));
        let message = {
            let hub = Rc::downgrade(hub);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                if let (Some(hub), Some(data)) = (hub.upgrade(), event.data().as_string()) {
                    faults::arrived(&hub, stream, data, event.last_event_id());
                }
            })
        };
        source.set_onopen(Some(open.as_ref().unchecked_ref()));
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        source.set_onerror(Some(error.as_ref().unchecked_ref()));
        Some(Source {
            source,
            _open: open,
            _message: message,
            _error: error,
        })
    }

    fn close(&self) {
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
