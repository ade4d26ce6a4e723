//! The programs, natively.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// So many seeds in CI; `PROGRAMS=100000 cargo test -p programs` runs more.
const SEEDS: u32 = 4_000;

#[test]
fn whatever_a_program_does_is_recorded_rightly_or_undone() {
    // Panics are part of the programs: they need not be reported each.
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("a mood") {
            eprintln!("{info}");
        }
    }));
    let seeds = std::env::var("PROGRAMS").ok().and_then(|n| n.parse().ok());
    match programs::run_all(0, seeds.unwrap_or(SEEDS)) {
        Ok(seen) => {
            println!("{seen}");
            // A program that does nothing proves nothing.
            let all = [seen.recorded, seen.undone, seen.lost, seen.panics];
            assert!(all.iter().all(|&count| count > 100), "{seen}");
        }
        Err(failure) => {
            let failure = failure.to_string();
            panic!("{}", failure.chars().take(4_000).collect::<String>());
        }
    }
}

/// So many seeds are followed in Python.
const IN_PYTHON: u64 = 400;

#[test]
fn what_programs_tell_pages_leads_a_client_in_another_language_to_the_same() {
    // Panics are part of the programs here, too; the other test reports what is none.
    std::panic::set_hook(Box::new(|_| {}));
    let mut lines = String::new();
    for seed in 0..IN_PYTHON {
        let programs = programs::told(seed).unwrap_or_else(|failure| panic!("{failure}"));
        for told in programs {
            lines.push_str("null\n");
            for (ops, shown) in told {
                lines.push_str(&format!("[{ops},{shown}]\n"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3")
        .arg(root.join("tests/python.py"))
        .arg(root.join("../../docs/client.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is Python");
    let mut stdin = python.stdin.take().expect("it is piped");
    let fed = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let why: String = String::from_utf8_lossy(&output.stderr)
        .chars()
        .take(4_000)
        .collect();
    assert!(output.status.success(), "{why}");
    fed.join().expect("no panic").expect("it reads all");
    let applied: u64 = said.trim().parse().expect("a number");
    assert!(applied > 10 * IN_PYTHON, "{applied} updates");
}

/// `WEATHER=100000 cargo test -p programs weather` runs more.
const WEATHER: u32 = 10_000;

#[test]
fn in_any_weather_a_page_asks_for_one_stream_and_is_live_when_it_is_fair() {
    let seeds = std::env::var("WEATHER").ok().and_then(|n| n.parse().ok());
    let seen = programs::all_weather(0, seeds.unwrap_or(WEATHER));
    let seen = seen.unwrap_or_else(|stormy| panic!("{stormy}"));
    println!("{seen}");
    let all = [
        seen.asked,
        seen.replaced,
        seen.failed,
        seen.rested,
        seen.cuts,
        seen.given_up,
        seen.live,
    ];
    assert!(all.iter().all(|&count| count > 100), "{seen}");
}
