//! Random schedules over what a server does to scopes: it is killed, and what was not kept is lost; it
//! is started anew from its file; scopes that nobody uses leave memory and are read again. Pages of two
//! visitors click meanwhile, are cut off, come back, and ask again for what they had an answer to.
//!
//! One thread and one clock, which a seed turns. What a handler did stands in a list that only grows,
//! but for what a kill takes back. At the end it can be read whether each event that was taken ran
//! once, in its order and by itself, or was told as interrupted; whether a task went on from its last
//! checkpoint; and whether all that a page showed was one of the states that there were, but for
//! what was taken back.

mod clicks;
mod seeds;

use clicks::*;
use fastrand::Rng;
use seeds::run_each;
use undercurrent::{
    EndKind, Limits,
    prelude::*,
    testing::{TestApp, TestClient},
};

/// So many seeds in an ordinary run.
const SEEDS: u64 = 16;
const STEPS: usize = 120;
/// Pages of two visitors: two tabs each.
const PAGES: usize = 4;
/// In a schedule, at most.
const KILLS: usize = 6;

#[background(overlap = reject, on_crash = resume)]
async fn counts(cx: TaskContext<Lab>) -> Result {
    for n in cx.cursor()?.unwrap_or(0).. {
        cx.update(|lab| lab.steps.push(n)).checkpoint(n + 1).await?;
        cx.sleep(Millis(15)).await?;
    }
    Ok(())
}

/// A page, and what it knows of itself.
struct Page {
    client: TestClient,
    next: u32,
    is_cut: bool,
    taken: Vec<Sent>,
    /// It has heard nothing since but the answer to its last click.
    may_ask_again: bool,
    /// What it has shown. Of the second, what may be taken back.
    looks: Vec<Vec<Done>>,
    looks_of_what_is_lost: usize,
}

/// What the schedules did, so that a test can tell that they did enough.
#[derive(Debug, Default)]
struct Seen {
    taken: usize,
    refused: usize,
    again: usize,
    kills: usize,
    restarts: usize,
    taken_back: usize,
    interrupted: usize,
    let_go: usize,
    steps: usize,
}

impl Page {
    async fn click(&mut self, page: usize, random: &mut Rng, seen: &mut Seen) {
        let n = self.next;
        self.next += 1;
        let sent = match random.u8(..6) {
            0..=2 => Sent::Put(n),
            3 | 4 => Sent::Slow(n),
            _ => Sent::Fails(n),
        };
        let ms = random.u64(..60);
        let answer = sent.by(&mut self.client, page, ms).await;
        match answer {
            Ok(()) => {
                seen.taken += 1;
                self.taken.push(sent);
                self.may_ask_again = !self.is_cut;
            }
            Err(refused) => {
                assert_eq!(refused.kind, EndKind::Full, "{refused:?}");
                seen.refused += 1;
                self.may_ask_again = false;
            }
        }
    }

    /// It did not hear the answer, and asks again: nothing comes of that.
    async fn ask_again(&mut self, seen: &mut Seen) {
        if self.may_ask_again && !self.is_cut {
            self.client.send_again().await.expect("it is known");
            seen.again += 1;
        }
    }

    fn cut(&mut self) {
        self.client.cut();
        self.is_cut = true;
    }

    async fn heal(&mut self, seen: &mut Seen) {
        self.is_cut = false;
        self.may_ask_again = false;
        let refused = self.client.heal().await;
        assert!(refused.iter().all(|refused| refused.kind == EndKind::Full));
        seen.refused += refused.len();
        // Once one has no room those behind it have none either: what is missing is the end.
        self.taken.truncate(self.taken.len() - refused.len());
    }

    async fn look(&mut self) -> Lab {
        let lab = self.client.see::<Lab>().await;
        // Who is cut off may show what was taken back meanwhile.
        if !self.is_cut {
            self.looks.push(lab.done.iter().cloned().collect());
        }
        lab
    }
}

/// A server with two visitors.
struct Town {
    app: TestApp,
    pages: Vec<Page>,
    /// Starts of the task that counts, by visitor.
    starts: [usize; 2],
    kills: usize,
}

impl Town {
    fn new(random: &mut Rng) -> Self {
        let limits = Limits {
            queue: random.usize(4..12),
            log_entries: random.usize(2..40),
            // It ends as interrupted only where it has done something.
            event_tries: 100,
            shutdown_ms: 400,
            ..Limits::default()
        };
        let app = TestApp::kept(limits, |builder| builder);
        let mut pages: Vec<Page> = Vec::new();
        for nth in 0..PAGES {
            let client = match nth % 2 {
                0 => app.client(),
                _ => app.second_tab_of(&pages[nth - 1].client),
            };
            pages.push(Page {
                client,
                next: 0,
                is_cut: false,
                taken: Vec::new(),
                may_ask_again: false,
                looks: Vec::new(),
                looks_of_what_is_lost: 0,
            });
        }
        Town {
            app,
            pages,
            starts: [0; 2],
            kills: 0,
        }
    }

