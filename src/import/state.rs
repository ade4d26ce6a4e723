//! What the page shows of an import: counters, the last rows, the first errors. All rows are in a
//! file of the server's.

use undercurrent::prelude::*;
use uploads::{
    Batch, Mark, Pace, Refusal, Row, Stage, Wrong,
    limits::{ERRORS, LAST_ROWS},
    orders::{self, Column},
};

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct Import {
    /// How many imports were begun: tells one from the next.
    pub begun: u32,
    /// What the visitor calls the file. It is not to be trusted.
    pub name: String,
    /// Where it is.
    pub stage: Stage,
    /// Bytes that have come, of so many.
    pub received: u64,
    /// While it comes, of the form that it comes in.
    pub size: u64,
    /// Bytes that were read.
    pub read: u64,
    /// The names in the first line.
    pub header: Vec<String>,
    /// Where each of the columns that are looked for is found.
    pub columns: Vec<Column>,
    /// Rows that were taken in.
    pub accepted: u64,
    /// Rows that were not.
    pub rejected: u64,
    /// Updates that brought them.
    pub updates: u32,
    /// The last of them, newest last.
    pub last: List<Row>,
    /// The first that were not, and why.
    pub errors: List<Wrong>,
    /// How fast it is read.
    pub pace: Pace,
    #[state(server)]
    file: String,
    /// How far the files go that the routes give out.
    #[state(server)]
    on_disk: Mark,
}

impl Import {
    /// A file comes. Says how much of it was here before: none, unless the server went down; and
    /// nothing where an import that had ended is started again, since then nothing comes any more.
    pub fn begin(&mut self, file: &str, name: &str, size: u64) -> Option<u64> {
        let is_again = self.file == file && self.stage.is_over();
        if is_again || self.file != file {
            *self = Import {
                begun: self.begun + 1,
                name: name.to_owned(),
                stage: Stage::Receiving,
                size,
                pace: self.pace,
                file: file.to_owned(),
                ..Import::default()
            };
        }
        (!is_again).then_some(self.received)
    }

    /// So much of it has come, and perhaps the end: its size, or why not.
    pub fn receive(&mut self, bytes: u64, end: Option<Result<u64, Refusal>>) {
        self.received = bytes;
        self.size = self.size.max(bytes);
        match end {
            Some(Ok(size)) => self.size = size,
            Some(Err(Refusal::Lost { .. })) => self.stage = Stage::Lost,
            _ => {}
        }
    }

    /// Its first line was read. What it does not name is asked for.
    pub fn read_header(&mut self, header: Vec<String>) -> Result<(), ForVisitor> {
        self.columns = orders::find(&header).map_err(ForVisitor::new)?;
        (self.stage, self.header) = (Stage::Reading, header);
        Ok(())
    }

    /// Where the columns are, once that is known of all.
    pub fn decided(&self) -> Option<Vec<Column>> {
        let is_asked = orders::asked(&self.columns).is_some();
        (!is_asked).then(|| self.columns.clone())
    }

    /// Some rows were read. Tells the pace, and how large the file is.
    pub fn take(&mut self, batch: Batch) -> (Pace, u64) {
        let Batch {
            mut accepted,
            rejected,
            mark,
            is_last,
        } = batch;
        (self.on_disk, self.read) = (mark, mark.at);
        (self.accepted, self.rejected) = (mark.accepted.rows, mark.rejected.rows);
        self.updates += 1;
        if is_last {
            self.size = mark.at;
        }
        accepted.drain(..accepted.len().saturating_sub(LAST_ROWS));
        let old = (self.last.len() + accepted.len()).saturating_sub(LAST_ROWS);
        self.last.drain(..old);
        self.last.extend(accepted);
        let room = ERRORS - self.errors.len().min(ERRORS);
        self.errors.extend(rejected.into_iter().take(room));
        (self.pace, self.size)
    }

    /// It is removed. What the visitor set stays.
    pub fn forget(&mut self) {
        *self = Import {
            begun: self.begun,
            pace: self.pace,
            ..Import::default()
        };
    }

    /// The file behind it, and how far that may be shown.
    pub fn on_disk(&self) -> (String, Mark) {
        (self.file.clone(), self.on_disk)
    }
}

/// Says where the column is that is asked for, of which import: 0 is nowhere, 1 the first of the file.
#[event]
pub fn choose(import: &mut Import, of: (u32, usize), place: usize) -> Result<(), ForVisitor> {
    let (begun, column) = of;
    let found = orders::answer(&import.header, &import.columns, column, place);
    let found = found.filter(|_| begun == import.begun);
    let found = found.ok_or(ForVisitor::new("This is not asked any more."))?;
    import.columns[column] = found;
    Ok(())
}

/// Sets how fast files are read.
#[event]
pub fn set_pace(import: &mut Import, pace: Pace) {
    import.pace = pace;
}
