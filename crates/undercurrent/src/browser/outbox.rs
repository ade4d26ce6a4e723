//! The outbox: events wait in it until the server has taken them. One request is under way at a
//! time, so that fast clicks keep their order; numbers make a repeated one harmless.

use super::{Hub, jittered, now_ms};
use crate::{
    EndKind, Failure, OUTBOX_EVENTS,
    answer::{Answer, Answers, Fate},
    builtin::UcEnds,
    core::position::Epoch,
    page::{Ended, Link, Outgoing},
};
use gloo_net::http::Request;
use leptos::{prelude::*, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

/// The events of this page that the server has not taken yet.
pub(super) struct Outbox {
    pub(super) client: String,
    next_number: Cell<u64>,
    waiting: RefCell<VecDeque<Waiting>>,
    is_sending: Cell<bool>,
    failures_in_a_row: Cell<u32>,
    /// The history in which the last ends were read.
    epoch: Cell<Epoch>,
}

struct Waiting {
    number: u64,
    event: &'static str,
    arguments: String,
}

/// What came of a request.
enum Sent {
    /// The server answered for each event.
    Answered(Vec<Answer>),
    /// The request as a whole is refused, and would be again.
    Refused(EndKind, String),
    /// Nobody knows; the same again, later.
    Unknown,
}

/// Milliseconds before the first new try; each further one waits twice as long, up to the last.
const RETRY_MS: (f64, f64) = (250.0, 2_000.0);
/// The server's bound for one request.
const EVENTS_IN_REQUEST: usize = 100;

impl Outbox {
    pub(super) fn new(client: String) -> Self {
        Outbox {
            client,
            next_number: Cell::new(1),
            waiting: RefCell::default(),
            is_sending: Cell::new(false),
            failures_in_a_row: Cell::new(0),
            epoch: Cell::new(Epoch::NONE),
        }
    }

    fn is_waiting(&self, number: u64) -> bool {
        self.waiting
            .borrow()
            .iter()
            .any(|event| event.number == number)
    }

    /// The same events are the same text each time they are sent.
    fn request(&self) -> String {
        let waiting = self.waiting.borrow();
        let events: Vec<String> = waiting
            .iter()
            .take(EVENTS_IN_REQUEST)
            .map(
                |Waiting {
                     number,
                     event,
                     arguments,
                 }| { format!("[{number},\"{event}\",{arguments}]") },
            )
            .collect();
        format!(
            "{{\"client\":\"{}\",\"events\":[{}]}}",
            self.client,
            events.join(",")
        )
    }
}

pub(super) fn send(hub: &Rc<Hub>, event: &'static str, arguments: String) {
    let outbox = &hub.outbox;
    let number = outbox.next_number.replace(outbox.next_number.get() + 1);
    let outgoing = Outgoing {
        number,
        event: event.to_owned(),
        sent_ms: now_ms(),
    };
    hub.replicas.events().sent(outgoing);
    if outbox.waiting.borrow().len() >= OUTBOX_EVENTS {
        let message = format!("{OUTBOX_EVENTS} clicks wait for the server already.");
        fail(hub, number, event, EndKind::Full, message);
        return;
    }
    outbox.waiting.borrow_mut().push_back(Waiting {
        number,
        event,
        arguments,
    });
    pump(hub);
}

/// Sends what waits, unless a request is under way.
pub(super) fn pump(hub: &Rc<Hub>) {
    let outbox = &hub.outbox;
    if outbox.waiting.borrow().is_empty() || outbox.is_sending.replace(true) {
        return;
    }
    let hub = hub.clone();
    spawn_local(async move {
        let sent = post(hub.outbox.request()).await;
        hub.outbox.is_sending.set(false);
        match sent {
            Sent::Answered(answers) => {
                hub.outbox.failures_in_a_row.set(0);
                answers
                    .into_iter()
                    .for_each(|answer| answered(&hub, answer));
                pump(&hub);
            }
            Sent::Refused(kind, message) => {
                let refused = std::mem::take(&mut *hub.outbox.waiting.borrow_mut());
                for event in refused {
                    fail(&hub, event.number, event.event, kind, message.clone());
                }
                if kind == EndKind::NoSession {
                    hub.set_link(Link::Outdated);
                }
            }
            Sent::Unknown => {
                let failures = hub.outbox.failures_in_a_row.get();
                hub.outbox.failures_in_a_row.set(failures + 1);
                let (first, last) = RETRY_MS;
                let wait = (first * 2f64.powi(failures.min(10) as i32)).min(last);
                set_timeout(move || pump(&hub), jittered(wait));
            }
        }
    });
}

async fn post(body: String) -> Sent {
    let request = Request::post("/api/events")
        .header("content-type", "application/json")
        .body(body);
    let Ok(request) = request else {
        return Sent::Unknown;
    };
    let Ok(response) = request.send().await else {
        return Sent::Unknown;
    };
    match response.status() {
        202 => match response.json::<Answers>().await {
            Ok(answers) => Sent::Answered(answers.events),
            Err(_) => Sent::Unknown,
        },
        401 => Sent::Refused(
            EndKind::NoSession,
            "Your session is gone. Reload the page.".into(),
        ),
        403 | 413 | 415 | 421 | 422 => {
            let message = "The server did not take this. Reload the page.";
            Sent::Refused(EndKind::Misfit, message.into())
        }
        _ => Sent::Unknown,
    }
}

fn answered(hub: &Rc<Hub>, answer: Answer) {
    let outbox = &hub.outbox;
    let place = outbox
        .waiting
        .borrow()
        .iter()
        .position(|event| event.number == answer.n);
    let taken = place.and_then(|place| outbox.waiting.borrow_mut().remove(place));
    let Some(Waiting { number, event, .. }) = taken else {
        return;
    };
    match answer.is {
        // Its end may have come before this answer did.
        Fate::Queued | Fate::Known => ends_changed(hub),
        Fate::Ended => end(hub, |ended| ended == number, &[]),
        Fate::Refused => {
            let kind = answer.kind.unwrap_or(EndKind::Misfit);
            fail(hub, number, event, kind, answer.message);
        }
    }
}

/// The state of ends has changed: some of this page's events may have ended.
pub(super) fn ends_changed(hub: &Rc<Hub>) {
    let Some((ends, position)) = hub.replicas.read::<UcEnds>() else {
        return;
    };
    let outbox = &hub.outbox;
    let epoch_before = outbox.epoch.replace(position.epoch);
    let own = ends
        .clients
        .iter()
        .find(|ends| ends.client == outbox.client)
        .cloned();
    let own = own.unwrap_or_default();
    end(
        hub,
        |number| number <= own.upto && !outbox.is_waiting(number),
        &own.failures,
    );
    if epoch_before != position.epoch && epoch_before != Epoch::NONE {
        // What was taken in another history and has not ended there will not end.
        let lost = hub.replicas.events().outgoing();
        for event in lost.iter().filter(|event| !outbox.is_waiting(event.number)) {
            let message = "The server was started anew before this was done.".to_owned();
            fail(
                hub,
                event.number,
                &event.event,
                EndKind::Interrupted,
                message,
            );
        }
    }
}

fn fail(hub: &Rc<Hub>, number: u64, event: &str, kind: EndKind, message: String) {
    let failure = Failure {
        number,
        event: event.to_owned(),
        kind,
        message,
    };
    end(hub, |ended| ended == number, &[failure]);
}

fn end(hub: &Rc<Hub>, is_ended: impl Fn(u64) -> bool, failures: &[Failure]) {
    let events = hub.replicas.events();
    let ended = events.ended(is_ended, failures);
    for failure in events.unseen(failures) {
        events.failed(failure);
    }
    if ended.is_empty() {
        return;
    }
    let hub = hub.clone();
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
            hub.replicas.events().tell(&event.event, &ended);
        }
    });
}
