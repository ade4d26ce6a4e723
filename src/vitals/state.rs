//! What is measured of the server. It is the same for all who look.

use serde::{Deserialize, Serialize};
use std::fmt;
use undercurrent::prelude::*;

/// A sample a second, over five minutes.
pub const SAMPLES: usize = 300;

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

/// A measurement: seconds since 1970, and the value. There are many of them: a pair is a third of the
/// bytes of names. They outlive a restart, and stand left of the gap that it makes.
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
        // The clock was set back.
        if samples.last().is_some_and(|last| last.0 > sample.0) {
            samples.clear();
        }
        samples.push(sample);
        if samples.len() > SAMPLES {
            samples.remove(0);
        }
    }
}
