//! Runs one program and holds what must be true.

use crate::{
    knots::Knots,
    random::Random,
    world::{World, panic_after},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use undercurrent::core::{
    list::{ListChange, Mailbox},
    ops::Applied,
    state::{State, apply_ops, from_json, to_json, to_json_with_server},
    untyped::apply_json,
    writer::OpsWriter,
};

/// What did not hold.
#[derive(Debug)]
pub struct Failure {
    of: &'static str,
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

/// A state, and what programs may do to it.
pub(crate) trait Universe: State + PartialEq + fmt::Debug {
    /// What a program puts aside, in an earlier update or in this one.
    type Aside: Default;

    /// Views of a replica.
    type Views;

    /// What stands in no byte for pages: names of fields, and what begins each text in one.
    const SECRETS: &'static [&'static str];

    /// One thing that user code may do.
    fn step(random: &mut Random, state: &mut Self, aside: &mut Self::Aside);

    fn watch(replica: &mut Self) -> Self::Views;

    /// The views have followed what they were told: whether they show the replica.
    fn are_shown(views: &mut Self::Views, replica: &Self) -> bool;
}

struct Program<U: Universe> {
    random: Random,
    state: U,
    shadow: U,
    aside: U::Aside,
    /// Follows by ops with everything, as a store does.
    store: U,
    /// Follows by what pages see, as plain JSON.
    page: Value,
    /// Follows by what pages see, and now and then by a snapshot; it is observed.
    replica: U,
    views: U::Views,
    seen: Seen,
    /// The ops for pages of each update, and what these show then.
    told: Vec<(String, String)>,
}

/// What a view shows of a list or a map: it follows the changes that its mailbox is told.
pub(crate) struct View<T> {
    mailbox: Arc<Mailbox<T>>,
    rows: Vec<T>,
}

/// Runs the program with this seed. After each update:
///
/// - when it failed, the state is what it was before, and the next update's ops are right;
/// - when it did not, the ops lead from the old state to the new one: typed with everything,
///   as plain JSON with what pages see, and on a replica whose views are told each change, and
///   which is told each field that changed;
/// - nothing that is for the server alone is in what pages see.
///
/// # Errors
///
/// Says the seed and what did not hold.
pub fn check(seed: u64) -> Result<Seen, Failure> {
    let mut seen = Program::<World>::run(seed)?;
    // They take four times as long.
    if seed.is_multiple_of(4) {
        seen.add(&Program::<Knots>::run(seed)?);
    }
    Ok(seen)
}

/// What the programs with this seed tell pages: for each, what these show at first, and then of each
/// update the ops and what pages show.
///
/// # Errors
///
/// As [`check`].
pub fn told(seed: u64) -> Result<[Vec<(String, String)>; 2], Failure> {
    let all = [
        (json(&World::default()), Program::<World>::ran(seed)?.told),
        (json(&Knots::default()), Program::<Knots>::ran(seed)?.told),
    ];
    Ok(all.map(|(first, mut told)| {
        told.insert(0, ("[]".to_owned(), first));
        told
    }))
}

impl<U: Universe> Program<U> {
    fn run(seed: u64) -> Result<Seen, Failure> {
        Ok(Self::ran(seed)?.seen)
    }

    fn ran(seed: u64) -> Result<Self, Failure> {
        let mut program = Self::new(seed);
        for update in 0..UPDATES {
            program.update().map_err(|what| Failure {
                of: U::NAME,
                seed,
                update,
                what,
            })?;
        }
        Ok(program)
    }

    fn new(seed: u64) -> Self {
        let mut state = U::default();
        let shadow = state.arm();
        let mut replica = U::default();
        Program {
            random: Random::new(seed),
            shadow,
            aside: U::Aside::default(),
            store: state.clone(),
            page: serde_json::from_str(&json(&state)).unwrap_or_default(),
            views: U::watch(&mut replica),
            replica,
            seen: Seen::default(),
            told: Vec::new(),
            state,
        }
    }

    fn update(&mut self) -> Result<(), String> {
        let (before, was) = (self.state.clone(), whole(&self.state));
        // In a browser a panic ends the program.
        let panics = cfg!(not(target_arch = "wasm32")) && self.random.chance(4);
        panic_after(panics.then(|| self.random.below(150) as u32));
        let swallow = self.random.chance(2);
        let finished = self.steps(swallow);
        let fails = !finished || self.random.chance(4);
        let recorded = if fails { None } else { self.record() };
        panic_after(None);
        match recorded {
            None => self.undo(&before, &was),
            Some((ops, full)) => self.follow(&ops, &full),
        }
    }

    /// Whether it came to its end. Where panics are swallowed it does, whatever happens.
    fn steps(&mut self, swallow: bool) -> bool {
        for _ in 0..=self.random.below(7) {
            let (random, state, aside) = (&mut self.random, &mut self.state, &mut self.aside);
            let step = AssertUnwindSafe(|| U::step(random, state, aside));
            let panicked = catch_unwind(step).is_err();
            self.seen.panics += usize::from(panicked);
            if panicked && !swallow {
                return false;
            }
        }
        true
    }

    /// The ops for pages, and all of them; or `None` where they can't be written.
    fn record(&mut self) -> Option<(String, String)> {
        let mut writer = OpsWriter::new::<U>();
        let (state, shadow) = (&mut self.state, &mut self.shadow);
        let record = AssertUnwindSafe(|| state.record(shadow, &mut writer.out()));
        let recorded = catch_unwind(record);
        self.seen.panics += usize::from(recorded.is_err());
        recorded.ok()?.ok()?;
        panic_after(None);
        self.state.settle(&mut self.shadow);
        let (public, full) = writer.finish();
        let full = full.unwrap_or_else(|| public.clone());
        Some((
            String::from_utf8(public).ok()?,
            String::from_utf8(full).ok()?,
        ))
    }

    fn undo(&mut self, before: &U, was: &str) -> Result<(), String> {
        let shadow = std::mem::take(&mut self.shadow);
        if self.state.undo(shadow).is_ok() {
            self.seen.undone += 1;
        } else {
            // As a cell does it: from what the ops have led to.
            self.state = self.store.clone();
            self.seen.lost += 1;
        }
        self.shadow = self.state.arm();
        hold(self.state == *before && whole(&self.state) == was, || {
            format!("undone to {:?}\ninstead of {before:?}", self.state)
        })
    }

    fn follow(&mut self, ops: &str, full: &str) -> Result<(), String> {
        self.seen.recorded += 1;
        let told = |error: &dyn fmt::Display| format!("{error} in {full}");
        apply_ops(&mut self.store, full, &mut Applied::default()).map_err(|e| told(&e))?;
        // What is equal may be written otherwise: both are compared.
        let is = whole(&self.state);
        hold(self.store == self.state && whole(&self.store) == is, || {
            format!(
                "{full}\nled to {:?}\ninstead of {:?}",
                self.store, self.state
            )
        })?;
        let shown = json(&self.state);
        apply_json(&mut self.page, ops).map_err(|e| told(&e))?;
        let expected: Value = serde_json::from_str(&shown).map_err(|e| told(&e))?;
        hold(self.page == expected, || {
            format!("{ops}\nled to {}\ninstead of {expected}", self.page)
        })?;
        self.show(ops, &shown)?;
        self.told.push((ops.to_owned(), shown.clone()));
        // A second replica that begins now, and a store that is read.
        let read: U = from_json(&is).map_err(|e| told(&e))?;
        hold(read == self.state && whole(&read) == is, || {
            format!("{:?}\nis read as {read:?}", self.state)
        })?;
        let tells = |text: &str| U::SECRETS.iter().any(|secret| text.contains(secret));
        hold(!tells(ops) && !tells(&shown), || {
            format!("{ops}\nor {shown}\ntells secrets")
        })
    }

    /// The replica follows, and whoever shows it.
    fn show(&mut self, ops: &str, shown: &str) -> Result<(), String> {
        let told = |error: &dyn fmt::Display| format!("{error} in {ops}");
        let before = fields(&json(&self.replica));
        let mut applied = Applied::default();
        let by_snapshot = self.random.chance(5);
        if by_snapshot {
            let snapshot: U = from_json(shown).map_err(|e| told(&e))?;
            self.replica.patch(snapshot, &mut applied);
        } else {
            apply_ops(&mut self.replica, ops, &mut applied).map_err(|e| told(&e))?;
        }
        let replica = &self.replica;
        hold(json(replica) == shown, || {
            format!(
                "{ops}\nled a replica to {}\ninstead of {shown}",
                json(replica)
            )
        })?;
        let after = fields(shown);
        for (number, field) in U::FIELDS.iter().enumerate() {
            let differs = before.get(*field) != after.get(*field);
            let is_told = (applied.touched.iter()).any(|path| path.first() == Some(&number));
            // Ops may take back what they did; a snapshot tells what differs and no more.
            hold(differs == is_told || (is_told && !by_snapshot), || {
                format!("{ops}\n{field} differs: {differs}, and who shows it is told: {is_told}")
            })?;
        }
        hold(U::are_shown(&mut self.views, replica), || {
            format!("{ops}\nled a view to something else than\n{replica:?}")
        })
    }
}

impl<T: Clone> View<T> {
    pub(crate) fn new(mailbox: Arc<Mailbox<T>>) -> Self {
        View {
            mailbox,
            rows: Vec::new(),
        }
    }

    pub(crate) fn follow(&mut self) -> &[T] {
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

/// What pages see.
fn json<S: State>(state: &S) -> String {
    to_json(state).unwrap_or_else(|error| error.to_string())
}

fn whole<S: State>(state: &S) -> String {
    to_json_with_server(state).unwrap_or_else(|error| error.to_string())
}

fn fields(json: &str) -> BTreeMap<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
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
        let Failure {
            of,
            seed,
            update,
            what,
        } = self;
        write!(f, "seed {seed}, update {update} of {of}: {what}")
    }
}

impl std::error::Error for Failure {}
