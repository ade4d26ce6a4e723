//! A file, read in batches. What is good is written to one file, what is not to another, and both
//! are on the disk before the mark behind them is given out.

use crate::{
    Batch, Kept, Mark, Part, Records, Refusal, Row, Wrong,
    folder::{ACCEPTED, INDEX, REJECTED, SOURCE},
    incoming::readable,
    limits::{INDEXED, LINE_BYTES, ROWS},
    records::{gone, unreadable, write_record},
};
use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
};

/// A file that is being read.
#[derive(Debug)]
pub struct Sheet {
    records: Records<File>,
    accepted: File,
    index: File,
    rejected: File,
    mark: Mark,
    /// What ends the reading, once what was read before it is given out.
    trouble: Option<Refusal>,
}

/// What is written with a batch.
#[derive(Default)]
struct Written {
    accepted: Vec<u8>,
    index: Vec<u8>,
    rejected: Vec<u8>,
}

impl Sheet {
    /// Opens a file at its beginning, and reads the names of its columns; or where a mark stands,
    /// and reads nothing.
    pub(crate) fn open(
        kept: &Kept,
        columns: &[&str],
        mark: Option<Mark>,
    ) -> Result<(Sheet, Vec<String>), Refusal> {
        let mut source = File::open(kept.path(SOURCE)?).map_err(gone)?;
        let open = |part| {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            options.open(kept.path(part)?).map_err(unreadable)
        };
        let at = mark.unwrap_or_default();
        let delimiter = match mark {
            Some(mark) => mark.delimiter,
            None => delimiter_of(&mut source).map_err(unreadable)?,
        };
        source.seek(SeekFrom::Start(at.at)).map_err(unreadable)?;
        let mut sheet = Sheet {
            records: Records::new(source, delimiter, at.at, at.lines),
            accepted: open(ACCEPTED)?,
            index: open(INDEX)?,
            rejected: open(REJECTED)?,
            mark: Mark { delimiter, ..at },
            trouble: None,
        };
        sheet.cut_to_mark().map_err(unreadable)?;
        let header = match mark {
            Some(_) => Vec::new(),
            None => sheet.read_header(columns)?,
        };
        Ok((sheet, header))
    }

    /// Where the reading stands.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    fn cut_to_mark(&mut self) -> io::Result<()> {
        let indexed = self.mark.accepted.rows.div_ceil(INDEXED) * 8;
        for (file, bytes) in [
            (&mut self.accepted, self.mark.accepted.bytes),
            (&mut self.index, indexed),
            (&mut self.rejected, self.mark.rejected.bytes),
        ] {
            // What is missing can't be made up for.
            if file.metadata()?.len() < bytes {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            file.set_len(bytes)?;
            file.seek(SeekFrom::Start(bytes))?;
        }
        Ok(())
    }

    fn read_header(&mut self, columns: &[&str]) -> Result<Vec<String>, Refusal> {
        self.records.pass_byte_order_mark().map_err(unreadable)?;
        let record = self.records.read()?.ok_or(Refusal::Empty)?;
        let header: Vec<String> = record
            .fields()
            .iter()
            .map(|name| readable_name(name))
            .collect();
        let mut written = Written::default();
        write_record(columns, &mut written.accepted);
        let own = ["line", "why"]
            .into_iter()
            .chain(header.iter().map(String::as_str));
        write_record(&own.collect::<Vec<_>>(), &mut written.rejected);
        self.mark.columns = header.len();
        self.write(written, (0, 0))?;
        Ok(header)
    }

