//! A file on its way: from a form's body, or from the samples, into the folder.

use crate::{
    Inspector, Kept, Refusal, Uploads,
    folder::{PART, SOURCE},
    limits::{FIELDS, HEAD_BYTES, NAME_CHARS, STALL_MS, THROWN_AWAY_BYTES},
    records::unreadable,
    sample::{Chunks, Sample},
};
use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, header},
};
use futures_util::{Stream, StreamExt};
use std::{
    fmt,
    future::{Future, poll_fn},
    mem::take,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{fs::File, io::AsyncWriteExt, sync::watch, time::timeout};

/// A file that is about to come: its name is known, nothing of it was read.
pub struct Upload {
    incoming: Incoming,
    name: String,
    bytes: u64,
    source: Source,
}

/// Where it comes from.
enum Source {
    Form(Box<multer::Field<'static>>),
    Sample(Chunks),
}

/// The place that is kept for it. It is free again when this goes.
struct Incoming {
    kept: Kept,
    tell: watch::Sender<Progress>,
}

/// How much has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes.
    pub bytes: u64,
    /// How it ended: with so many bytes, or why not.
    pub end: Option<Result<u64, Refusal>>,
}

/// Hears how much has come. Whoever drops it wants no more: the upload ends.
#[derive(Debug)]
pub struct Arriving(watch::Receiver<Progress>);

impl Arriving {
    /// Waits until more has come, or the end.
    pub async fn next(&mut self) -> Progress {
        let changed = self.0.changed().await;
        let mut progress = *self.0.borrow_and_update();
        // It went without a word.
        if changed.is_err() && progress.end.is_none() {
            let received = progress.bytes;
            progress.end = Some(Err(Refusal::Lost { received }));
        }
        progress
    }
}

impl Uploads {
    /// Reads a form up to the file in it, and keeps a place for that.
    ///
    /// # Errors
    ///
    /// Why it is not taken. The form has been read then, so that the answer is, too.
    pub async fn begin(
        &self,
        visitor: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Upload, Refusal> {
        let header = |name| headers.get(name)?.to_str().ok();
        let bytes = header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let incoming = match self.incoming(visitor) {
            Ok(incoming) => incoming,
            Err(refusal) => {
                throw_away(body).await;
                return Err(refusal);
            }
        };
        let boundary = multer::parse_boundary(header(header::CONTENT_TYPE).unwrap_or_default());
        let boundary = boundary.map_err(|_| Refusal::NoFile)?;
        let found = timeout(STALL, file_of(body, boundary)).await;
        let (name, field) = found.ok().flatten().ok_or(Refusal::NoFile)?;
        Ok(Upload {
            incoming,
            name,
            bytes: bytes.unwrap_or_default(),
            source: Source::Form(Box::new(field)),
        })
    }

    /// The same for a file that the server makes itself.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn begin_sample(&self, visitor: &str, sample: Sample) -> Result<Upload, Refusal> {
        Ok(Upload {
            incoming: self.incoming(visitor)?,
            name: sample.file_name(),
            bytes: 0,
            source: Source::Sample(sample.chunks()),
        })
    }

    fn incoming(&self, visitor: &str) -> Result<Incoming, Refusal> {
        let (tell, hears) = watch::channel(Progress::default());
        let kept = self.reserve(visitor, Arriving(hears))?;
        Ok(Incoming { kept, tell })
    }
}

impl Upload {
    /// The file that it becomes.
    pub fn kept(&self) -> &Kept {
        &self.incoming.kept
    }

    /// What its owner calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes there may be, if that is known: a form is a little longer than its file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes it. Whoever waits for it hears how it goes.
    ///
    /// # Errors
    ///
    /// Why it was not taken, or not to its end.
    pub async fn receive(mut self) -> Result<u64, Refusal> {
        let end = self.incoming.receive(&mut self.source).await;
        if end.is_err() {
            self.incoming.kept.remove();
        }
        self.incoming.kept.uploads.end(&self.incoming.kept);
        // By now it is there, or all of it is gone.
        self.incoming.tell.send_modify(|told| told.end = Some(end));
        if end.is_err() {
            self.source.throw_away().await;
        }
        end
    }

    /// The same, while whoever calls goes on.
    pub fn receive_meanwhile(self) {
        tokio::spawn(self.receive());
    }

    /// Takes nothing of it.
    pub async fn refuse(mut self, refusal: Refusal) -> Refusal {
        self.source.throw_away().await;
        refusal
    }
}

impl Incoming {
    async fn receive(&self, source: &mut Source) -> Result<u64, Refusal> {
        let Kept { visitor, file, .. } = &self.kept;
        self.kept.make()?;
        // Only one file of a visitor is kept.
        self.kept.uploads.keep_only(visitor, Some(file)).await;
        let (part, whole) = (self.kept.path(PART)?, self.kept.path(SOURCE)?);
        let mut written = File::create(&part).await.map_err(unreadable)?;
        let mut inspector = Inspector::default();
        let mut received = 0;
        loop {
            let lost = Refusal::Lost { received };
            let chunk = tokio::select! {
                chunk = timeout(STALL, source.chunk()) => chunk.map_err(|_| lost)?,
                // The import was cancelled, or the server goes down.
                () = self.tell.closed() => return Err(lost),
            };
            let Some(chunk) = chunk.map_err(|Cut| lost)? else {
                break;
            };
            inspector.look(&chunk)?;
            written.write_all(&chunk).await.map_err(unreadable)?;
            received += chunk.len() as u64;
            self.tell.send_modify(|told| told.bytes = received);
        }
        let bytes = inspector.finish()?;
        written.sync_all().await.map_err(unreadable)?;
        let renamed = tokio::fs::rename(part, whole).await;
        renamed.map(|()| bytes).map_err(unreadable)
    }
}

/// A place that was not used is given back. A request may be dropped in the middle: what had come of
/// it goes.
impl Drop for Incoming {
    fn drop(&mut self) {
        if self.tell.borrow().end.is_none() {
            self.kept.remove();
            self.kept.uploads.end(&self.kept);
        }
    }
}

/// The file in a form, and its name. What comes before it is kept in memory, so it has a bound.
async fn file_of(body: Body, boundary: String) -> Option<(String, multer::Field<'static>)> {
    let read = Arc::new(AtomicU64::new(0));
    let pieces = Piecewise {
        body: body.into_data_stream(),
        read: read.clone(),
        has_given: false,
    };
    let mut form = multer::Multipart::new(pieces, boundary);
    let mut others = 0;
    for _ in 0..FIELDS {
        let mut field = unless_long(&read, form.next_field()).await?;
        // A form whose file was not chosen has one without a name.
        let name = field.file_name().filter(|name| !name.is_empty());
        if let Some(name) = name.map(readable) {
            read.store(BEGUN, Relaxed);
            return Some((name, field));
        }
        while let Some(bytes) = unless_long(&read, field.chunk()).await {
            others += bytes.len() as u64;
            if others > HEAD_BYTES {
                return None;
            }
        }
    }
    None
}

/// What is looked for in a form, unless so much was read and looked through in vain.
async fn unless_long<T>(
    read: &AtomicU64,
    step: impl Future<Output = multer::Result<Option<T>>>,
) -> Option<T> {
    let mut step = pin!(step);
    let step = poll_fn(|cx| {
        let was_long = read.load(Relaxed) > HEAD_BYTES;
        match step.as_mut().poll(cx) {
            Poll::Pending if was_long => Poll::Ready(Ok(None)),
            end => end,
        }
    });
    step.await.ok().flatten()
}

/// Instead of a number of bytes: the file has begun.
const BEGUN: u64 = u64::MAX;

/// A body that gives one piece at a time until the file has begun: whoever reads it takes all that
/// there is before it looks at any.
struct Piecewise {
    body: BodyDataStream,
    read: Arc<AtomicU64>,
    has_given: bool,
}

impl Stream for Piecewise {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let read = self.read.load(Relaxed);
        if read != BEGUN && take(&mut self.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(self.body.poll_next_unpin(cx));
        if let Some(Ok(bytes)) = &piece
            && read != BEGUN
        {
            self.read.store(read + bytes.len() as u64, Relaxed);
            self.has_given = true;
        }
        Poll::Ready(piece)
    }
}

/// It ended in the middle.
#[derive(Debug)]
pub(crate) struct Cut;

impl Source {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Cut> {
        match self {
            Source::Form(field) => field.chunk().await.map_err(|_| Cut),
            Source::Sample(chunks) => {
                // It never waits, and others want their turn.
                tokio::task::yield_now().await;
                chunks
                    .next()
                    .transpose()
                    .map(|chunk| chunk.map(Bytes::from))
            }
        }
    }

    async fn throw_away(&mut self) {
        if let Source::Form(field) = self {
            drain(field).await;
        }
    }
}

/// Reads what nobody wants: a browser reads an answer only when it has sent everything.
pub async fn throw_away(body: Body) {
    drain(body.into_data_stream()).await;
}

async fn drain<E>(mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let mut left = THROWN_AWAY_BYTES;
    while let Ok(Some(Ok(chunk))) = timeout(STALL, chunks.next()).await
        && left > 0
    {
        left = left.saturating_sub(chunk.len() as u64);
    }
}

const STALL: Duration = Duration::from_millis(STALL_MS);

/// A name as it may be shown: without its folder and without what is no letter.
pub(crate) fn readable(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let letters = name.chars().filter(|letter| !letter.is_control());
    letters.take(NAME_CHARS).collect()
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("kept", &self.incoming.kept)
            .finish_non_exhaustive()
    }
}
