//! The outbox: events wait in it until the server has taken them. One request is under way at a
//! time, so that fast clicks keep their order; numbers make a repeated one harmless.

use super::{Hub, effects, jittered, now_ms, reload::outdated, stream};
use crate::{
    CancelEvent, EndKind, EventDef, Failure, OUTBOX_EVENTS, WhichEvents,
    answer::{Answer, Answers, Fate},
    builtin::UcEnds,
    core::{
        connection::{Input, backoff},
        position::Epoch,
        scope::ScopeName,
    },
    page::{Ended, Link, Outgoing},
};
use gloo_net::http::Request;
use leptos::{prelude::*, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    iter,
    rc::Rc,
    time::Duration,
};
use web_sys::{AbortController, AbortSignal, Blob, BlobPropertyBag, js_sys::Array};

/// The events of this page that the server has not taken yet.
pub(super) struct Outbox {
    pub(super) client: String,
    next_number: Cell<u64>,
    waiting: RefCell<VecDeque<Waiting>>,
    is_sending: Cell<bool>,
    /// The numbers in the request under way.
    sending: RefCell<Vec<u64>>,
    /// Ends the request under way, and when that was sent.
    under_way: RefCell<Option<(f64, AbortController)>>,
    failures_in_a_row: Cell<u32>,
    /// Events are sent one by one until this many are: among those before it was one that the
    /// server could not take.
    singly: Cell<usize>,
    /// Which session the page shows, as its HTML and then its streams have told it. Empty where
    /// nobody has.
    session: RefCell<String>,
    /// The cookie opens another one. Until a stream tells which.
    is_other: Cell<bool>,
    /// When the server was asked whether it is there, since nobody knows what it has, and was. Until a
    /// stream tells.
    reached_ms: Cell<Option<f64>>,
}

struct Waiting {
    number: u64,
    scope: ScopeName,
    event: &'static str,
    schema: u32,
    arguments: String,
    /// It was sent, and nobody knows what the server did with it.
    may_be_taken: bool,
}

/// What came of a request.
enum Sent {
    /// The server answered for each event.
    Answered(Answers),
    /// The request as a whole is refused, and would be again.
    Refused(EndKind, &'static str),
    /// The browser's cookie opens another session than the page shows. The stream's next words tell
    /// which.
    OtherSession,
    /// Nobody knows; the same again, later.
    Unknown,
}

/// Milliseconds before the first new try; each further one waits twice as long, up to the last.
const RETRY_MS: (f64, f64) = (250.0, 2_000.0);
/// So long a request has to be answered: three times what a server waits for its store by default.
/// A connection can die without a word, and then nobody would ever answer.
const PATIENCE_MS: f64 = 15_000.0;
/// So many milliseconds a server that is there has to open a stream, which tells what it has.
const UNTOLD_MS: u32 = 5_000;
const UNKNOWN: &str =
    "It is not known whether this was done: the server, or your session, has begun anew.";
const NOT_DONE: &str = "Your session has begun anew. What you clicked before was not done.";
/// A request takes no more, unless it is one event. Half of what the server takes by default.
const REQUEST_BYTES: usize = 32 << 10;

impl Outbox {
    /// Nothing would be lost with the page.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    pub(super) fn new(client: String, session: String) -> Self {
        Outbox {
            client,
            next_number: Cell::new(1),
            waiting: RefCell::default(),
            is_sending: Cell::new(false),
            under_way: RefCell::default(),
            failures_in_a_row: Cell::new(0),
            singly: Cell::new(0),
            session: RefCell::new(session),
            is_other: Cell::new(false),
            sending: RefCell::default(),
            reached_ms: Cell::new(None),
        }
    }

    /// Ends the request under way if it was sent so long ago. Its numbers make it harmless to send
    /// it again.
    pub(super) fn give_up_after(&self, ms: f64) {
        if let Some((sent_ms, request)) = &*self.under_way.borrow()
            && now_ms() - sent_ms >= ms
        {
            request.abort();
        }
    }

