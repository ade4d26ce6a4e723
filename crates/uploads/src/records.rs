//! Reads records of CSV one by one, in memory of a fixed size, and knows where each begins. The
//! parsing itself is `csv-core`'s.

use crate::{
    Lines, Refusal,
    limits::{COLUMNS, LINE_BYTES},
};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::{borrow::Cow, fmt, io, io::Read};

/// The records of a source, from where it stands on.
pub struct Records<R> {
    source: R,
    core: Reader,
    buffer: Box<[u8]>,
    /// What of the buffer was not read yet.
    from: usize,
    to: usize,
    fields: Box<[u8]>,
    ends: Box<[usize]>,
    at: u64,
    lines: Lines,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The line that it begins on.
    pub line: u64,
    fields: &'a [u8],
    ends: &'a [usize],
}

impl<R: Read> Records<R> {
    /// Reads on where `at` bytes and these lines were read.
    pub fn new(source: R, delimiter: u8, at: u64, lines: Lines) -> Self {
        let mut core = ReaderBuilder::new().delimiter(delimiter).build();
        // It takes a byte order mark away from what it reads first, which is not the beginning of a
        // file here. An empty line is nothing to it.
        let _ = core.read_record(b"\n", &mut [0; 1], &mut [0; 1]);
        Records {
            source,
            core,
            buffer: vec![0; LINE_BYTES].into(),
            from: 0,
            to: 0,
            fields: vec![0; LINE_BYTES].into(),
            ends: vec![0; COLUMNS].into(),
            at,
            lines,
        }
    }

    /// How many bytes and lines were read.
    pub fn place(&self) -> (u64, Lines) {
        (self.at, self.lines)
    }

    /// Passes the mark at the beginning of some files.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn pass_byte_order_mark(&mut self) -> io::Result<()> {
        self.fill()?;
        if self.buffer[self.from..self.to].starts_with(b"\xEF\xBB\xBF") {
            self.pass(3);
        }
        Ok(())
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    ///
    /// It is too long or has too many fields, or the source can't be read ([`Refusal::Disk`]).
    pub fn read(&mut self) -> Result<Option<Record<'_>>, Refusal> {
        // Empty lines, and what is left of the end of the last one.
        loop {
            if self.from == self.to && !self.fill().map_err(unreadable)? {
                return Ok(None);
            }
            match self.buffer[self.from] {
                b'\n' | b'\r' => self.pass(1),
                _ => break,
            }
        }
        let line = self.lines.number();
        let (mut written, mut ended) = (0, 0);
        loop {
            let input = &self.buffer[self.from..self.to];
            let (fields, ends) = (&mut self.fields[written..], &mut self.ends[ended..]);
            // Nothing to read tells it that the source is at its end.
            let (result, read, wrote, more) = self.core.read_record(input, fields, ends);
            self.pass(read);
            (written, ended) = (written + wrote, ended + more);
            match result {
                ReadRecordResult::InputEmpty => _ = self.fill().map_err(unreadable)?,
                ReadRecordResult::OutputFull => return Err(Refusal::LongLine { line }),
                ReadRecordResult::OutputEndsFull => return Err(Refusal::ManyColumns { line }),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        Ok(Some(Record {
            line,
            fields: &self.fields[..written],
            ends: &self.ends[..ended],
        }))
    }

    /// Reads more, once all was passed. Says whether there is any.
    fn fill(&mut self) -> io::Result<bool> {
        if self.from == self.to {
            self.from = 0;
            self.to = 0;
            loop {
                match self.source.read(&mut self.buffer) {
                    Ok(read) => {
                        self.to = read;
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.from < self.to)
    }

    fn pass(&mut self, count: usize) {
        for &byte in &self.buffer[self.from..self.from + count] {
            self.lines.pass(byte);
        }
        self.from += count;
        self.at += count as u64;
    }
}

/// Why a file can't be opened: it is not there any more, or it can't be read.
pub(crate) fn gone(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::NotFound => Refusal::Gone,
        _ => unreadable(error),
    }
}

/// What can't be read or written is the log's affair.
pub(crate) fn unreadable(error: io::Error) -> Refusal {
    tracing::error!(%error, "a visitor's file can't be read or written");
    Refusal::Disk
}

impl<'a> Record<'a> {
    /// Its fields, in order.
    pub fn fields(&self) -> Vec<Cow<'a, str>> {
        let mut from = 0;
        let field = |end: &usize| {
            let field = &self.fields[from..*end];
            from = *end;
            String::from_utf8_lossy(field)
        };
        self.ends.iter().map(field).collect()
    }
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("at", &self.at)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

/// Writes a record, as [`Records`] and spreadsheets read it.
pub fn write_record<T: AsRef<str>>(fields: &[T], to: &mut Vec<u8>) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            to.push(b',');
        }
        let field = field.as_ref();
        let is_plain = |byte: u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
        // An empty line would be no record.
        if field.bytes().all(is_plain) && (fields.len() > 1 || !field.is_empty()) {
            to.extend_from_slice(field.as_bytes());
            continue;
        }
        to.push(b'"');
        to.extend_from_slice(field.replace('"', "\"\"").as_bytes());
        to.push(b'"');
    }
    to.push(b'\n');
}
