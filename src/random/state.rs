//! What the page of random numbers shows. Both styles draw into one total.

use crate::{dice::roll, pieces::Chain};
use undercurrent::prelude::*;

/// The least and the greatest that a range can reach.
pub const LIMIT: i32 = 100;
/// Seconds of a step that can be chosen.
pub const DELAYS: [u32; 4] = [1, 2, 3, 4];
/// So many values are kept.
pub const KEPT: usize = 10;

/// The state of the page.
#[derive(State, Clone, Debug)]
pub struct Random {
    /// The least number that is drawn.
    pub low: i32,
    /// The greatest.
    pub high: i32,
    /// Seconds that a step takes.
    pub delay: u32,
    /// The last values, newest last.
    pub last: List<i32>,
    /// The sum of all since the last Clear.
    pub total: i64,
    /// The chained run.
    pub chain: Chain,
    /// The run, of whichever style, draws on after the step under way.
    pub goes_on: bool,
    /// The background task was told to stop, and has not come to it.
    pub stops: bool,
}

impl Default for Random {
    fn default() -> Self {
        Random {
            low: -10,
            high: 10,
            delay: 1,
            last: List::new(),
            total: 0,
            chain: Chain::default(),
            goes_on: false,
            stops: false,
        }
    }
}

impl Random {
    /// Draws a number. Tells whether to draw on.
    pub fn draw(&mut self) -> bool {
        let value = roll(self.low, self.high);
        self.total += i64::from(value);
        self.last.push(value);
        let surplus = self.last.len().saturating_sub(KEPT);
        self.last.drain(..surplus);
        self.goes_on
    }

    /// How long a step takes now.
    pub fn step(&self) -> Millis {
        Millis(u64::from(self.delay) * 1_000)
    }
}

// excerpt: set_range
/// Sets the range. Thumbs that have passed each other mean the same range.
#[event]
pub fn set_range(random: &mut Random, low: i32, high: i32) -> Result<(), ForVisitor> {
    let (low, high) = (low.min(high), low.max(high));
    if low < -LIMIT || high > LIMIT {
        let why = format!("A range lies between −{LIMIT} and {LIMIT}.");
        return Err(ForVisitor::new(why));
    }
    (random.low, random.high) = (low, high);
    Ok(())
}
// end

/// Makes the range as wide on both sides of zero.
#[event]
pub fn balance(random: &mut Random) {
    let widest = random.low.abs().max(random.high.abs());
    (random.low, random.high) = (-widest, widest);
}

/// Sets how long a step takes.
#[event]
pub fn set_delay(random: &mut Random, seconds: u32) -> Result<(), ForVisitor> {
    let can_be = DELAYS.contains(&seconds).then_some(seconds);
    random.delay = can_be.ok_or(ForVisitor::new("A step takes 1 to 4 seconds."))?;
    Ok(())
}

/// Begins the total anew. The values stay.
#[event]
pub fn clear_total(random: &mut Random) {
    random.total = 0;
}
