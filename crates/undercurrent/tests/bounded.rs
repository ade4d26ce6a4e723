//! How large the file of a store becomes, and how long a server takes to start on a large one.
//!
//! `make bounded` makes a million updates and measures the start at a gigabyte, in release.
#![cfg(feature = "ssr")]

mod process;

use self::process::{Folder, program, with_test};
use leptos::config::LeptosOptions;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use undercurrent::{
    Limits, Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

const ITEMS: u64 = 10_000;
/// Of a state of 1 MB.
const LARGEST: u64 = 20_000_000;
/// So many updates between two looks at the file.
const A_RUN: u64 = 1_000;

/// A state of 1 MB.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
struct Ledger {
    items: List<String>,
    done: u64,
}

#[event]
fn begin(ledger: &mut Ledger) {
    ledger.items = (0..ITEMS).map(|n| text(n, 0)).collect();
}

/// Each in an update of its own.
#[background]
async fn rewrite(cx: TaskContext<Ledger>, from: u64, upto: u64) -> Result {
    for n in from..upto {
        let at = usize::try_from(n % ITEMS).unwrap_or(0);
        cx.update(|ledger| {
            ledger.items[at] = text(n % ITEMS, n);
            ledger.done = n + 1;
        })
        .await?;
    }
    Ok(())
}

/// 100 bytes.
fn text(item: u64, update: u64) -> String {
    format!("{item:050}{update:050}")
}

/// One of many.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = everybody)]
struct Shelf {
    items: List<String>,
}

fn everybody(_visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[event]
fn fill(shelf: &mut Shelf) {
    shelf.items = (0..ITEMS).map(|n| text(n, 0)).collect();
}

fn server(file: &Path, limits: Limits) -> Undercurrent {
    let config = Config {
        session_key_file: file.with_extension("key"),
        store: StoreKind::Disk,
        store_file: file.to_owned(),
        limits,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("bounded").build();
    let built = Undercurrent::with(options, config).build();
    built.expect("it starts")
}

/// Until the server has gone down in good order.
async fn shut_down(uc: Undercurrent) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let served = uc.serve_on(listener, axum::Router::new(), std::future::ready(()));
    served.await.expect("it goes down");
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_often_a_state_changes_its_file_stays_small() {
    let updates = number("UPDATES", 20_000);
    let folder = Folder::new("bounded");
    let uc = server(&folder.file("state.redb"), Limits::default());
    let ledger = uc.process::<Ledger>();
    ledger.dispatch(begin()).await.expect("there is room");
    let begun = Instant::now();
    let mut largest = 0;
    for from in (0..updates).step_by(usize::try_from(A_RUN).expect("it is small")) {
        let upto = updates.min(from + A_RUN);
        // The one before it has made its last update, and is about to end.
        while ledger.start(rewrite(from, upto)).await.is_err() {
            tokio::task::yield_now().await;
        }
        let patience = Millis(120_000);
        let is_done = |ledger: &Ledger| (ledger.done == upto).then_some(());
        let done = ledger.until_within(patience, is_done).await;
        done.expect("it reads").expect("it is done");
        largest = largest.max(
            std::fs::metadata(folder.file("state.redb"))
                .expect("it is there")
                .len(),
        );
    }
    let took = begun.elapsed();
    shut_down(uc).await;
    let at_the_end = std::fs::metadata(folder.file("state.redb"))
        .expect("it is there")
        .len();
    println!(
        "{updates} updates of a state of {} bytes in {took:?}; the file has {largest} bytes at most, \
         {at_the_end} in the end",
        ITEMS * 100
    );
    let uc = server(&folder.file("state.redb"), Limits::default());
    let ledger = uc.process::<Ledger>();
    let wrong = ledger.read(|ledger| {
        let last = |item: u64| (0..updates).rev().find(|n| n % ITEMS == item).unwrap_or(0);
        let items = ledger.items.iter().zip(0..);
        items
            .filter(|(item, n)| **item != text(*n, last(*n)))
            .count()
    });
    assert_eq!(wrong.await.expect("it reads"), 0);
    assert!(largest <= LARGEST, "{largest}");
    assert!(at_the_end <= LARGEST, "{at_the_end}");
    shut_down(uc).await;
}

const FILE: &str = "BOUNDED_FILE";

/// Fills scopes of 1 MB each until it is killed.
#[test]
#[ignore = "started by the other one"]
fn the_server_that_fills_its_file() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let limits = Limits {
            scopes: 64,
            ..Limits::default()
        };
        let uc = server(Path::new(&file), limits);
        for n in 0_u64.. {
            let shelf = uc.keyed::<Shelf>(n.to_string());
            while shelf.dispatch(fill()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            println!("\n@ filled {n}");
        }
    });
}

/// From the file's opening until the last scope that was acknowledged is read.
async fn timed_start(file: &Path, last: u64) -> (Duration, Duration) {
    // Where it is allowed: the system reads the file from the disk.
    let _ = Command::new("sync").status();
    let _ = std::fs::write("/proc/sys/vm/drop_caches", "3");
    let begun = Instant::now();
    let uc = server(file, Limits::default());
    let opened = begun.elapsed();
    let shelf = uc.keyed::<Shelf>(last.to_string());
    // What was acknowledged last may have waited for its turn as the server was killed.
    let is_full = |shelf: &Shelf| (shelf.items.len() as u64 == ITEMS).then_some(());
    let found = shelf.until_within(Millis(120_000), is_full).await;
    let read = begun.elapsed();
    found.expect("it reads").expect("it is there");
    shut_down(uc).await;
    (opened, read)
}

/// `BYTES=1000000000 cargo test --release -p undercurrent --features ssr --test bounded -- --ignored
/// --nocapture a_start`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, for a minute"]
async fn a_start_on_a_large_file_after_a_kill_and_after_a_stop() {
    let wanted = number("BYTES", 1_000_000_000);
    let folder = Folder::new("large");
    let mut filling = with_test(Command::new(program()), "the_server_that_fills_its_file")
        .env(FILE, folder.file("state.redb"))
        .spawn()
        .expect("it starts");
    let out = BufReader::new(filling.stdout.take().expect("it is piped"));
    let mut last = 0;
    for told in out.lines().map_while(std::result::Result::ok) {
        let Some(n) = told.strip_prefix("@ filled ") else {
            continue;
        };
        last = n.parse().expect("a number");
        // Filled, and not only made larger: a file grows by doubling.
        if last * ITEMS * 100 >= wanted {
            break;
        }
    }
    filling.kill().expect("it runs");
    filling.wait().expect("it has ended");
    let bytes = std::fs::metadata(folder.file("state.redb"))
        .expect("it is there")
        .len();
    let (opened, read) = timed_start(&folder.file("state.redb"), last).await;
    println!("{bytes} bytes, {last} scopes; after a kill: open in {opened:?}, read in {read:?}");
    let (opened, read) = timed_start(&folder.file("state.redb"), last).await;
    println!("after a stop in good order: open in {opened:?}, read in {read:?}");
}
