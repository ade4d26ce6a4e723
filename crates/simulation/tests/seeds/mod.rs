//! Runs a test's schedules, one a seed.

use simulation::seeds;
use std::fmt::Debug;

/// Runs each under a clock of its own, with nothing left of those before. Gives back what they did, if
/// they were as many as in an ordinary run: then they did enough.
pub fn run_each<S: Debug + Default>(most: u64, check: impl AsyncFn(u64, &mut S)) -> Option<S> {
    let seeds = seeds(most);
    let mut seen = S::default();
    for seed in seeds.clone() {
        println!("SIMULATION_SEED={seed}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("there are resources");
        runtime.block_on(check(seed, &mut seen));
    }
    println!("{seen:?}");
    (seeds.end - seeds.start >= most).then_some(seen)
}
