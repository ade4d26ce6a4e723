//! Times each operation at ten elements and at a hundred thousand, and ends with 1 when a ratio is
//! above the bound. Run it optimised: `cargo run --profile costs -p costs`.

use costs::{Committed, OPERATIONS, Operation};
use std::{process::ExitCode, time::Instant};

/// An update of a hundred thousand elements takes so many times that of ten, at most.
const BOUND: f64 = 1.2;
/// Updates in a batch are twice as many.
const ROUNDS: u32 = 100;
/// Batches of the two sizes take turns, so that a busy machine slows both.
const BATCHES: usize = 31;
/// A ratio above the bound is measured again. What is slow is slow every time.
const TRIES: usize = 5;

fn main() -> ExitCode {
    let (mut few, mut many) = (Committed::of(10), Committed::of(100_000));
    let mut slow = 0;
    println!("nanoseconds an update                          at 10  at 100,000   ratio");
    for operation in OPERATIONS {
        let mut best = (0.0, 0.0, f64::INFINITY);
        for _ in 0..TRIES {
            let now = measure(&mut few, &mut many, operation);
            if now.2 < best.2 {
                best = now;
            }
            if best.2 <= BOUND {
                break;
            }
        }
        let (at_few, at_many, ratio) = best;
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

/// Nanoseconds of an update at both sizes, and the ratio: the medians of the batches.
fn measure(few: &mut Committed, many: &mut Committed, operation: &Operation) -> (f64, f64, f64) {
    let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        at_few.push(batch(few, operation));
        at_many.push(batch(many, operation));
    }
    let (at_few, at_many) = (median(at_few), median(at_many));
    (at_few, at_many, at_many / at_few)
}

fn batch(board: &mut Committed, operation: &Operation) -> f64 {
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        board.update(operation.does);
        board.update(operation.and_back);
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(2 * ROUNDS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