    /// The next request, and the numbers of the events in it. The same events are the same text each
    /// time they are sent. `None` while it is not known where they go.
    fn request(&self, hub: &Hub) -> Option<(String, Vec<u64>)> {
        let waiting = self.waiting.borrow();
        let scope = &waiting.front()?.scope;
        let mut events = waiting.iter().take_while(|event| event.scope == *scope);
        self.written(hub, scope, &mut events)
    }

    /// Events of one scope as a request, and the numbers of those that are in it.
    fn written(
        &self,
        hub: &Hub,
        scope: &ScopeName,
        events: &mut dyn Iterator<Item = &Waiting>,
    ) -> Option<(String, Vec<u64>)> {
        let mut body = format!("{{\"client\":\"{}\",", self.client);
        let session = self.session.borrow();
        if !session.is_empty() {
            body.push_str(&format!("\"session\":\"{session}\","));
        }
        if *scope != ScopeName::Session {
            let scope = serde_json::to_string(&hub.written(scope)?).ok()?;
            body.push_str(&format!("\"scope\":{scope},"));
        }
        body.push_str("\"events\":[");
        let mut numbers = Vec::new();
        for Waiting {
            number,
            event,
            schema,
            arguments,
            ..
        } in events
        {
            let is_enough = body.len() + arguments.len() > REQUEST_BYTES || self.singly.get() > 0;
            if !numbers.is_empty() && is_enough {
                break;
            }
            let comma = if numbers.is_empty() { "" } else { "," };
            body.push_str(&format!(
                "{comma}[{number},\"{event}!{schema:08x}\",{arguments}]"
            ));
            numbers.push(*number);
        }
        body.push_str("]}");
        Some((body, numbers))
    }

    /// The session that the page shows.
    pub(super) fn session(&self) -> String {
        self.session.borrow().clone()
    }

    /// Nobody knows what the server did with these.
    fn may_be_taken(&self, numbers: &[u64]) {
        let mut waiting = self.waiting.borrow_mut();
        let sent = waiting
            .iter_mut()
            .filter(|event| numbers.contains(&event.number));
        sent.for_each(|event| event.may_be_taken = true);
    }

    /// It waits, and no server has it.
    fn is_untaken(&self, number: u64) -> bool {
        let waiting = self.waiting.borrow();
        let mut untaken = waiting.iter().filter(|event| !event.may_be_taken);
        !self.sending.borrow().contains(&number) && untaken.any(|event| event.number == number)
    }

    /// A stream has told what the server has.
    pub(super) fn is_told(&self) {
        self.reached_ms.set(None);
    }

    /// It waits no longer.
    fn take(&self, number: u64) -> Option<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let place = waiting.iter().position(|event| event.number == number)?;
        waiting.remove(place)
    }
}

pub(super) fn send(
    hub: &Rc<Hub>,
    event: (&'static str, u32),
    scope: Option<ScopeName>,
    arguments: serde_json::Result<String>,
) {
    put(hub, event, scope, arguments);
    pump(hub);
}

/// Behind what waits.
fn put(
    hub: &Rc<Hub>,
    (event, schema): (&'static str, u32),
    scope: Option<ScopeName>,
    arguments: serde_json::Result<String>,
) {
    let Some(scope) = scope else {
        // Whoever wrote the page reads this; nobody who only uses it can do a thing about it.
        leptos::logging::error!("{event} was sent from outside of the scope that it is for");
        return;
    };
    hub.replicas.hold_ends(&scope);
    let outbox = &hub.outbox;
    let number = outbox.next_number.replace(outbox.next_number.get() + 1);
    let outgoing = Outgoing {
        number,
        scope: scope.clone(),
        event,
        schema,
        arguments: arguments
            .as_ref()
            .map_or_else(|_| String::new(), String::clone),
        sent_ms: now_ms(),
        taken: None,
        is_cancelled: false,
    };
    hub.replicas.events().sent(outgoing);
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            let message = format!("This can't be sent: {error}.");
            return fail(hub, number, &scope, event, EndKind::Misfit, message);
        }
    };
    if outbox.waiting.borrow().len() >= OUTBOX_EVENTS {
        let message = format!("{OUTBOX_EVENTS} clicks wait for the server already.");
        fail(hub, number, &scope, event, EndKind::Full, message);
        return;
    }
    if event == CancelEvent::NAME {
        hub.replicas.events().cancelled(&scope, &arguments);
    }
    outbox.waiting.borrow_mut().push_back(Waiting {
        number,
        scope,
        event,
        schema,
        arguments,
        may_be_taken: false,
    });
}

