//! A page: its replicas, its connection, and the streams over which frames come.

use crate::{
    Seen, Server,
    model::{STATES, default_of, hold},
};
use fastrand::Rng;
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};
use undercurrent::core::{
    connection::{Action, Connection, Input, Moment, Phase, Timer},
    frame::{ByeReason, Control, Frame, parse_id},
    position::Position,
    replica::{Replica, Verdict},
    untyped::apply_json,
};

/// Both states, as a page shows them, and its own clock.
pub struct Client<S: Server> {
    replicas: [(Replica, Value); 2],
    connection: Connection,
    ms: f64,
    timers: Vec<(f64, Timer)>,
    /// The one that is asked for, and the one that it replaces.
    streams: BTreeMap<u64, Stream<S>>,
}

/// A stream, and the events under way on it.
struct Stream<S: Server> {
    /// Where it is to go on from.
    from: [Option<Position>; 2],
    /// What the server has of it, once it has answered.
    feed: Option<S::Feed>,
    under_way: VecDeque<Event>,
}

/// What comes over a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An event, as it is written.
    Text(String),
    /// The stream ends.
    End,
}

/// Milliseconds of the longest cut, and of the longest wait for the next try.
const CUT_MS: usize = 5_000;
const RETRY_MS: f64 = 2_500.0;

// === impl Client ===

impl<S: Server> Client<S> {
    pub fn new(random: &mut Rng) -> Result<Self, String> {
        let mut client = Client {
            // As a page that was painted before anything had happened.
            replicas: [0, 1].map(|state| (Replica::Live(Position::NONE), default_of(state))),
            connection: Connection::default(),
            ms: 0.0,
            timers: Vec::new(),
            streams: BTreeMap::new(),
        };
        let start = Input::Start {
            follows: true,
            is_hidden: false,
        };
        client.feed(start, random)?;
        Ok(client)
    }

    /// Something happens to the page that may open a stream, cut it or end it.
    pub fn disturb(&mut self, random: &mut Rng) -> Result<(), String> {
        let input = match random.usize(..12) {
            0..=2 => Input::Follows(true),
            3 | 4 => Input::Resync,
            5 => Input::Shown,
            6 => Input::Online,
            7 => Input::LookNow,
            8 => Input::Cut(random.usize(..CUT_MS) as f64),
            9 => Input::ChangeMisfits,
            _ => {
                // The server ends one, perhaps the old one.
                let mut streams = self.streams.keys();
                let Some(&stream) = streams.nth(random.usize(..self.streams.len().max(1))) else {
                    return Ok(());
                };
                Input::Bye {
                    stream,
                    reason: [ByeReason::Turn, ByeReason::Full][random.usize(..2)],
                    retry_ms: random.u32(..1_000),
                    is_end_awaited: random.bool(),
                }
            }
        };
        self.feed(input, random)
    }

    /// Time passes: the next timer is over.
    pub fn pass(&mut self, random: &mut Rng) -> Result<(), String> {
        let next = self
            .timers
            .iter()
            .enumerate()
            .min_by(|(_, (one, _)), (_, (other, _))| one.total_cmp(other));
        let Some((at, _)) = next else {
            return Ok(());
        };
        let (due, timer) = self.timers.swap_remove(at);
        self.ms = self.ms.max(due);
        self.feed(Input::Fired(timer), random)
    }

    /// The connection is told what happens, and what it says is done.
    fn feed(&mut self, input: Input, random: &mut Rng) -> Result<(), String> {
        let now = Moment {
            ms: self.ms,
            wall_ms: self.ms,
            chance: random.f64(),
            is_online: true,
        };
        for action in self.connection.on(input, now) {
            match action {
                Action::Open { stream, .. } => {
                    let stream_of = Stream {
                        from: [0, 1].map(|state: usize| self.replicas[state].0.resume_from()),
                        feed: None,
                        under_way: VecDeque::new(),
                    };
                    self.streams.insert(stream, stream_of);
                    hold(self.streams.len() <= 2, || "a third stream".to_owned())?;
                }
                // What it had under way is not heard any more.
                Action::Close(stream) => drop(self.streams.remove(&stream)),
                Action::Wait(timer, ms) => self.timers.push((self.ms + ms, timer)),
                Action::GiveUp => return Err("it gave up".to_owned()),
                Action::Show(_) | Action::SendAgain | Action::ShowCut(_) | Action::SayClosed => {}
            }
        }
        Ok(())
    }

