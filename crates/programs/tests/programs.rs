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
    let seen = programs::run(0, seeds.unwrap_or(SEEDS));
    println!("{seen}");
    assert!(
        seen.starts_with("recorded"),
        "{}",
        &seen[..seen.len().min(4_000)]
    );
}
