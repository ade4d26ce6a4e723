//! Small apps, each in one file: a state, what changes it, what shows it. tests/ holds that they do
//! what they should, and docs/testing.md reads that aloud.

pub mod import;
pub mod monitor;
pub mod stopwatch;
