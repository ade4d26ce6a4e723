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

/// `WEATHER=100000 cargo test -p programs weather` runs more.
const WEATHER: u32 = 10_000;

#[test]
fn in_any_weather_a_page_asks_for_one_stream_and_is_live_when_it_is_fair() {
    let seeds = std::env::var("WEATHER").ok().and_then(|n| n.parse().ok());
    let seen = programs::all_weather(0, seeds.unwrap_or(WEATHER));
    let seen = seen.unwrap_or_else(|stormy| panic!("{stormy}"));
    println!("{seen}");
    let all = [
        seen.asked,
        seen.replaced,
        seen.failed,
        seen.rested,
        seen.cuts,
        seen.given_up,
        seen.live,
    ];
    assert!(all.iter().all(|&count| count > 100), "{seen}");
}
