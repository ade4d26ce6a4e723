//! A client of Reflex 0.10.1: Socket.IO over one WebSocket, which brings events and deltas alike.
//! It looks for the numbers it waits for and leaves the rest of a delta unread, which flatters
//! Reflex: a page parses all of it.

use super::{Client, Page, Reader, fresh_number, number_after};
use crate::{net::socket::WebSocket, servers::FIRST_POST};
use bytes::BytesMut;
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// One open page.
#[derive(Debug)]
pub struct Reflex {
    address: SocketAddr,
    token: String,
    socket: WebSocket,
    count: u64,
    posts: u64,
    changes: u64,
}

const COUNT: &str = r#""count_rx_state_":"#;
const CHANGES: &str = r#""changes_rx_state_":"#;
const POST: &str = r#"{"id":"#;

async fn open(address: SocketAddr, token: &str) -> io::Result<WebSocket> {
    let path = format!("/_event/?EIO=4&transport=websocket&token={token}");
    WebSocket::open(address, &path).await
}

impl Reflex {
    /// The greetings of Engine.IO and of Socket.IO, and a click: the first event of a page is
    /// answered with the whole state.
    async fn greet(&mut self) -> io::Result<()> {
        self.next().await?;
        self.socket.send(b"40/_event,").await?;
        self.next().await?;
        self.send("click", "{}").await?;
        self.until_count(self.count + 1).await
    }

    async fn next(&mut self) -> io::Result<BytesMut> {
        let message = self.socket.next().await?;
        // Engine.IO has a ping of its own.
        if &message[..] == b"2" {
            self.socket.send(b"3").await?;
        }
        Ok(message)
    }

    async fn until_count(&mut self, count: u64) -> io::Result<()> {
        while self.count < count {
            let message = self.next().await?;
            self.count = number_after(&message, COUNT).unwrap_or(self.count);
        }
        Ok(())
    }

    async fn until_posts(&mut self, posts: u64) -> io::Result<()> {
        while self.posts < posts {
            let message = self.next().await?;
            let last = number_after(&message, POST);
            self.posts = last.map_or(self.posts, |id| id + 1 - FIRST_POST);
        }
        Ok(())
    }

    /// The board counts its changes.
    async fn until_changed(&mut self, event: &str, argument: &str, changes: u64) -> io::Result<()> {
        let target = self.changes + changes;
        self.send(event, &format!(r#"{{"{argument}":{changes}}}"#))
            .await?;
        while self.changes < target {
            let message = self.next().await?;
            self.changes = number_after(&message, CHANGES).unwrap_or(self.changes);
        }
        Ok(())
    }

    async fn send(&mut self, event: &str, payload: &str) -> io::Result<()> {
        self.socket.send(message(event, payload).as_bytes()).await
    }
}

fn message(event: &str, payload: &str) -> String {
    format!(
        r#"42/_event,["event",{{"name":"reflex___state____state.bench___bench____bench.{event}","payload":{payload},"router_data":{{"pathname":"/","query":{{}},"asPath":"/"}}}}]"#
    )
}

impl Client for Reflex {
    async fn connect(address: SocketAddr, _: Page) -> io::Result<Self> {
        let token = format!("00000000-0000-4000-8000-{:012x}", fresh_number());
        let mut client = Reflex {
            socket: open(address, &token).await?,
            address,
            token,
            count: 0,
            posts: 0,
            changes: 0,
        };
        client.greet().await?;
        Ok(client)
    }

    async fn clicks(&mut self, count: u64) -> io::Result<()> {
        // Nothing in the protocol makes a client wait between two events.
        let message = message("click", "{}");
        self.socket.send_all(message.as_bytes(), count).await?;
        self.until_count(self.count + count).await
    }

    async fn click(&mut self) -> io::Result<Duration> {
        let start = Instant::now();
        self.send("click", "{}").await?;
        self.until_count(self.count + 1).await?;
        Ok(start.elapsed())
    }

    async fn cut(&mut self) -> io::Result<()> {
        self.socket.cut().await
    }

    async fn click_unseen(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn come_back(&mut self) -> io::Result<()> {
        self.socket = open(self.address, &self.token).await?;
        self.greet().await
    }

    type Stream = Self;

    fn into_stream(self) -> Self {
        self
    }

    fn bytes_in(&self) -> u64 {
        self.socket.bytes_in()
    }
}

impl Reader for Reflex {
    async fn fill(&mut self, posts: u64) -> io::Result<()> {
        self.send("fill", &format!(r#"{{"posts":{posts}}}"#))
            .await?;
        self.until_posts(self.posts + posts).await
    }

    async fn append(&mut self, posts: u64, pause_ms: u64) -> io::Result<()> {
        let payload = format!(r#"{{"posts":{posts},"pause_ms":{pause_ms}}}"#);
        self.send("append", &payload).await?;
        self.until_posts(self.posts + posts).await
    }

    async fn words(&mut self, words: u64) -> io::Result<()> {
        self.until_changed("write", "words", words).await
    }

    async fn entries(&mut self, entries: u64) -> io::Result<()> {
        self.until_changed("change_entries", "entries", entries)
            .await
    }
}
