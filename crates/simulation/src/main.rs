//! Times the schedules, and ends with 1 when fewer run in a second than should. Run it optimised:
//! `cargo run --profile costs -p simulation`.

use std::{process::ExitCode, time::Instant};

/// So many schedules run in a second, at least.
const BOUND: f64 = 5_000.0;
/// The quickest of several batches counts: what else a machine does takes time and never gives any.
const BATCHES: u64 = 20;
const SCHEDULES: u64 = 500;

fn main() -> ExitCode {
    let mut best = 0.0_f64;
    for batch in 0..BATCHES {
        let begin = Instant::now();
        let from = batch * SCHEDULES;
        if let Err(failure) = simulation::check_all(from..from + SCHEDULES) {
            println!("{failure}");
            return ExitCode::FAILURE;
        }
        best = best.max(SCHEDULES as f64 / begin.elapsed().as_secs_f64());
    }
    println!("{best:.0} schedules a second");
    match best >= BOUND {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
