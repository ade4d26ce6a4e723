//! What a task takes from a file at once, and where the file stands then.

use serde::{Deserialize, Serialize};

/// Where the reading of a file stands: what a task keeps as its cursor. With it the reading goes on
/// as if it had never ended, and what was written behind it is written again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes that were read.
    pub at: u64,
    /// Lines that were read.
    pub lines: Lines,
    /// What stands between two fields.
    pub delimiter: u8,
    /// Fields of the header.
    pub columns: usize,
    /// What was taken in.
    pub accepted: Part,
    /// What was not.
    pub rejected: Part,
}

/// How far a file of rows goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Rows, without the header.
    pub rows: u64,
    /// Bytes, with the header.
    pub bytes: u64,
}

/// Counts lines. One ends with LF, CR LF, or CR alone, as old files have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Lines that have ended.
    pub ended: u64,
    /// The last byte was a CR: an LF behind it ends no other line.
    pub after_cr: bool,
}

/// A row that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it begins.
    pub line: u64,
    /// Its values, in the order of the columns that were looked for.
    pub values: Vec<String>,
}

/// A row that was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// Where it begins.
    pub line: u64,
    /// A sentence.
    pub why: String,
}

/// Some rows, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Rows that are good.
    pub accepted: Vec<Row>,
    /// Rows that are not.
    pub rejected: Vec<Wrong>,
    /// Where the file stands behind them.
    pub mark: Mark,
    /// There are no more.
    pub is_last: bool,
}

impl Lines {
    /// The number of the line that the next byte is in.
    pub fn number(&self) -> u64 {
        self.ended + 1
    }

    /// A byte was passed. Says whether it ends a line, or is a part of what ends it.
    pub fn pass(&mut self, byte: u8) -> bool {
        let is_end = matches!(byte, b'\n' | b'\r');
        self.ended += u64::from(is_end && !(byte == b'\n' && self.after_cr));
        self.after_cr = byte == b'\r';
        is_end
    }
}
