//! Shutdowns of a real process: with a hundred streams open, with handlers that compute where they
//! should wait, and with a second signal.
#![cfg(all(feature = "ssr", unix))]

#[expect(dead_code, reason = "this server is a process of its own")]
mod support;

use leptos::{config::LeptosOptions, prelude::*};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};
use undercurrent::{
    Limits, Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Toil {
    begun: u32,
}

/// Holds up a thread of the server for as long as there is one.
#[background(key = nth, overlap = parallel(2))]
async fn computes(cx: TaskContext<Toil>, nth: u32) -> Result {
    cx.update(|toil| toil.begun += 1).await?;
    say(&format!("computes {nth}"));
    loop {
        std::hint::spin_loop();
    }
}

#[background]
async fn computes_elsewhere(cx: TaskContext<Toil>) -> Result {
    cx.blocking(|cx| {
        let begun = cx.update(|toil| toil.begun += 1);
        say("computes elsewhere");
        while begun.is_ok() {
            std::hint::spin_loop();
        }
    })
    .await?;
    Ok(())
}

#[background]
async fn waits(cx: TaskContext<Toil>) -> Result {
    cx.update(|toil| toil.begun += 1).await?;
    say("waits");
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

const STREAMS: usize = 100;
const SHUTDOWN_MS: u64 = 2_000;
const FOLDER: &str = "SHUTDOWN_FOLDER";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

// === The server ===

/// Not a test by itself: the server, in a process of its own.
#[test]
#[ignore = "started by the others"]
fn the_server() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(std::io::stdout)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    // As in `#[tokio::main]`: when the future has ended the runtime goes, and waits for its workers.
    runtime.expect("a runtime").block_on(serve(folder.into()));
}

async fn serve(folder: PathBuf) {
    let uc = app(&folder);
    let (toil, handle) = (uc.process::<Toil>(), tokio::runtime::Handle::current());
    std::thread::spawn(move || {
        let mut line = String::new();
        let told = std::io::stdin().read_line(&mut line);
        if told.is_ok() && line.trim() == "toil" {
            handle.spawn(async move {
                toil.start(waits()).await.expect("there is room");
                toil.start(computes_elsewhere())
                    .await
                    .expect("there is room");
                while toil.read(|toil| toil.begun).await != Ok(2) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                for nth in 0..2 {
                    toil.start(computes(nth)).await.expect("there is room");
                }
            });
        }
    });
    let router = uc.router(App, shell);
    uc.serve(router).await.expect("it served");
}

fn app(folder: &Path) -> Undercurrent {
    let config = Config {
        session_key_file: folder.join("key"),
        store: StoreKind::Disk,
        store_file: folder.join("state.redb"),
        limits: Limits {
            shutdown_ms: SHUTDOWN_MS,
            streams_of_visitor: STREAMS,
            ..Limits::default()
        },
        ..Config::default()
    };
    let options = LeptosOptions::builder()
        .output_name("shutdown")
        .site_addr(([127, 0, 0, 1], 0))
        .build();
    let built = Undercurrent::with(options, config).build();
    built.expect("it starts")
}

#[component]
fn App() -> impl IntoView {
    view! { <p>"At work."</p> }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! { <!DOCTYPE html><html><body><App/></body></html> }
}

fn say(what: &str) {
    println!("\n@ {what}");
}

// === Whoever starts and stops it ===

struct Server {
    process: Child,
    stdin: ChildStdin,
    told: Receiver<String>,
    at: SocketAddr,
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Server {
    /// One at a time: these measure.
    fn start(name: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("shutdown-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("there is room");
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "the_server", "--ignored", "--nocapture"])
            .env(FOLDER, &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let out = BufReader::new(process.stdout.take().expect("it is piped"));
        let stdin = process.stdin.take().expect("it is piped");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(std::result::Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = tell.send(line);
            }
        });
        let mut server = Server {
            process,
            stdin,
            told,
            at: ([127, 0, 0, 1], 0).into(),
            folder,
            _alone: alone,
        };
        let line = server.hear("listening at http://");
        let (_, at) = line.split_once("http://").expect("an address");
        server.at = at.parse().expect("an address");
        server
    }

    /// Waits until it says this.
    fn hear(&self, what: &str) -> String {
        let begin = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            let line = self.told.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("it never said {what:?}"));
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Two tasks hold up both threads of the server, one computes on a thread of its own, and one
    /// waits.
    fn toil(&mut self) {
        writeln!(self.stdin, "toil").expect("it listens");
        // In whatever order the last two come.
        for what in ["waits", "computes elsewhere", "computes ", "computes "] {
            self.hear(&format!("@ {what}"));
        }
    }

    /// Opens a hundred streams of one visitor.
    fn streams(&self) -> Vec<TcpStream> {
        let connect = || {
            let socket = TcpStream::connect(self.at).expect("it listens");
            let patience = socket.set_read_timeout(Some(PATIENCE));
            patience.expect("it is set");
            socket
        };
        let mut page = String::new();
        let mut socket = connect();
        let head = "GET / HTTP/1.1\r\naccept: text/html";
        let request = support::request(self.at, head, "");
        socket.write_all(request.as_bytes()).expect("it reads");
        socket.read_to_string(&mut page).expect("it answers");
        let cookie = support::cookie_of(&page);
        let mut streams: Vec<_> = (0..STREAMS).map(|_| connect()).collect();
        for stream in &mut streams {
            let head = format!("GET /api/stream?follow=s.uc_tasks HTTP/1.1\r\ncookie: {cookie}");
            let request = support::request(self.at, &head, "");
            stream.write_all(request.as_bytes()).expect("it reads");
            read_until(stream, "\"hello\"");
        }
        streams
    }

    fn signal(&self) {
        let pid = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(killed.expect("there is such a command").success());
    }

    /// Waits for its end. Returns how it ended, and how long that took.
    fn end(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("it is ours") {
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn read_until(stream: &mut TcpStream, what: &str) {
    let (mut heard, mut part) = (String::new(), [0; 4096]);
    while !heard.contains(what) {
        let read = stream.read(&mut part).expect("it is told in time");
        assert!(read > 0, "it ended before {what}: {heard}");
        heard.push_str(&String::from_utf8_lossy(&part[..read]));
    }
}

#[test]
fn a_hundred_idle_streams_are_told_and_hold_up_no_end() {
    let mut server = Server::start("idle");
    let mut streams = server.streams();
    server.signal();
    let (status, took) = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    for stream in &mut streams {
        read_until(stream, "\"reason\":\"shutdown\"");
    }
}

#[test]
fn handlers_that_compute_hold_up_no_end() {
    let mut server = Server::start("busy");
    let _streams = server.streams();
    server.toil();
    server.signal();
    let (status, took) = server.end();
    assert_eq!(status.code(), Some(0), "what could be done was done");
    let most = Duration::from_millis(SHUTDOWN_MS + 1_500);
    assert!(took < most, "{took:?}");
    // The store was closed: what they did is there, and nobody has the file.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun = runtime.block_on(async {
        let uc = app(&server.folder);
        uc.process::<Toil>().read(|toil| toil.begun).await
    });
    assert_eq!(begun, Ok(4));
}

#[test]
fn a_second_signal_ends_at_once_though_handlers_compute() {
    let mut server = Server::start("twice");
    let _streams = server.streams();
    server.toil();
    server.signal();
    server.hear("a second signal stops at once");
    server.signal();
    let (status, took) = server.end();
    assert_eq!(status.code(), Some(130));
    assert!(took < Duration::from_millis(200), "{took:?}");
}