/// Sends what waits, unless a request is under way. Where the connection was lost, and the server
/// may have forgotten what it took before, that is known first: the stream's first words tell. A
/// request without events finds out when the server is there; where it opens no stream then, nobody
/// will tell, and what waits is sent all the same.
pub(super) fn pump(hub: &Rc<Hub>) {
    let outbox = &hub.outbox;
    if outbox.is_sending.get() || outbox.is_empty() {
        return;
    }
    let is_in_doubt = is_in_doubt(hub);
    let next = match outbox.reached_ms.get() {
        None if is_in_doubt => outbox.written(hub, &ScopeName::Session, &mut iter::empty()),
        Some(at) if is_in_doubt && now_ms() - at < f64::from(UNTOLD_MS) => None,
        _ => outbox.request(hub),
    };
    let Some((body, numbers)) = next else {
        return;
    };
    outbox.is_sending.set(true);
    let hub = hub.clone();
    match hub.slow.span() {
        None => request(hub, body, numbers),
        Some(span) => set_timeout(move || request(hub, body, numbers), span),
    }
}

/// Whether the server still has what it took, or which session the browser has, the stream's next
/// words tell.
fn is_in_doubt(hub: &Hub) -> bool {
    let link = hub.replicas.link().get_untracked();
    let is_lost = matches!(link, Link::Reconnecting | Link::Offline);
    hub.outbox.is_other.get() || is_lost && hub.replicas.events().is_in_doubt()
}

/// The page goes, and with it a request under way: the browser sends what waits without it, in one
/// request for each scope, since two of one scope might change places. What the server has by then
/// it knows by its numbers.
pub(super) fn leave(hub: &Hub) {
    let waiting = hub.outbox.waiting.borrow();
    let kind = BlobPropertyBag::new();
    kind.set_type("application/json");
    for (at, Waiting { scope, .. }) in waiting.iter().enumerate() {
        let is_of_it = |event: &&Waiting| event.scope == *scope;
        if waiting.iter().position(|event| is_of_it(&event)) != Some(at) {
            continue;
        }
        let mut events = waiting.iter().filter(is_of_it);
        let Some((body, _)) = hub.outbox.written(hub, scope, &mut events) else {
            continue;
        };
        let parts = Array::of1(&body.into());
        if let Ok(body) = Blob::new_with_str_sequence_and_options(&parts, &kind) {
            let navigator = window().navigator();
            // Nobody is there any more to whom a failure could be told.
            let _ = navigator.send_beacon_with_opt_blob("/api/events", Some(&body));
        }
    }
    drop(waiting);
    // Should the page come back from where a browser keeps such.
    let mut waiting = hub.outbox.waiting.borrow_mut();
    waiting
        .iter_mut()
        .for_each(|event| event.may_be_taken = true);
}

