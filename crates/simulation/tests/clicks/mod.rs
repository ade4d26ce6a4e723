//! What pages of visitors click in a schedule, what handlers write of it, and what must be true of that.

use serde::{Deserialize, Serialize};
use undercurrent::{
    prelude::*,
    testing::{Refused, TestClient},
};

#[derive(State, Clone, Debug, Default)]
pub struct Lab {
    /// What events did. It only grows.
    pub done: List<Done>,
    /// How far the tasks are, by key.
    pub ticks: Map<String, u32>,
    /// What the task that goes on has counted. It begins anew when it is started.
    pub steps: List<u32>,
}

/// What an event of a page did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub page: usize,
    pub n: u32,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    Put,
    Begun,
    Ended,
    Dispatched,
}

/// What a page has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Put(u32),
    Slow(u32),
    Fails(u32),
}

#[event]
fn put(lab: &mut Lab, page: usize, n: u32) {
    lab.done.push(done(page, n, What::Put));
}

#[event]
fn fails(lab: &mut Lab, page: usize, n: u32) -> Result<(), ForVisitor> {
    lab.done.push(done(page, n, What::Put));
    Err(ForVisitor::new("No."))
}

#[event]
pub async fn slow(cx: EventContext<Lab>, page: usize, n: u32, ms: u64) -> Result {
    cx.update(|lab| lab.done.push(done(page, n, What::Begun)))
        .await?;
    cx.sleep(Millis(ms)).await?;
    cx.update(|lab| lab.done.push(done(page, n, What::Ended)))
        .await?;
    cx.dispatch(dispatched(page, n));
    Ok(())
}

#[event]
fn dispatched(lab: &mut Lab, page: usize, n: u32) {
    lab.done.push(done(page, n, What::Dispatched));
}

fn done(page: usize, n: u32, what: What) -> Done {
    Done { page, n, what }
}

impl Sent {
    /// `page` sends it. A slow one takes so long.
    pub async fn by(self, client: &mut TestClient, page: usize, ms: u64) -> Result<(), Refused> {
        match self {
            Sent::Put(n) => client.send(put(page, n)).await,
            Sent::Slow(n) => client.send(slow(page, n, ms)).await,
            Sent::Fails(n) => client.send(fails(page, n)).await,
        }
    }
}

/// Each event of a page that was taken ran once, in order; nothing else did. How many were
/// interrupted, or could not dispatch what they should: they may find the queue full, and are told so.
pub fn check_runs(page: usize, taken: &[Sent], all: &[Done]) -> usize {
    let ran = all.iter().filter(|done| done.page == page);
    let ran = ran.filter_map(|done| match done.what {
        What::Put => Some(Sent::Put(done.n)),
        What::Begun => Some(Sent::Slow(done.n)),
        What::Ended | What::Dispatched => None,
    });
    let is_well = |sent: &Sent| !matches!(sent, Sent::Fails(_));
    let expected: Vec<Sent> = taken.iter().copied().filter(is_well).collect();
    assert_eq!(ran.collect::<Vec<_>>(), expected, "of page {page}");
    let count = |what| count(page, what, all);
    assert!(count(What::Dispatched) <= count(What::Ended));
    count(What::Begun) - count(What::Dispatched)
}

/// How often a page's events did this.
pub fn count(page: usize, what: What, all: &[Done]) -> usize {
    let is_it = |done: &&Done| done.page == page && done.what == what;
    all.iter().filter(is_it).count()
}

/// Events of a visitor run one at a time, whichever page sends them.
pub fn check_alone(all: &[Done]) {
    for (at, ended) in all.iter().enumerate() {
        if ended.what == What::Ended {
            let begun = done(ended.page, ended.n, What::Begun);
            let before = at.checked_sub(1).map(|before| &all[before]);
            assert_eq!(before, Some(&begun), "nothing came in between");
        }
    }
}

/// How many of these must end as failed.
pub fn failed(taken: &[Sent]) -> usize {
    let fails = |sent: &&Sent| matches!(sent, Sent::Fails(_));
    taken.iter().filter(fails).count()
}
