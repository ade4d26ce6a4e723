//! A server and its clients over real sockets: with a proxy between that does harm, and for as long
//! as one likes.

#![cfg(feature = "ssr")]

mod faults;
mod proxy;
mod reader;
mod soak;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use self::{
    reader::Reader,
    support::{Served, cookie_of, request},
};
use axum::http::HeaderMap;
use leptos::{config::LeptosOptions, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use undercurrent::{
    Limits,
    prelude::*,
    server::{Counters, ScopeHandle},
};

/// Lines that follow one another: whoever has missed one, or has one twice, shows it.
#[derive(State, Clone, Debug, Default)]
struct Tape {
    lines: List<Line>,
    told: u64,
    pressed: u64,
    /// Grows by letters of several bytes, which a cut may fall into.
    text: Text,
    by_rest: Map<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Line {
    Short(u64),
    Long { number: u64, words: String },
}

const KEPT: usize = 40;
const TEXT: usize = 600;
/// Bytes of a line of which many are told.
const FLOOD: usize = 8 * 1024;

fn tell(tape: &mut Tape) {
    tape.told += 1;
    let number = tape.told;
    tape.lines.push(match number % 3 {
        0 => Line::Long {
            number,
            words: "naïve 🐎 \"quoted\"\n".repeat(number as usize % 7),
        },
        _ => Line::Short(number),
    });
    if tape.lines.len() > KEPT {
        tape.lines.remove(0);
    }
    if tape.text.as_str().len() > TEXT {
        tape.text.clear();
    }
    tape.text.push_str("é🐎");
    tape.by_rest.insert((number % 5).to_string(), number);
}

/// Tells so many lines, each in an update of its own.
#[background(overlap = parallel(4))]
async fn record(cx: TaskContext<Tape>, lines: u64) -> Result {
    for _ in 0..lines {
        cx.update(tell).await?;
        cx.sleep(Millis(1)).await?;
    }
    Ok(())
}

#[event]
fn press(tape: &mut Tape) {
    tape.pressed += 1;
}

/// So much that no buffer between takes it.
#[background]
async fn flood(cx: TaskContext<Tape>, updates: u64) -> Result {
    for _ in 0..updates {
        cx.update(|tape| {
            tape.told += 1;
            tape.lines.clear();
            tape.lines.push(Line::Long {
                number: tape.told,
                words: "x".repeat(FLOOD),
            });
        })
        .await?;
    }
    Ok(())
}

/// Visitors come to it and leave, and now and then it lets one in no more.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = mostly, present = note_people)]
struct Foyer {
    people: Vec<String>,
    entered: u64,
}

static ASKED: AtomicU64 = AtomicU64::new(0);

fn mostly(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match ASKED.fetch_add(1, Ordering::Relaxed) % 16 {
        15 => Err(ForVisitor::new("Not now.")),
        _ => Ok(()),
    }
}

fn note_people(foyer: &mut Foyer, here: &[Visitor]) {
    foyer.people = here.iter().map(Visitor::id).collect();
}

#[event]
fn enter(foyer: &mut Foyer) {
    foyer.entered += 1;
}

/// Until it is cancelled, or its time is over.
#[event(timeout = "200ms")]
async fn linger(cx: EventContext<Foyer>) -> Result {
    cx.sleep(Millis(60_000)).await?;
    Ok(())
}

/// Until nobody is here any more.
#[background(key = name, overlap = replace, on_disconnect = cancel_after("5s"))]
async fn mind(cx: TaskContext<Foyer>, name: String) -> Result {
    drop(name);
    let nobody = |here: &[Visitor]| here.is_empty().then_some(());
    cx.until_present(nobody).await?;
    Ok(())
}

#[component]
fn App() -> impl IntoView {
    let tape = use_state::<Tape>();
    view! { <p>{move || tape.told().get()}</p> }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! { <!DOCTYPE html><html><body><App/></body></html> }
}

/// A server whose visitors have tapes.
struct Studio(Served);

impl Studio {
    async fn open(limits: Limits) -> Self {
        Studio(Served::open("studio", limits, App, shell).await)
    }

    fn at(&self) -> SocketAddr {
        self.0.at
    }

    fn counters(&self) -> Counters {
        self.0.uc.counters()
    }

    /// Somebody opens the page. Returns their cookie.
    async fn visitor(&self) -> String {
        let head = "GET / HTTP/1.1\r\naccept: text/html";
        let page = ask(self.at(), head, "", reader::PATIENCE).await;
        cookie_of(&page.expect("nothing stands between"))
    }

    fn tape(&self, cookie: &str) -> ScopeHandle<Tape> {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().expect("a header"));
        self.0.uc.session::<Tape>(&headers).expect("a session")
    }

    /// What a reader shows that nothing stands before.
    async fn shown(&self, cookie: &str) -> Value {
        let mut reader = Reader::new(self.at(), cookie);
        reader.follow(|shown| !shown.is_null()).await;
        reader.shown
    }

    /// Waits until nothing is open and nothing runs any more.
    async fn quiet(&self) {
        let quiet = async {
            loop {
                let open = self.counters();
                if (open.streams, open.tasks, open.events) == (0, 0, 0) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(60), quiet).await;
        assert!(in_time.is_ok(), "it stays open: {:?}", self.counters());
    }

    async fn close(self) {
        self.0.close().await;
    }
}

/// A request of its own connection, which is closed behind the answer. `None`: it did not come
/// whole, or not in time.
async fn ask(at: SocketAddr, head: &str, body: &str, patience: Duration) -> Option<String> {
    let mut socket = TcpStream::connect(at).await.ok()?;
    let request = request(at, head, body);
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut heard = Vec::new();
    let heard_all = tokio::time::timeout(patience, socket.read_to_end(&mut heard));
    heard_all.await.ok()?.ok()?;
    let heard = String::from_utf8_lossy(&heard).into_owned();
    let (head, body) = heard.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let is_whole = length.is_none_or(|length| length.parse() == Ok(body.len()));
    is_whole.then_some(heard)
}

/// Lines follow one another and end with the last that was told.
fn assert_whole(shown: &Value) {
    let lines = shown["lines"].as_array().expect("a list");
    let number = |line: &Value| match &line["Short"] {
        Value::Null => line["Long"]["number"].as_u64(),
        short => short.as_u64(),
    };
    let numbers: Vec<_> = lines.iter().filter_map(number).collect();
    assert_eq!(numbers.len(), lines.len(), "{shown}");
    let told = shown["told"].as_u64().expect("a number");
    let expected: Vec<_> = (told - numbers.len() as u64 + 1..=told).collect();
    assert_eq!(numbers, expected, "{shown}");
}

/// Sends so many presses, each until it is answered, with the same number.
async fn press_all(at: SocketAddr, cookie: &str, client: &str, presses: u64) {
    let head =
        format!("POST /api/events HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/json");
    for number in 1..=presses {
        let body = format!(r#"{{"client":"{client}","events":[[{number},"tape/press",{{}}]]}}"#);
        let answered = async {
            loop {
                if let Some(answer) = ask(at, &head, &body, reader::SILENCE).await {
                    break answer;
                }
            }
        };
        let answer = tokio::time::timeout(reader::PATIENCE, answered).await;
        let answer = answer.expect("it is answered once");
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }
}
