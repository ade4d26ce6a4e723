//! One client for each server. Each does what a page of that server does, and no more.

mod floor;
mod leptos_ws;
mod ops;
mod reflex;
mod replica;
mod undercurrent;

pub use self::{
    floor::Floor,
    leptos_ws::LeptosWs,
    reflex::Reflex,
    undercurrent::{Cookie, Outbox, Undercurrent},
};

use std::{future::Future, io, net::SocketAddr, time::Duration};

/// What the client looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Clicks,
    Posts,
    /// A text and a map of 1,000 entries.
    Board,
}

/// A client of a server that counts clicks.
pub trait Client: Sized + Send + 'static {
    /// Loads the page, opens the stream and waits until it has told the state.
    fn connect(address: SocketAddr, page: Page) -> impl Future<Output = io::Result<Self>> + Send;

    /// Sends so many clicks, each a request of its own, as fast as the protocol lets it, and waits
    /// until the stream has shown the last of them.
    fn clicks(&mut self, count: u64) -> impl Future<Output = io::Result<()>> + Send;

    /// Clicks once: how long until the stream has shown it.
    fn click(&mut self) -> impl Future<Output = io::Result<Duration>> + Send;

    /// Cuts the stream.
    fn cut(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Sends a click that nobody sees, where the protocol lets one without a stream.
    fn click_unseen(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Comes back after a cut and waits until it knows what it missed, or, where nothing can be
    /// sent without a stream, the effect of a click made now.
    fn come_back(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// The stream alone, as an idle page holds it.
    type Stream: Send + 'static;

    fn into_stream(self) -> Self::Stream;

    /// All bytes that the stream brought, as they were on the wire.
    fn bytes_in(&self) -> u64;
}

/// A client of a server whose tasks append posts.
pub trait Reader: Client {
    /// Appends so many posts at once and waits until they are here.
    fn fill(&mut self, posts: u64) -> impl Future<Output = io::Result<()>> + Send;

    /// Starts a task that appends so many posts one by one, with a pause before each, and waits
    /// until all are here.
    fn append(&mut self, posts: u64, pause_ms: u64) -> impl Future<Output = io::Result<()>> + Send;

    /// Starts a task that adds so many words to a text one by one, and waits until all are here.
    fn words(&mut self, words: u64) -> impl Future<Output = io::Result<()>> + Send;

    /// Starts a task that changes so many entries of a map one by one, and waits until the last
    /// is here.
    fn entries(&mut self, entries: u64) -> impl Future<Output = io::Result<()>> + Send;
}

/// A number that no other client of this run has.
fn fresh_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The number that stands behind a text.
pub fn number_after(text: &[u8], before: &str) -> Option<u64> {
    let start = memchr::memmem::rfind(text, before.as_bytes())? + before.len();
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let digits = &text[start..start + digits.count()];
    str::from_utf8(digits).ok()?.parse().ok()
}
