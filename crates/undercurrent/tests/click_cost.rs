//! What a click costs the server, from the request by the queue to the stream: allocations, bytes and
//! instructions, which are the same however busy a machine is. A dearer click fails here; so does a
//! much cheaper one, so that the figures stay what they are called.

#![cfg(feature = "ssr")]

#[expect(dead_code, reason = "nothing is killed here, and no folder needed")]
mod process;
#[expect(dead_code, reason = "its requests are for one answer a connection")]
mod support;

use self::process::{program, with_test};
use allocation_counter::measure;
use leptos::{config::LeptosOptions, prelude::*};
use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    sync::mpsc,
};
use support::{Served, cookie_of};
use tokio::sync::oneshot;
use undercurrent::{Limits, prelude::*};

#[derive(State, Clone, Debug, Default)]
pub struct Clicks {
    pub count: u64,
}

#[event]
pub fn click(clicks: &mut Clicks) {
    clicks.count += 1;
}

#[component]
fn App() -> impl IntoView {
    let clicks = use_state::<Clicks>();
    view! { <button on:click=click.on_click()>{move || clicks.count().get()}</button> }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><title>"Clicks"</title></head>
            <body><App/></body>
        </html>
    }
}

/// Allocations of a click, and the bytes that they ask for.
const ALLOCATIONS: f64 = 46.0;
const ALLOCATED: f64 = 16_200.0;
/// Bytes of the answer and of the stream's chunk.
const ON_THE_WIRE: f64 = 336.0;
/// So much more, or less, is another figure.
const TOLERANCE: f64 = 0.05;

/// Of these, so that what happens once in many counts by its part.
const CLICKS: u64 = 1_000;

/// Instructions of a click, not optimised: what an optimised one takes is counted by the benchmark.
const INSTRUCTIONS: f64 = 415_000.0;
/// Another compiler counts a little differently.
const TOLERANCE_OF_INSTRUCTIONS: f64 = 0.2;
/// The server runs with few clicks and with many: what it does at its start is in both.
const FEW: u64 = 50;
const MANY: u64 = 350;

#[test]
fn a_click_costs_what_it_did() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("it starts");
    // All of the server is on this thread, and all of the client on another: a thread's own
    // allocations are counted.
    let served = runtime.block_on(Served::open("clicks", Limits::default(), App, shell));
    let (clicks, asked) = mpsc::channel::<(u64, oneshot::Sender<usize>)>();
    let at = served.at;
    let client = std::thread::spawn(move || {
        let mut page = None;
        for (count, done) in asked {
            let page = page.get_or_insert_with(|| Page::open(at));
            let bytes = (0..count).map(|_| page.click()).sum();
            done.send(bytes).expect("it is waited for");
        }
    });
    let click = |count| {
        let (done, is_done) = oneshot::channel();
        clicks.send((count, done)).expect("the client waits");
        runtime.block_on(is_done).expect("they were made")
    };
    // The first time of everything; and the log is full then, and drops an entry for each that comes.
    click(3_000);
    let mut bytes = 0;
    let cost = measure(|| bytes = click(CLICKS));
    let of_one = |all: f64| all / CLICKS as f64;
    let seen = [
        ("allocations", of_one(cost.count_total as f64), ALLOCATIONS),
        (
            "bytes allocated",
            of_one(cost.bytes_total as f64),
            ALLOCATED,
        ),
        ("bytes on the wire", of_one(bytes as f64), ON_THE_WIRE),
    ];
    println!("a click: {seen:?}");
    drop(clicks);
    client.join().expect("it ends");
    runtime.block_on(served.close());
    for (what, now, was) in seen {
        assert!(
            (now / was - 1.0).abs() <= TOLERANCE,
            "a click has {now:.1} {what}, and had {was}: find out why, or put the new figure here"
        );
    }
}

