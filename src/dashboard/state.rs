//! What the dashboard shows: of the server, the same for all; of the visitor, a job and a log.

use serde::{Deserialize, Serialize};
use std::fmt;
use undercurrent::prelude::*;

/// A sample a second, over five minutes.
pub const SAMPLES: usize = 300;
/// So many lines of the log are kept.
pub const LINES: usize = 10_000;
/// Lines a second that can be chosen.
pub const PACES: [u32; 3] = [4, 20, 200];
/// So many products the job adds up.
pub const PRODUCTS: u32 = 40;

/// What is measured of the server. There is one of it, whoever looks.
#[derive(State, Clone, Debug, Default)]
#[state(scope = process)]
pub struct Vitals {
    /// Percent of one core.
    pub cpu: List<Sample>,
    /// Megabytes.
    pub memory: List<Sample>,
    /// Open streams.
    pub streams: List<Sample>,
    /// Tasks that run, wait or are paused.
    pub tasks: List<Sample>,
    /// Events that wait or run.
    pub queue: List<Sample>,
}

/// A measurement: seconds since the server's start, and the value. There are many of them: a pair
/// is a third of the bytes of names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample(pub u32, pub f32);

/// What is measured. Each has a task of its own, by this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    Cpu,
    Memory,
    Streams,
    Tasks,
    Queue,
}

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

impl Meter {
    /// All of them.
    pub const ALL: [Meter; 5] = [
        Meter::Cpu,
        Meter::Memory,
        Meter::Streams,
        Meter::Tasks,
        Meter::Queue,
    ];

    /// Its name, its unit, what its scale goes up to at least, the digits behind the point.
    pub fn face(self) -> (&'static str, &'static str, f32, usize) {
        match self {
            Meter::Cpu => ("Processor", " %", 10.0, 1),
            Meter::Memory => ("Memory", " MB", 10.0, 1),
            Meter::Streams => ("Streams", "", 5.0, 0),
            Meter::Tasks => ("Tasks", "", 5.0, 0),
            Meter::Queue => ("Queue", "", 5.0, 0),
        }
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl Vitals {
    /// Samples as a chart has them.
    pub fn points(samples: &List<Sample>) -> Vec<(u32, f32)> {
        samples.iter().map(|one| (one.0, one.1)).collect()
    }

    /// Adds a sample. What is older than five minutes goes.
    pub fn add(&mut self, meter: Meter, sample: Sample) {
        let samples = match meter {
            Meter::Cpu => &mut self.cpu,
            Meter::Memory => &mut self.memory,
            Meter::Streams => &mut self.streams,
            Meter::Tasks => &mut self.tasks,
            Meter::Queue => &mut self.queue,
        };
        samples.push(sample);
        if samples.len() > SAMPLES {
            samples.remove(0);
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
    if !PACES.contains(&pace) {
        return Err(ForVisitor::new("The log has 4, 20 or 200 lines a second."));
    }
    dashboard.pace = pace;
    Ok(())
}

/// Drops the lines of the log.
#[event]
pub fn clear_log(dashboard: &mut Dashboard) {
    dashboard.log.clear();
}
