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
}

/// Follows the connection.
pub fn use_connection() -> Connection {
    let replicas = Replicas::current();
    let (link, events) = (replicas.link().clone(), replicas.events().clone());
    Connection {
        link: Signal::derive(move || link.get()),
        waiting: Signal::derive(move || events.sent_since_lost()),
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
        let (span, is_lost) = (span.into(), RwSignal::new(false));
        let is_connected = Memo::new(move |_| self.is_connected());
        // Counts breaks and their ends: a timer of an earlier break means nothing.
        let changes = StoredValue::new(0_u32);
        Effect::new(move |_| {
            let this = changes.get_value().wrapping_add(1);
            changes.set_value(this);
            if is_connected.get() {
                return is_lost.set(false);
            }
            let tell = move || {
                if changes.try_get_value() == Some(this) {
                    is_lost.set(true);
                }
            };
            set_timeout(tell, span);
        });
        is_lost.into()
    }

    /// How many events this page has sent since the connection was lost. They wait.
    pub fn waiting(self) -> usize {
        match self.is_connected() {
            true => 0,
            false => self.waiting.get(),
        }
    }
}
