//! A connection in random weather: what a network, a server, a browser and a visitor do, in any
//! order. What is held after each step stands in [`Page::act`].

use crate::random::Random;
use std::{collections::BTreeMap, fmt};
use undercurrent::core::{
    connection::{Action, Connection, Input, Link, Moment, Phase, Stay, Timer},
    frame::ByeReason,
};

/// What the weather did, so that a test can tell that it did enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Streams that were asked for.
    pub asked: usize,
    /// Those that came while another was open.
    pub replaced: usize,
    /// Tries that failed, or streams that were lost.
    pub failed: usize,
    /// Hidden pages that gave their stream back.
    pub rested: usize,
    /// Cuts on purpose.
    pub cuts: usize,
    /// Pages that gave up.
    pub given_up: usize,
    /// Pages that were live at the end.
    pub live: usize,
}

/// A page did what it must not.
#[derive(Debug)]
pub struct Stormy {
    seed: u64,
    step: usize,
    what: String,
}

/// A page, and the world around it.
struct Page {
    connection: Connection,
    random: Random,
    seen: Weather,
    ms: f64,
    /// So long the machine has slept in all: the clock on the wall is ahead of the page's by it.
    slept_ms: f64,
    /// The last look, by the clock on the wall.
    looked_ms: f64,
    is_online: bool,
    hidden_since: Option<f64>,
    network: Network,
    good_since: f64,
    timers: Vec<(f64, Timer)>,
    /// Those that are over, which may come once more.
    old_timers: Vec<Timer>,
    streams: BTreeMap<u64, Stream>,
    highest: u64,
    link: Link,
    cut_until: Option<f64>,
    is_given_up: bool,
    /// Tries in a row that failed, at least.
    failures: u32,
    /// The waits that what is fed now may lead to.
    waits: (f64, f64),
}

