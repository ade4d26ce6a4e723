//! Runs one program and holds what must be true.

use crate::{
    random::Random,
    step::{Aside, CANARY, step},
    world::{Card, World, panic_after},
};
use serde_json::Value;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use undercurrent::core::{
    list::{List, ListChange, Mailbox},
    node::Node,
    ops::Applied,
    state::{apply_ops, from_json, to_json, to_json_with_server},
    untyped::apply_json,
    writer::OpsWriter,
};

/// What did not hold.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    update: usize,
    what: String,
}

/// What the programs did, so that a test can tell that they did enough.
#[derive(Debug, Default)]
pub struct Seen {
    /// Updates that were recorded and applied.
    pub recorded: usize,
    /// Updates that were undone by what the collections keep.
    pub undone: usize,
    /// Updates that were undone by reading the state anew.
    pub lost: usize,
    /// Panics of user code.
    pub panics: usize,
}

/// Updates in a program.
const UPDATES: usize = 14;

struct Program {
    random: Random,
    world: World,
    shadow: World,
    aside: Aside,
    /// Follows by ops with everything, as a store does.
    store: World,
    /// Follows by what pages see, as plain JSON.
    page: Value,
    /// Follows by what pages see, and now and then by a snapshot; it is observed.
    replica: World,
    rows: View<String>,
    boards: View<List<String>>,
    counts: View<(i32, u32)>,
    named: View<(String, Card)>,
    seen: Seen,
}

/// What a view shows of a list or a map: it follows the changes that its mailbox is told.
struct View<T> {
    mailbox: Arc<Mailbox<T>>,
    rows: Vec<T>,
}

/// Runs the program with this seed. After each update:
///
/// - when it failed, the state is what it was before, and the next update's ops are right;
/// - when it did not, the ops lead from the old state to the new one: typed with everything,
///   as plain JSON with what pages see, and on a replica whose views are told each change;
/// - nothing that is for the server alone is in what pages see.
///
/// # Errors
///
/// Says the seed and what did not hold.
pub fn check(seed: u64) -> Result<Seen, Failure> {
    let mut program = Program::new(seed);
    for update in 0..UPDATES {
        program
            .update()
            .map_err(|what| Failure { seed, update, what })?;
    }
    Ok(program.seen)
}

impl Program {
    fn new(seed: u64) -> Self {
        let mut world = World::default();
        let shadow = world.arm();
        let mut replica = World::default();
        Program {
            random: Random::new(seed),
            shadow,
            aside: Aside::default(),
            store: world.clone(),
            page: serde_json::from_str(&json(&world)).unwrap_or_default(),
            rows: View::new(replica.rows.observe(|| {})),
            boards: View::new(replica.boards.observe(|| {})),
            counts: View::new(replica.counts.observe(|| {})),
            named: View::new(replica.named.observe(|| {})),
            replica,
            seen: Seen::default(),
            world,
        }
    }

    fn update(&mut self) -> Result<(), String> {
        let before = self.world.clone();
        // In a browser a panic ends the program.
        let panics = cfg!(not(target_arch = "wasm32")) && self.random.chance(4);
        panic_after(panics.then(|| self.random.below(150) as u32));
        let swallow = self.random.chance(2);
        let finished = self.steps(swallow);
        let fails = !finished || self.random.chance(4);
        let recorded = if fails { None } else { self.record() };
        panic_after(None);
        match recorded {
            None => self.undo(&before),
            Some((ops, full)) => self.follow(&ops, &full),
        }
    }

    /// Whether it came to its end. Where panics are swallowed it does, whatever happens.
    fn steps(&mut self, swallow: bool) -> bool {
        for _ in 0..=self.random.below(7) {
            let (random, world, aside) = (&mut self.random, &mut self.world, &mut self.aside);
            let panicked = catch_unwind(AssertUnwindSafe(|| step(random, world, aside))).is_err();
            self.seen.panics += usize::from(panicked);
            if panicked && !swallow {
                return false;
            }
        }
        true
    }

    /// The ops for pages, and all of them; or `None` where they can't be written.
    fn record(&mut self) -> Option<(String, String)> {
        let mut writer = OpsWriter::new::<World>();
        let (world, shadow) = (&mut self.world, &mut self.shadow);
        let record = AssertUnwindSafe(|| world.record(shadow, &mut writer.out()));
        let recorded = catch_unwind(record);
        self.seen.panics += usize::from(recorded.is_err());
        recorded.ok()?.ok()?;
        panic_after(None);
        self.world.settle(&mut self.shadow);
        let (public, full) = writer.finish();
        let full = full.unwrap_or_else(|| public.clone());
        Some((
            String::from_utf8(public).ok()?,
            String::from_utf8(full).ok()?,
        ))
    }

