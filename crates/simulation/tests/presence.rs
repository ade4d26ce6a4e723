//! Random schedules over who is in rooms, on one thread, under a clock that a seed turns: pages of
//! three visitors, two tabs each, come, go, are loaded again, and are hidden, in rooms that may not
//! exist yet; the server is started anew, in good order and killed, and rooms leave memory.
//!
//! Beside it goes a model: a page is there while it has a stream, and for its lease behind it. So at any
//! moment it can be read whether the room's state has those who are here and nobody else, and at the
//! end whether anybody flickered.

mod seeds;

use fastrand::Rng;
use seeds::run_each;
use tokio::{runtime::Handle, time::Instant};
use undercurrent::{
    Limits,
    prelude::*,
    testing::{RawStream, TestApp, TestClient},
};

/// So many seeds in an ordinary run.
const SEEDS: u64 = 60;
const STEPS: usize = 150;
const VISITORS: usize = 3;
const ROOMS: [&str; 2] = ["north", "south"];

/// In milliseconds, as GUARANTEES.md has them.
const LEASE: u64 = 7_000;
const HIDDEN_LEASE: u64 = 180_000;

/// Whoever comes or goes is told of within this.
const TOLD_WITHIN: u64 = 150;
/// A start of a server takes no longer.
const START: u64 = 2_000;

fn anyone(_: &Visitor, _: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anyone, present = note)]
struct Hall {
    here: Vec<String>,
    /// How often each came.
    came: Map<String, u32>,
    opened: u32,
}

fn note(hall: &mut Hall, here: &[Visitor]) {
    let here: Vec<String> = here.iter().map(Visitor::id).collect();
    for id in here.iter().filter(|id| !hall.here.contains(id)) {
        *hall.came.entry(id.clone()).or_default() += 1;
    }
    hall.here = here;
}

#[event]
fn opens(hall: &mut Hall) {
    hall.opened += 1;
}

/// A tab of a visitor's, which looks at a room.
struct Tab {
    visitor: usize,
    room: usize,
    /// How the server knows its page. Each reload is another.
    page: u32,
    stream: Option<RawStream>,
}

/// A visitor in a room, as the model has them.
#[derive(Clone, Debug, Default)]
struct Guest {
    /// Pages, each with its streams, and until when it is there without.
    pages: Vec<(u32, usize, u64)>,
    /// Stood there before a restart, and is waited for until then, or as much longer as that took.
    awaited: u64,
    came: u32,
}

impl Guest {
    /// Until when they are here, as it stands.
    fn until(&self) -> u64 {
        let of_page = |(_, streams, until): &(u32, usize, u64)| match streams {
            0 => *until,
            _ => u64::MAX,
        };
        let last = self.pages.iter().map(of_page).max();
        last.unwrap_or(0).max(self.awaited)
    }

    fn page(&mut self, page: u32) -> &mut (u32, usize, u64) {
        let known = self.pages.iter().position(|(known, ..)| *known == page);
        let at = known.unwrap_or_else(|| {
            self.pages.push((page, 0, 0));
            self.pages.len() - 1
        });
        &mut self.pages[at]
    }
}

#[derive(Debug, Default)]
struct Seen {
    opened: usize,
    hidden: usize,
    closed: usize,
    came: usize,
    stayed: usize,
    restarts: usize,
    kills: usize,
    let_go: usize,
}

struct House {
    app: TestApp,
    begin: Instant,
    is_kept: bool,
    visitors: Vec<TestClient>,
    tabs: Vec<Tab>,
    guests: [[Guest; VISITORS]; 2],
    /// There is something in the room.
    exists: [bool; 2],
    pages: u32,
}

impl House {
    fn new(seed: u64) -> Self {
        let limits = Limits {
            shutdown_ms: 400,
            ..Limits::default()
        };
        let is_kept = seed.is_multiple_of(3);
        let app = match is_kept {
            true => TestApp::kept(limits, |builder| builder),
            false => TestApp::with(limits, |builder| builder),
        };
        let visitors = (0..VISITORS).map(|_| app.client()).collect();
        let tab = |nth: usize| Tab {
            visitor: nth / 2,
            room: 0,
            page: 0,
            stream: None,
        };
        House {
            app,
            begin: Instant::now(),
            is_kept,
            visitors,
            tabs: (0..2 * VISITORS).map(tab).collect(),
            guests: Default::default(),
            exists: [false; 2],
            pages: 0,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).expect("it is short")
    }

