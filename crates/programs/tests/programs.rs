//! The programs, natively.

/// So many seeds in CI; `PROGRAMS=100000 cargo test -p programs` runs more.
const SEEDS: u32 = 4_000;

#[test]
fn whatever_a_program_does_is_recorded_rightly_or_undone() {
    // Panics are part of the programs: they need not be reported each.
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("a mood") {
            eprintln!("{info}");
        }
    }));
    let seeds = std::env::var("PROGRAMS").ok().and_then(|n| n.parse().ok());
    match programs::run_all(0, seeds.unwrap_or(SEEDS)) {
        Ok(seen) => {
            println!("{seen}");
            // A program that does nothing proves nothing.
            let all = [seen.recorded, seen.undone, seen.lost, seen.panics];
            assert!(all.iter().all(|&count| count > 100), "{seen}");
        }
        Err(failure) => {
            let failure = failure.to_string();
            panic!("{}", failure.chars().take(4_000).collect::<String>());
        }
    }
}
