//! Kill -9 again, with clients: they send events over HTTP and follow the stream as pages do, while
//! the server is killed under them and started again on the same file. What was acknowledged is
//! there once; what a page was shown at a position is what any page is shown there; and with
//! `durability = "commit"` nothing that was shown is taken back.
//!
//! `CRASHES=1000 cargo test -p undercurrent --features ssr --test crashes_seen` kills more often.
#![cfg(feature = "ssr")]

mod process;
#[expect(
    dead_code,
    reason = "the server of these tests is a process of its own"
)]
#[path = "support/mod.rs"]
mod support;

use self::{
    process::{Folder, program, with_test},
    support::{cookie_of, request},
};
use leptos::{config::LeptosOptions, prelude::*};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use undercurrent::{
    Undercurrent,
    core::{
        frame::{Frame, parse_id},
        replica::{Replica, Verdict},
        untyped::apply_json,
    },
    prelude::*,
    server::{Config, Durability, StoreKind},
};

/// What the visitor has: each item a client and its number.
#[derive(State, Clone, Debug, Default)]
struct Trail {
    lines: List<(String, u64)>,
    halves: List<(String, u64)>,
    wholes: List<(String, u64)>,
}

#[event]
fn line(trail: &mut Trail, client: String, n: u64) {
    trail.lines.push((client, n));
}

#[event]
async fn pair(cx: EventContext<Trail>, client: String, n: u64) -> Result {
    let item = (client, n);
    let half = item.clone();
    cx.update(|trail| trail.halves.push(half)).await?;
    cx.sleep(Millis(1)).await?;
    cx.update(|trail| trail.wholes.push(item)).await?;
    Ok(())
}

const FILE: &str = "SEEN_FILE";
const DURABILITY: &str = "SEEN_DURABILITY";
const CLIENTS: usize = 3;
const FOLLOWERS: usize = 2;
/// A stream that is silent for so long is taken for dead.
const SILENCE: Duration = Duration::from_millis(500);

#[component]
fn App() -> impl IntoView {
    view! { <p>"A trail."</p> }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! { <!DOCTYPE html><html><body><App/></body></html> }
}

/// Not a test by itself: the server, in a process of its own.
#[test]
#[ignore = "started by the other ones"]
fn the_server() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(serve(file.into()));
}

