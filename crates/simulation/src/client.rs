//! A page: its replicas, its connection, and the streams over which frames come.

use crate::{
    Seen,
    server::{STATES, Server, default_of, hold},
};
use fastrand::Rng;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use undercurrent::core::{
    connection::{Action, Connection, Input, Moment, Phase, Timer},
    frame::{ByeReason, Frame, parse_id, write_state_event},
    log::Resume,
    position::Position,
    replica::{Replica, Verdict},
    untyped::apply_json,
};

/// Both states, as a page shows them, and its own clock.
pub(crate) struct Client {
    replicas: [(Replica, Value); 2],
    connection: Connection,
    ms: f64,
    timers: Vec<(f64, Timer)>,
    /// The one that is asked for, and the one that it replaces.
    streams: BTreeMap<u64, Stream>,
}

/// A stream: what the server knows of the client, and the events under way.
struct Stream {
    /// Where each state is, as the server sees it.
    from: [Option<Position>; 2],
    is_open: bool,
    under_way: VecDeque<Vec<u8>>,
}

/// Milliseconds of the longest cut, and of the longest wait for the next try.
const CUT_MS: usize = 5_000;
const RETRY_MS: f64 = 2_500.0;

// === impl Client ===

impl Client {
    pub(crate) fn new(server: &Server, seen: &mut Seen, random: &mut Rng) -> Result<Self, String> {
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
        client.feed(start, server, seen, random)?;
        Ok(client)
    }

    /// Something happens to the page that may open a stream, cut it or end it.
    pub(crate) fn disturb(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
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
        self.feed(input, server, seen, random)
    }

    /// Time passes: the next timer is over.
    pub(crate) fn pass(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
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
        self.feed(Input::Fired(timer), server, seen, random)
    }

    /// The connection is told what happens, and what it says is done.
    fn feed(
        &mut self,
        input: Input,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
        let now = Moment {
            ms: self.ms,
            chance: random.f64(),
            is_online: true,
        };
        for action in self.connection.on(input, now) {
            match action {
                Action::Open { stream, .. } => {
                    let from = [0, 1].map(|state: usize| self.replicas[state].0.resume_from());
                    for (state, from) in from.iter().enumerate() {
                        let resumes = from.map(|from| server.log().resume(state, from));
                        seen.resumed += usize::from(matches!(resumes, Some(Resume::Entries(_))));
                    }
                    let stream_of = Stream {
                        from,
                        is_open: false,
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
    pub(crate) fn answer(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
        let asked = self.streams.iter_mut().find(|(_, stream)| !stream.is_open);
        let Some((&stream, asked)) = asked else {
            return Ok(());
        };
        asked.is_open = true;
        let hello = Input::Hello { stream, ping_s: 15 };
        self.feed(Input::Opened(stream), server, seen, random)?;
        self.feed(hello, server, seen, random)
    }

    /// The server writes what there is into one of the streams, at most so many events.
    pub(crate) fn send(&mut self, server: &Server, max: usize, random: &mut Rng) {
        let open = self.streams.values_mut().filter(|stream| stream.is_open);
        let mut open: Vec<_> = open.collect();
        if !open.is_empty() {
            let at = random.usize(..open.len());
            open[at].send(server, max);
        }
    }

    /// Something under way is lost, comes twice, or comes later.
    pub(crate) fn spoil(&mut self, random: &mut Rng) {
        for stream in self.streams.values_mut() {
            stream.spoil(random);
        }
    }

    /// The connection ends; of what is under way only the first part arrives.
    pub(crate) fn cut(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
        let under_way = self.streams.values().map(|stream| stream.under_way.len());
        for _ in 0..random.usize(..under_way.sum::<usize>() + 1) {
            self.hear(server, seen, random)?;
        }
        let streams: Vec<u64> = self.streams.keys().copied().collect();
        for stream in streams {
            self.feed(Input::Failed(stream), server, seen, random)?;
        }
        Ok(())
    }

    /// The next event of one of the streams arrives.
    pub(crate) fn hear(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
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
        self.feed(Input::Heard(from), server, seen, random)?;
        let event = String::from_utf8(event).map_err(|error| error.to_string())?;
        let told = || format!("this is no event: {event}");
        let (id, data) = event.trim_end().split_once('\n').ok_or_else(told)?;
        let id = id.strip_prefix("id: ").ok_or_else(told)?;
        let (_, to) = parse_id(id).map_err(|_| told())?;
        let data = data.strip_prefix("data: ").ok_or_else(told)?;
        let Ok(Frame::State(frame)) = Frame::parse(data) else {
            return Err(told());
        };
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
                self.feed(Input::Resync, server, seen, random)?;
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
                let was = server.was(state, to);
                hold(was == Some(&*shown), || {
                    format!(
                        "{} at {to} shows {shown}, and was {was:?}; {event}",
                        STATES[state]
                    )
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

    /// The network is sound from now on, after one more failure: the page opens a stream by itself, in
    /// time, and hears everything.
    pub(crate) fn drain(
        &mut self,
        server: &Server,
        seen: &mut Seen,
        random: &mut Rng,
    ) -> Result<(), String> {
        self.streams
            .values_mut()
            .for_each(|it| it.under_way.clear());
        self.cut(server, seen, random)?;
        let since = self.ms;
        while !matches!(self.connection.phase(), Phase::Opening { .. }) {
            hold(!self.timers.is_empty(), || {
                format!("it waits for nothing, and is {:?}", self.connection.phase())
            })?;
            self.pass(server, seen, random)?;
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

impl Stream {
    fn send(&mut self, server: &Server, max: usize) {
        let mut entries = Vec::new();
        for (state, from) in self.from.iter_mut().enumerate() {
            let resume = from.map_or(Resume::Snapshot, |from| server.log().resume(state, from));
            match resume {
                Resume::Current => {}
                Resume::Entries(found) => entries.extend(found),
                Resume::Snapshot => {
                    let at = server.position_of(state);
                    let json = server.json(state).to_string();
                    let event = write_state_event("s", at, STATES[state], None, json.as_bytes());
                    self.under_way.push_back(event);
                    *from = Some(at);
                }
            }
        }
        entries.sort_by_key(|entry| entry.offset);
        for entry in entries.into_iter().take(max) {
            self.under_way.push_back(entry.event.clone());
            self.from[entry.state] = Some(Position::new(server.epoch(), entry.offset));
        }
    }

    fn spoil(&mut self, random: &mut Rng) {
        let len = self.under_way.len();
        if len == 0 {
            return;
        }
        let at = random.usize(..len);
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