    fn undo(&mut self, before: &World) -> Result<(), String> {
        let shadow = std::mem::take(&mut self.shadow);
        if self.world.undo(shadow).is_ok() {
            self.seen.undone += 1;
        } else {
            // As a cell does it: from what the ops have led to.
            self.world = self.store.clone();
            self.seen.lost += 1;
        }
        self.shadow = self.world.arm();
        hold(self.world == *before, || {
            format!("undone to {:?}\ninstead of {before:?}", self.world)
        })
    }

    fn follow(&mut self, ops: &str, full: &str) -> Result<(), String> {
        self.seen.recorded += 1;
        let told = |error: &dyn fmt::Display| format!("{error} in {full}");
        apply_ops(&mut self.store, full, &mut Applied::default()).map_err(|e| told(&e))?;
        hold(self.store == self.world, || {
            format!(
                "{full}\nled to {:?}\ninstead of {:?}",
                self.store, self.world
            )
        })?;
        let shown = json(&self.world);
        apply_json(&mut self.page, ops).map_err(|e| told(&e))?;
        let expected: Value = serde_json::from_str(&shown).map_err(|e| told(&e))?;
        hold(self.page == expected, || {
            format!("{ops}\nled to {}\ninstead of {expected}", self.page)
        })?;
        let mut applied = Applied::default();
        if self.random.chance(5) {
            let snapshot: World = from_json(&shown).map_err(|e| told(&e))?;
            self.replica.patch(snapshot, &mut applied);
        } else {
            apply_ops(&mut self.replica, ops, &mut applied).map_err(|e| told(&e))?;
        }
        hold(json(&self.replica) == shown, || {
            format!(
                "{ops}\nled a replica to {}\ninstead of {shown}",
                json(&self.replica)
            )
        })?;
        let replica = &self.replica;
        hold(
            self.rows.follow().iter().eq(&replica.rows)
                && self.boards.follow().iter().eq(&replica.boards)
                && (self.counts.follow().iter().map(|(key, value)| (key, value)))
                    .eq(replica.counts.iter())
                && (self.named.follow().iter().map(|(key, value)| (key, value)))
                    .eq(replica.named.iter()),
            || format!("{ops}\nled a view to something else than\n{replica:?}"),
        )?;
        // A second replica that begins now, and a store that is read.
        let read: World = to_json_with_server(&self.world)
            .map_err(|e| told(&e))
            .and_then(|json| from_json(&json).map_err(|e| told(&e)))?;
        hold(read == self.world, || {
            format!("{:?}\nis read as {read:?}", self.world)
        })?;
        // No name of a field that is for the server alone, and nothing that stands in one.
        let secrets = [
            "\"key\"",
            "\"log\"",
            "\"code\"",
            "\"secret\"",
            "\"secrets\"",
            "\"hidden_",
            CANARY,
        ];
        let tells = |text: &str| secrets.iter().any(|secret| text.contains(secret));
        hold(!tells(ops) && !tells(&shown), || {
            format!("{ops}\nor {shown}\ntells secrets")
        })
    }
}

impl<T: Clone> View<T> {
    fn new(mailbox: Arc<Mailbox<T>>) -> Self {
        View {
            mailbox,
            rows: Vec::new(),
        }
    }

    fn follow(&mut self) -> &[T] {
        for change in self.mailbox.take() {
            follow_change(&mut self.rows, change);
        }
        &self.rows
    }
}

/// What a view does that shows a row for each item.
fn follow_change<T: Clone>(rows: &mut Vec<T>, change: ListChange<T>) {
    match change {
        ListChange::Set(index, row) => rows[index] = row,
        ListChange::Insert(index, new) => drop(rows.splice(index..index, new)),
        ListChange::Remove(index, count) => drop(rows.drain(index..index + count)),
        ListChange::Move(from, to) => {
            let row = rows.remove(from);
            rows.insert(to, row);
        }
        ListChange::Swap(a, b) => rows.swap(a, b),
        ListChange::Order(start, order) => {
            let old = rows[start..start + order.len()].to_vec();
            for (place, from) in rows[start..].iter_mut().zip(order) {
                place.clone_from(&old[from as usize]);
            }
        }
    }
}

fn json(world: &World) -> String {
    to_json(world).unwrap_or_else(|error| error.to_string())
}

fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Seen) {
        self.recorded += other.recorded;
        self.undone += other.undone;
        self.lost += other.lost;
        self.panics += other.panics;
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen {
            recorded,
            undone,
            lost,
            panics,
        } = self;
        write!(
            f,
            "recorded {recorded}, undone {undone}, read anew {lost}, panics {panics}"
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, update, what } = self;
        write!(f, "seed {seed}, update {update}: {what}")
    }
}

impl std::error::Error for Failure {}
