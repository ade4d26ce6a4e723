//! Random schedules over real queues, tasks and streams, on one thread, under a clock that a seed
//! turns: pages of two visitors click, are cut off and come back, hear no answer and ask again;
//! events wait, fail, are refused and are cancelled; tasks are started, replaced, paused and cancelled.
//!
//! What happened is written by the handlers themselves, into a list that only grows. So at the end
//! it can be read whether each event that was taken ran once, in its order and by itself, whether
//! nothing of the others did, and whether all that a page ever showed was one of the states that
//! there were.

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
const SEEDS: u64 = 150;
const STEPS: usize = 120;
/// Pages of two visitors: two tabs each.
const PAGES: usize = 4;
const KEYS: [&str; 2] = ["a", "b"];

#[background(key = key, overlap = replace)]
async fn ticks(cx: TaskContext<Lab>, key: String) -> Result {
    loop {
        cx.update(|lab| *lab.ticks.entry(key.clone()).or_default() += 1)
            .await?;
        cx.sleep(Millis(10)).await?;
    }
}

/// A page, and what it knows of itself.
struct Page {
    client: TestClient,
    /// The next event's number, as the test counts.
    next: u32,
    is_cut: bool,
    /// Events that were taken, or wait in the page.
    taken: Vec<Sent>,
    /// So many of them have come to the server.
    arrived: usize,
    /// Slow ones that were cancelled before they had ended.
    cancelled: Vec<u32>,
    /// How much the page has shown, and what.
    looks: Vec<Vec<Done>>,
}

/// What the schedules did, so that a test can tell that they did enough.
#[derive(Debug, Default)]
struct Seen {
    taken: usize,
    refused: usize,
    again: usize,
    cuts: usize,
    waited: usize,
    cancelled: usize,
    stopped: usize,
    looks: usize,
}

impl Page {
    /// Clicks at random.
    async fn click(&mut self, page: usize, random: &mut Rng, seen: &mut Seen) {
        let n = self.next;
        self.next += 1;
        let sent = match random.u8(..4) {
            0 | 1 => Sent::Put(n),
            2 => Sent::Slow(n),
            _ => Sent::Fails(n),
        };
        let ms = random.u64(..40);
        let answer = sent.by(&mut self.client, page, ms).await;
        match answer {
            Ok(()) => {
                seen.taken += 1;
                seen.waited += usize::from(self.is_cut);
                self.taken.push(sent);
            }
            Err(refused) => {
                assert_eq!(refused.kind, EndKind::Full, "{refused:?}");
                seen.refused += 1;
            }
        }
        // The answer is not heard, and the page asks again: of one that was taken nothing comes.
        if answer_is_lost(random) && self.taken.last() == Some(&sent) && !self.is_cut {
            self.client.send_again().await.expect("it is known");
            seen.again += 1;
        }
    }

    fn cut(&mut self) {
        self.client.cut();
        self.is_cut = true;
        self.arrived = self.taken.len();
    }

    /// The visitor has cancelled what is slow: of what has not ended nothing comes any more.
    fn note_cancelled(&mut self, page: usize, all: &[Done], seen: &mut Seen) {
        let arrived = match self.is_cut {
            true => self.arrived,
            false => self.taken.len(),
        };
        for sent in &self.taken[..arrived] {
            if let Sent::Slow(n) = *sent
                && !self.cancelled.contains(&n)
                && !has(page, n, What::Ended, all)
            {
                self.cancelled.push(n);
                seen.stopped += 1;
            }
        }
    }

    async fn heal(&mut self, seen: &mut Seen) {
        self.is_cut = false;
        let waited = self.client.waiting();
        let refused = self.client.heal().await;
        // Once one has no room those behind it have none either: what is missing is the end.
        assert!(refused.iter().all(|refused| refused.kind == EndKind::Full));
        seen.refused += refused.len();
        assert!(refused.len() <= waited);
        let kept = self.taken.len() - refused.len();
        self.taken.truncate(kept);
    }

    async fn look(&mut self, seen: &mut Seen) -> Lab {
        let lab = self.client.see::<Lab>().await;
        self.looks.push(lab.done.iter().cloned().collect());
        seen.looks += 1;
        lab
    }
}

fn has(page: usize, n: u32, what: What, all: &[Done]) -> bool {
    all.contains(&Done { page, n, what })
}

fn answer_is_lost(random: &mut Rng) -> bool {
    random.u8(..4) == 0
}

async fn ticked(page: &mut Page, key: &str, seen: &mut Seen) -> u32 {
    page.look(seen).await.ticks.get(key).copied().unwrap_or(0)
}