    fn stream(&self, nth: usize, is_hidden: bool) -> RawStream {
        let tab = &self.tabs[nth];
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let mut query = vec![
            pair("scope", format!("hall:{}", ROOMS[tab.room])),
            pair("follow", "0.hall".to_owned()),
            pair("client", format!("page-{}", tab.page)),
        ];
        query.extend(is_hidden.then(|| pair("hidden", "1".to_owned())));
        self.visitors[tab.visitor].raw_stream(&query)
    }

    /// A page has a stream, by the model.
    fn comes(&mut self, nth: usize, lease: u64, seen: &mut Seen) {
        let (now, tab) = (self.now(), &self.tabs[nth]);
        let guest = &mut self.guests[tab.room][tab.visitor];
        let was_here = guest.until() > now;
        guest.awaited = 0;
        let page = guest.page(tab.page);
        (page.1, page.2) = (page.1 + 1, now + lease);
        if self.exists[tab.room] && !was_here {
            guest.came += 1;
            seen.came += 1;
        }
        seen.stayed += usize::from(was_here);
    }

    /// It has not any more.
    fn goes(&mut self, nth: usize) {
        let (now, tab) = (self.now(), &self.tabs[nth]);
        let page = self.guests[tab.room][tab.visitor].page(tab.page);
        (page.1, page.2) = (page.1 - 1, page.2.max(now + LEASE));
        let guests = &mut self.guests[tab.room];
        let mut pages = guests.iter().flat_map(|guest| &guest.pages);
        if !self.exists[tab.room] && pages.all(|(_, streams, _)| *streams == 0) {
            // Of a room that does not exist nothing is known when nobody looks.
            *guests = Default::default();
        }
    }

    /// Loads a tab's page, the first or another; or one that was hidden is looked at again.
    fn open(&mut self, nth: usize, random: &mut Rng, seen: &mut Seen) {
        self.close(nth, seen);
        if self.tabs[nth].page == 0 || random.bool() {
            self.pages += 1;
            self.tabs[nth].page = self.pages;
            self.tabs[nth].room = random.usize(..ROOMS.len());
        }
        self.tabs[nth].stream = Some(self.stream(nth, false));
        self.comes(nth, LEASE, seen);
        seen.opened += 1;
    }

    fn close(&mut self, nth: usize, seen: &mut Seen) {
        if self.tabs[nth].stream.take().is_some() {
            self.goes(nth);
            seen.closed += 1;
        }
    }

    /// Nobody looks at it any more, and it says so; or says so once more.
    fn hide(&mut self, nth: usize, seen: &mut Seen) {
        if self.tabs[nth].page == 0 {
            return;
        }
        let stream = self.stream(nth, true);
        self.comes(nth, HIDDEN_LEASE, seen);
        self.close(nth, seen);
        drop(stream);
        self.goes(nth);
        seen.hidden += 1;
    }

    /// Somebody does something in a room, which exists from then on.
    async fn act(&mut self, room: usize, random: &mut Rng) {
        let nobody = &mut self.visitors[random.usize(..VISITORS)];
        let sent = nobody.send_to(ROOMS[room], opens()).await;
        sent.expect("there is room");
        if !std::mem::replace(&mut self.exists[room], true) {
            let now = self.now();
            for guest in &mut self.guests[room] {
                guest.came += u32::from(guest.until() > now);
            }
        }
    }

    /// Another server begins: whoever stands there is waited for.
    async fn begin_anew(&mut self, is_killed: bool) {
        let began = self.now();
        match is_killed {
            true => {
                self.app.dies().await;
                self.app.begin_again().await;
            }
            false => self.app.restart().await,
        }
        let waits = began + HIDDEN_LEASE;
        assert!(self.now() - began < START);
        for tab in &mut self.tabs {
            tab.stream = None;
        }
        for room in 0..ROOMS.len() {
            let stand = self.read(room).await.here;
            for (nth, guest) in self.guests[room].iter_mut().enumerate() {
                guest.pages.clear();
                let stands = stand.contains(&self.visitors[nth].visitor().id());
                guest.awaited = if stands { waits } else { 0 };
            }
        }
    }

