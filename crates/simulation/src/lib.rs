//! Random schedules over the core: a scope with two states and its log, replicas that follow over
//! links that lose frames, turn them round, double them and are cut, a server that crashes and
//! loses what its store had not got, and strangers that ask from anywhere. When a page opens a
//! stream is decided by the core's connection, on a clock that each page has for itself.
//!
//! All of it is one thread without a clock: a seed decides everything, and the same seed does the
//! same again. After each frame a replica is compared with what the scope was at that position,
//! so that a hole, or a change applied twice, is seen at once; at the end, when the links are
//! sound again and all is quiet, with what the scope is.

mod client;
mod model;

pub use client::{Client, Event};
pub use model::{Feed, STATES, Tally, change_feed, change_tally, default_of};

use fastrand::Rng;
use model::Model;
use serde_json::Value;
use std::{fmt, ops::Range};
use undercurrent::core::position::Position;

/// What a page's streams come from: the model of this crate, or a server.
pub trait Server {
    /// A stream that is answered.
    type Feed;

    /// Its streams begin with a `hello` of their own.
    const SAYS_HELLO: bool;

    /// Answers who asks for a stream from these positions.
    fn answer(&self, from: [Option<Position>; 2], seen: &mut Seen) -> Self::Feed;

    /// Writes what there is, of changes so many at most, if it can tell.
    fn send(&self, feed: &mut Self::Feed, max: usize) -> Vec<Event>;

    /// Where a state last changed.
    fn position_of(&self, state: usize) -> Position;

    /// A state as pages see it.
    fn json(&self, state: usize) -> Value;

    /// What a state was at a position, if it ever was there.
    fn was<R>(&self, state: usize, at: Position, look: impl FnOnce(Option<&Value>) -> R) -> R;
}

/// The seeds of a test's schedules: so many in an ordinary run, `SIMULATION=1000` for more of them,
/// `SIMULATION_SEED=7` for that one alone.
///
/// # Panics
///
/// Where a variable is no number.
pub fn seeds(most: u64) -> Range<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{name} is a number")),
        )
    };
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION").unwrap_or(most),
    }
}

/// A replica, a stream or the log did what it must not.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    step: usize,
    what: String,
}

/// What the schedules did, so that a test can tell that they did enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub updates: usize,
    pub applied: usize,
    pub dropped: usize,
    pub snapshots: usize,
    pub resyncs: usize,
    pub resumed: usize,
    pub crashes: usize,
    pub taken_back: usize,
    pub strangers: usize,
}

/// Steps of a schedule, before all becomes quiet.
const STEPS: usize = 90;
const CLIENTS: usize = 3;

/// Runs the schedule of a seed.
///
/// # Errors
///
/// Says at which step what did not hold.
pub fn check(seed: u64) -> Result<Seen, Failure> {
    let mut random = Rng::with_seed(seed);
    let mut seen = Seen::default();
    let mut server = Model::new(&mut random);
    let failed = |step: usize| move |what: String| Failure { seed, step, what };
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::new(&mut random).map_err(failed(0))?);
    }
    for step in 0..STEPS {
        let client = &mut clients[random.usize(..CLIENTS)];
        let did = match random.usize(..26) {
            0..=5 => server.update(&mut random, &mut seen),
            6..=10 => client.hear(&server, &mut seen, &mut random),
            11..=14 => {
                // While a stream is on its way, the one before it goes on.
                let answers = random.bool();
                let answered = match answers {
                    true => client.answer(&server, &mut seen, &mut random),
                    false => Ok(()),
                };
                client.send(&server, 1 + random.usize(..4), &mut random);
                answered
            }
            15..=18 => {
                client.spoil(&mut random);
                Ok(())
            }
            19 => client.cut(&server, &mut seen, &mut random),
            20 => client.disturb(&mut random),
            21 | 22 => client.pass(&mut random),
            23 if random.usize(..4) == 0 => {
                server.crash(&mut random, &mut seen);
                // What was under way went down with the server, but for what a client had got.
                let mut cut = clients.iter_mut();
                cut.try_for_each(|client| client.cut(&server, &mut seen, &mut random))
            }
            23 | 24 => {
                server.store();
                Ok(())
            }
            _ => server.stranger(&mut random, &mut seen),
        };
        did.map_err(failed(step))?;
    }
    for client in &mut clients {
        let drained = client.drain(&server, &mut seen, &mut random);
        drained.map_err(failed(STEPS))?;
    }
    Ok(seen)
}

/// Runs the schedules with these seeds.
///
/// # Errors
///
/// The first failure.
pub fn check_all(seeds: std::ops::Range<u64>) -> Result<Seen, Failure> {
    let mut all = Seen::default();
    for seed in seeds {
        all.add(check(seed)?);
    }
    Ok(all)
}

impl Seen {
    pub fn add(&mut self, one: Seen) {
        self.updates += one.updates;
        self.applied += one.applied;
        self.dropped += one.dropped;
        self.snapshots += one.snapshots;
        self.resyncs += one.resyncs;
        self.resumed += one.resumed;
        self.crashes += one.crashes;
        self.taken_back += one.taken_back;
        self.strangers += one.strangers;
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, step, what } = self;
        write!(
            f,
            "seed {seed}, step {step}: {what}\nreplay it with SIMULATION_SEED={seed} cargo test -p simulation"
        )
    }
}

impl std::error::Error for Failure {}
