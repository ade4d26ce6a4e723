//! A server of its own process and its file, when something is wrong with the file's place: another
//! server has it, its folder can't be written to, the disk is full, somebody takes it away or puts
//! another in its place. What was acknowledged stays, what can't be kept is refused and not lost, the
//! sentence says what to do, and it goes on by itself when the cause is gone.
#![cfg(all(feature = "ssr", target_os = "linux"))]

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
use axum::{Json, Router, http::HeaderMap, routing::get};
use leptos::{config::LeptosOptions, prelude::*};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use undercurrent::{
    Limits, Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

#[derive(State, Clone, Debug, Default)]
struct Diary {
    lines: List<String>,
}

#[event]
fn jot(diary: &mut Diary, n: u64, more: u64) {
    diary
        .lines
        .push(format!("{n} {}", "x".repeat(more as usize)));
}

#[component]
fn App() -> impl IntoView {
    view! { <p>"A diary."</p> }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! { <!DOCTYPE html><html><body><App/></body></html> }
}

const FILE: &str = "STORE_PROCESS_FILE";

/// Not a test by itself: the server.
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
    if let Err(error) = runtime.expect("a runtime").block_on(serve(file.into())) {
        eprintln!("Error: {error:?}");
        std::process::exit(1);
    }
}

/// As the `main` of an app.
async fn serve(file: PathBuf) -> std::result::Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let config = Config {
        session_key_file: std::env::temp_dir().join("undercurrent-store-process.key"),
        store: StoreKind::Disk,
        store_file: file,
        limits: Limits {
            store_wait_ms: 200,
            ..Limits::default()
        },
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("diary").build();
    let uc = Undercurrent::with(options, config).build()?;
    let diary = uc.clone();
    let lines = move |headers: HeaderMap| async move {
        let diary = diary.session::<Diary>(&headers).expect("a session");
        let numbers = diary.read(|diary| {
            let number = |line: &String| line.split(' ').next().map(str::to_owned);
            diary.lines.iter().filter_map(number).collect::<Vec<_>>()
        });
        Json(numbers.await.expect("it reads"))
    };
    let app = Router::new().route("/lines", get(lines));
    let app = uc.router(App, shell).merge(app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("\n@ at {}", listener.local_addr()?);
    Ok(uc.serve_on(listener, app, std::future::pending()).await?)
}

// === The process ===

struct Server {
    child: Child,
    at: SocketAddr,
    /// What it has said of what is wrong.
    log: Arc<Mutex<String>>,
}

fn command(file: &Path) -> Command {
    // Who is told that a file may not grow gets an error, and is not ended by it.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]);
    command.arg(program());
    with_the_rest(command, file)
}

fn with_the_rest(command: Command, file: &Path) -> Command {
    let mut command = with_test(command, "the_server");
    command
        .env(FILE, file)
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped());
    command
}

