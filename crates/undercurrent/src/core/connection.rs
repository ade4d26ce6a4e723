//! The page's connection: when a stream is opened, what its end leads to, what the page shows.
//!
//! It is told what happens and says what to do. It opens nothing, and time and chance are handed
//! in, so that tests run it without a browser. What frames do to a state is the
//! [`replica`](super::replica)'s.

use super::frame::ByeReason;

/// How the page is connected to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// What the page shows is current. A lost stream leads to `Reconnecting`.
    #[default]
    Connected,
    /// The stream was lost; the page tries again by itself. Clicks wait.
    Reconnecting,
    /// The browser says that there is no network. Clicks wait.
    Offline,
    /// The server does not take this page any more: its session is gone, or the page and the
    /// server are of different versions. Loading it again helps.
    Outdated,
}

/// Where the stream is. Streams and timers are told apart by numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There is none: the page follows nothing. A view that does leads to `Opening`.
    #[default]
    Idle,
    /// It is on its way. An answer leads to `Open`; an error, a silence or a `bye` to `Waiting`,
    /// with both.
    Opening {
        /// The stream.
        stream: u64,
        /// The one before it, which goes on until this one is open.
        replaced: Option<u64>,
    },
    /// It is open. An error, a silence or a `bye` leads to `Waiting`, a view that follows more to
    /// `Opening`.
    Open {
        /// The stream.
        stream: u64,
    },
    /// It was lost, it is another tab's turn, or the tab is hidden. Its timer, a look at the tab,
    /// an event of its own, or what another tab has heard leads to `Opening`.
    Waiting {
        /// The timer.
        timer: u64,
    },
    /// It was cut on purpose. Only its timer leads to `Opening`.
    Cut {
        /// The timer of the last cut.
        timer: u64,
    },
    /// The server does not want this page any more. Nothing leads out of here: only loading the
    /// page again helps.
    GivenUp,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// The page is there.
    Start {
        /// There is something to follow.
        follows: bool,
        /// Nobody looks at it.
        is_hidden: bool,
    },
    /// What the page follows is something else now.
    Follows(bool),
    /// A replica misses something: a stream that asks from where the replicas are now.
    Resync,
    /// A stream is open.
    Opened(u64),
    /// A stream has said something, whatever it was.
    Heard(u64),
    /// Its first words.
    Hello {
        /// The stream.
        stream: u64,
        /// Seconds between two pings.
        ping_s: u32,
    },
    /// Its last words.
    Bye {
        /// The stream.
        stream: u64,
        /// Why.
        reason: ByeReason,
        /// Milliseconds that the server asks to wait.
        retry_ms: u32,
        /// An event of this page has been taken a moment ago and has not ended.
        is_end_awaited: bool,
    },
    /// A stream can't be opened, or is lost.
    Failed(u64),
    /// A change does not fit what the page has. A snapshot will.
    ChangeMisfits,
    /// Nor does a snapshot: the page and the server are of different versions.
    SnapshotMisfits,
    /// Every few seconds: a connection can die without a word.
    Tick,
    /// A timer is over.
    Fired(Timer),
    /// The browser says that there is a network again.
    Online,
    /// It says that there is none.
    Offline,
    /// The page comes from the back-forward cache, and has lost its stream without a word.
    Shown,
    /// Somebody looks at the page.
    Visible,
    /// Nobody does any more.
    Hidden,
    /// The page goes.
    Left,
    /// An event of this page was taken. Where it has no stream, what comes of that is asked for
    /// now, and not when it is its turn.
    LookNow,
    /// Another tab of this browser has heard of a change. Where it is not this one's turn to have a
    /// stream, it looks now.
    HeardElsewhere,
    /// To be cut on purpose for so many milliseconds.
    Cut(f64),
}

/// Timers. One that has no meaning any more is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Until the next stream.
    Retry(u64),
    /// Until the stream of a hidden page is given back.
    Rest(u64),
    /// Until a cut is over.
    Heal(u64),
}

