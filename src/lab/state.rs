//! What the lab counts. Its events and tasks are those of Reflex's own test of background tasks.

use undercurrent::prelude::*;

/// The state of the lab.
#[derive(State, Clone, Debug)]
pub struct Lab {
    /// What everything adds to.
    pub counter: i64,
    /// How often the loops go round.
    pub iterations: u32,
    /// How often pages were told to lose their stream.
    pub cuts: u32,
    /// How many loops were begun. No page sees it.
    #[state(server)]
    pub loops: u32,
}

impl Default for Lab {
    fn default() -> Self {
        Lab {
            counter: 0,
            iterations: 10,
            cuts: 0,
            loops: 0,
        }
    }
}

impl Lab {
    /// A loop begins; says how often it goes round.
    pub fn begin(&mut self) -> u32 {
        self.loops += 1;
        self.iterations
    }

    /// A plain method, for whoever holds the state.
    pub fn triple(&mut self) {
        self.counter *= 3;
    }
}

/// Another state of the session. Its task changes the first one together with it.
#[derive(State, Clone, Debug, Default)]
pub struct LabOther {
    /// How often its task came by.
    pub visits: u32,
}

/// Sets how often the loops go round. What is half typed is as harmless as what is typed.
#[event]
pub fn set_iterations(lab: &mut Lab, value: String) {
    lab.iterations = value.parse().unwrap_or(0);
}

/// Adds one.
#[event]
pub fn increment(lab: &mut Lab) {
    lab.counter += 1;
}

/// Begins anew.
#[event]
pub fn reset_counter(lab: &mut Lab) {
    lab.counter = 0;
}

/// Holds up the queue for a moment.
#[event]
pub async fn blocking_pause(cx: EventContext<Lab>) -> Result<()> {
    cx.sleep(Millis(20)).await?;
    Ok(())
}

/// Holds it up for long enough to lose the network meanwhile.
#[event]
pub async fn delay(cx: EventContext<Lab>) -> Result<()> {
    cx.sleep(Millis(3_000)).await?;
    Ok(())
}
