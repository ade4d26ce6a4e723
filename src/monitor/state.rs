//! What the monitor shows.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;
use upstream::Address;

/// So many endpoints a visitor watches at once.
pub const ENDPOINTS: usize = 12;
/// What is said to one more.
pub const TOO_MANY: &str = "12 endpoints are enough. Remove one to add another.";
/// So many answers of each are kept.
pub const KEPT: usize = 60;
/// Seconds between two calls that can be chosen.
pub const INTERVALS: [u32; 4] = [1, 2, 5, 10];

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct Monitor {
    /// In the order in which they were added.
    pub endpoints: List<Endpoint>,
}

/// One product of an upstream, asked for again and again. A visitor says which upstream and which
/// number, and nothing else: what the server asks is for the configuration to say.
#[derive(State, Clone, Debug, Default)]
pub struct Endpoint {
    /// Which product of which upstream.
    pub at: Address,
    /// Seconds between two calls.
    pub every: u32,
    /// What the last good answer was about.
    pub title: String,
    /// The last answers, newest last.
    pub answers: List<Answer>,
    /// How many calls were answered, well or not.
    pub calls: u32,
    /// How many of them not well.
    pub failed: u32,
    /// What went wrong last. It stays when the next call is well.
    pub last_error: Option<String>,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Milliseconds that it took.
    pub ms: u32,
    /// The product came.
    pub ok: bool,
}

impl Monitor {
    /// Adds an endpoint.
    pub fn add(&mut self, at: Address, every: u32) -> Result<(), ForVisitor> {
        check(every)?;
        if self.endpoint(at).is_some() {
            let why = format!("{} is watched already.", at.name());
            return Err(ForVisitor::new(why));
        }
        if self.endpoints.len() >= ENDPOINTS {
            return Err(ForVisitor::new(TOO_MANY));
        }
        self.endpoints.push(Endpoint {
            at,
            every,
            ..Endpoint::default()
        });
        Ok(())
    }

    /// An endpoint, if it is still there.
    pub fn endpoint(&mut self, at: Address) -> Option<&mut Endpoint> {
        self.endpoints.find_mut(|one| one.at == at)
    }

    /// What lies between two calls of an endpoint, if it is still there.
    pub fn every(&self, at: Address) -> Option<Millis> {
        let endpoint = self.endpoints.iter().find(|one| one.at == at)?;
        Some(Millis(u64::from(endpoint.every) * 1_000))
    }

    /// An answer came, or none. Of one that was removed meanwhile nothing is noted.
    pub fn note<E: ToString>(&mut self, at: Address, ms: u32, title: Result<String, E>) {
        if let Some(endpoint) = self.endpoint(at) {
            endpoint.note(ms, title);
        }
    }

    /// The lowest number that is not watched.
    pub fn next_id(endpoints: &List<Endpoint>) -> u32 {
        let is_free = |id: &u32| endpoints.iter().all(|one| one.at.id != *id);
        (1..).find(is_free).unwrap_or(1)
    }
}

impl Endpoint {
    /// The last answers as a sparkline has them.
    pub fn marks(&self) -> Vec<(u32, bool)> {
        self.answers.iter().map(|one| (one.ms, one.ok)).collect()
    }

    fn note<E: ToString>(&mut self, ms: u32, title: Result<String, E>) {
        let ok = title.is_ok();
        self.calls += 1;
        self.failed += u32::from(!ok);
        self.answers.push(Answer { ms, ok });
        let surplus = self.answers.len().saturating_sub(KEPT);
        self.answers.drain(..surplus);
        match title {
            Ok(title) => self.title = title,
            Err(why) => self.last_error = Some(why.to_string()),
        }
    }
}

/// Sets how often an endpoint is asked.
#[event]
pub fn set_every(monitor: &mut Monitor, at: Address, every: u32) -> Result<(), ForVisitor> {
    check(every)?;
    if let Some(endpoint) = monitor.endpoint(at) {
        endpoint.every = every;
    }
    Ok(())
}

fn check(every: u32) -> Result<(), ForVisitor> {
    let can_be = INTERVALS.contains(&every).then_some(());
    can_be.ok_or(ForVisitor::new(
        "An endpoint is asked every 1, 2, 5 or 10 s.",
    ))
}