fn request(hub: Rc<Hub>, body: String, numbers: Vec<u64>) {
    spawn_local(async move {
        let outbox = &hub.outbox;
        let count = numbers.len();
        let session = outbox.session();
        outbox.sending.replace(numbers.clone());
        let sent = post(&hub, body).await;
        outbox.sending.take();
        outbox.is_sending.set(false);
        // What is refused is answered, too.
        if !matches!(sent, Sent::Unknown) {
            hub.replicas.events().hold(false);
            if numbers.is_empty() && is_in_doubt(&hub) {
                is_reached(&hub);
            }
        }
        match sent {
            Sent::Answered(answers) => {
                outbox.singly.set(outbox.singly.get().saturating_sub(count));
                let epoch = answers.epoch.parse().unwrap_or(Epoch::NONE);
                answers
                    .events
                    .into_iter()
                    .for_each(|answer| answered(&hub, answer, epoch));
                stream::feed(&hub, Input::LookNow);
                let next = outbox.waiting.borrow().front().map(|next| next.number);
                if next.is_some_and(|next| numbers.contains(&next)) {
                    // Nothing was said of it. Asked again at once, that might go on for ever.
                    return later(&hub);
                }
                outbox.failures_in_a_row.set(0);
                pump(&hub);
            }
            // One of them may be too much; each is sent alone.
            Sent::Refused(EndKind::Misfit, _) if count > 1 => {
                outbox.singly.set(count);
                pump(&hub);
            }
            Sent::Refused(kind, why) => {
                outbox.singly.set(outbox.singly.get().saturating_sub(count));
                for event in numbers.into_iter().filter_map(|number| outbox.take(number)) {
                    fail(
                        &hub,
                        event.number,
                        &event.scope,
                        event.event,
                        kind,
                        why.to_owned(),
                    );
                }
                match kind {
                    EndKind::NoSession if count == 0 => outdated(&hub),
                    // Loaded again at once, the page would say nothing of what was not done.
                    EndKind::NoSession => hub.set_link(Link::Outdated),
                    _ => {}
                }
                pump(&hub);
            }
            // A stream has told of another one meanwhile.
            Sent::OtherSession if session != outbox.session() => pump(&hub),
            Sent::OtherSession if hub.replicas.link().get_untracked() == Link::Outdated => {
                // No stream will tell any more.
                for number in numbers {
                    cut_off(&hub, number);
                }
                pump(&hub);
            }
            Sent::OtherSession => {
                outbox.is_other.set(true);
                stream::is_of_another(&hub);
                is_reached(&hub);
            }
            Sent::Unknown => {
                outbox.may_be_taken(&numbers);
                outbox.reached_ms.set(None);
                later(&hub);
            }
        }
    });
}

/// The server is there. What a stream tells is waited for, but not for ever.
fn is_reached(hub: &Rc<Hub>) {
    hub.outbox.reached_ms.set(Some(now_ms()));
    let hub = hub.clone();
    let span = Duration::from_millis(u64::from(UNTOLD_MS) + 1);
    set_timeout(move || pump(&hub), span);
}

/// A stream has told which session it is of. Where the page has shown another, what was clicked was
/// meant for that: cookies were cleared, or somebody has logged out in another tab, and somebody else
/// in. It is not done in this one.
pub(super) fn session_is(hub: &Rc<Hub>, session: String) {
    let outbox = &hub.outbox;
    outbox.is_other.set(false);
    // An older server does not say.
    if session.is_empty() {
        return;
    }
    let before = outbox.session.replace(session);
    if before.is_empty() || before == outbox.session() {
        return;
    }
    for event in hub.replicas.events().outgoing() {
        // Who has seen nothing of a session means none: of tabs that were opened at once each got one.
        if !outbox.is_untaken(event.number) || hub.replicas.has_seen(&event.scope) {
            cut_off(hub, event.number);
        }
    }
    is_settled(hub);
    // It is not shown as if it were the other's, until that has come.
    hub.replicas.forget_session();
}

/// Nothing is heard any more of an event of the session that the page has shown.
fn cut_off(hub: &Rc<Hub>, number: u64) {
    let mut outgoing = hub.replicas.events().outgoing().into_iter();
    let (kind, message) = match hub.outbox.is_untaken(number) {
        true => (EndKind::NoSession, NOT_DONE),
        false => (EndKind::Interrupted, UNKNOWN),
    };
    hub.outbox.take(number);
    if let Some(event) = outgoing.find(|event| event.number == number) {
        fail_outgoing(hub, &event, kind, message);
    }
}

/// Where nothing waits any more, the server takes what there is. Tells whether that is so.
fn is_settled(hub: &Hub) -> bool {
    let is_settled = hub.outbox.is_empty();
    if is_settled {
        hub.outbox.failures_in_a_row.set(0);
        hub.replicas.events().hold(false);
    }
    is_settled
}

