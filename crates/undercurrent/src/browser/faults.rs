//! A slow network, on purpose: what comes and what goes is held back for a while, in order.

use super::{Hub, now_ms, stream};
use leptos::prelude::*;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

/// What is held back.
#[derive(Default)]
pub(super) struct Slow {
    is_slow: Cell<bool>,
    arriving: RefCell<VecDeque<Arrival>>,
}

/// A frame that has come and is not heard yet.
struct Arrival {
    due_ms: f64,
    stream: u64,
    data: String,
    id: String,
}

/// Milliseconds that each frame and each request takes longer.
const SLOW_MS: u64 = 1_000;

impl Slow {
    /// How long a request is held back.
    pub(super) fn span(&self) -> Option<Duration> {
        self.is_slow.get().then(|| Duration::from_millis(SLOW_MS))
    }

    /// A stream is gone, and with it what was on its way.
    pub(super) fn forget(&self, stream: u64) {
        let mut arriving = self.arriving.borrow_mut();
        arriving.retain(|arrival| arrival.stream != stream);
    }
}

pub(super) fn slow_network(hub: &Rc<Hub>, slow: bool) {
    hub.slow.is_slow.set(slow);
    let faults = &hub.replicas.inspection().faults;
    faults.update(|faults| faults.slow = slow);
}

/// A frame has come. It is heard now, or behind those that are held back.
pub(super) fn arrived(hub: &Rc<Hub>, stream: u64, data: String, id: String) {
    let slow = &hub.slow;
    if !slow.is_slow.get() && slow.arriving.borrow().is_empty() {
        return stream::heard(hub, stream, &data, &id);
    }
    let wait = slow.span().unwrap_or_default();
    let due_ms = now_ms() + wait.as_millis() as f64;
    let arrival = Arrival {
        due_ms,
        stream,
        data,
        id,
    };
    slow.arriving.borrow_mut().push_back(arrival);
    let hub = hub.clone();
    set_timeout(move || hear_what_is_due(&hub), wait);
}

/// Each frame has a timer of its own, and hears all that is due by then: those before it come
/// first, however the timers come.
fn hear_what_is_due(hub: &Rc<Hub>) {
    let slow = &hub.slow;
    // Timers may come a little early; and what came when it was no longer slow waits only for
    // those before it.
    let now = now_ms() + 5.0;
    loop {
        let next = slow.arriving.borrow_mut().pop_front();
        match next {
            Some(arrival) if arrival.due_ms <= now => {
                stream::heard(hub, arrival.stream, &arrival.data, &arrival.id);
            }
            Some(arrival) => {
                slow.arriving.borrow_mut().push_front(arrival);
                return;
            }
            None => return,
        }
    }
}
