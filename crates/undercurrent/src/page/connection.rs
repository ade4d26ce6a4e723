//! Whether the page is connected.

use super::replicas::Replicas;
use leptos::prelude::*;

/// How the page is connected to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// What the page shows is current. A lost stream leads to `Reconnecting`.
    #[default]
    Connected,
    /// The stream was lost; the page tries again by itself. Clicks wait.
    Reconnecting,
    /// The browser says that there is no network. Clicks wait.
    Offline,
    /// The server does not take this page any more: its session is gone, or the page and the
    /// server are of different versions. Loading it again helps.
    Outdated,
}

/// The connection of this page, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    link: Signal<Link>,
}

/// Follows the connection.
pub fn use_connection() -> Connection {
    let link = Replicas::current().link().clone();
    Connection {
        link: Signal::derive(move || link.get()),
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
}
