//! Random programs over states.
//!
//! A program does to a state what user code may do: every operation of every collection, swaps,
//! takes, clones of now and of earlier, whole assignments, and it stops at a random point with an
//! error or a panic. What is held after each update stands in [`check`].
//!
//! The same programs run natively, by `cargo test`, and in a browser, where `run` is called.

mod check;
mod random;
mod step;
mod world;

pub use check::{Failure, Seen, check};

/// Runs the programs with these seeds. The answer says how many updates they made, or begins
/// with `seed` and says what failed.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
#[must_use]
pub fn run(from: u32, count: u32) -> String {
    let mut all = Seen::default();
    for seed in from..from + count {
        match check(u64::from(seed)) {
            Ok(seen) => all.add(&seen),
            Err(failure) => return failure.to_string(),
        }
    }
    all.to_string()
}
