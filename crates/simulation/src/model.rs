//! The scope: two states, their log, a store that is behind, and what each position meant.

use crate::{Event, Seen, Server};
use fastrand::Rng;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};
use undercurrent::{
    core::{
        frame::write_state_event,
        log::{Entry, Log, LogLimits, Resume},
        node::Node,
        position::{Epoch, Position},
        state::to_json,
        writer::OpsWriter,
    },
    prelude::*,
};

#[derive(State, Clone, Debug, Default)]
pub struct Feed {
    rows: List<u32>,
    named: Map<String, u32>,
    text: Text,
    #[state(server)]
    secret: u32,
}

#[derive(State, Clone, Debug, Default)]
pub struct Tally {
    counts: List<List<u32>>,
    total: u32,
}

/// The names of the states; a state's number is its place here.
pub const STATES: [&str; 2] = [
    <Feed as undercurrent::State>::NAME,
    <Tally as undercurrent::State>::NAME,
];

pub(crate) struct Model {
    feed: Recorded<Feed>,
    tally: Recorded<Tally>,
    log: Log,
    limits: LogLimits,
    /// What the store has got: it is some updates behind.
    stored: (Feed, Tally, Position),
    /// What each state was at each position, ever.
    history: HashMap<(usize, Position), Value>,
}

struct Recorded<S> {
    value: S,
    shadow: S,
}

impl Model {
    pub(crate) fn new(random: &mut Rng) -> Self {
        // Short, so that it is often cut.
        let limits = LogLimits {
            entries: 2 + random.usize(..10),
            bytes: 600 + random.usize(..3_000),
        };
        let log = Log::new(epoch(random), limits);
        let mut server = Model {
            feed: Recorded::new(Feed::default()),
            tally: Recorded::new(Tally::default()),
            stored: (Feed::default(), Tally::default(), log.position()),
            log,
            limits,
            history: HashMap::new(),
        };
        server.remember(&[0, 1]);
        server
    }

    /// One update, of one of the states or of both, that may fail and be undone.
    pub(crate) fn update(&mut self, random: &mut Rng, seen: &mut Seen) -> Result<(), String> {
        let which = random.usize(..3);
        if which != 1 {
            change_feed(random, &mut self.feed.value);
        }
        if which != 0 {
            change_tally(random, &mut self.tally.value);
        }
        if random.usize(..8) == 0 {
            self.feed.undo()?;
            self.tally.undo()?;
            return Ok(());
        }
        let ops = [self.feed.record()?, self.tally.record()?];
        seen.updates += 1;
        self.publish(ops);
        Ok(())
    }

    fn publish(&mut self, ops: [Option<Vec<u8>>; 2]) {
        let at = self.log.position();
        let at = Position::new(at.epoch, at.offset + 1);
        let mut entries = Vec::new();
        for (state, ops) in ops.into_iter().enumerate() {
            let Some(ops) = ops else { continue };
            let since = self.log.last_changed(state);
            let event = write_state_event("s", at, STATES[state], Some(since), &ops);
            let end = event.len() - 3;
            entries.push(Arc::new(Entry {
                state,
                since,
                offset: at.offset,
                ops: end - ops.len()..end,
                event,
                server_ops: None,
            }));
        }
        let changed: Vec<usize> = entries.iter().map(|entry| entry.state).collect();
        self.log.push(entries);
        self.remember(&changed);
    }

    fn remember(&mut self, states: &[usize]) {
        for &state in states {
            let position = self.position_of(state);
            self.history.insert((state, position), self.json_of(state));
        }
    }

    /// The store has got everything.
    pub(crate) fn store(&mut self) {
        let position = self.log.position();
        self.stored = (self.feed.value.clone(), self.tally.value.clone(), position);
    }

    /// It ends, and comes back with what the store has got. Something that was shown may be lost,
    /// so that a new epoch begins; as every epoch it begins with the default states, and its
    /// first update says what was kept. Without a store nothing was.
    pub(crate) fn crash(&mut self, random: &mut Rng, seen: &mut Seen) {
        seen.crashes += 1;
        seen.taken_back += usize::from(self.stored.2 != self.log.position());
        self.log = Log::new(epoch(random), self.limits);
        if random.usize(..3) == 0 {
            self.stored = (Feed::default(), Tally::default(), self.log.position());
        }
        self.feed = Recorded::new(Feed::default());
        self.tally = Recorded::new(Tally::default());
        self.remember(&[0, 1]);
        let (feed, tally, _) = &self.stored;
        (self.feed.value, self.tally.value) = (feed.clone(), tally.clone());
        let ops = [self.feed.record(), self.tally.record()].map(|ops| ops.unwrap_or_default());
        self.publish(ops);
        self.store();
    }

    /// Somebody asks from a position that may be old, new, another epoch's or made up. What comes
    /// must lead on from there, or be a snapshot.
    pub(crate) fn stranger(&self, random: &mut Rng, seen: &mut Seen) -> Result<(), String> {
        seen.strangers += 1;
        let state = random.usize(..2);
        let now = self.log.position();
        let epoch = if random.usize(..3) == 0 {
            epoch(random)
        } else {
            now.epoch
        };
        let from = match random.usize(..4) {
            0 => Position::NONE,
            1 => Position::new(epoch, now.offset + 1 + random.usize(..3) as u64),
            _ => Position::new(epoch, random.usize(..now.offset as usize + 2) as u64),
        };
        let known = self.history.get(&(state, from));
        let here = self.json_of(state);
        match self.log.resume(state, from) {
            Resume::Snapshot => Ok(()),
            Resume::Current => {
                let is_default = from == Position::NONE && self.log.last_changed(state) == 0;
                hold(is_default || known == Some(&here), || {
                    format!("{from} is said to be current for {}", STATES[state])
                })
            }
            Resume::Entries(entries) => {
                let mut json = match known {
                    Some(known) => known.clone(),
                    None if from == Position::NONE => default_of(state),
                    None => return Err(format!("{from} of {} never was", STATES[state])),
                };
                for entry in entries {
                    undercurrent::core::untyped::apply_json(&mut json, entry.public_ops())
                        .map_err(|error| error.to_string())?;
                }
                hold(json == here, || {
                    format!("{from} leads to {json}, not {here}")
                })
            }
        }
    }

