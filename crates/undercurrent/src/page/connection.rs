//! Whether the page is connected.

pub use crate::core::connection::Link;

use super::replicas::Replicas;
use leptos::prelude::*;
use std::time::Duration;

/// The connection of this page, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    link: Signal<Link>,
    waiting: Signal<usize>,
    is_held: Signal<bool>,
}

/// Follows the connection.
pub fn use_connection() -> Connection {
    let replicas = Replicas::current();
    let (link, events) = (replicas.link().clone(), replicas.events().clone());
    let held = events.clone();
    Connection {
        link: Signal::derive(move || link.get()),
        waiting: Signal::derive(move || events.sent_since_lost()),
        is_held: Signal::derive(move || held.are_held()),
    }
}

impl Connection {
    /// How the page is connected.
    pub fn link(self) -> Link {
        self.link.get()
    }

    /// What the page shows is current.
    pub fn is_connected(self) -> bool {
        self.link.get() == Link::Connected
    }

    /// It has not been current for so long. Pages have short breaks that are not worth a word.
    pub fn is_lost_for(self, span: impl Into<Duration>) -> Signal<bool> {
        lasts(move || !self.is_connected(), span.into())
    }

    /// The page is connected, and the server has not taken for so long what the page sends: it can't
    /// store anything, say. What was clicked waits, and is sent again and again.
    pub fn is_held_for(self, span: impl Into<Duration>) -> Signal<bool> {
        lasts(
            move || self.is_connected() && self.is_held.get(),
            span.into(),
        )
    }

    /// How many events this page has sent since the connection was lost, or had not been answered by
    /// then. They wait.
    pub fn waiting(self) -> usize {
        match self.is_connected() {
            true => 0,
            false => self.waiting.get(),
        }
    }
}

/// It is so, and has been for so long.
fn lasts(is_so: impl Fn() -> bool + Send + Sync + 'static, span: Duration) -> Signal<bool> {
    let (is_so, has_lasted) = (Memo::new(move |_| is_so()), RwSignal::new(false));
    // Counts changes: a timer of an earlier one means nothing.
    let changes = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let this = changes.get_value().wrapping_add(1);
        changes.set_value(this);
        if !is_so.get() {
            return has_lasted.set(false);
        }
        let tell = move || {
            if changes.try_get_value() == Some(this) {
                has_lasted.set(true);
            }
        };
        set_timeout(tell, span);
    });
    has_lasted.into()
}
