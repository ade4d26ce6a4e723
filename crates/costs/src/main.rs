//! Times each operation at ten elements and at a hundred thousand, and ends with 1 when a ratio is
//! above the bound. Run it optimised: `cargo run --profile costs -p costs`.

use costs::{Committed, OPERATIONS, Operation};
use std::{process::ExitCode, time::Instant};

/// An update of a hundred thousand elements takes so many times that of ten, at most.
const BOUND: f64 = 1.2;
/// Updates in a batch are twice as many.
const ROUNDS: u32 = 100;
/// Batches of the two sizes take turns, so that a busy machine slows both. The quickest of each
/// counts: what else a machine does takes time and never gives any.
const BATCHES: usize = 31;
/// Above the bound more batches are made. What is slow is slow in each.
const TRIES: usize = 10;

fn main() -> ExitCode {
    let (mut few, mut many) = (Committed::of(10), Committed::of(100_000));
    let mut slow = 0;
    println!("nanoseconds an update                          at 10  at 100,000   ratio");
    for operation in OPERATIONS {
        let (mut at_few, mut at_many) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..TRIES {
            for _ in 0..BATCHES {
                at_few = batch(&mut few, operation).min(at_few);
                at_many = batch(&mut many, operation).min(at_many);
            }
            if at_many / at_few <= BOUND {
                break;
            }
        }
        let ratio = at_many / at_few;
        let verdict = if ratio > BOUND {
            "  above the bound"
        } else {
            ""
        };
        slow += usize::from(ratio > BOUND);
        println!(
            "{:45} {at_few:6.0} {at_many:11.0}   {ratio:5.2}{verdict}",
            operation.name
        );
    }
    match slow {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Nanoseconds of an update.
fn batch(board: &mut Committed, operation: &Operation) -> f64 {
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        board.update(operation.does);
        board.update(operation.and_back);
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(2 * ROUNDS)
}