async fn serve(file: PathBuf) {
    let durability = match std::env::var(DURABILITY).as_deref() {
        Ok("commit") => Durability::Commit,
        _ => Durability::Relaxed,
    };
    let config = Config {
        session_key_file: file.with_extension("key"),
        store: StoreKind::Disk,
        store_file: file,
        durability,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("seen").build();
    let uc = Undercurrent::with(options, config).build();
    let uc = uc.expect("it starts");
    let app = uc.router(App, shell);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    println!("\n@ at {}", listener.local_addr().expect("it has one"));
    let served = uc.serve_on(listener, app, std::future::pending()).await;
    served.expect("it serves");
}

/// What clients and pages know of each other.
#[derive(Default)]
struct World {
    /// Where the server is, while there is one.
    at: Mutex<Option<SocketAddr>>,
    is_over: AtomicBool,
    /// What was shown where, as a number: one value, whoever was shown it.
    shown: Mutex<BTreeMap<(String, String), u64>>,
    /// Ends that did not go well, as pages were told: client and number.
    told: Mutex<BTreeSet<(String, u64)>>,
    kept: Mutex<BTreeSet<(String, u64)>>,
    sent: Mutex<BTreeSet<(String, u64)>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn connect(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let at = *lock(&self.at);
        let at = at.ok_or(io::ErrorKind::NotConnected)?;
        let socket = TcpStream::connect_timeout(&at, SILENCE)?;
        socket.set_read_timeout(Some(SILENCE))?;
        Ok((socket, at))
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn ask(&self, head: &str, body: &str) -> io::Result<String> {
        let (mut socket, at) = self.connect()?;
        socket.write_all(request(at, head, body).as_bytes())?;
        let mut heard = String::new();
        socket.read_to_string(&mut heard)?;
        Ok(heard)
    }
}

// === Clients ===

/// Sends numbered events, each until it is answered.
fn send(world: &World, cookie: &str, client: &str) {
    let head =
        format!("POST /api/events HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/json");
    for n in 1_u64.. {
        let name = if is_pair(n) { "pair" } else { "line" };
        let arguments = format!(r#"{{"client":"{client}","n":{n}}}"#);
        let body =
            format!(r#"{{"client":"{client}","events":[[{n},"trail/{name}",{arguments}]]}}"#);
        loop {
            if world.is_over() {
                return;
            }
            lock(&world.sent).insert((client.to_owned(), n));
            match world.ask(&head, &body) {
                Ok(answer) if is_taken(&answer) => break,
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        lock(&world.kept).insert((client.to_owned(), n));
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn is_pair(n: u64) -> bool {
    n.is_multiple_of(3)
}

/// It was answered whole, and what was sent is taken.
fn is_taken(answer: &str) -> bool {
    let is_known = answer.contains(r#""is":"queued""#) || answer.contains(r#""is":"known""#);
    answer.starts_with("HTTP/1.1 202") && is_known && answer.ends_with('}')
}

// === Pages ===

/// A page with two states, which it shows.
#[derive(Default)]
struct Page {
    states: BTreeMap<String, (Option<Replica>, Value)>,
}

const FOLLOWED: [&str; 2] = ["trail", "uc_ends"];

fn follow(world: &World, cookie: &str) -> Page {
    let mut page = Page::default();
    while !world.is_over() {
        // However it ended: once more, from where this stands.
        let _ = page.connection(world, cookie);
        std::thread::sleep(Duration::from_millis(2));
    }
    page
}

impl Page {
    fn shows(&self, state: &str) -> &Value {
        self.states
            .get(state)
            .map_or(&Value::Null, |(_, value)| value)
    }

    fn connection(&mut self, world: &World, cookie: &str) -> io::Result<()> {
        let (mut socket, at) = world.connect()?;
        let follow = FOLLOWED.map(|state| {
            let known = self.states.get(state).and_then(|(replica, _)| *replica);
            match known.and_then(Replica::resume_from) {
                Some(position) => format!("s.{state}@{position}"),
                None => format!("s.{state}"),
            }
        });
        let request = format!(
            "GET /api/stream?follow={} HTTP/1.1\r\nhost: {at}\r\ncookie: {cookie}\r\n\
             sec-fetch-site: same-origin\r\n\r\n",
            follow.join(",")
        );
        socket.write_all(request.as_bytes())?;
        let mut reader = BufReader::new(socket);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut text = String::new();
        while !world.is_over() {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            // A chunk ends with an event: the server writes them whole.
            text.push_str(std::str::from_utf8(&chunk[..size]).map_err(io::Error::other)?);
            while let Some(end) = text.find("\n\n") {
                let event: String = text.drain(..end + 2).collect();
                self.event(world, &event);
            }
        }
        Ok(())
    }

    fn event(&mut self, world: &World, event: &str) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let Some(data) = field("data: ") else { return };
        let Frame::State(frame) = Frame::parse(data).expect("a frame") else {
            return;
        };
        let (_, to) = parse_id(field("id: ").expect("a position")).expect("a position");
        let state = frame.state.to_string();
        let (replica, value) = self.states.entry(state.clone()).or_default();
        let replica = replica.get_or_insert(Replica::Pending);
        match replica.receive(frame.since, to) {
            Verdict::Drop => return,
            Verdict::Resync => panic!("a gap within a connection: {event}"),
            Verdict::Apply => {}
        }
        match frame.since {
            None => *value = serde_json::from_str(frame.body).expect("a state"),
            Some(_) => apply_json(value, frame.body).expect("ops that fit"),
        }
        if state == "uc_ends" {
            let clients = value["clients"].as_array().into_iter().flatten();
            for client in clients {
                let failures = client["failures"].as_array().into_iter().flatten();
                let name = client["client"].as_str().expect("a client");
                let numbers = failures.filter_map(|failure| failure["number"].as_u64());
                lock(&world.told).extend(numbers.map(|n| (name.to_owned(), n)));
            }
        }
        let at = (state, to.to_string());
        let mut hasher = DefaultHasher::new();
        value.to_string().hash(&mut hasher);
        let value = hasher.finish();
        let known = *lock(&world.shown).entry(at).or_insert(value);
        assert_eq!(known, value, "one position, two values: {event}");
    }
}

// === The server, and who kills it ===

struct Server {
    child: Child,
    at: SocketAddr,
}

impl Server {
    fn start(file: &Path, durability: &str) -> Self {
        let mut child = with_test(Command::new(program()), "the_server")
            .env(FILE, file)
            .env(DURABILITY, durability)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut lines = out.lines().map_while(std::result::Result::ok);
        let at = lines.find_map(|line| line.strip_prefix("@ at ").map(str::to_owned));
        let at = at.expect("it says where it is");
        // What it says later is nobody's business, and must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            child,
            at: at.parse().expect("an address"),
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

fn items(of: &Value) -> Vec<(String, u64)> {
    serde_json::from_value(of.clone()).unwrap_or_default()
}

/// The numbers of one client, in order.
fn of_client(items: &[(String, u64)], client: &str) -> Vec<u64> {
    let own = items.iter().filter(|(name, _)| name == client);
    own.map(|(_, n)| *n).collect()
}

fn check(world: &World, trail: &Value) {
    let [lines, halves, wholes] = ["lines", "halves", "wholes"].map(|name| items(&trail[name]));
    for list in [&lines, &halves, &wholes] {
        for client in 0..CLIENTS {
            let own = of_client(list, &format!("c{client}"));
            let is_rising = own.windows(2).all(|two| two[0] < two[1]);
            assert!(is_rising, "in the order sent, each once: {own:?}");
        }
    }
    let there: BTreeSet<_> = lines.iter().chain(&halves).cloned().collect();
    let (kept, sent, told) = (lock(&world.kept), lock(&world.sent), lock(&world.told));
    let is_told = |item: &&(String, u64)| told.contains(*item);
    let lost: Vec<_> = kept.difference(&there).filter(|i| !is_told(i)).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    let of_nobody: Vec<_> = there.difference(&sent).collect();
    assert!(of_nobody.is_empty(), "never sent: {of_nobody:?}");
    let untold = halves.iter().filter(|half| !wholes.contains(half));
    let untold: Vec<_> = untold.filter(|half| !is_told(half)).collect();
    assert!(untold.is_empty(), "half done, and not told: {untold:?}");
}

fn pages_see_what_there_is_over_kills(durability: &'static str) {
    let rounds = std::env::var("CRASHES").map_or(25, |rounds| rounds.parse().expect("a number"));
    let seed = std::env::var("CRASHES_SEED").map_or(7, |seed| seed.parse().expect("a number"));
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::new(&format!("seen-{durability}"));
    let file = folder.file("state.redb");
    let world = Arc::new(World::default());

    let mut server = Server::start(&file, durability);
    *lock(&world.at) = Some(server.at);
    let page = world.ask("GET / HTTP/1.1\r\naccept: text/html", "");
    let cookie = cookie_of(&page.expect("it is there"));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|nth| {
            let (world, cookie) = (world.clone(), cookie.clone());
            std::thread::spawn(move || send(&world, &cookie, &format!("c{nth}")))
        })
        .collect();
    let pages: Vec<_> = (0..FOLLOWERS)
        .map(|_| {
            let (world, cookie) = (world.clone(), cookie.clone());
            std::thread::spawn(move || follow(&world, &cookie))
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        std::thread::sleep(Duration::from_micros(random.u64(1_000..150_000)));
        *lock(&world.at) = None;
        server.kill();
        let started = Instant::now();
        server = Server::start(&file, durability);
        slowest = slowest.max(started.elapsed());
        *lock(&world.at) = Some(server.at);
    }
    // One life without a kill: what waits comes to its end, and pages to what there is.
    let until = Instant::now() + Duration::from_secs(60);
    let mut last = Page::default();
    let kept = lock(&world.kept).len();
    loop {
        assert!(
            Instant::now() < until,
            "it does not come to rest: {}",
            last.shows("trail")
        );
        if lock(&world.kept).len() > kept + 2 * CLIENTS {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    world.is_over.store(true, Ordering::SeqCst);
    clients
        .into_iter()
        .for_each(|client| client.join().expect("it ends"));
    let pages: Vec<_> = pages
        .into_iter()
        .map(|page| page.join().expect("it saw nothing wrong"))
        .collect();
    world.is_over.store(false, Ordering::SeqCst);
    let sent = lock(&world.sent).len();
    loop {
        assert!(
            Instant::now() < until,
            "it does not come to rest: {}",
            last.shows("trail")
        );
        // A page that knows nothing, until all is in it that was acknowledged.
        let _ = last.connection(&world, &cookie);
        let trail = last.shows("trail");
        let count = |name: &str| trail[name].as_array().map_or(0, Vec::len);
        let told = lock(&world.told).len();
        if count("lines") + count("halves") + told >= lock(&world.kept).len()
            && count("halves") <= count("wholes") + told
        {
            break;
        }
    }
    check(&world, last.shows("trail"));
    // What the pages show is a beginning of it, and they go on from there to the same.
    for mut page in pages {
        while page.shows("trail") != last.shows("trail") {
            assert!(
                Instant::now() < until,
                "a page does not come to what there is"
            );
            let _ = page.connection(&world, &cookie);
            let _ = last.connection(&world, &cookie);
        }
    }
    server.kill();
    let shown = lock(&world.shown);
    let epochs: BTreeSet<_> = shown
        .keys()
        .filter(|(state, _)| state == "trail")
        .filter_map(|(_, at)| at.rsplit_once('-'))
        // At 0 there is nothing yet that could be taken back.
        .filter(|(_, offset)| *offset != "0")
        .map(|(epoch, _)| epoch.to_owned())
        .collect();
    println!(
        "{durability}: {rounds} kills, {sent} events sent, {} positions shown in {} epochs, at most \
         {slowest:?} from a start to the port",
        shown.len(),
        epochs.len(),
    );
    if durability == "commit" {
        assert_eq!(epochs.len(), 1, "nothing that was shown was taken back");
    }
    assert!(sent > rounds, "it does something between two kills");
    assert!(shown.len() > rounds, "pages are shown it");
}

#[test]
fn pages_see_what_there_is_over_kills_of_a_relaxed_server() {
    pages_see_what_there_is_over_kills("relaxed");
}

#[test]
fn pages_are_taken_back_nothing_by_kills_of_a_careful_server() {
    pages_see_what_there_is_over_kills("commit");
}