async fn check(seed: u64, seen: &mut Seen) {
    let mut random = Rng::with_seed(seed);
    let limits = Limits {
        queue: random.usize(3..12),
        log_entries: random.usize(2..40),
        failures: 1_000,
        ..Limits::default()
    };
    let app = TestApp::with(limits, |builder| builder);
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
            arrived: 0,
            cancelled: Vec::new(),
            looks: Vec::new(),
        });
    }
    for _ in 0..STEPS {
        let nth = random.usize(..PAGES);
        let key = KEYS[random.usize(..KEYS.len())];
        let page = &mut pages[nth];
        match random.u8(..20) {
            0..=7 => page.click(nth, &mut random, seen).await,
            8..=10 => drop(page.look(seen).await),
            11 if !page.is_cut => {
                page.cut();
                seen.cuts += 1;
            }
            11 | 12 if page.is_cut => page.heal(seen).await,
            13 if !page.is_cut => {
                let started = page.client.send(ticks(key.to_owned())).await;
                started.expect("there is room for a few");
            }
            14 if !page.is_cut => {
                let paused = page.client.task(ticks).key(key).pause().await;
                paused.expect("it is asked");
            }
            15 if !page.is_cut => {
                let resumed = page.client.task(ticks).key(key).resume().await;
                resumed.expect("it is asked");
            }
            16 if !page.is_cut => {
                let cancelled = page.client.task(ticks).key(key).cancel().await;
                cancelled.expect("it is asked");
                let then = ticked(page, key, seen).await;
                app.advance(Millis(random.u64(1..100))).await;
                assert_eq!(
                    ticked(page, key, seen).await,
                    then,
                    "nothing lands after a cancel"
                );
                seen.cancelled += 1;
            }
            17 if !page.is_cut => {
                page.client.cancel(slow).await.expect("it is asked");
                let all: Vec<Done> = page.look(seen).await.done.iter().cloned().collect();
                for tab in [nth & !1, nth | 1] {
                    pages[tab].note_cancelled(tab, &all, seen);
                }
            }
            _ => app.advance(Millis(random.u64(1..60))).await,
        }
    }
    for page in &mut pages {
        page.heal(seen).await;
        for key in KEYS {
            let cancelled = page.client.task(ticks).key(key).cancel().await;
            cancelled.expect("it is asked");
        }
    }
    app.quiet().await;
    let mut labs = Vec::new();
    for page in &mut pages {
        labs.push(page.look(seen).await);
    }
    for pair in 0..PAGES / 2 {
        let [one, other] = [&labs[2 * pair], &labs[2 * pair + 1]];
        assert_eq!(
            format!("{one:?}"),
            format!("{other:?}"),
            "two tabs show the same"
        );
    }
    for (nth, page) in pages.iter_mut().enumerate() {
        let all: Vec<Done> = labs[nth].done.iter().cloned().collect();
        let never_began = |sent: &Sent| matches!(sent, Sent::Slow(n) if page.cancelled.contains(n) && !has(nth, *n, What::Begun, &all));
        let began = page.taken.iter().copied();
        let began: Vec<Sent> = began.filter(|sent| !never_began(sent)).collect();
        check_runs(nth, &began, &all);
        check_alone(&all);
        // Each came to its end, or was cancelled before.
        let open = page.taken.iter().filter_map(|sent| match *sent {
            Sent::Slow(n) if !has(nth, n, What::Ended, &all) => Some(n),
            _ => None,
        });
        page.cancelled.sort_unstable();
        assert_eq!(open.collect::<Vec<_>>(), page.cancelled);
        let not_sent_on = count(nth, What::Ended, &all) - count(nth, What::Dispatched, &all);
        for look in &page.looks {
            assert_eq!(
                look[..],
                all[..look.len()],
                "what was shown is a beginning of it"
            );
        }
        let told = page.client.failures().await.len();
        let expected = failed(&page.taken) + not_sent_on + page.cancelled.len();
        assert_eq!(told, expected, "failures are told");
    }
}

#[test]
fn events_run_once_in_order_and_alone_whatever_the_pages_do() {
    if let Some(seen) = run_each::<Seen>(SEEDS, check) {
        let all = [
            seen.taken,
            seen.refused,
            seen.again,
            seen.cuts,
            seen.waited,
            seen.cancelled,
            seen.stopped,
            seen.looks,
        ];
        assert!(all.iter().all(|&count| count > 100), "{seen:?}");
    }
}