struct Stream {
    is_hidden: bool,
    is_open: bool,
    asked_ms: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Network {
    Good,
    /// Whatever is asked for fails, and what is open ends.
    Refuses,
    /// Nothing comes, and nothing ends.
    Silent,
}

const STEPS: usize = 60;
/// So long a server lets a hidden page be.
const LOOK_MS: u32 = 60_000;
const REST_AFTER_MS: f64 = 30_000.0;
/// A page that has not looked for so long has slept.
const SLEPT_MS: f64 = 20_000.0;
/// So long the server takes to answer.
const ANSWER_MS: f64 = 30.0;
/// The longest cut, the watch over silence, and the longest wait that a server asks for.
const LIVE_AFTER_MS: f64 = 20_000.0 + 50_000.0 + 6_250.0 + 3_000.0;

/// Runs the weather of a seed.
///
/// # Errors
///
/// Says at which step what did not hold.
pub fn weather(seed: u64) -> Result<Weather, Stormy> {
    let mut page = Page::new(Random::new(seed));
    let stormy = |step: usize| move |what: String| Stormy { seed, step, what };
    let is_hidden = page.random.chance(4);
    if is_hidden {
        page.hidden_since = Some(page.ms);
    }
    let follows = !page.random.chance(4);
    let start = Input::Start { follows, is_hidden };
    page.feed(start).map_err(stormy(0))?;
    for step in 1..=STEPS {
        page.step().map_err(stormy(step))?;
    }
    page.becomes_fair().map_err(stormy(STEPS))?;
    Ok(page.seen)
}

impl Page {
    fn new(random: Random) -> Self {
        Page {
            connection: Connection::default(),
            random,
            seen: Weather::default(),
            ms: 0.0,
            slept_ms: 0.0,
            looked_ms: 0.0,
            is_online: true,
            hidden_since: None,
            network: Network::Good,
            good_since: 0.0,
            timers: Vec::new(),
            old_timers: Vec::new(),
            streams: BTreeMap::new(),
            highest: 0,
            link: Link::Connected,
            cut_until: None,
            is_given_up: false,
            failures: 0,
            waits: (0.0, 0.0),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.random.below(25) {
            0..=5 => self.pass(1_500),
            6 => self.pass(20_000),
            7 => self.pass(90_000),
            8 => self.network_becomes(Network::Good),
            9 => self.network_becomes(Network::Refuses),
            10 => self.network_becomes(Network::Silent),
            11 => {
                let follows = !self.random.chance(5);
                self.feed(Input::Follows(follows))
            }
            12 => self.feed(Input::Resync),
            13 | 14 if self.hidden_since.is_some() => {
                self.hidden_since = None;
                self.feed(Input::Visible)
            }
            13 | 14 => {
                self.hidden_since = Some(self.ms);
                self.feed(Input::Hidden)
            }
            15 => {
                self.is_online = !self.is_online;
                self.feed(match self.is_online {
                    true => Input::Online,
                    false => Input::Offline,
                })
            }
            16 => self.feed(Input::Shown),
            17 => self.feed(Input::LookNow),
            18 if self.random.chance(2) => {
                let span = self.random.below(20_000);
                self.cut_until = Some(self.ms + span as f64);
                self.feed(Input::Cut(span as f64))
            }
            18 => self.feed(Input::Left),
            19 if self.random.chance(3) => self.feed(Input::ChangeMisfits),
            19 if self.random.chance(20) => self.feed(Input::SnapshotMisfits),
            19 => self.feed(Input::Tick),
            20 | 21 => self.something_old(),
            22 => {
                self.slept_ms += self.random.below(7_200_000) as f64;
                Ok(())
            }
            _ => {
                let stream = self.some_stream();
                self.bye(stream)
            }
        }
    }

    /// What comes late, or comes twice.
    fn something_old(&mut self) -> Result<(), String> {
        let old = self.some_stream();
        if self.streams.contains_key(&old) {
            return Ok(());
        }
        let timer = self.random.index(self.old_timers.len());
        let input = match self.random.below(5) {
            0 => Input::Opened(old),
            1 => Input::Failed(old),
            2 => Input::Hello {
                stream: old,
                ping_s: 1_000,
            },
            3 => Input::Heard(old),
            _ => timer.map_or(Input::Tick, |at| Input::Fired(self.old_timers[at])),
        };
        let (phase, link) = (self.connection.phase(), self.link);
        self.feed(input)?;
        let is_same = self.connection.phase() == phase && self.link == link;
        hold(is_same || input == Input::Tick, || {
            format!("{input:?} is old, and led from {phase:?} on")
        })
    }

    fn some_stream(&mut self) -> u64 {
        let back = self.random.below(4) as u64;
        self.highest.saturating_sub(back)
    }

    /// A server ends a stream, which may be an old one.
    fn bye(&mut self, stream: u64) -> Result<(), String> {
        let reason = match self.random.below(40) {
            0 => ByeReason::Outdated,
            1..=10 => ByeReason::Shutdown,
            11..=20 => ByeReason::Full,
            _ => ByeReason::Turn,
        };
        let is_current = self.current() == Some(stream);
        let retry_ms = self.random.below(5_000) as u32;
        let is_end_awaited = self.random.chance(2);
        let phase = self.connection.phase();
        self.feed(Input::Bye {
            stream,
            reason,
            retry_ms,
            is_end_awaited,
        })?;
        hold(is_current || self.connection.phase() == phase, || {
            format!("the goodbye of the old stream {stream} led from {phase:?} on")
        })
    }

    /// The stream that replaces the other, if there are two.
    fn current(&self) -> Option<u64> {
        self.streams.keys().next_back().copied()
    }

    fn network_becomes(&mut self, network: Network) -> Result<(), String> {
        if network == Network::Good && self.network != network {
            self.good_since = self.ms;
        }
        self.network = network;
        if network != Network::Refuses {
            return Ok(());
        }
        let open: Vec<u64> = self.streams.keys().copied().collect();
        for stream in open {
            if self.streams.contains_key(&stream) {
                self.feed(Input::Failed(stream))?;
            }
        }
        Ok(())
    }

    /// Time passes, up to so many milliseconds: timers are over, and the server answers.
    fn pass(&mut self, up_to: usize) -> Result<(), String> {
        let end = self.ms + self.random.below(up_to) as f64;
        self.pass_until(end)
    }

    fn pass_until(&mut self, end: f64) -> Result<(), String> {
        loop {
            self.answer()?;
            let next_tick = (self.ms / 5_000.0).floor() * 5_000.0 + 5_000.0;
            let is_asked = self.streams.values().any(|stream| !stream.is_open);
            let answer = match is_asked && self.network == Network::Good {
                true => self.ms + ANSWER_MS,
                false => next_tick,
            };
            let due = self.timers.iter().map(|(due, _)| *due);
            let next = due.fold(next_tick.min(answer), f64::min);
            if next > end {
                self.ms = self.ms.max(end);
                return self.keeps_nothing();
            }
            self.ms = self.ms.max(next);
            if self.ms >= next_tick {
                self.feed(Input::Tick)?;
            }
            let is_due = |(due, _): &(f64, Timer)| *due <= self.ms;
            if let Some(at) = self.timers.iter().position(is_due) {
                let (_, timer) = self.timers.swap_remove(at);
                self.old_timers.push(timer);
                self.feed(Input::Fired(timer))?;
            }
        }
    }

    /// A page that is hidden for long keeps no stream.
    fn keeps_nothing(&self) -> Result<(), String> {
        let good_ms = self.ms - self.good_since;
        let is_hidden = self
            .hidden_for()
            .is_some_and(|ms| ms > REST_AFTER_MS + 1_000.0);
        let keeps = self.streams.values().any(|stream| !stream.is_hidden);
        let is_good = self.network == Network::Good && good_ms > 1_000.0;
        hold(!(is_hidden && is_good && keeps), || {
            "it is hidden for long, and keeps a stream".to_owned()
        })
    }

    fn hidden_for(&self) -> Option<f64> {
        self.hidden_since.map(|since| self.ms - since)
    }

    /// What the network and the server make of the streams.
    fn answer(&mut self) -> Result<(), String> {
        let all: Vec<u64> = self.streams.keys().copied().collect();
        for stream in all {
            let Some(known) = self.streams.get_mut(&stream) else {
                continue;
            };
            match self.network {
                Network::Silent => {}
                Network::Refuses => self.feed(Input::Failed(stream))?,
                Network::Good if known.is_open => {
                    self.feed(Input::Heard(stream))?;
                }
                Network::Good if self.ms - known.asked_ms < ANSWER_MS => {}
                Network::Good => {
                    known.is_open = true;
                    let is_hidden = known.is_hidden;
                    self.failures = 0;
                    self.feed(Input::Opened(stream))?;
                    self.feed(Input::Heard(stream))?;
                    self.feed(Input::Hello { stream, ping_s: 15 })?;
                    if is_hidden {
                        self.feed(Input::Bye {
                            stream,
                            reason: ByeReason::Turn,
                            retry_ms: LOOK_MS,
                            is_end_awaited: false,
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn feed(&mut self, input: Input) -> Result<(), String> {
        let now = Moment {
            ms: self.ms,
            wall_ms: self.ms + self.slept_ms,
            chance: self.random.below(1_001) as f64 / 1_000.0,
            is_online: self.is_online,
        };
        let least = (200.0 * f64::from(1_u32 << self.failures.min(10))).min(2_000.0);
        self.waits = match input {
            Input::Bye {
                reason: ByeReason::Turn,
                retry_ms,
                is_end_awaited,
                ..
            } => {
                let soonest = if is_end_awaited { 100.0 } else { f64::MAX };
                let asked = f64::from(retry_ms).min(soonest);
                (asked, asked)
            }
            Input::Bye { retry_ms, .. } => {
                let asked = f64::from(retry_ms);
                (asked.max(least), asked.max(2_000.0))
            }
            Input::ChangeMisfits => (least.max(1_000.0), 2_000.0),
            _ => (least, 2_000.0),
        };
        match input {
            Input::Online | Input::Shown | Input::Visible | Input::Fired(Timer::Heal(_)) => {
                self.failures = 0;
            }
            Input::Tick => {
                let before = std::mem::replace(&mut self.looked_ms, now.wall_ms);
                if now.wall_ms - before > SLEPT_MS {
                    self.failures = 0;
                }
            }
            Input::Failed(stream) if self.current() == Some(stream) => {
                self.seen.failed += 1;
                self.failures += 1;
            }
            _ => {}
        }
        let actions = self.connection.on(input, now);
        for action in actions {
            self.act(action)
                .map_err(|what| format!("{what}, on {input:?}"))?;
        }
        let streams: Vec<u64> = self.streams.keys().copied().collect();
        let known = match self.connection.phase() {
            Phase::Opening { stream, replaced } => replaced.into_iter().chain([stream]).collect(),
            Phase::Open { stream } => vec![stream],
            Phase::Idle | Phase::Waiting { .. } | Phase::Cut { .. } | Phase::GivenUp => Vec::new(),
        };
        hold(streams == known, || {
            format!("there are {streams:?}, and it knows of {known:?}, on {input:?}")
        })
    }

    /// Does what the connection says, and holds that it may be said.
    fn act(&mut self, action: Action) -> Result<(), String> {
        let said = |what: &str| format!("{action:?}: {what}");
        let opens_nothing = matches!(
            action,
            Action::SendAgain | Action::SayClosed | Action::Wait(Timer::Rest(_), _)
        );
        hold(!self.is_given_up || opens_nothing, || {
            said("it had given up")
        })?;
        match action {
            Action::Open { stream, stay } => {
                let is_hidden = stay == Stay::Resting;
                hold(stay != Stay::Brief, || said("nothing was held back"))?;
                self.seen.asked += 1;
                hold(self.cut_until.is_none(), || said("it is cut"))?;
                hold(stream > self.highest, || said("a number is used again"))?;
                hold(self.streams.values().all(|known| known.is_open), || {
                    said("another is on its way")
                })?;
                hold(self.streams.len() < 2, || said("that is the third"))?;
                self.seen.replaced += self.streams.len();
                // Whichever timer of one moment comes first.
                let rests = self.hidden_for().map_or(-1.0, |ms| ms - REST_AFTER_MS);
                hold(is_hidden == (rests > 0.0) || rests.abs() < 0.5, || {
                    said(&format!("hidden for {:?}", self.hidden_for()))
                })?;
                self.seen.rested += usize::from(is_hidden);
                self.highest = stream;
                let asked = Stream {
                    is_hidden,
                    is_open: false,
                    asked_ms: self.ms,
                };
                self.streams.insert(stream, asked);
            }
            Action::Close(stream) => {
                let known = self.streams.remove(&stream);
                hold(known.is_some(), || said("there is no such"))?;
            }
            Action::Wait(timer, ms) => {
                if let Timer::Retry(_) = timer {
                    let (least, most) = self.waits;
                    let fits = ms >= 0.75 * least && ms <= 1.25 * most;
                    hold(fits, || said(&format!("and {least} to {most} fits")))?;
                }
                self.timers.push((self.ms + ms, timer));
            }
            Action::Show(link) => self.link = link,
            Action::ShowCut(true) => self.seen.cuts += 1,
            Action::ShowCut(false) => {
                let is_over = self.cut_until.take().is_some_and(|end| end <= self.ms);
                hold(is_over, || said("the cut is not over"))?;
            }
            Action::GiveUp => {
                self.seen.given_up += 1;
                self.is_given_up = true;
            }
            Action::SendAgain => {}
            Action::SayClosed => {
                hold(self.hidden_since.is_some(), || said("it is looked at"))?;
            }
        }
        Ok(())
    }

    /// The network is good from now on, and somebody looks at the page: in time it is live, by
    /// itself.
    fn becomes_fair(&mut self) -> Result<(), String> {
        self.network_becomes(Network::Good)?;
        if !std::mem::replace(&mut self.is_online, true) {
            self.feed(Input::Online)?;
        }
        self.feed(Input::Follows(true))?;
        if self.hidden_since.take().is_some() {
            self.feed(Input::Visible)?;
        }
        self.pass_until(self.ms + LIVE_AFTER_MS)?;
        let phase = self.connection.phase();
        if self.is_given_up {
            return hold(phase == Phase::GivenUp, || {
                format!("it had given up, and is {phase:?}")
            });
        }
        self.seen.live += 1;
        let is_live = matches!(phase, Phase::Open { .. }) && self.link == Link::Connected;
        hold(is_live, || {
            format!("all is well, and it is {phase:?} and {:?}", self.link)
        })
    }
}

fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl Weather {
    pub(crate) fn add(&mut self, one: &Weather) {
        self.asked += one.asked;
        self.replaced += one.replaced;
        self.failed += one.failed;
        self.rested += one.rested;
        self.cuts += one.cuts;
        self.given_up += one.given_up;
        self.live += one.live;
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Weather {
            asked,
            replaced,
            failed,
            rested,
            cuts,
            given_up,
            live,
        } = self;
        write!(
            f,
            "asked {asked}, replaced {replaced}, failed {failed}, rested {rested}, cuts {cuts}, given up {given_up}, live {live}"
        )
    }
}

impl fmt::Display for Stormy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stormy { seed, step, what } = self;
        write!(f, "seed {seed}, step {step}: {what}")
    }
}

impl std::error::Error for Stormy {}