    /// The state as pages see it.
    fn json_of(&self, state: usize) -> Value {
        match state {
            0 => json(&self.feed.value),
            _ => json(&self.tally.value),
        }
    }
}

impl Server for Model {
    /// Where each state is, as the server sees it.
    type Feed = [Option<Position>; 2];

    const SAYS_HELLO: bool = false;

    fn answer(&self, from: [Option<Position>; 2], seen: &mut Seen) -> Self::Feed {
        for (state, from) in from.iter().enumerate() {
            let resumes = from.map(|from| self.log.resume(state, from));
            seen.resumed += usize::from(matches!(resumes, Some(Resume::Entries(_))));
        }
        from
    }

    fn send(&self, feed: &mut Self::Feed, max: usize) -> Vec<Event> {
        let mut events = Vec::new();
        let mut entries = Vec::new();
        for (state, from) in feed.iter_mut().enumerate() {
            let resume = from.map_or(Resume::Snapshot, |from| self.log.resume(state, from));
            match resume {
                Resume::Current => {}
                Resume::Entries(found) => entries.extend(found),
                Resume::Snapshot => {
                    let at = self.position_of(state);
                    let json = self.json_of(state).to_string();
                    let event = write_state_event("s", at, STATES[state], None, json.as_bytes());
                    events.push(text(&event));
                    *from = Some(at);
                }
            }
        }
        entries.sort_by_key(|entry| entry.offset);
        let epoch = self.log.position().epoch;
        for entry in entries.into_iter().take(max) {
            events.push(text(&entry.event));
            feed[entry.state] = Some(Position::new(epoch, entry.offset));
        }
        events
    }

    fn position_of(&self, state: usize) -> Position {
        let epoch = self.log.position().epoch;
        Position::new(epoch, self.log.last_changed(state))
    }

    fn json(&self, state: usize) -> Value {
        self.json_of(state)
    }

    fn was<R>(&self, state: usize, at: Position, look: impl FnOnce(Option<&Value>) -> R) -> R {
        look(self.history.get(&(state, at)))
    }
}

fn text(event: &[u8]) -> Event {
    Event::Text(String::from_utf8_lossy(event).into_owned())
}

/// What a replica shows before anything has come.
pub fn default_of(state: usize) -> Value {
    match state {
        0 => json(&Feed::default()),
        _ => json(&Tally::default()),
    }
}

fn json<S: Node>(state: &S) -> Value {
    let json = to_json(state).ok();
    json.and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default()
}

fn epoch(random: &mut Rng) -> Epoch {
    Epoch::from_random(((random.usize(..1 << 20) as u64) << 20) | random.usize(..1 << 20) as u64)
}

pub fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

// === impl Recorded ===

impl<S: undercurrent::State> Recorded<S> {
    fn new(mut value: S) -> Self {
        let shadow = value.arm();
        Recorded { value, shadow }
    }

    /// The ops for pages, if something changed.
    fn record(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut writer = OpsWriter::new::<S>();
        let recorded = self.value.record(&self.shadow, &mut writer.out());
        recorded.map_err(|error| error.to_string())?;
        self.value.settle(&mut self.shadow);
        let changed = !writer.is_empty();
        Ok(changed.then(|| writer.finish().0))
    }

    fn undo(&mut self) -> Result<(), String> {
        let shadow = std::mem::take(&mut self.shadow);
        let undone = self.value.undo(shadow);
        self.shadow = self.value.arm();
        undone.map_err(|_| "what was done can't be undone".to_owned())
    }
}

pub fn change_feed(random: &mut Rng, feed: &mut Feed) {
    for _ in 0..=random.usize(..2) {
        let (len, n) = (feed.rows.len(), random.usize(..100) as u32);
        match random.usize(..11) {
            0..=2 => feed.rows.push(n),
            3 => feed.rows.insert(random.usize(..len + 1), n),
            4 if len > 0 => drop(feed.rows.remove(random.usize(..len))),
            5 if len > 0 => feed.rows[random.usize(..len)] += 1,
            6 if len > 1 => feed
                .rows
                .move_item(random.usize(..len), random.usize(..len)),
            7 => drop(feed.named.insert(format!("k{}", n % 5), n)),
            8 => drop(feed.named.remove(&format!("k{}", n % 5))),
            9 if feed.text.len() > 30 => feed.text.clear(),
            9 => feed.text.push_str("é, "),
            _ => feed.secret += 1,
        }
    }
}

pub fn change_tally(random: &mut Rng, tally: &mut Tally) {
    let len = tally.counts.len();
    match random.usize(..4) {
        0 => tally.counts.push(List::from([1])),
        1 if len > 0 => tally.counts[random.usize(..len)].push(2),
        2 if len > 4 => tally.counts.truncate(1),
        _ => tally.total += 1,
    }
}