    /// The server is killed. What it does before, from a moment on, is not kept.
    async fn kill(&mut self, random: &mut Rng, seen: &mut Seen) {
        let kept: Vec<usize> = self.pages.iter().map(|page| page.looks.len()).collect();
        self.app.dies().await;
        for _ in 0..random.usize(..3) {
            self.app.advance(Millis(random.u64(1..40))).await;
            let page = &mut self.pages[random.usize(..PAGES)];
            if !page.is_cut {
                page.look().await;
            }
        }
        self.app.begin_again().await;
        self.kills += 1;
        seen.kills += 1;
        for (page, kept) in self.pages.iter_mut().zip(kept) {
            page.looks_of_what_is_lost += page.looks.len() - kept;
            page.looks.truncate(kept);
            if random.bool() {
                page.ask_again(seen).await;
            }
        }
    }

    /// Nobody of a visitor's is there for a while, and what is at rest leaves memory.
    async fn leave(&mut self, random: &mut Rng, seen: &mut Seen) {
        let visitor = random.usize(..PAGES / 2);
        for page in &mut self.pages[2 * visitor..2 * visitor + 2] {
            page.cut();
        }
        self.app.advance(Millis(random.u64(..400))).await;
        seen.let_go += self.app.let_go_of_idle().await;
    }

    async fn step(&mut self, random: &mut Rng, seen: &mut Seen) {
        let nth = random.usize(..PAGES);
        let page = &mut self.pages[nth];
        match random.u8(..30) {
            0..=11 => page.click(nth, random, seen).await,
            12 | 13 => page.ask_again(seen).await,
            14..=16 => drop(page.look().await),
            17 if !page.is_cut => page.cut(),
            17..=19 if page.is_cut => page.heal(seen).await,
            20 | 21 if !page.is_cut => {
                page.may_ask_again = false;
                if page.client.send(counts()).await.is_ok() {
                    self.starts[nth / 2] += 1;
                }
            }
            22 if !page.is_cut => {
                page.may_ask_again = false;
                let task = page.client.task(counts);
                task.cancel().await.expect("it is asked");
            }
            23 => self.leave(random, seen).await,
            24 if self.kills < KILLS => self.kill(random, seen).await,
            25 if random.bool() => {
                self.app.restart().await;
                seen.restarts += 1;
            }
            _ => self.app.advance(Millis(random.u64(1..60))).await,
        }
    }

    /// All is well again, and comes to its end.
    async fn rest(&mut self, seen: &mut Seen) {
        for page in &mut self.pages {
            page.heal(seen).await;
            let task = page.client.task(counts);
            task.cancel().await.expect("it is asked");
        }
        self.app.quiet().await;
        let mut lives = Vec::new();
        for page in &mut self.pages {
            lives.push(page.look().await);
        }
        for (visitor, starts) in self.starts.into_iter().enumerate() {
            let [one, other] = [&lives[2 * visitor], &lives[2 * visitor + 1]];
            assert_eq!(
                format!("{one:?}"),
                format!("{other:?}"),
                "two tabs show the same"
            );
            seen.steps += one.steps.len();
            check_steps(&one.steps.iter().copied().collect::<Vec<_>>(), starts);
        }
        for (nth, page) in self.pages.iter_mut().enumerate() {
            let all: Vec<Done> = lives[nth].done.iter().cloned().collect();
            let not_through = check_runs(nth, &page.taken, &all);
            check_alone(&all);
            for look in &page.looks {
                assert_eq!(look[..], all[..look.len()], "what was shown was so");
            }
            seen.taken_back += page.looks_of_what_is_lost;
            let told = page.client.failures().await;
            let is_cut = |kind: EndKind| kind == EndKind::Interrupted;
            seen.interrupted += told.iter().filter(|told| is_cut(told.kind)).count();
            let expected = (failed(&page.taken) + not_through).min(Limits::default().failures);
            assert_eq!(told.len(), expected, "each end that was not well is told");
        }
    }
}

/// What a run counts has no gap and nothing twice, over kills and restarts.
fn check_steps(steps: &[u32], starts: usize) {
    let mut last = None;
    for step in steps {
        assert!(
            *step == 0 || last.is_some_and(|last: u32| *step == last + 1),
            "{steps:?}"
        );
        last = Some(*step);
    }
    let begun = steps.iter().filter(|step| **step == 0).count();
    assert!(begun <= starts, "{begun} began and {starts} were started");
}

async fn check(seed: u64, seen: &mut Seen) {
    let mut random = Rng::with_seed(seed);
    let mut town = Town::new(&mut random);
    for _ in 0..STEPS {
        town.step(&mut random, seen).await;
    }
    town.rest(seen).await;
}

#[test]
fn events_run_once_and_tasks_go_on_whatever_becomes_of_their_server() {
    if let Some(seen) = run_each::<Seen>(SEEDS, check) {
        let all = [
            seen.taken,
            seen.again,
            seen.kills,
            seen.restarts,
            seen.taken_back,
            seen.interrupted,
            seen.let_go,
            seen.steps,
        ];
        assert!(all.iter().all(|&count| count > 5), "{seen:?}");
    }
}
