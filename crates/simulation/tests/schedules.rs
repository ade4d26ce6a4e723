//! The schedules, as many as a second or two allows.

use simulation::seeds;
use std::time::Instant;

/// So many seeds in an ordinary run.
const SEEDS: u64 = 3_000;
/// At least so many schedules a second, with a runtime that is not optimised and beside other tests.
/// `scripts/test.sh costs` holds what an optimised one does.
const SCHEDULES_A_SECOND: f64 = 100.0;

#[test]
fn a_replica_shows_what_the_scope_was_whatever_the_link_does() {
    let seeds = seeds(SEEDS);
    let (count, began) = (seeds.end - seeds.start, Instant::now());
    let seen = simulation::check_all(seeds).unwrap_or_else(|failure| panic!("{failure}"));
    let a_second = count as f64 / began.elapsed().as_secs_f64();
    println!("{a_second:.0} schedules a second, {seen:?}");
    if count == 1 {
        return;
    }
    assert!(a_second > SCHEDULES_A_SECOND, "{a_second:.0} a second");
    // A schedule in which nothing happens proves nothing.
    let all = [
        seen.updates,
        seen.applied,
        seen.dropped,
        seen.snapshots,
        seen.resyncs,
        seen.resumed,
        seen.crashes,
        seen.taken_back,
        seen.strangers,
    ];
    assert!(all.iter().all(|&count| count > 500), "{seen:?}");
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in 0..50 {
        let [one, other] = [(); 2].map(|()| format!("{:?}", simulation::check(seed)));
        assert_eq!(one, other);
    }
}