/// The same again, after a while that is longer each time.
fn later(hub: &Rc<Hub>) {
    if is_settled(hub) {
        return;
    }
    let outbox = &hub.outbox;
    let failures = outbox.failures_in_a_row.get();
    outbox.failures_in_a_row.set(failures + 1);
    // Once is nothing: a connection that was idle may have gone.
    hub.replicas.events().hold(failures > 0);
    let wait = backoff(RETRY_MS, failures);
    let hub = hub.clone();
    set_timeout(move || pump(&hub), jittered(wait));
}

/// Sends a request, which has so long to be answered.
async fn post(hub: &Rc<Hub>, body: String) -> Sent {
    let under_way = &hub.outbox.under_way;
    let controller = AbortController::new().ok();
    let signal = controller.as_ref().map(AbortController::signal);
    *under_way.borrow_mut() = controller.map(|controller| (now_ms(), controller));
    let late = hub.clone();
    let give_up = move || late.outbox.give_up_after(PATIENCE_MS);
    let span = Duration::from_millis(PATIENCE_MS as u64 + 1);
    let timer = set_timeout_with_handle(give_up, span).ok();
    let sent = ask(body, signal.as_ref()).await;
    under_way.borrow_mut().take();
    if let Some(timer) = timer {
        timer.clear();
    }
    sent
}

async fn ask(body: String, signal: Option<&AbortSignal>) -> Sent {
    let request = Request::post("/api/events")
        .header("content-type", "application/json")
        .abort_signal(signal)
        .body(body);
    let Ok(request) = request else {
        return Sent::Unknown;
    };
    let Ok(response) = request.send().await else {
        return Sent::Unknown;
    };
    match response.status() {
        202 => match response.json::<Answers>().await {
            Ok(answers) => Sent::Answered(answers),
            Err(_) => Sent::Unknown,
        },
        409 => Sent::OtherSession,
        401 => Sent::Refused(EndKind::NoSession, "Your session is gone. Reload the page."),
        403 | 413 | 415 | 421 | 422 => Sent::Refused(
            EndKind::Misfit,
            "The server did not take this. Reload the page.",
        ),
        _ => Sent::Unknown,
    }
}

fn answered(hub: &Rc<Hub>, answer: Answer, epoch: Epoch) {
    let Some(Waiting {
        number,
        scope,
        event,
        ..
    }) = hub.outbox.take(answer.n)
    else {
        return;
    };
    match answer.is {
        Fate::Queued | Fate::Known => {
            let taken = Some((epoch, now_ms()));
            hub.replicas.events().taken(number, taken);
            // Its end may have come before this answer did.
            let _ = ends_changed(hub, &scope);
        }
        Fate::Ended => end(hub, &scope, |ended| ended.number == number, &[]),
        Fate::Refused => {
            let kind = answer.kind.unwrap_or(EndKind::Misfit);
            fail(hub, number, &scope, event, kind, answer.message);
            if kind == EndKind::Outdated {
                outdated(hub);
            }
        }
    }
}

/// The state of ends may have changed, and with it some of this page's events may have ended.
/// Returns the history in which the page has it. That may be an older one than the server's: the
/// stream of a scope that has just come into being is behind the answer to its first event.
pub(super) fn ends_changed(hub: &Rc<Hub>, scope: &ScopeName) -> Option<Epoch> {
    let (ends, position) = hub.replicas.read::<UcEnds>(scope)?;
    effects::asked(hub, scope, &ends, position.epoch);
    let client = &hub.outbox.client;
    if let Some(own) = ends.clients.iter().find(|ends| ends.client == *client) {
        let is_here = |event: &Outgoing| {
            event
                .taken
                .is_some_and(|(epoch, _)| epoch.life() == position.epoch.life())
        };
        end(
            hub,
            scope,
            |event| event.scope == *scope && is_here(event) && event.number <= own.upto,
            &own.failures,
        );
    }
    Some(position.epoch)
}

