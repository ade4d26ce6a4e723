//! What was taken in, a page at a time, and both files as they are downloaded.

use crate::{
    Kept, Lines, Mark, Part, Records, Refusal,
    folder::{ACCEPTED, INDEX, REJECTED},
    formula::NoFormulas,
    limits::{INDEXED, ROWS_AN_ANSWER},
    records::gone,
};
use axum::body::Body;
use futures_util::TryStreamExt;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Download {
    /// The rows that were taken in.
    Accepted,
    /// The others, each with what is wrong with it.
    Rejected,
}

impl Kept {
    /// Some of the rows that were taken in up to a mark, from the one with this number, counted from
    /// 0. At most [`ROWS_AN_ANSWER`].
    ///
    /// # Errors
    ///
    /// [`Refusal::Gone`].
    pub async fn rows(
        &self,
        mark: Mark,
        from: u64,
        count: usize,
    ) -> Result<Vec<Vec<String>>, Refusal> {
        let end = mark
            .accepted
            .rows
            .min(from.saturating_add(count.min(ROWS_AN_ANSWER) as u64));
        if from >= end {
            return Ok(Vec::new());
        }
        let kept = self.clone();
        let read = tokio::task::spawn_blocking(move || kept.rows_now(from, end));
        read.await.unwrap_or(Err(Refusal::Disk))
    }

    fn rows_now(&self, from: u64, end: u64) -> Result<Vec<Vec<String>>, Refusal> {
        let mut place = [0; 8];
        let mut index = File::open(self.path(INDEX)?).map_err(gone)?;
        let entry = SeekFrom::Start(from / INDEXED * 8);
        index
            .seek(entry)
            .and_then(|_| index.read_exact(&mut place))
            .map_err(gone)?;
        let mut accepted = File::open(self.path(ACCEPTED)?).map_err(gone)?;
        let at = u64::from_le_bytes(place);
        accepted.seek(SeekFrom::Start(at)).map_err(gone)?;
        let mut records = Records::new(accepted, b',', at, Lines::default());
        let mut rows = Vec::new();
        for number in from - from % INDEXED..end {
            let Some(record) = records.read()? else {
                break;
            };
            if number >= from {
                rows.push(record.fields().into_iter().map(Into::into).collect());
            }
        }
        Ok(rows)
    }

    /// A file as far as the mark says, without formulas. A file that nothing was written to is gone.
    ///
    /// # Errors
    ///
    /// [`Refusal::Gone`].
    pub async fn download(&self, which: Download, mark: Mark) -> Result<Body, Refusal> {
        let (part, Part { bytes, .. }) = match which {
            Download::Accepted => (ACCEPTED, mark.accepted),
            Download::Rejected => (REJECTED, mark.rejected),
        };
        if bytes == 0 {
            return Err(Refusal::Gone);
        }
        let file = tokio::fs::File::open(self.path(part)?)
            .await
            .map_err(gone)?;
        let mut passing = NoFormulas::new();
        let pieces = ReaderStream::new(file.take(bytes));
        let pieces = pieces.map_ok(move |piece| passing.pass(&piece));
        Ok(Body::from_stream(pieces))
    }
}
