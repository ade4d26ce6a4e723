//! A page: its replicas, and the link over which frames come.

use crate::{
    Seen,
    server::{STATES, Server, default_of, hold},
};
use fastrand::Rng;
use serde_json::Value;
use std::collections::VecDeque;
use undercurrent::core::{
    frame::{Frame, parse_id, write_state_event},
    log::Resume,
    position::Position,
    replica::{Replica, Verdict},
    untyped::apply_json,
};

/// Both states, as a page shows them.
pub(crate) struct Client {
    replicas: [(Replica, Value); 2],
    pub(crate) link: Link,
}

/// What the server's stream knows of the client, and the events under way.
pub(crate) struct Link {
    /// `None` while there is no stream: the server's view of where each state is.
    stream: Option<[Option<Position>; 2]>,
    under_way: VecDeque<Vec<u8>>,
}

// === impl Client ===

impl Client {
    pub(crate) fn new() -> Self {
        Client {
            // As a page that was painted before anything had happened.
            replicas: [0, 1].map(|state| (Replica::Live(Position::NONE), default_of(state))),
            link: Link {
                stream: None,
                under_way: VecDeque::new(),
            },
        }
    }

    /// Opens a stream from where the replicas are. What an earlier one has under way may still
    /// come.
    pub(crate) fn open(&mut self, server: &Server, seen: &mut Seen) {
        let from = [0, 1].map(|state: usize| self.replicas[state].0.resume_from());
        for (state, from) in from.iter().enumerate() {
            let resumes = from.map(|from| server.log().resume(state, from));
            seen.resumed += usize::from(matches!(resumes, Some(Resume::Entries(_))));
        }
        self.link.stream = Some(from);
    }

    /// The next event arrives.
    pub(crate) fn hear(&mut self, server: &Server, seen: &mut Seen) -> Result<(), String> {
        let Some(event) = self.link.under_way.pop_front() else {
            return Ok(());
        };
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
                self.open(server, seen);
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

    /// The link is sound from now on: opens a stream anew, and hears everything.
    pub(crate) fn drain(&mut self, server: &Server, seen: &mut Seen) -> Result<(), String> {
        self.link.under_way.clear();
        self.open(server, seen);
        // A replica that finds a gap opens once more; twice it must not need to.
        for _ in 0..4 {
            self.link.send(server, usize::MAX);
            while !self.link.under_way.is_empty() {
                self.hear(server, seen)?;
            }
        }
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

// === impl Link ===

impl Link {
    /// The server's stream writes what there is, at most so many events.
    pub(crate) fn send(&mut self, server: &Server, max: usize) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let mut entries = Vec::new();
        for (state, from) in stream.iter_mut().enumerate() {
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
            stream[entry.state] = Some(Position::new(server.epoch(), entry.offset));
        }
    }

    /// Something under way is lost, comes twice, or comes later.
    pub(crate) fn spoil(&mut self, random: &mut Rng) {
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

    /// The connection ends; of what is under way only the first part arrives.
    pub(crate) fn cut(&mut self, random: &mut Rng) {
        self.stream = None;
        self.under_way
            .truncate(random.usize(..self.under_way.len() + 1));
    }
}
