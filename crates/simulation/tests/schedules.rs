//! The schedules, as many as a second or two allows.

/// So many seeds in an ordinary run; `SIMULATION=100000 cargo test -p simulation` runs more, and
/// `SIMULATION_SEED=7` that one.
const SEEDS: u64 = 3_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_replica_shows_what_the_scope_was_whatever_the_link_does() {
    if let Some(seed) = number("SIMULATION_SEED") {
        println!(
            "{:?}",
            simulation::check(seed).unwrap_or_else(|failure| panic!("{failure}"))
        );
        return;
    }
    let seeds = 0..number("SIMULATION").unwrap_or(SEEDS);
    let seen = simulation::check_all(seeds).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{seen:?}");
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