    /// The server answers a stream that is asked for.
    pub fn answer(&mut self, server: &S, seen: &mut Seen, random: &mut Rng) -> Result<(), String> {
        let mut streams = self.streams.iter_mut();
        let asked = streams.find(|(_, stream)| stream.feed.is_none());
        let Some((&stream, asked)) = asked else {
            return Ok(());
        };
        asked.feed = Some(server.answer(asked.from, seen));
        self.feed(Input::Opened(stream), random)?;
        if S::SAYS_HELLO {
            return Ok(());
        }
        let hello = Input::Hello { stream, ping_s: 15 };
        self.feed(hello, random)
    }

    /// The server writes what there is into one of the streams, at most so many events.
    pub fn send(&mut self, server: &S, max: usize, random: &mut Rng) {
        let open = self.streams.values_mut();
        let mut open: Vec<_> = open.filter(|stream| stream.feed.is_some()).collect();
        if !open.is_empty() {
            let at = random.usize(..open.len());
            let Stream {
                feed, under_way, ..
            } = &mut *open[at];
            if let Some(feed) = feed {
                under_way.extend(server.send(feed, max));
            }
        }
    }

    /// Something under way is lost, comes twice, or comes later.
    pub fn spoil(&mut self, random: &mut Rng) {
        for stream in self.streams.values_mut() {
            stream.spoil(random);
        }
    }

    /// The connection ends; of what is under way only the first part arrives.
    pub fn cut(&mut self, server: &S, seen: &mut Seen, random: &mut Rng) -> Result<(), String> {
        let under_way = self.streams.values().map(|stream| stream.under_way.len());
        for _ in 0..random.usize(..under_way.sum::<usize>() + 1) {
            self.hear(server, seen, random)?;
        }
        let streams: Vec<u64> = self.streams.keys().copied().collect();
        for stream in streams {
            self.feed(Input::Failed(stream), random)?;
        }
        Ok(())
    }

    /// The next event of one of the streams arrives.
    pub fn hear(&mut self, server: &S, seen: &mut Seen, random: &mut Rng) -> Result<(), String> {
        let all = self.streams.iter();
        let speak = all.filter(|(_, stream)| !stream.under_way.is_empty());
        let speak: Vec<u64> = speak.map(|(stream, _)| *stream).collect();
        if speak.is_empty() {
            return Ok(());
        }
        let from = speak[random.usize(..speak.len())];
        let stream = self.streams.get_mut(&from);
        let Some(event) = stream.and_then(|stream| stream.under_way.pop_front()) else {
            return Ok(());
        };
        let Event::Text(event) = event else {
            return self.feed(Input::Failed(from), random);
        };
        self.feed(Input::Heard(from), random)?;
        let told = || format!("this is no event: {event}");
        let mut lines = event.lines();
        let field = |line: Option<&str>, name: &str| {
            let value = line.and_then(|line| line.strip_prefix(name));
            value.map(str::to_owned).ok_or_else(told)
        };
        let (id, data) = match event.starts_with("id: ") {
            true => (field(lines.next(), "id: ")?, field(lines.next(), "data: ")?),
            false => (String::new(), field(lines.next(), "data: ")?),
        };
        let frame = match Frame::parse(&data).map_err(|_| told())? {
            Frame::State(frame) => frame,
            Frame::Control(control) => {
                return self.hear_control(from, control, random);
            }
        };
        let (_, to) = parse_id(&id).map_err(|_| told())?;
        let state = STATES
            .iter()
            .position(|name| *name == frame.state)
            .ok_or_else(told)?;
        let (replica, shown) = &mut self.replicas[state];
        let before = *replica;
        match replica.receive(frame.since, to) {
            Verdict::Drop => seen.dropped += 1,
            Verdict::Resync => {
                seen.resyncs += 1;
                self.feed(Input::Resync, random)?;
            }
            Verdict::Apply => {
                match frame.since {
                    None => {
                        seen.snapshots += 1;
                        *shown = serde_json::from_str(frame.body).map_err(|_| told())?;
                    }
                    Some(_) => {
                        seen.applied += 1;
                        apply_json(shown, frame.body)
                            .map_err(|error| format!("{error}: {event}"))?;
                    }
                }
                server.was(state, to, |was| {
                    hold(was == Some(&*shown), || {
                        format!(
                            "{} at {to} shows {shown}, and was {was:?}; {event}",
                            STATES[state]
                        )
                    })
                })?;
                if let Replica::Live(before) = before
                    && before.epoch == to.epoch
                {
                    hold(before.offset <= to.offset, || {
                        format!("{} went back from {before} to {to}", STATES[state])
                    })?;
                }
            }
        }
        Ok(())
    }