/// What can't be known in here.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time, in milliseconds since whenever. It may stand still while the machine sleeps.
    pub ms: f64,
    /// The time by the clock on the wall, in milliseconds. It goes on then, and may be set.
    pub wall_ms: f64,
    /// Anything from 0 to 1, by chance.
    pub chance: f64,
    /// What the browser says of the network.
    pub is_online: bool,
}

/// How long a stream is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// For as long as it goes.
    Lasting,
    /// Until everything there is has come, since something on the way holds back what is not whole.
    Brief,
    /// As brief: the page is hidden, and rests. The server need not mind it but now and then.
    Resting,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Open a stream of everything that the page follows.
    Open {
        /// Its number.
        stream: u64,
        /// How long it is to stay.
        stay: Stay,
    },
    /// Close a stream. Nothing more of it is heard.
    Close(u64),
    /// Tell after so many milliseconds that this timer is over.
    Wait(Timer, f64),
    /// The page is connected like this.
    Show(Link),
    /// A request that was silent may be on a connection that is lost: it is sent again.
    SendAgain,
    /// It is cut on purpose, or no longer.
    ShowCut(bool),
    /// Only loading the page again helps.
    GiveUp,
    /// Tell the server that the page goes.
    SayClosed,
}

/// The connection of one page.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    link: Link,
    follows: bool,
    /// The last number that was given out.
    number: u64,
    failures_in_a_row: u32,
    heard_ms: f64,
    asked_ms: f64,
    /// When a stream was opened last, unless one was lost since.
    opened_ms: Option<f64>,
    ping_ms: f64,
    /// The stream that was asked for last has said something.
    is_heard: bool,
    /// Streams in a row that were open and said nothing: not even their first words, which come with
    /// their head. From the second on something on the way holds them back, until the network is
    /// another.
    held_back: u32,
    /// How many times as long as ever a stream may be silent that is open: the last one was given up
    /// while something large may have been on its way, of which a browser tells once it is all there.
    patience: f64,
    /// The last look, by the clock on the wall.
    looked_ms: f64,
    /// The page is hidden: its timer.
    hidden: Option<u64>,
    /// It is hidden for long: it says now and then that it is there, and needs no more.
    is_resting: bool,
    actions: Vec<Action>,
}

/// Milliseconds before the first new try; each further one waits twice as long, up to the last.
/// The last is short: a page is current again five seconds after its server is back.
const RETRY_MS: (f64, f64) = (200.0, 2_000.0);
/// A stream that lived so long was a good one: the next failure begins anew.
const GOOD_AFTER_MS: f64 = 5_000.0;
/// Milliseconds that a page is hidden before it gives its stream back.
const REST_AFTER_MS: f64 = 30_000.0;
/// Milliseconds before a stream that did not fit is opened anew.
const RESYNC_MS: f64 = 1_000.0;
/// Milliseconds between two looks of a page without a stream whose event has not ended yet.
const SOON_RETRY_MS: f64 = 100.0;
/// Between two pings, until the server has said it.
const PING_MS: f64 = 15_000.0;
/// So many missed pings mean that the connection is dead.
const MISSED_PINGS: f64 = 3.0;
/// Milliseconds that an open stream has for its first words.
const FIRST_WORDS_MS: f64 = 10_000.0;
/// Proxies that wait for the end of what they pass on are known by so many streams.
const HELD_BACK: u32 = 2;
/// A stream may be silent so many times as long at most, which is twelve minutes.
const MOST_PATIENCE: f64 = 16.0;
/// A page that is looked at looks every five seconds. After so many milliseconds without a look its
/// machine has slept, and its connections may have died meanwhile.
const SLEPT_MS: f64 = 20_000.0;

impl Default for Connection {
    fn default() -> Self {
        Connection {
            phase: Phase::Idle,
            link: Link::Connected,
            follows: false,
            number: 0,
            failures_in_a_row: 0,
            heard_ms: 0.0,
            asked_ms: 0.0,
            opened_ms: None,
            ping_ms: PING_MS,
            is_heard: false,
            held_back: 0,
            patience: 1.0,
            looked_ms: f64::INFINITY,
            hidden: None,
            is_resting: false,
            actions: Vec::new(),
        }
    }
}

