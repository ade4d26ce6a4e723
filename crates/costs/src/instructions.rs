//! Instructions of the paths that every update takes, counted by valgrind: they are the same however
//! busy a machine is. A path that becomes dearer ends the run with 1; so does one that becomes much
//! cheaper, so that the figures stay what they are called. Another compiler counts a little
//! differently.

use costs::{Committed, OPERATIONS};
use std::{env, io, process::Command};

/// An update at the server, until its entry is in the log, and the replica that follows it.
struct Path {
    /// Of an operation, there and back: two updates.
    operation: &'static str,
    instructions: f64,
}

const PATHS: &[Path] = &[
    Path {
        operation: "push, pop",
        instructions: 19_100.0,
    },
    Path {
        operation: "change inside of an item",
        instructions: 28_200.0,
    },
    Path {
        operation: "change by key",
        instructions: 29_800.0,
    },
    Path {
        operation: "push onto a text, pop",
        instructions: 15_100.0,
    },
    Path {
        operation: "a plain field",
        instructions: 14_100.0,
    },
];

/// So much more, or less, is another figure.
const TOLERANCE: f64 = 0.25;
/// The program runs with few rounds and with many: what it does at its start is in both.
const FEW: u32 = 100;
const MANY: u32 = 600;
const LEN: usize = 100;

/// The first argument of a run that is counted.
pub const COUNTED: &str = "counted";

/// What is counted: an operation, so many times.
pub fn run(operation: &str, rounds: u32) {
    let operation = OPERATIONS.iter().find(|known| known.name == operation);
    let operation = operation.expect("it is one");
    let mut board = Committed::of(LEN);
    for _ in 0..rounds {
        for change in [operation.does, operation.and_back] {
            let update = board.update(change);
            board.follow(&update).expect("it fits");
        }
    }
}

/// Says whether each path takes what it did. Without valgrind nothing is counted.
pub fn guard() -> bool {
    println!("instructions of an update and of its replica         now      before");
    let mut is_good = true;
    for Path {
        operation,
        instructions,
    } in PATHS
    {
        let counted = counted(operation, MANY).and_then(|many| {
            let few = counted(operation, FEW)?;
            Ok((many - few) as f64 / f64::from(2 * (MANY - FEW)))
        });
        let now = match counted {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("valgrind is not here: they are not counted");
                return true;
            }
            Err(error) => {
                println!("{operation}: {error}");
                return false;
            }
        };
        let is_other = (now / instructions - 1.0).abs() > TOLERANCE;
        is_good &= !is_other;
        let verdict = match is_other {
            true => "  find out why, or put the new figure into instructions.rs",
            false => "",
        };
        println!("{operation:45} {now:11.0} {instructions:11.0}{verdict}");
    }
    is_good
}

fn counted(operation: &str, rounds: u32) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([COUNTED, operation, &rounds.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let total = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let total = total.and_then(|(_, total)| total.trim().parse().ok());
    total.ok_or_else(|| io::Error::other(format!("valgrind counts nothing: {said}")))
}