    /// Reads so many rows. `check` makes of a row's fields the values that are taken in, or says what
    /// is wrong with it. Blocks its thread.
    ///
    /// # Errors
    ///
    /// Why there are no more rows, although the file has more. What was read before was given out.
    pub fn next(
        &mut self,
        rows: usize,
        check: impl Fn(&[Cow<'_, str>]) -> Result<Vec<String>, String>,
    ) -> Result<Batch, Refusal> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let mut batch = Batch::default();
        let mut written = Written::default();
        let Part {
            rows: before,
            bytes,
        } = self.mark.accepted;
        while batch.accepted.len() + batch.rejected.len() < rows {
            let record = match self.records.read() {
                Ok(Some(record)) => record,
                Ok(None) => {
                    batch.is_last = true;
                    break;
                }
                Err(refusal) => {
                    self.trouble = Some(refusal);
                    break;
                }
            };
            let in_batch = (batch.accepted.len() + batch.rejected.len()) as u64;
            if before + self.mark.rejected.rows + in_batch >= ROWS {
                self.trouble = Some(Refusal::ManyRows);
                break;
            }
            let (line, fields) = (record.line, record.fields());
            let checked = match fields.len() == self.mark.columns {
                true => check(&fields),
                false => Err(ragged(fields.len(), self.mark.columns)),
            };
            match checked {
                Ok(values) => {
                    if (before + batch.accepted.len() as u64).is_multiple_of(INDEXED) {
                        let place = bytes + written.accepted.len() as u64;
                        written.index.extend(place.to_le_bytes());
                    }
                    write_record(&values, &mut written.accepted);
                    batch.accepted.push(Row { line, values });
                }
                Err(why) => {
                    let mut all = vec![Cow::from(line.to_string()), Cow::from(why.clone())];
                    all.extend(fields);
                    write_record(&all, &mut written.rejected);
                    batch.rejected.push(Wrong { line, why });
                }
            }
        }
        let rows = (batch.accepted.len() as u64, batch.rejected.len() as u64);
        if let Some(trouble) = self.trouble
            && rows == (0, 0)
        {
            return Err(trouble);
        }
        self.write(written, rows)?;
        batch.mark = self.mark;
        Ok(batch)
    }

    /// Writes, and sees to it that it is on the disk.
    fn write(&mut self, written: Written, (accepted, rejected): (u64, u64)) -> Result<(), Refusal> {
        for (file, bytes) in [
            (&mut self.accepted, &written.accepted),
            (&mut self.index, &written.index),
            (&mut self.rejected, &written.rejected),
        ] {
            if !bytes.is_empty() {
                let kept = file.write_all(bytes).and_then(|()| file.sync_data());
                kept.map_err(unreadable)?;
            }
        }
        let (at, lines) = self.records.place();
        let further = |part: Part, rows, bytes: &[u8]| Part {
            rows: part.rows + rows,
            bytes: part.bytes + bytes.len() as u64,
        };
        self.mark = Mark {
            at,
            lines,
            accepted: further(self.mark.accepted, accepted, &written.accepted),
            rejected: further(self.mark.rejected, rejected, &written.rejected),
            ..self.mark
        };
        Ok(())
    }
}

/// What is said of a row that has more or fewer fields than the header.
pub fn ragged(fields: usize, columns: usize) -> String {
    let of = |count| if count == 1 { "field" } else { "fields" };
    format!("It has {fields} {}, and the header {columns}.", of(fields))
}

fn readable_name(name: &str) -> String {
    readable(&name.trim().replace(['/', '\\'], " "))
}

/// Of what may stand between fields, the one that the first line has most of.
fn delimiter_of(source: &mut File) -> io::Result<u8> {
    let mut head = Vec::new();
    Read::by_ref(source)
        .take(LINE_BYTES as u64)
        .read_to_end(&mut head)?;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let (mut is_quoted, mut has_begun) = (false, false);
    for byte in head {
        is_quoted ^= byte == b'"';
        let is_end = matches!(byte, b'\n' | b'\r') && !is_quoted;
        if is_end && has_begun {
            break;
        }
        has_begun |= !is_end;
        for (delimiter, count) in &mut counts {
            *count += u32::from(*delimiter == byte && !is_quoted);
        }
    }
    let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    Ok(best.map_or(b',', |(delimiter, _)| delimiter))
}