impl Connection {
    /// Takes what happens, and says what is to be done.
    pub fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match input {
            Input::Start { follows, is_hidden } => {
                self.looked_ms = now.wall_ms;
                if is_hidden {
                    self.hide();
                }
                self.follow(follows, now);
            }
            Input::Follows(follows) => self.follow(follows, now),
            Input::Resync => self.connect(now),
            Input::Opened(opened) => {
                if let Phase::Opening { stream, replaced } = self.phase
                    && stream == opened
                {
                    (self.opened_ms, self.heard_ms) = (Some(now.ms), now.ms);
                    self.actions.extend(replaced.map(Action::Close));
                    self.phase = Phase::Open { stream };
                }
            }
            Input::Heard(stream) => {
                if self.is_current(stream) {
                    (self.heard_ms, self.is_heard) = (now.ms, true);
                    if self.held_back < HELD_BACK {
                        self.held_back = 0;
                    }
                    // Its first words come before what is large.
                    if self.has_lived(now) {
                        self.patience = 1.0;
                    }
                }
            }
            Input::Hello { stream, ping_s } => {
                if self.is_current(stream) {
                    self.ping_ms = f64::from(ping_s) * 1_000.0;
                    self.is_heard = true;
                    if self.link != Link::Connected {
                        self.actions.push(Action::SendAgain);
                    }
                    self.show(Link::Connected);
                }
            }
            Input::Bye {
                stream,
                reason,
                retry_ms,
                is_end_awaited,
            } => {
                // What an old one says of its end is of no concern to the new one.
                if self.is_current(stream) {
                    self.bye(reason, f64::from(retry_ms), is_end_awaited, now);
                }
            }
            Input::Failed(failed) => self.failed(failed, now),
            Input::ChangeMisfits => {
                if self.stream().is_some() {
                    self.lost(RESYNC_MS, now);
                }
            }
            Input::SnapshotMisfits => {
                if self.stream().is_some() {
                    self.give_up();
                }
            }
            Input::Tick => self.look(now),
            Input::Fired(timer) => self.fired(timer, now),
            Input::Online => {
                self.held_back = 0;
                self.reconnect(now);
            }
            Input::Shown => self.reconnect(now),
            Input::Offline => {
                if self.phase != Phase::GivenUp {
                    self.show(Link::Offline);
                    // It may be wrong: a server on this machine needs no network.
                    if matches!(self.phase, Phase::Open { .. }) {
                        self.connect(now);
                    }
                }
            }
            Input::Visible => {
                self.hidden = None;
                let was_resting = std::mem::take(&mut self.is_resting);
                let was_away = was_resting || self.has_slept(now);
                if was_away || matches!(self.phase, Phase::Waiting { .. }) {
                    self.reconnect(now);
                }
            }
            Input::Hidden => self.hide(),
            // The end of a stream tells that, too, but a page that rests has none.
            Input::Left => {
                if self.is_resting && self.phase != Phase::Idle {
                    self.actions.push(Action::SayClosed);
                }
            }
            Input::LookNow => {
                if matches!(self.phase, Phase::Waiting { .. }) {
                    self.connect(now);
                }
            }
            Input::HeardElsewhere => {
                // Who has lost its stream waits as long as the server asks for, and who is hidden
                // need not be current.
                let is_turn = self.link == Link::Connected && self.hidden.is_none();
                if is_turn && matches!(self.phase, Phase::Waiting { .. }) {
                    self.connect(now);
                }
            }
            Input::Cut(span_ms) => self.cut(span_ms),
        }
        std::mem::take(&mut self.actions)
    }

    /// Where the stream is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When the last stream was asked for.
    pub fn asked_ms(&self) -> f64 {
        self.asked_ms
    }

    /// The stream that is open or on its way.
    fn stream(&self) -> Option<u64> {
        match self.phase {
            Phase::Opening { stream, .. } | Phase::Open { stream } => Some(stream),
            Phase::Idle | Phase::Waiting { .. } | Phase::Cut { .. } | Phase::GivenUp => None,
        }
    }

    fn is_current(&self, stream: u64) -> bool {
        self.stream() == Some(stream)
    }

    fn follow(&mut self, follows: bool, now: Moment) {
        self.follows = follows;
        if follows {
            return self.connect(now);
        }
        if !matches!(self.phase, Phase::Cut { .. } | Phase::GivenUp) {
            self.close(Phase::Idle);
            self.show_idle(now);
        }
    }

    /// One more stream. An open one goes on until it is there.
    fn connect(&mut self, now: Moment) {
        if !self.follows {
            return;
        }
        let replaced = match self.phase {
            Phase::Cut { .. } | Phase::GivenUp => return,
            Phase::Idle | Phase::Waiting { .. } => None,
            Phase::Open { stream } => Some(stream),
            Phase::Opening { stream, replaced } => {
                self.actions.push(Action::Close(stream));
                replaced
            }
        };
        let stream = self.next_number();
        (self.heard_ms, self.asked_ms) = (now.ms, now.ms);
        self.is_heard = false;
        self.phase = Phase::Opening { stream, replaced };
        let stay = match self.is_resting {
            true => Stay::Resting,
            false if self.held_back >= HELD_BACK => Stay::Brief,
            false => Stay::Lasting,
        };
        self.actions.push(Action::Open { stream, stay });
    }

    /// Whether the connection has died without a word.
    fn look(&mut self, now: Moment) {
        // Who is hidden looks as seldom as its browser lets it, and need not be current.
        if self.has_slept(now) && self.hidden.is_none() {
            return self.reconnect(now);
        }
        let silence = now.ms - self.heard_ms;
        let most = MISSED_PINGS * self.ping_ms;
        match self.phase {
            Phase::Open { .. } if !self.is_heard => {
                if silence > FIRST_WORDS_MS.min(most) {
                    self.held_back = self.held_back.saturating_add(1);
                    self.lost(0.0, now);
                }
            }
            Phase::Open { .. } => {
                if silence > most * self.patience {
                    self.patience = (2.0 * self.patience).min(MOST_PATIENCE);
                    self.lost(0.0, now);
                }
            }
            Phase::Opening { .. } => {
                if silence > most {
                    self.lost(0.0, now);
                }
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::Cut { .. } | Phase::GivenUp => {}
        }
    }

    /// Nobody has looked for so long that the machine must have slept. From now on somebody has.
    fn has_slept(&mut self, now: Moment) -> bool {
        let before = std::mem::replace(&mut self.looked_ms, now.wall_ms);
        now.wall_ms - before > SLEPT_MS
    }

    /// The stream that was opened last was a good one.
    fn has_lived(&self, now: Moment) -> bool {
        self.opened_ms
            .is_some_and(|opened_ms| now.ms - opened_ms > GOOD_AFTER_MS)
    }

    /// At once, whatever has failed before.
    fn reconnect(&mut self, now: Moment) {
        self.failures_in_a_row = 0;
        self.looked_ms = now.wall_ms;
        if !matches!(self.phase, Phase::Cut { .. } | Phase::GivenUp) {
            self.close(Phase::Idle);
            match self.follows {
                // What it shows is as old as what it heard last, until its stream is there.
                true => {
                    self.show_lost(now);
                    self.connect(now);
                }
                false => self.show_idle(now),
            }
        }
        self.actions.push(Action::SendAgain);
    }

    fn bye(&mut self, reason: ByeReason, retry_ms: f64, is_end_awaited: bool, now: Moment) {
        match reason {
            ByeReason::Turn if is_end_awaited => self.pause(retry_ms.min(SOON_RETRY_MS), now),
            ByeReason::Turn => self.pause(retry_ms, now),
            ByeReason::Shutdown | ByeReason::Full | ByeReason::Slow => self.lost(retry_ms, now),
            ByeReason::NoSession | ByeReason::UnknownState | ByeReason::Outdated => self.give_up(),
        }
    }

    fn failed(&mut self, failed: u64, now: Moment) {
        if self.is_current(failed) {
            return self.lost(0.0, now);
        }
        if let Phase::Opening { replaced, .. } = &mut self.phase
            && *replaced == Some(failed)
        {
            *replaced = None;
            self.actions.push(Action::Close(failed));
        }
    }

    /// The stream is lost. The next one comes after a while, longer after each failure.
    fn lost(&mut self, at_least_ms: f64, now: Moment) {
        // Counted once: while nothing opens, the tries grow further apart.
        if self.has_lived(now) {
            self.failures_in_a_row = 0;
        }
        self.opened_ms = None;
        let wait = backoff(RETRY_MS, self.failures_in_a_row);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.show_lost(now);
        self.pause(wait.max(at_least_ms), now);
    }

    /// Closes the stream for a while.
    fn pause(&mut self, for_ms: f64, now: Moment) {
        let timer = self.next_number();
        self.close(Phase::Waiting { timer });
        let wait = jittered(for_ms, now.chance);
        self.actions.push(Action::Wait(Timer::Retry(timer), wait));
    }

    fn fired(&mut self, timer: Timer, now: Moment) {
        match timer {
            Timer::Retry(timer) => {
                if self.phase == (Phase::Waiting { timer }) {
                    self.connect(now);
                }
            }
            // A browser has six connections for a host. That the page is there it says now and
            // then, by a stream that ends at once.
            Timer::Rest(timer) => {
                if self.hidden == Some(timer) && !self.is_resting {
                    self.is_resting = true;
                    self.connect(now);
                }
            }
            // Cut again meanwhile, the later cut heals.
            Timer::Heal(timer) => {
                if self.phase == (Phase::Cut { timer }) {
                    self.actions.push(Action::ShowCut(false));
                    self.phase = Phase::Idle;
                    self.reconnect(now);
                }
            }
        }
    }

    fn hide(&mut self) {
        let timer = self.next_number();
        self.hidden = Some(timer);
        let wait = Action::Wait(Timer::Rest(timer), REST_AFTER_MS);
        self.actions.push(wait);
    }

    fn cut(&mut self, span_ms: f64) {
        if self.phase == Phase::GivenUp {
            return;
        }
        let timer = self.next_number();
        self.close(Phase::Cut { timer });
        self.show(Link::Reconnecting);
        self.actions.push(Action::ShowCut(true));
        self.actions.push(Action::Wait(Timer::Heal(timer), span_ms));
    }

    fn give_up(&mut self) {
        self.close(Phase::GivenUp);
        self.link = Link::Outdated;
        self.actions.push(Action::GiveUp);
    }

    /// Closes what there is of streams.
    fn close(&mut self, then: Phase) {
        let (stream, replaced) = match self.phase {
            Phase::Opening { stream, replaced } => (Some(stream), replaced),
            Phase::Open { stream } => (Some(stream), None),
            Phase::Idle | Phase::Waiting { .. } | Phase::Cut { .. } | Phase::GivenUp => {
                (None, None)
            }
        };
        let both = replaced.into_iter().chain(stream);
        self.actions.extend(both.map(Action::Close));
        self.phase = then;
    }

    fn show(&mut self, link: Link) {
        self.link = link;
        self.actions.push(Action::Show(link));
    }

    fn show_lost(&mut self, now: Moment) {
        self.show(match now.is_online {
            true => Link::Reconnecting,
            false => Link::Offline,
        });
    }

    /// A page that follows nothing waits for nothing.
    fn show_idle(&mut self, now: Moment) {
        self.show(match now.is_online {
            true => Link::Connected,
            false => Link::Offline,
        });
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

/// Milliseconds to wait after so many failures: the first span, twice as long each time, up to the
/// last.
pub fn backoff((first, last): (f64, f64), failures_before: u32) -> f64 {
    (first * f64::from(1_u32 << failures_before.min(10))).min(last)
}

/// A span, longer or shorter by up to a quarter: pages that lost one server don't come back all
/// at once.
pub fn jittered(ms: f64, chance: f64) -> f64 {
    ms * (0.75 + chance / 2.0)
}