    async fn read(&self, room: usize) -> Hall {
        let read = self.app.keyed::<Hall>(ROOMS[room]).read(Hall::clone).await;
        read.expect("it reads")
    }

    async fn look(&mut self, room: usize) {
        // Who reads it then tells it.
        self.read(room).await;
        self.app.advance(Millis(TOLD_WITHIN)).await;
        let (hall, now) = (self.read(room).await, self.now());
        if !self.exists[room] {
            assert_eq!(hall.here, [""; 0]);
            return;
        }
        for (visitor, guest) in self.visitors.iter().zip(&self.guests[room]) {
            let id = visitor.visitor().id();
            let (is_told, until) = (hall.here.contains(&id), guest.until());
            let is_wrong = match is_told {
                true if guest.awaited > 0 => until.saturating_add(START + TOLD_WITHIN) < now,
                true => until.saturating_add(TOLD_WITHIN) < now,
                false => until > now,
            };
            assert!(!is_wrong, "{id} at {now}: {guest:?}, {hall:?}");
            let came = hall.came.get(&id).copied().unwrap_or(0);
            assert!(came <= guest.came, "{id} flickered: {guest:?}, {hall:?}");
        }
    }

    async fn step(&mut self, random: &mut Rng, seen: &mut Seen) {
        let nth = random.usize(..self.tabs.len());
        let room = random.usize(..ROOMS.len());
        match random.u8(..32) {
            0..=6 => self.open(nth, random, seen),
            7..=10 => self.close(nth, seen),
            11..=13 => self.hide(nth, seen),
            14 => self.act(room, random).await,
            15..=18 => self.look(room).await,
            19 if self.is_kept => {
                self.begin_anew(false).await;
                seen.restarts += 1;
            }
            20 if self.is_kept => {
                self.begin_anew(true).await;
                seen.kills += 1;
            }
            // All go for long. What is in memory alone would be gone with it.
            21 if self.is_kept => {
                for nth in 0..self.tabs.len() {
                    self.close(nth, seen);
                }
                self.app.advance(Millis(HIDDEN_LEASE + LEASE)).await;
                seen.let_go += self.app.let_go_of_idle().await;
            }
            22..=26 => self.app.advance(Millis(random.u64(1..300))).await,
            27..=30 => self.app.advance(Millis(random.u64(1..9_000))).await,
            _ => self.app.advance(Millis(random.u64(1..200_000))).await,
        }
    }
}

async fn check(seed: u64, seen: &mut Seen) {
    let mut random = Rng::with_seed(seed);
    let before = Handle::current().metrics().num_alive_tasks();
    let mut house = House::new(seed);
    for _ in 0..STEPS {
        house.step(&mut random, seen).await;
    }
    for nth in 0..house.tabs.len() {
        house.close(nth, seen);
    }
    for room in 0..ROOMS.len() {
        house.look(room).await;
    }
    house.app.advance(Millis(HIDDEN_LEASE + LEASE)).await;
    for room in 0..ROOMS.len() {
        house.look(room).await;
        assert_eq!(house.read(room).await.here, [""; 0]);
    }
    // Nothing is left of all that.
    house.app.let_go_of_idle().await;
    let counters = house.app.counters();
    let left = (counters.scopes, counters.streams, counters.tasks);
    assert_eq!(left, (0, 0, 0), "something is left");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
}

#[test]
fn a_room_has_those_who_are_here_and_nobody_flickers_whatever_they_do() {
    if let Some(seen) = run_each::<Seen>(SEEDS, check) {
        let Seen {
            opened,
            hidden,
            closed,
            came,
            stayed,
            restarts,
            kills,
            let_go,
        } = seen;
        let all = [
            opened, hidden, closed, came, stayed, restarts, kills, let_go,
        ];
        assert!(all.iter().all(|&count| count > 20), "{all:?}");
    }
}
