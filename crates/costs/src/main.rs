//! Times each operation at ten elements and at a hundred thousand, and ends with 1 when a ratio is
//! above the bound. Run it optimised: `cargo run --profile costs -p costs`.

mod instructions;

use costs::{Board, Committed, OPERATIONS, Operation, post};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// An update of a hundred thousand elements takes so many times that of ten, at most.
const BOUND: f64 = 1.2;
/// A snapshot holds up no update for longer.
const SNAPSHOT_BOUND: Duration = Duration::from_millis(1);
/// Updates in a batch are twice as many.
const ROUNDS: u32 = 100;
/// Batches of the two sizes take turns, so that a busy machine slows both. The quickest of each
/// counts: what else a machine does takes time and never gives any.
const BATCHES: usize = 31;
/// Above the bound more batches are made. What is slow is slow in each.
const TRIES: usize = 10;
/// So often what is above the bound is looked at again later: where others use up the machine's
/// caches, even an update that touches no collection takes a fifth more beside a large one.
const PASSES: u32 = 10;
/// Between two passes.
const PAUSE: Duration = Duration::from_secs(3);

/// An operation, and the quickest that it was so far, in nanoseconds an update.
struct Measured {
    operation: &'static Operation,
    at_few: f64,
    at_many: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [counted, operation, rounds] = &arguments[..]
        && counted == instructions::COUNTED
    {
        instructions::run(operation, rounds.parse().expect("a number of rounds"));
        return ExitCode::SUCCESS;
    }
    let (mut few, mut many) = (Committed::of(10), Committed::of(100_000));
    let mut all: Vec<Measured> = OPERATIONS.iter().map(Measured::new).collect();
    for pass in 0..PASSES {
        if pass > 0 {
            std::thread::sleep(PAUSE);
        }
        for one in all.iter_mut().filter(|one| one.is_slow()) {
            one.measure(&mut few, &mut many);
        }
        if !all.iter().any(Measured::is_slow) {
            break;
        }
    }
    println!("nanoseconds an update                          at 10  at 100,000   ratio");
    all.iter().for_each(Measured::print);
    drop((few, many));
    let is_good = all.iter().all(|one| !one.is_slow())
        & snapshots(100_000)
        & snapshots(1_000_000)
        & instructions::guard();
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What a snapshot holds updates up for: while it is taken, while it is let go of, and in the update
/// after it, which copies what it changes. Says whether each is below the bound.
fn snapshots(len: usize) -> bool {
    let mut board = Committed::begin(Board {
        posts: (0..len).map(post).collect(),
        ..Board::default()
    });
    let mut quickest = [Duration::MAX; 4];
    for round in 0..BATCHES * TRIES {
        let timed = |act: &mut dyn FnMut()| {
            let begin = Instant::now();
            act();
            begin.elapsed()
        };
        let mut snapshot = None;
        let taken = timed(&mut || snapshot = Some(board.value().posts.clone()));
        // Written elsewhere: it takes what it takes, and holds up nobody.
        let changed = timed(&mut || {
            board.update(|board| board.posts[(round * 7919) % len].id += 1);
        });
        let given_back = timed(&mut || drop(snapshot.take()));
        let then = timed(&mut || {
            board.update(|board| board.posts[(round * 7919) % len].id += 1);
        });
        for (least, now) in quickest.iter_mut().zip([taken, changed, given_back, then]) {
            *least = now.min(*least);
        }
    }
    let names = [
        "taken",
        "the update after it",
        "let go of",
        "another update",
    ];
    println!("a snapshot of {len} posts, in nanoseconds");
    for (name, time) in names.iter().zip(quickest) {
        println!("{name:45} {:6}", time.as_nanos());
    }
    quickest.iter().all(|time| *time < SNAPSHOT_BOUND)
}

impl Measured {
    fn new(operation: &'static Operation) -> Self {
        Measured {
            operation,
            at_few: f64::INFINITY,
            at_many: f64::INFINITY,
        }
    }

    fn measure(&mut self, few: &mut Committed, many: &mut Committed) {
        for _ in 0..TRIES {
            for _ in 0..BATCHES {
                self.at_few = batch(few, self.operation).min(self.at_few);
                self.at_many = batch(many, self.operation).min(self.at_many);
            }
            if !self.is_slow() {
                break;
            }
        }
    }

    /// Above the bound, or not measured yet.
    fn is_slow(&self) -> bool {
        let ratio = self.at_many / self.at_few;
        ratio.is_nan() || ratio > BOUND
    }

    fn print(&self) {
        let Measured {
            operation,
            at_few,
            at_many,
        } = self;
        let verdict = match self.is_slow() {
            true => "  above the bound",
            false => "",
        };
        let ratio = at_many / at_few;
        println!(
            "{:45} {at_few:6.0} {at_many:11.0}   {ratio:5.2}{verdict}",
            operation.name
        );
    }
}

/// Nanoseconds of an update.
fn batch(board: &mut Committed, operation: &Operation) -> f64 {
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        board.update(operation.does);
        board.update(operation.and_back);
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(2 * ROUNDS)
}
