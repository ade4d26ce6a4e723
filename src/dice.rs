//! Chance, for pages that need some.

use std::hash::{BuildHasher, RandomState};

/// A number in a range, both ends possible.
///
/// The standard library's hashes are keyed by the system's random source: enough for a
/// demonstration, and nothing to depend on. A remainder favours none that anyone could notice.
pub fn roll(low: i32, high: i32) -> i32 {
    let chance = RandomState::new().hash_one(());
    let span = i64::from(high) - i64::from(low) + 1;
    let step = (chance % span.max(1) as u64) as i64;
    (i64::from(low) + step) as i32
}