impl Server {
    fn start(file: &Path) -> Self {
        let mut child = command(file).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut lines = out.lines().map_while(std::result::Result::ok);
        let at = lines.find_map(|line| line.strip_prefix("@ at ").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        let log = Arc::new(Mutex::new(String::new()));
        let (mut errors, to) = (child.stderr.take().expect("it is piped"), log.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(length @ 1..) = errors.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                to.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&text);
            }
        });
        Server {
            child,
            at: at
                .expect("it says where it is")
                .parse()
                .expect("an address"),
            log,
        }
    }

    fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    fn ask(&self, head: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.at).expect("it listens");
        let asked = request(self.at, head, body);
        socket.write_all(asked.as_bytes()).expect("it takes it");
        let mut heard = String::new();
        socket.read_to_string(&mut heard).expect("it answers");
        heard
    }

    fn cookie(&self) -> String {
        cookie_of(&self.ask("GET / HTTP/1.1\r\naccept: text/html", ""))
    }

    /// Whether it was acknowledged. It is the same event, however often it is sent.
    fn write(&self, cookie: &str, n: u64, more: u64) -> bool {
        let head = format!(
            "POST /api/events HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/json"
        );
        let arguments = format!(r#"{{"n":{n},"more":{more}}}"#);
        let body = format!(r#"{{"client":"c","events":[[{n},"diary/jot",{arguments}]]}}"#);
        let answer = self.ask(&head, &body);
        let is_taken = answer.starts_with("HTTP/1.1 202");
        assert!(
            is_taken || answer.starts_with("HTTP/1.1 503"),
            "it is taken, or to be sent again: {answer}"
        );
        is_taken
    }

    fn lines(&self, cookie: &str) -> Vec<u64> {
        let answer = self.ask(&format!("GET /lines HTTP/1.1\r\ncookie: {cookie}"), "");
        let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
        let lines: Vec<String> = serde_json::from_str(body).expect("it is JSON");
        lines
            .iter()
            .map(|line| line.parse().expect("a number"))
            .collect()
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What one says that does not start.
fn refused(file: &Path) -> String {
    said_by(&mut command(file))
}

fn refused_by(command: Command, file: &Path) -> String {
    said_by(&mut with_the_rest(command, file))
}

fn said_by(command: &mut Command) -> String {
    let output = command.output().expect("it starts, and ends");
    assert!(!output.status.success(), "it does not serve");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

// === What is wrong ===

#[test]
fn a_second_server_on_the_file_is_told_to_wait_for_the_first() {
    let folder = Folder::new("process-two");
    let first = Server::start(&folder.file("state.redb"));
    let cookie = first.cookie();
    assert!(first.write(&cookie, 1, 0));
    let told = refused(&folder.file("state.redb"));
    assert!(
        told.contains("another server has it open: stop that one"),
        "{told}"
    );
    assert!(told.contains("`store-file`"), "{told}");
    assert!(first.write(&cookie, 2, 0), "the first is not disturbed");
    first.kill();
    let second = Server::start(&folder.file("state.redb"));
    assert_eq!(second.lines(&cookie), [1, 2]);
    second.kill();
}

#[test]
fn a_folder_that_can_t_be_written_to_is_told_with_what_to_do() {
    // Nobody makes a folder there, whoever runs the tests.
    let told = refused(Path::new("/sys/undercurrent/state.redb"));
    assert!(told.contains("/sys/undercurrent/state.redb"), "{told}");
    let todo = "the server must be able to write the file and its folder";
    assert!(told.contains(todo), "{told}");
}

#[test]
fn where_there_is_no_room_for_the_file_it_does_not_start_and_leaves_nothing_behind() {
    let folder = Folder::new("process-no-room");
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 100; exec "$0" "$@""#]);
    limited.arg(program());
    let told = refused_by(limited, &folder.file("state.redb"));
    assert!(told.contains("make room for it"), "{told}");
    assert!(!folder.file("state.redb").exists(), "no empty file");
    let server = Server::start(&folder.file("state.redb"));
    assert!(server.write(&server.cookie(), 1, 0), "there is room again");
    server.kill();
}

/// How large a file of a process may be.
fn limit(server: &Server, bytes: &str) -> bool {
    let pid = server.child.id().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status();
    limited.is_ok_and(|status| status.success())
}

#[test]
fn where_the_file_can_t_grow_nothing_is_lost_and_it_goes_on_when_it_can() {
    let folder = Folder::new("process-full");
    let server = Server::start(&folder.file("state.redb"));
    let cookie = server.cookie();
    assert!(server.write(&cookie, 1, 0));
    let bytes = std::fs::metadata(folder.file("state.redb"))
        .expect("it is there")
        .len();
    if !limit(&server, &bytes.to_string()) {
        eprintln!("there is no prlimit on this machine");
        server.kill();
        return;
    }
    let mut last = 1;
    while server.write(&cookie, last + 1, 60_000) {
        last += 1;
        assert!(last < 1_000, "it is full some time");
    }
    until("it is told", || {
        server.log().contains("scopes can't be stored")
    });
    assert!(
        server.log().contains("make room for it"),
        "{}",
        server.log()
    );
    // What was shown stays, and what was not acknowledged is sent again in vain.
    assert!(!server.write(&cookie, last + 1, 60_000));
    let shown = server.lines(&cookie);
    assert!((1..=last).all(|n| shown.contains(&n)), "{shown:?}, {last}");
    assert!(limit(&server, "unlimited"));
    let begun = Instant::now();
    until("it goes on", || server.write(&cookie, last + 1, 60_000));
    println!(
        "{:?} from room to the next acknowledgement",
        begun.elapsed()
    );
    server.kill();
    let later = Server::start(&folder.file("state.redb"));
    assert_eq!(later.lines(&cookie), (1..=last + 1).collect::<Vec<_>>());
    later.kill();
}

#[test]
fn a_file_that_is_taken_away_is_written_anew_and_another_one_in_its_place_is_left_alone() {
    let folder = Folder::new("process-away");
    let server = Server::start(&folder.file("state.redb"));
    let cookie = server.cookie();
    assert!(server.write(&cookie, 1, 0));
    std::fs::remove_file(folder.file("state.redb")).expect("it is there");
    assert!(server.write(&cookie, 2, 0), "it is written anew");
    std::fs::rename(folder.file("state.redb"), folder.file("own")).expect("it is there");
    std::fs::write(folder.file("state.redb"), "somebody's").expect("there is room");
    assert!(!server.write(&cookie, 3, 0), "there is nowhere to keep it");
    until("it is told", || {
        server.log().contains("another file is in the place")
    });
    assert!(server.log().contains("take it away"), "{}", server.log());
    let other = std::fs::read(folder.file("state.redb")).expect("it is there");
    assert_eq!(other, b"somebody's");
    std::fs::remove_file(folder.file("state.redb")).expect("it is there");
    until("it goes on", || server.write(&cookie, 3, 0));
    server.kill();
    let later = Server::start(&folder.file("state.redb"));
    assert_eq!(later.lines(&cookie), [1, 2, 3]);
    later.kill();
}
