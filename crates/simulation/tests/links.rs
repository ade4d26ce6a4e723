//! The schedules of the core over a real server: its scope, its streams and its store in a file, and
//! pages whose links lose, turn, double and cut what comes. Updates fail and panic in between, the
//! server is started anew, and strangers ask from anywhere.

use fastrand::Rng;
use serde_json::Value;
use simulation::{
    Client, Event, Feed, STATES, Seen, Server, Tally, change_feed, change_tally, default_of, seeds,
};
use std::{cell::RefCell, collections::HashMap};
use undercurrent::{
    Limits,
    core::{
        frame::{Control, Frame, parse_id},
        position::{Epoch, Position},
        replica::{Replica, Verdict},
        sse::ServerEvent,
        untyped::apply_json,
    },
    prelude::*,
    testing::{RawStream, TestApp, TestClient},
};

/// So many seeds in an ordinary run.
const SEEDS: u64 = 60;
const STEPS: usize = 150;
const PAGES: usize = 3;

#[event]
fn change(
    feed: &mut Feed,
    tally: &mut Tally,
    seed: u64,
    which: u8,
    ends: u8,
) -> Result<(), ForVisitor> {
    let random = &mut Rng::with_seed(seed);
    if which != 1 {
        change_feed(random, feed);
    }
    if which != 0 {
        change_tally(random, tally);
    }
    match ends {
        0 => Err(ForVisitor::new("No.")),
        1 => panic!("on purpose"),
        _ => Ok(()),
    }
}

/// A server, and what each position meant.
struct Real {
    runtime: tokio::runtime::Runtime,
    app: TestApp,
    /// Who sends.
    page: RefCell<TestClient>,
    now: RefCell<[(Position, Value); 2]>,
    history: RefCell<HashMap<(usize, Position), Value>>,
}

impl Real {
    fn new(random: &mut Rng) -> Self {
        let limits = Limits {
            // Short, so that it is often cut.
            log_entries: random.usize(2..30),
            log_bytes: random.usize(1_000..12_000),
            write_bytes: random.usize(1_024..4_000),
            streams_of_visitor: 100,
            ..Limits::default()
        };
        let builder = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        let runtime = builder.expect("there is room");
        let app = runtime.block_on(async { TestApp::kept(limits, |builder| builder) });
        let page = RefCell::new(app.client());
        let real = Real {
            runtime,
            app,
            page,
            now: RefCell::default(),
            history: RefCell::default(),
        };
        real.look();
        real
    }

    fn update(&self, random: &mut Rng, seen: &mut Seen) {
        let (seed, which, ends) = (random.u64(..), random.u8(..3), random.u8(..16));
        let mut page = self.page.borrow_mut();
        let sent = page.send(change(seed, which, ends));
        self.runtime.block_on(sent).expect("there is room");
        drop(page);
        seen.updates += usize::from(ends > 1);
        self.look();
    }

    fn restart(&self, seen: &mut Seen) {
        self.runtime.block_on(self.app.restart());
        seen.crashes += 1;
        self.look();
    }

    /// What there is now, as a page sees it that begins.
    fn look(&self) {
        let mut stream = self.open([None; 2]);
        let mut found = [None, None];
        while found.iter().any(Option::is_none) {
            self.settle();
            for event in self.take(&mut stream).0 {
                if let Ok(Frame::State(frame)) = Frame::parse(&event.data) {
                    let state = STATES.iter().position(|name| *name == frame.state);
                    let state = state.expect("it is followed");
                    let (_, at) = parse_id(&event.id).expect("it is one");
                    let value: Value = serde_json::from_str(frame.body).expect("it is JSON");
                    let mut history = self.history.borrow_mut();
                    let known = history.insert((state, at), value.clone());
                    assert!(
                        known.is_none_or(|known| known == value),
                        "{at} was something else"
                    );
                    found[state] = Some((at, value));
                }
            }
        }
        *self.now.borrow_mut() = found.map(|one| one.expect("it was found"));
    }