    fn hear_control(
        &mut self,
        stream: u64,
        control: Control,
        random: &mut Rng,
    ) -> Result<(), String> {
        let input = match control {
            Control::Hello { ping_s, .. } => Input::Hello { stream, ping_s },
            Control::Bye { reason, retry_ms } => Input::Bye {
                stream,
                reason,
                retry_ms,
                is_end_awaited: false,
            },
            Control::Ahead { state, .. } => {
                let state = STATES.iter().position(|name| *name == state);
                let state = state.ok_or_else(|| "a state that nobody follows".to_owned())?;
                self.replicas[state].0.broke();
                return Ok(());
            }
            Control::Refused { message, .. } => return Err(message),
            Control::Ping(_) => return Ok(()),
        };
        self.feed(input, random)
    }

    /// The network is sound from now on, after one more failure: the page opens a stream by itself, in
    /// time, and hears everything.
    pub fn drain(&mut self, server: &S, seen: &mut Seen, random: &mut Rng) -> Result<(), String> {
        self.streams
            .values_mut()
            .for_each(|it| it.under_way.clear());
        self.cut(server, seen, random)?;
        let since = self.ms;
        while !matches!(self.connection.phase(), Phase::Opening { .. }) {
            hold(!self.timers.is_empty(), || {
                format!("it waits for nothing, and is {:?}", self.connection.phase())
            })?;
            self.pass(random)?;
        }
        let (took, most) = (self.ms - since, RETRY_MS.max(CUT_MS as f64));
        hold(took <= most, || format!("it came back after {took} ms"))?;
        // A replica that finds a gap opens once more; twice it must not need to.
        for _ in 0..4 {
            self.answer(server, seen, random)?;
            self.send(server, usize::MAX, random);
            while self.streams.values().any(|it| !it.under_way.is_empty()) {
                self.hear(server, seen, random)?;
            }
        }
        let phase = self.connection.phase();
        hold(matches!(phase, Phase::Open { .. }), || {
            format!("all is quiet, and it is {phase:?}")
        })?;
        for (state, (replica, shown)) in self.replicas.iter().enumerate() {
            let is = server.json(state);
            hold(*shown == is, || {
                format!(
                    "all is quiet, {} is {is}, and a replica shows {shown}",
                    STATES[state]
                )
            })?;
            let at = replica.resume_from().unwrap_or_default();
            let expected = server.position_of(state);
            hold(
                at == expected || (at == Position::NONE && expected.offset == 0),
                || {
                    format!(
                        "all is quiet, {} is at {expected}, a replica at {at}",
                        STATES[state]
                    )
                },
            )?;
        }
        Ok(())
    }
}

// === impl Stream ===

impl<S: Server> Stream<S> {
    fn spoil(&mut self, random: &mut Rng) {
        let len = self.under_way.len();
        if len == 0 {
            return;
        }
        let at = random.usize(..len);
        // What the stream says of itself comes as it is.
        if !self.under_way[at].is_of_a_state() {
            return;
        }
        match random.usize(..3) {
            0 => drop(self.under_way.remove(at)),
            1 => {
                let twice = self.under_way[at].clone();
                self.under_way.insert(random.usize(..len), twice);
            }
            _ => self.under_way.swap(at, random.usize(..len)),
        }
    }
}

// === impl Event ===

impl Event {
    fn is_of_a_state(&self) -> bool {
        matches!(self, Event::Text(text) if text.starts_with("id: "))
    }
}

impl<S: Server> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("phase", &self.connection.phase())
            .finish_non_exhaustive()
    }
}