/// The scope's history is this one. What was taken in another, before a moment on the page's clock,
/// and has not ended: of another life it will not end. In another epoch of this life the server has
/// it, unless what it was started with is older: its number tells, so it waits to be sent again.
pub(super) fn history_is(hub: &Rc<Hub>, scope: &ScopeName, epoch: Epoch, before_ms: f64) {
    let is_old = |(taken_in, at): (Epoch, f64)| taken_in != epoch && at < before_ms;
    let (mut again, mut cancels) = (0, Vec::new());
    for event in taken_in(hub, scope) {
        let Some((taken_in, _)) = event.taken.filter(|taken| is_old(*taken)) else {
            continue;
        };
        if taken_in.life() != epoch.life() {
            fail_outgoing(hub, &event, EndKind::Interrupted, UNKNOWN);
            continue;
        }
        if event.is_cancelled {
            // What has forgotten it is not to do it, and what has forgotten the cancel is to hear it.
            fail_outgoing(hub, &event, EndKind::Cancelled, "");
            let which = WhichEvents {
                event: event.event.to_owned(),
                numbers: vec![event.number],
            };
            cancels.push((event.scope, serde_json::to_string(&CancelEvent(which))));
            continue;
        }
        hub.replicas.events().taken(event.number, None);
        let waits = Waiting {
            number: event.number,
            scope: event.scope,
            event: event.event,
            schema: event.schema,
            arguments: event.arguments,
            may_be_taken: true,
        };
        // It was clicked before what waits.
        hub.outbox.waiting.borrow_mut().insert(again, waits);
        again += 1;
    }
    // Behind what is sent again, or that would come too late.
    for (scope, arguments) in cancels {
        let cancel = (CancelEvent::NAME, CancelEvent::SCHEMA);
        put(hub, cancel, Some(scope), arguments);
    }
}

/// The scope's rule lets the visitor in no more, and nothing is told of it any more: not how what
/// was taken in it ends, either.
pub(super) fn is_shut(hub: &Rc<Hub>, scope: &ScopeName, why: &str) {
    for event in taken_in(hub, scope) {
        fail_outgoing(hub, &event, EndKind::Barred, why);
    }
}

/// What the server has taken in a scope, and has not ended.
fn taken_in(hub: &Hub, scope: &ScopeName) -> Vec<Outgoing> {
    let mut outgoing = hub.replicas.events().outgoing();
    outgoing.retain(|event| event.scope == *scope && event.taken.is_some());
    outgoing
}

fn fail_outgoing(hub: &Rc<Hub>, event: &Outgoing, kind: EndKind, message: &str) {
    let message = message.to_owned();
    fail(hub, event.number, &event.scope, event.event, kind, message);
}

fn fail(
    hub: &Rc<Hub>,
    number: u64,
    scope: &ScopeName,
    event: &str,
    kind: EndKind,
    message: String,
) {
    let failure = Failure {
        number,
        event: event.to_owned(),
        kind,
        message,
    };
    end(hub, scope, |ended| ended.number == number, &[failure]);
}

fn end(
    hub: &Rc<Hub>,
    scope: &ScopeName,
    is_ended: impl Fn(&Outgoing) -> bool,
    failures: &[Failure],
) {
    let events = hub.replicas.events();
    let ended = events.ended(is_ended, failures);
    for failure in events.unseen(failures) {
        let is_it = |(event, _): &&(Outgoing, EndKind)| {
            event.number == failure.number && event.event == failure.event
        };
        let arguments = ended.iter().find(is_it);
        let arguments = arguments.map_or_else(String::new, |(event, _)| event.arguments.clone());
        events.failed(scope, failure, arguments);
    }
    if ended.is_empty() {
        return;
    }
    let hub = hub.clone();
    let scope = scope.clone();
    spawn_local(async move {
        // The effects that the update's signals have set off run first.
        leptos::task::tick().await;
        let now = now_ms();
        for (event, kind) in ended {
            let elapsed_ms = now - event.sent_ms;
            let ended = Ended {
                number: event.number,
                kind,
                elapsed_ms,
            };
            hub.replicas.events().tell(&scope, event.event, &ended);
        }
        // Perhaps it was kept for them alone.
        hub.stream.follow_more(&hub);
    });
}