    /// Somebody asks from a position that may be old, new, another epoch's or made up. What comes
    /// must lead to what is, by changes only where the position was.
    fn stranger(&self, random: &mut Rng, seen: &mut Seen) -> Result<(), String> {
        seen.strangers += 1;
        let [now, _] = self.now.borrow().clone();
        let made_up = Epoch::from_random(random.u64(..));
        let from = [0, 1].map(|_| {
            let epoch = if random.bool() { now.0.epoch } else { made_up };
            let offset = random.u64(..now.0.offset + 3);
            (random.u8(..4) > 0).then(|| match random.u8(..4) {
                0 => Position::NONE,
                _ => Position::new(epoch, offset),
            })
        });
        let mut stream = self.open(from);
        let mut shown = [0, 1].map(|state| {
            let history = self.history.borrow();
            match from[state] {
                // An epoch begins with the default states.
                Some(from) if from.offset == 0 && from.epoch != made_up => Some(default_of(state)),
                from => from.and_then(|from| history.get(&(state, from)).cloned()),
            }
        });
        let mut stands = from.map(|from| from.map_or(Replica::Pending, Replica::Live));
        for _ in 0..4 {
            self.settle();
            for event in self.take(&mut stream).0 {
                match Frame::parse(&event.data).map_err(|error| error.to_string())? {
                    Frame::State(frame) => {
                        let state = STATES.iter().position(|name| *name == frame.state);
                        let state = state.ok_or("a state that nobody follows")?;
                        let (_, to) = parse_id(&event.id).map_err(|error| error.to_string())?;
                        match (stands[state].receive(frame.since, to), frame.since) {
                            (Verdict::Drop, _) => {}
                            (Verdict::Resync, _) => return Err(format!("{from:?}: a gap")),
                            (Verdict::Apply, None) => {
                                shown[state] = serde_json::from_str(frame.body).ok();
                            }
                            (Verdict::Apply, Some(_)) => {
                                let shown = shown[state].as_mut();
                                let shown = shown.ok_or(format!("{from:?} never was"))?;
                                apply_json(shown, frame.body).map_err(|error| error.to_string())?;
                            }
                        }
                    }
                    Frame::Control(Control::Ahead { state, .. }) => {
                        let state = STATES.iter().position(|name| *name == state);
                        stands[state.ok_or("a state that nobody follows")?].broke();
                    }
                    Frame::Control(_) => {}
                }
            }
        }
        let now = self.now.borrow();
        for (state, shown) in shown.iter().enumerate() {
            if shown.as_ref() != Some(&now[state].1) {
                return Err(format!(
                    "{from:?} leads {} to {shown:?}, not to {:?}",
                    STATES[state], now[state]
                ));
            }
        }
        Ok(())
    }

    fn open(&self, from: [Option<Position>; 2]) -> RawStream {
        let _inside = self.runtime.enter();
        let follow = |(state, from): (&str, &Option<Position>)| {
            let from = from.map_or_else(String::new, |from| format!("@{from}"));
            format!("s.{state}{from}")
        };
        let follow: Vec<String> = STATES.into_iter().zip(&from).map(follow).collect();
        let query = [("follow".to_owned(), follow.join(","))];
        self.page.borrow().raw_stream(&query)
    }

    fn take(&self, stream: &mut RawStream) -> (Vec<ServerEvent>, bool) {
        let _inside = self.runtime.enter();
        stream.take()
    }

    /// Lets everything run that can.
    fn settle(&self) {
        self.runtime.block_on(async {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        });
    }
}

impl Server for Real {
    type Feed = RawStream;

    const SAYS_HELLO: bool = true;

    fn answer(&self, from: [Option<Position>; 2], _: &mut Seen) -> RawStream {
        self.open(from)
    }

    fn send(&self, feed: &mut RawStream, _: usize) -> Vec<Event> {
        self.settle();
        let (events, has_ended) = self.take(feed);
        let text = |event: ServerEvent| {
            let id = match event.data.starts_with('[') {
                true => format!("id: {}\n", event.id),
                false => String::new(),
            };
            Event::Text(format!("{id}data: {}\n\n", event.data))
        };
        let mut events: Vec<Event> = events.into_iter().map(text).collect();
        events.extend(has_ended.then_some(Event::End));
        events
    }

    fn position_of(&self, state: usize) -> Position {
        self.now.borrow()[state].0
    }

    fn json(&self, state: usize) -> Value {
        self.now.borrow()[state].1.clone()
    }

    fn was<R>(&self, state: usize, at: Position, look: impl FnOnce(Option<&Value>) -> R) -> R {
        look(self.history.borrow().get(&(state, at)))
    }
}

fn check(seed: u64) -> Result<Seen, String> {
    let random = &mut Rng::with_seed(seed);
    let seen = &mut Seen::default();
    let server = Real::new(random);
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        pages.push(Client::new(random)?);
    }
    for _ in 0..STEPS {
        let page = &mut pages[random.usize(..PAGES)];
        match random.u8(..26) {
            0..=5 => server.update(random, seen),
            6..=10 => {
                for _ in 0..4 {
                    page.hear(&server, seen, random)?;
                }
            }
            11..=14 => {
                if random.bool() {
                    page.answer(&server, seen, random)?;
                }
                page.send(&server, usize::MAX, random);
            }
            15 | 16 => page.spoil(random),
            17 | 18 => page.pass(random)?,
            19 => page.cut(&server, seen, random)?,
            20 => page.disturb(random)?,
            21 | 22 => page.pass(random)?,
            23 if random.u8(..4) == 0 => server.restart(seen),
            _ => server.stranger(random, seen)?,
        }
    }
    for page in &mut pages {
        page.drain(&server, seen, random)?;
    }
    Ok(*seen)
}

#[test]
fn over_a_real_server_a_replica_shows_what_the_scope_was_whatever_the_link_does() {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("on purpose") {
            eprintln!("{info}");
        }
    }));
    let seeds = seeds(SEEDS);
    let is_all = seeds.end - seeds.start > 1;
    let mut all = Seen::default();
    for seed in seeds {
        match check(seed) {
            Ok(seen) => all.add(seen),
            Err(what) => panic!("seed {seed}: {what}"),
        }
    }
    println!("{all:?}");
    if is_all {
        let did = [
            all.updates,
            all.applied,
            all.dropped,
            all.snapshots,
            all.resyncs,
            all.crashes,
            all.strangers,
        ];
        assert!(did.iter().all(|&count| count > 20), "{all:?}");
    }
}
