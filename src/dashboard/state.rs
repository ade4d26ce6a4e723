//! What the dashboard has of the visitor: a job and a log.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;

/// So many lines of the log are kept.
pub const LINES: usize = 10_000;
/// Lines a second that can be chosen.
pub const PACES: [u32; 3] = [4, 20, 200];
/// So many products the job adds up.
pub const PRODUCTS: u32 = 40;

/// The visitor's own parts.
#[derive(State, Clone, Debug)]
pub struct Dashboard {
    /// What the job has added up so far.
    pub sum: Sum,
    /// Newest last.
    pub log: List<Tick>,
    /// Lines of the log a second.
    pub pace: u32,
}

/// What the job has added up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// So many products.
    pub count: u32,
    /// Their prices in all.
    pub total: f64,
    /// The dearest of them.
    pub dearest: String,
}

/// A line of the log: milliseconds since midnight (UTC), and by how many microseconds the timer
/// that wrote it was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick(pub u32, pub u32);

impl Default for Dashboard {
    fn default() -> Self {
        Dashboard {
            sum: Sum::default(),
            log: List::new(),
            pace: PACES[0],
        }
    }
}

impl Dashboard {
    /// Adds lines to the log. What is too much goes at its other end.
    pub fn add_lines(&mut self, lines: impl Iterator<Item = Tick>) {
        self.log.extend(lines);
        let surplus = self.log.len().saturating_sub(LINES);
        self.log.drain(..surplus);
    }
}

/// Sets how fast the log goes.
#[event]
pub fn set_pace(dashboard: &mut Dashboard, pace: u32) -> Result<(), ForVisitor> {
    let can_be = PACES.contains(&pace).then_some(pace);
    dashboard.pace = can_be.ok_or(ForVisitor::new("The log has 4, 20 or 200 lines a second."))?;
    Ok(())
}

/// Drops the lines of the log.
#[event]
pub fn clear_log(dashboard: &mut Dashboard) {
    dashboard.log.clear();
}
