//! A client of Undercurrent, written from PROTOCOL.md.

use super::{
    Client, Page, Reader, fresh_number, number_after,
    replica::{Frame, Position, Replica, Taken},
};
use crate::{
    net::{
        Wire,
        events::{Event, EventStream},
        http::{self, request},
    },
    servers::WORD,
};
use memchr::memmem;
use serde_json::Value;
use std::{
    io::{self, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// A session, as a page view gives it out.
#[derive(Clone, Debug)]
pub struct Cookie(pub String);

/// One open page.
#[derive(Debug)]
pub struct Undercurrent {
    outbox: Outbox,
    inbox: Inbox,
}

/// Where events go out: one request under way at a time.
#[derive(Debug)]
pub struct Outbox {
    address: SocketAddr,
    wire: Wire,
    cookie: Cookie,
    client: String,
    number: u64,
    /// The last one, to be sent again if its answer is lost. One that differs in its number alone
    /// is written into it, so that a click is as ready to be sent as those of the other clients.
    request: Vec<u8>,
    /// What it sends, and where its number stands.
    sends: [String; 3],
    number_at: usize,
}

/// The digits of an event's number, padded with blanks, which JSON allows.
const NUMBER_DIGITS: usize = 10;

/// Where changes come in.
#[derive(Debug)]
struct Inbox {
    address: SocketAddr,
    cookie: Cookie,
    stream: EventStream,
    replicas: Vec<Replica>,
}

impl Cookie {
    /// Loads the page.
    pub async fn by_page_view(wire: &mut Wire) -> io::Result<Self> {
        wire.send(&request("GET", "/", &[("accept", "text/html")], ""))
            .await?;
        let (head, page) = http::answer(wire).await?;
        if memmem::find(&page, b"</html>").is_none() {
            return Err(io::Error::other(format!("no page: {head:?}")));
        }
        let cookie = head.cookie.ok_or_else(|| io::Error::other("no cookie"))?;
        Ok(Cookie(cookie))
    }

    /// Opens a stream of one state from its default on, for a reader of its own.
    pub async fn stream(&self, address: SocketAddr, follow: &str) -> io::Result<EventStream> {
        let path = format!("/api/stream?follow={follow}");
        let headers = [("cookie", &*self.0), ("sec-fetch-site", "same-origin")];
        EventStream::open(address, &path, &headers).await
    }
}

impl Outbox {
    pub fn new(address: SocketAddr, wire: Wire, cookie: Cookie) -> Self {
        Outbox {
            address,
            wire,
            cookie,
            client: format!("bench-{}", fresh_number()),
            number: 0,
            request: Vec::new(),
            sends: Default::default(),
            number_at: 0,
        }
    }

    /// The connection, for another session.
    pub fn into_wire(self) -> Wire {
        self.wire
    }

    async fn begin(&mut self, scope: &str, event: &str, arguments: &str) -> io::Result<()> {
        self.number += 1;
        let sends = [scope, event, arguments];
        if self.sends.iter().zip(sends).any(|(last, now)| last != now) {
            self.make_ready(sends);
        }
        let digits = &mut self.request[self.number_at..][..NUMBER_DIGITS];
        write!(&mut *digits, "{:>NUMBER_DIGITS$}", self.number)?;
        // The server closes a connection that has been idle for long.
        if self.wire.send(&self.request).await.is_err() {
            self.again().await?;
        }
        Ok(())
    }

    fn make_ready(&mut self, sends: [&str; 3]) {
        let [scope, event, arguments] = sends;
        let number = " ".repeat(NUMBER_DIGITS);
        let body = format!(
            r#"{{"client":"{}"{scope},"events":[[{number},"{event}",{arguments}]]}}"#,
            self.client
        );
        let headers = [
            ("cookie", &*self.cookie.0),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        self.request = request("POST", "/api/events", &headers, &body);
        let before_number = self.request.len() - body.len();
        self.number_at = before_number + body.find("[[").map_or(0, |at| at + 2);
        self.sends = sends.map(str::to_owned);
    }

    async fn end(&mut self) -> io::Result<()> {
        let answer = match http::answer(&mut self.wire).await {
            Err(_) => {
                self.again().await?;
                http::answer(&mut self.wire).await
            }
            answer => answer,
        };
        let (head, body) = answer?;
        let is = |fate: &[u8]| memmem::find(&body, fate).is_some();
        let is_taken = [
            &br#""is":"queued""#[..],
            br#""is":"ended""#,
            br#""is":"known""#,
        ];
        if head.status == 202 && is_taken.into_iter().any(is) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&body);
        Err(io::Error::other(format!("refused: {} {body}", head.status)))
    }

    /// The same request over another connection: its number makes that harmless.
    async fn again(&mut self) -> io::Result<()> {
        self.wire = Wire::connect(self.address).await?;
        self.wire.send(&self.request).await
    }

    pub async fn send(&mut self, event: &str, arguments: &str) -> io::Result<()> {
        self.begin("", event, arguments).await?;
        self.end().await
    }

    /// Sends an event to another scope than the session.
    pub async fn send_to(&mut self, scope: &str, event: &str, arguments: &str) -> io::Result<()> {
        let scope = format!(r#","scope":"{scope}""#);
        self.begin(&scope, event, arguments).await?;
        self.end().await
    }
}

impl Inbox {
    async fn open(
        address: SocketAddr,
        cookie: Cookie,
        states: &[&'static str],
    ) -> io::Result<Self> {
        let replicas: Vec<Replica> = states.iter().map(|name| Replica::new(name)).collect();
        let stream = cookie.stream(address, &follow(&replicas)).await?;
        let mut inbox = Inbox {
            address,
            cookie,
            stream,
            replicas,
        };
        while inbox.replicas.iter().any(|replica| replica.at.is_none()) {
            inbox.next().await?;
        }
        Ok(inbox)
    }

    /// Opens the stream anew, from where each state stands.
    async fn reopen(&mut self) -> io::Result<()> {
        let follow = follow(&self.replicas);
        self.stream = self.cookie.stream(self.address, &follow).await?;
        Ok(())
    }

    /// Takes the next frame.
    async fn next(&mut self) -> io::Result<()> {
        let event = self.stream.next().await?;
        if take(&mut self.replicas, &event)? == Taken::Gap {
            self.reopen().await?;
        }
        Ok(())
    }

    /// Takes the next frame and leaves it to a look at its text, as the clients of the other
    /// servers do. What goes on from where the page stands is not applied.
    async fn skim(&mut self, look: impl FnOnce(&Event<'_>, &mut Replica)) -> io::Result<()> {
        let event = self.stream.next().await?;
        let mut replicas = self.replicas.iter_mut();
        if let Some(known) = replicas.find_map(|one| one.skip(&event).map(|()| one)) {
            look(&event, known);
            return Ok(());
        }
        if take(&mut self.replicas, &event)? == Taken::Gap {
            self.reopen().await?;
        }
        Ok(())
    }

    /// Until the first state counts so many.
    async fn until_count(&mut self, target: u64) -> io::Result<()> {
        while self.number() < target {
            self.skim(|event, replica| {
                if let Some(count) = number_after(event.data.as_bytes(), r#""count","#) {
                    replica.state["count"] = count.into();
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Until a text comes.
    async fn until_text(&mut self, text: &str) -> io::Result<()> {
        let mut is_there = false;
        while !is_there {
            self.skim(|event, _| {
                is_there = memmem::find(event.data.as_bytes(), text.as_bytes()).is_some();
            })
            .await?;
        }
        Ok(())
    }

    async fn until(&mut self, is: impl Fn(&Value) -> bool) -> io::Result<()> {
        while !is(&self.replicas[0].state) {
            self.next().await?;
        }
        Ok(())
    }

    fn number(&self) -> u64 {
        count_of(&self.replicas[0].state)
    }
}

/// Applies a frame to the state that it is of.
fn take(replicas: &mut [Replica], event: &Event<'_>) -> io::Result<Taken> {
    if !event.data.starts_with('[') {
        if event.data.starts_with(r#"{"bye""#) {
            return Err(io::Error::other(event.data.to_owned()));
        }
        return Ok(Taken::Dropped);
    }
    let frame: Frame<'_> = serde_json::from_str(event.data)?;
    let to: Position = event.id.trim_start_matches("s-").parse()?;
    let replica = replicas.iter_mut().find(|one| one.name == frame.0);
    let replica = replica.ok_or_else(|| io::Error::other("a state nobody follows"))?;
    let taken = replica.take(to, &frame)?;
    if taken == Taken::Gap {
        replica.at = None;
    }
    Ok(taken)
}

/// Each state with its position, as the stream's URL has them.
fn follow(replicas: &[Replica]) -> String {
    let follows = replicas.iter().map(|Replica { name, at, .. }| match at {
        Some(at) => format!("s.{name}@{at}"),
        None => format!("s.{name}"),
    });
    follows.collect::<Vec<_>>().join(",")
}

/// The count of clicks, or the number of posts.
fn count_of(state: &Value) -> u64 {
    let posts = state.get("posts").and_then(Value::as_array);
    let count = state.get("count").and_then(Value::as_u64);
    posts.map_or(count.unwrap_or(0), |posts| posts.len() as u64)
}

impl Undercurrent {
    pub fn cookie(&self) -> &Cookie {
        &self.outbox.cookie
    }

    /// Opens a page that follows these states; the first is the one that is counted.
    pub async fn open(address: SocketAddr, states: &[&'static str]) -> io::Result<Self> {
        let mut wire = Wire::connect(address).await?;
        let cookie = Cookie::by_page_view(&mut wire).await?;
        let inbox = Inbox::open(address, cookie.clone(), states).await?;
        let outbox = Outbox::new(address, wire, cookie);
        Ok(Undercurrent { outbox, inbox })
    }

    /// Sends an event, or starts a task.
    pub async fn send(&mut self, event: &str, arguments: &str) -> io::Result<()> {
        self.outbox.send(event, arguments).await
    }

    /// Waits until the first state has counted so many more.
    pub async fn until_more(&mut self, more: u64) -> io::Result<()> {
        let target = self.inbox.number() + more;
        self.inbox.until(|state| count_of(state) >= target).await
    }

    /// Waits until a text comes in a change, of whatever state.
    pub async fn until_text(&mut self, text: &str) -> io::Result<()> {
        self.inbox.until_text(text).await
    }

    /// Waits until the first state is as wanted.
    pub async fn until(&mut self, is: impl Fn(&Value) -> bool) -> io::Result<()> {
        self.inbox.until(is).await
    }
}

impl Client for Undercurrent {
    async fn connect(address: SocketAddr, page: Page) -> io::Result<Self> {
        // A page that sends events follows their ends, one that has tasks their records.
        let states: &[_] = match page {
            Page::Clicks => &["clicks", "uc_ends"],
            Page::Posts => &["feed", "uc_tasks", "uc_ends"],
            Page::Board => &["board", "uc_tasks", "uc_ends"],
        };
        let mut page = Undercurrent::open(address, states).await?;
        if states[0] == "board" {
            page.send("board/prepare", "{}").await?;
            page.until(|board| board["entries"].get("k999").is_some())
                .await?;
        }
        Ok(page)
    }

    async fn clicks(&mut self, count: u64) -> io::Result<()> {
        let target = self.inbox.number() + count;
        let Undercurrent { outbox, inbox } = self;
        let sent = async {
            for _ in 0..count {
                outbox.send("clicks/click", "{}").await?;
            }
            Ok(())
        };
        tokio::try_join!(sent, inbox.until_count(target))?;
        Ok(())
    }

    async fn click(&mut self) -> io::Result<Duration> {
        let target = self.inbox.number() + 1;
        let start = Instant::now();
        self.outbox.begin("", "clicks/click", "{}").await?;
        let shown = async {
            self.inbox.until_count(target).await?;
            Ok(start.elapsed())
        };
        // The answer is read at the same time: it tells when the connection was closed.
        let (took, ()) = tokio::try_join!(shown, self.outbox.end())?;
        Ok(took)
    }

    async fn cut(&mut self) -> io::Result<()> {
        self.inbox.stream.cut().await
    }

    async fn click_unseen(&mut self) -> io::Result<()> {
        self.outbox.send("clicks/click", "{}").await
    }

    async fn come_back(&mut self) -> io::Result<()> {
        let target = self.inbox.number() + 1;
        self.inbox.reopen().await?;
        self.inbox.until_count(target).await
    }

    type Stream = EventStream;

    fn into_stream(self) -> EventStream {
        self.inbox.stream
    }

    fn bytes_in(&self) -> u64 {
        self.inbox.stream.bytes_in()
    }
}

impl Reader for Undercurrent {
    async fn fill(&mut self, posts: u64) -> io::Result<()> {
        let arguments = format!(r#"{{"posts":{posts}}}"#);
        self.send("feed/fill", &arguments).await?;
        self.until_more(posts).await
    }

    async fn append(&mut self, posts: u64, pause_ms: u64) -> io::Result<()> {
        let arguments = format!(r#"{{"posts":{posts},"pause_ms":{pause_ms}}}"#);
        self.send("feed/append", &arguments).await?;
        self.until_more(posts).await
    }

    async fn words(&mut self, words: u64) -> io::Result<()> {
        let length = |board: &Value| board["text"].as_str().map_or(0, str::len);
        let target = length(&self.inbox.replicas[0].state) + words as usize * WORD.len();
        let arguments = format!(r#"{{"words":{words}}}"#);
        self.send("board/write", &arguments).await?;
        self.until(|board| length(board) >= target).await
    }

    async fn entries(&mut self, entries: u64) -> io::Result<()> {
        let from = self.inbox.replicas[0].state["changes"]
            .as_u64()
            .unwrap_or(0);
        let arguments = format!(r#"{{"entries":{entries}}}"#);
        self.send("board/change_entries", &arguments).await?;
        self.until(|board| board["changes"] == from + entries).await
    }
}