/// Without valgrind nothing is counted.
#[test]
fn a_click_takes_as_many_instructions_as_it_did() {
    let counted = [FEW, MANY].map(|clicks| match instructions(clicks) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        counted => Some(counted.expect("valgrind counts")),
    });
    let [Some(few), Some(many)] = counted else {
        return println!("valgrind is not here: they are not counted");
    };
    let now = (many - few) as f64 / (MANY - FEW) as f64;
    println!("a click: {now:.0} instructions");
    assert!(
        (now / INSTRUCTIONS - 1.0).abs() <= TOLERANCE_OF_INSTRUCTIONS,
        "a click takes {now:.0} instructions, and took {INSTRUCTIONS}: find out why, or put the new \
         figure here"
    );
}

/// Of a server, from its start to its end, that was clicked so often.
fn instructions(clicks: u64) -> std::io::Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program());
    let mut server = with_test(valgrind, "serves_until_its_input_ends")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(server.stdout.take().expect("it is piped")).lines();
    let at = said.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, at) = line.split_once(AT)?;
        at.parse().ok()
    });
    let mut page = Page::open(at.expect("it listens"));
    for _ in 0..clicks {
        page.click();
    }
    drop(page);
    // Its input ends here.
    let ended = server.wait_with_output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let total = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, total)| total.trim().parse().ok());
    total.ok_or_else(|| std::io::Error::other(format!("it counts nothing: {said}")))
}

/// Stands before where the server listens.
const AT: &str = "serves at ";

#[test]
#[ignore = "the server whose instructions are counted"]
fn serves_until_its_input_ends() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("it starts");
    runtime.block_on(async {
        let served = Served::open("counted", Limits::default(), App, shell).await;
        println!("{AT}{}", served.at);
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await.expect("it is read").expect("it ends");
        served.close().await;
    });
}

/// A page: a connection for events, and a stream.
struct Page {
    events: TcpStream,
    stream: TcpStream,
    at: SocketAddr,
    cookie: String,
    number: u64,
}

impl Page {
    fn open(at: SocketAddr) -> Self {
        let connect = || {
            let connection = TcpStream::connect(at).expect("it listens");
            connection.set_nodelay(true).expect("it can be set");
            connection
        };
        let (mut events, mut stream) = (connect(), connect());
        write!(events, "GET / HTTP/1.1\r\nhost: {at}\r\n\r\n").expect("it is read");
        let cookie = cookie_of(&until(&mut events, "0\r\n\r\n"));
        let path = "/api/stream?follow=s.clicks,s.uc_ends";
        let own = format!("host: {at}\r\ncookie: {cookie}\r\nsec-fetch-site: same-origin");
        write!(stream, "GET {path} HTTP/1.1\r\n{own}\r\n\r\n").expect("it is read");
        until(&mut stream, "\"uc_ends\"");
        Page {
            events,
            stream,
            at,
            cookie,
            number: 0,
        }
    }

    /// Clicks, and reads the answer and the update. Tells how many bytes came.
    fn click(&mut self) -> usize {
        self.number += 1;
        let Page {
            at, cookie, number, ..
        } = self;
        let body = format!(r#"{{"client":"hand","events":[[{number},"clicks/click",{{}}]]}}"#);
        let length = body.len();
        let request = format!(
            "POST /api/events HTTP/1.1\r\nhost: {at}\r\ncookie: {cookie}\r\n\
             sec-fetch-site: same-origin\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.events
            .write_all(request.as_bytes())
            .expect("it is read");
        let answer = until(&mut self.events, "}]}");
        // Its end is the last thing that an update tells.
        let update = until(&mut self.stream, &format!("\"upto\":{number}}}]]]\n\n\r\n"));
        answer.len() + update.len()
    }
}

/// Reads until a text has come.
fn until(from: &mut TcpStream, end: &str) -> String {
    let (mut read, mut buffer) = (Vec::new(), [0; 4_096]);
    while !String::from_utf8_lossy(&read).contains(end) {
        let count = from.read(&mut buffer).expect("it answers");
        assert!(count > 0, "it ended: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(read).expect("it is text")
}
