//! Random programs over states.
//!
//! A program does to a state what user code may do: every operation of every collection, swaps,
//! takes, clones of now and of earlier, whole assignments, and it stops at a random point with an
//! error or a panic. What is held after each update stands in [`check`]. There are two states:
//! one with everything in it, and one in which whatever is may wander to any place and depth.
//!
//! The connection runs through random weather beside them: see [`weather()`].
//!
//! The same programs run natively, by `cargo test`, and in a browser, where `run` and `run_weather`
//! are called.

mod check;
mod knots;
mod random;
mod step;
mod weather;
mod world;

pub use check::{Failure, Seen, check, told};
pub use weather::{Stormy, Weather, weather};

/// Runs the programs with these seeds.
///
/// # Errors
///
/// Says the first seed that failed, and how.
pub fn run_all(from: u32, count: u32) -> Result<Seen, Failure> {
    let mut all = Seen::default();
    for seed in from..from + count {
        all.add(&check(u64::from(seed))?);
    }
    Ok(all)
}

/// [`run_all`] for a browser: what was seen, or, beginning with `seed`, what failed.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
#[must_use]
pub fn run(from: u32, count: u32) -> String {
    match run_all(from, count) {
        Ok(seen) => seen.to_string(),
        Err(failure) => failure.to_string(),
    }
}

/// Runs the weather of these seeds.
///
/// # Errors
///
/// Says the first seed that failed, and how.
pub fn all_weather(from: u32, count: u32) -> Result<Weather, Stormy> {
    let mut all = Weather::default();
    for seed in from..from + count {
        all.add(&weather(u64::from(seed))?);
    }
    Ok(all)
}

/// [`all_weather`] for a browser: what was seen, or, beginning with `seed`, what failed.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
#[must_use]
pub fn run_weather(from: u32, count: u32) -> String {
    match all_weather(from, count) {
        Ok(seen) => seen.to_string(),
        Err(stormy) => stormy.to_string(),
    }
}
