//! One state of a scope: its value, and what is needed to record, to undo and to rebuild it.

use super::{
    drop_quietly, forget_panic,
    measure::{Keep, LARGE_BYTES, MIN_BASE_STEP_BYTES, Size, measure, write},
};
use crate::builtin::{UcEnds, UcTasks};
use crate::core::{
    frame::write_state_event,
    log::Entry,
    ops::{Applied, RecordError},
    position::Position,
    state::{State, apply_ops, to_json},
    untyped::apply_json,
    writer::OpsWriter,
};
use axum::body::Bytes;
use serde_json::{Value, value::RawValue};
use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};
use tokio::sync::OnceCell;

/// A state that is recorded.
///
/// An update is undone by the collections' own undo logs, in O(change). Where the closure took a
/// collection out of the state, its undo log went with it: then the value is read anew from
/// `base` and the entries since. So it is when user code panics while a change is recorded.
pub(crate) struct Cell<S> {
    value: S,
    shadow: S,
    /// The value at an earlier time; with `since` it leads to the committed value.
    base: S,
    base_size: Size,
    since: Vec<Arc<Entry>>,
    since_bytes: usize,
    /// The base as a newer build has written it, where that has fields which this one does not know:
    /// it is written again with them. Ops name fields, and lead it on as they lead the value on.
    written: Option<Value>,
    /// The base shall move on with the next entry, however little came since.
    wants_base: bool,
    /// A store has what the first entry changes.
    has_stored_base: bool,
    /// The state began anew, and pages do not know it yet.
    is_reset: bool,
    /// The last snapshot, if nothing changed since.
    snapshot: Option<Arc<dyn AnySnapshot>>,
    /// What the one before it was written as, where nobody else has that: to give back many
    /// megabytes takes a while, and is not done under the lock.
    written_before: Option<Bytes>,
}

/// A cell of whatever state.
pub(crate) trait AnyCell: Any + Send {
    /// The committed value at its position. It is shared until the next change.
    fn snapshot(&mut self, at: Position) -> Arc<dyn AnySnapshot>;
    /// The change that became this entry is in the log. Where the base moves on, its JSON is
    /// kept, if there is somebody to keep it. Returns what is not needed any more: to drop it may
    /// take long, and need not be done under the lock.
    fn committed(&mut self, entry: Arc<Entry>, keep: Option<&dyn Fn(u64) -> Keep>) -> Option<Old>;
    /// What leads to the value is dropped: the value itself is kept instead, which shares its items.
    fn cut(&mut self) -> Option<Old>;
    /// What the first entry changes, as JSON, for a store that has nothing of the state yet: another
    /// build may have another default, and entries lead nowhere from there. `None` from then on.
    fn base_to_store(&mut self) -> Option<String>;
    /// Bytes of what leads to the value, as far as it counts for the scope: of a large state it may
    /// be as much as that takes itself.
    fn kept(&self) -> usize;
    /// The committed value as JSON, with its server-only fields. `None` where user code fails to
    /// write it.
    fn whole(&self) -> Option<String>;
    fn as_any(&mut self) -> &mut dyn Any;
}

/// The value of a state at a position.
pub(crate) trait AnySnapshot: Send + Sync {
    fn name(&self) -> &'static str;
    fn at(&self) -> Position;
    /// What it was written as, if it was, for who is the last to have it.
    fn take_event(&mut self) -> Option<Bytes>;
    /// The event of the stream that carries it; written once, at the first call.
    fn event(&self, scope_tag: &str) -> &Bytes;
    /// To write it takes a worker long: see [`write_large`].
    fn is_large(&self) -> bool;
    /// Who writes it, and who waits for that.
    fn writer(&self) -> &OnceCell<()>;
    fn state(&self) -> Arc<dyn Any + Send + Sync>;
}

/// What a state has left behind.
pub(crate) type Old = Box<dyn Any + Send>;

/// Why a change did not happen. The value is as it was before.
pub(crate) enum ChangeError<E> {
    /// The closure said no.
    Refused(E),
    Panicked(Box<dyn Any + Send>),
    NotRecorded(RecordError),
    TooLarge {
        bytes: usize,
        limit: usize,
    },
}

/// What a change wrote: the ops for pages, and all ops where these differ.
pub(crate) struct Recorded {
    pub(crate) ops: Vec<u8>,
    pub(crate) server_ops: Option<Vec<u8>>,
    pub(crate) large: Vec<(String, usize)>,
}

struct TypedSnapshot<S> {
    at: Position,
    state: Arc<S>,
    /// Its bytes as JSON, at most.
    bound: usize,
    event: OnceLock<Bytes>,
    writer: OnceCell<()>,
}

// === impl Recorded ===

impl Recorded {
    /// What came after it in the same update joins it. Where one of the two has a list of all ops,
    /// the other's are all in the one for pages.
    pub(crate) fn append(&mut self, later: Recorded) {
        if self.server_ops.is_some() || later.server_ops.is_some() {
            let all = self.server_ops.get_or_insert_with(|| self.ops.clone());
            append_ops(all, later.server_ops.as_ref().unwrap_or(&later.ops));
        }
        append_ops(&mut self.ops, &later.ops);
    }
}

/// Appends one JSON list of ops to another.
fn append_ops(ops: &mut Vec<u8>, more: &[u8]) {
    const NONE: &[u8] = b"[]";
    if ops == NONE {
        *ops = more.to_vec();
    } else if more != NONE {
        ops.pop();
        ops.push(b',');
        ops.extend_from_slice(&more[1..]);
    }
}

// === impl Cell ===

impl<S: State> Cell<S> {
    pub(crate) fn new() -> Self {
        let base = S::default();
        let mut value = base.clone();
        let shadow = value.arm();
        Cell {
            value,
            shadow,
            base,
            base_size: Size::Known(0),
            since: Vec::new(),
            since_bytes: 0,
            written: None,
            wants_base: false,
            // The runtime's own begin with nothing in them, in whatever build.
            has_stored_base: [UcTasks::NAME, UcEnds::NAME].contains(&S::NAME),
            is_reset: false,
            snapshot: None,
            written_before: None,
        }
    }

    /// A state that was read: the value at its snapshot, the value now, and the entries from one to
    /// the other, if they lead there; the first as it was written, where that says more.
    pub(super) fn of_read(
        base: S,
        mut value: S,
        since: Option<Vec<Arc<Entry>>>,
        written: Option<Value>,
    ) -> Self {
        let mut cell = Cell::new();
        cell.base_size = Size::Known(measure(&base).unwrap_or_default());
        cell.base = base;
        cell.shadow = value.arm();
        cell.value = value;
        // What was read by other means than it was written is written anew with the next change.
        cell.wants_base = since.is_none();
        cell.has_stored_base = true;
        cell.since = since.unwrap_or_default();
        cell.since_bytes = cell.since.iter().map(|entry| entry.weight()).sum();
        cell.written = written;
        cell
    }

    pub(crate) fn value(&self) -> &S {
        &self.value
    }

    /// Runs a closure over the value. What it changed is recorded, or, if it fails in whatever
    /// way, undone. `Ok(None)` means that it changed nothing.
    pub(crate) fn change<R, E>(
        &mut self,
        limit: usize,
        closure: impl FnOnce(&mut S) -> Result<R, E>,
    ) -> Result<(R, Option<Recorded>), ChangeError<E>> {
        // Before the closure: while it shares the value's chunks, each that changes is copied. User
        // code that panics as it is dropped changes nothing.
        if let Some(mut snapshot) = self.snapshot.take() {
            let last = Arc::get_mut(&mut snapshot);
            self.written_before = last.and_then(AnySnapshot::take_event);
            drop_quietly(snapshot);
        }
        let result = catch_unwind(AssertUnwindSafe(|| closure(&mut self.value)));
        let mut unused = None;
        let recorded = match result {
            Ok(Ok(result)) => match self.record(limit) {
                Ok(recorded) => Ok((result, recorded)),
                Err(error) => {
                    unused = Some(result);
                    Err(error)
                }
            },
            Ok(Err(refused)) => Err(ChangeError::Refused(refused)),
            Err(panic) => Err(ChangeError::Panicked(panic)),
        };
        // Settled even where nothing changed: what was only looked at is kept no longer.
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                self.undo();
                // Behind the undo: it may panic as it is dropped.
                drop_quietly(unused);
                return Err(error);
            }
        };
        let settle = AssertUnwindSafe(|| self.value.settle(&mut self.shadow));
        match catch_unwind(settle) {
            Ok(()) => Ok(recorded),
            Err(panic) => {
                // Half settled: the undo log does not fit any more.
                self.rebuild();
                Err(ChangeError::Panicked(panic))
            }
        }
    }

    fn record<E>(&mut self, limit: usize) -> Result<Option<Recorded>, ChangeError<E>> {
        let mut out = OpsWriter::new::<S>();
        match catch_unwind(AssertUnwindSafe(|| {
            self.value.record(&self.shadow, &mut out.out())
        })) {
            Err(panic) => return Err(ChangeError::Panicked(panic)),
            Ok(Err(error)) => return Err(ChangeError::NotRecorded(error)),
            Ok(Ok(())) if out.is_empty() => return Ok(None),
            Ok(Ok(())) => {}
        }
        let large = std::mem::take(&mut out.large);
        let (ops, server_ops) = out.finish();
        let added = ops.len() + server_ops.as_ref().map_or(0, Vec::len);
        let bound = self.bound() + added;
        if bound > limit {
            // The bound is not exact. The size is, and costs O(state).
            let bytes = measure(&self.value).unwrap_or(usize::MAX);
            if bytes > limit {
                return Err(ChangeError::TooLarge { bytes, limit });
            }
        }
        // Half way to the limit from what is known: what it takes exactly is found out in time, and
        // seldom does an update wait for it.
        let room = limit.saturating_sub(self.base_size.bound());
        self.wants_base |= self.since_bytes + added > room / 2 && !self.base_size.is_measuring();
        Ok(Some(Recorded {
            ops,
            server_ops,
            large,
        }))
    }

    fn undo(&mut self) {
        let undone = catch_unwind(AssertUnwindSafe(|| {
            let shadow = std::mem::take(&mut self.shadow);
            let undone = self.value.undo(shadow);
            self.shadow = self.value.arm();
            undone
        }));
        if !matches!(undone, Ok(Ok(()))) {
            self.rebuild();
        }
    }

    /// Reads the committed value anew. Where even that fails, because user code panics while it
    /// clones or drops, the state begins anew with its default, and that is an update like any
    /// other: see [`take_reset`](Self::take_reset).
    fn rebuild(&mut self) {
        let rebuilt = catch_unwind(AssertUnwindSafe(|| {
            let mut value = self.base.clone();
            for entry in &self.since {
                let mut applied = Applied::default();
                apply_ops(&mut value, entry.all_ops(), &mut applied).map_err(|error| error.0)?;
            }
            Ok::<_, String>((value.arm(), value))
        }));
        let (shadow, value) = match rebuilt {
            Ok(Ok(rebuilt)) => rebuilt,
            failed => {
                let why = failed.map_or_else(
                    |_| "user code panics".to_owned(),
                    |read| match read {
                        Ok(_) => String::new(),
                        Err(why) => why,
                    },
                );
                tracing::error!(
                    state = S::NAME,
                    why,
                    "a state can't be read and begins anew"
                );
                (self.is_reset, self.wants_base) = (true, true);
                self.written = None;
                let mut value = S::default();
                (value.arm(), value)
            }
        };
        let old = (
            std::mem::replace(&mut self.shadow, shadow),
            std::mem::replace(&mut self.value, value),
        );
        // A panic of its drop changes nothing any more.
        drop_quietly(old);
    }

    /// A change that was settled is not to be committed after all: what it came with failed.
    pub(crate) fn take_back(&mut self) {
        self.rebuild();
    }

    /// What pages must be told when the state had to begin anew: every field, as it is.
    pub(crate) fn take_reset(&mut self) -> Option<Recorded> {
        if !self.is_reset {
            return None;
        }
        // Where it can't be written now, pages are told with the next change.
        let written = catch_unwind(AssertUnwindSafe(|| to_json(&self.value)));
        let json = match written {
            Ok(json) => json.ok()?,
            Err(panic) => {
                forget_panic(panic);
                return None;
            }
        };
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&json).ok()?;
        let ops: Vec<_> = fields
            .iter()
            .map(|(field, value)| ("=", field, value))
            .collect();
        let ops = serde_json::to_vec(&ops).ok()?;
        self.is_reset = false;
        Some(Recorded {
            ops,
            server_ops: None,
            large: Vec::new(),
        })
    }

    /// The bytes of the value as JSON, at most.
    fn bound(&mut self) -> usize {
        self.base_size.bound() + self.since_bytes
    }

    /// The committed value as a newer build would write it, where that says more than this one's.
    fn written_now(&self) -> Option<Value> {
        let mut written = self.written.clone()?;
        for entry in &self.since {
            if let Err(error) = apply_json(&mut written, entry.all_ops()) {
                tracing::error!(
                    state = S::NAME,
                    why = error.0,
                    "the fields of a state that this build does not know can't be kept"
                );
                return None;
            }
        }
        Some(written)
    }

    /// In O(chunks): the base shares the value's items. Not so where more was written than this build
    /// knows.
    fn move_base(&mut self, keep: Option<Keep>) -> Option<Old> {
        let bound = self.bound();
        let written = self.written_now();
        let more = written.as_ref().map(Value::to_string);
        let keep = keep.map(|keep| with_more(keep, more));
        let moved = catch_unwind(AssertUnwindSafe(|| {
            let base = self.value.clone();
            (Size::of(&base, bound, keep), base)
        }));
        let (size, base) = moved.ok()?;
        self.base_size = size;
        self.since_bytes = 0;
        self.written = written;
        let old = std::mem::replace(&mut self.base, base);
        Some(Box::new((old, std::mem::take(&mut self.since))))
    }
}

/// What is kept is what a newer build would write, if that is there.
fn with_more(keep: Keep, more: Option<String>) -> Keep {
    match more {
        None => keep,
        Some(more) => Box::new(move |_| keep(more)),
    }
}

impl<S: State> AnyCell for Cell<S> {
    fn snapshot(&mut self, at: Position) -> Arc<dyn AnySnapshot> {
        if let Some(snapshot) = &self.snapshot {
            return snapshot.clone();
        }
        let state = Arc::new(self.value.clone());
        let snapshot = Arc::new(TypedSnapshot {
            at,
            state,
            bound: self.bound(),
            event: OnceLock::new(),
            writer: OnceCell::new(),
        });
        self.snapshot = Some(snapshot.clone());
        snapshot
    }

    fn committed(&mut self, entry: Arc<Entry>, keep: Option<&dyn Fn(u64) -> Keep>) -> Option<Old> {
        let offset = entry.offset;
        self.since_bytes += entry.weight();
        self.since.push(entry);
        // A reset is known by its value alone.
        let step = self.base_size.bound().max(MIN_BASE_STEP_BYTES);
        let old = match std::mem::take(&mut self.wants_base) || self.since_bytes > step {
            true => self.move_base(keep.map(|keep| keep(offset))),
            false => None,
        };
        match self.written_before.take() {
            Some(written) => Some(Box::new((old, written))),
            None => old,
        }
    }

    fn cut(&mut self) -> Option<Old> {
        // What is measured meanwhile is of the base that it began with.
        if self.since.is_empty() || self.base_size.is_measuring() {
            return None;
        }
        let bound = self.bound();
        let base = catch_unwind(AssertUnwindSafe(|| self.value.clone())).ok()?;
        self.written = self.written_now();
        self.base_size = Size::AtMost(bound);
        self.since_bytes = 0;
        // A store that has the old base and the entries gets the new one with the next change.
        self.wants_base = true;
        let old = std::mem::replace(&mut self.base, base);
        Some(Box::new((old, std::mem::take(&mut self.since))))
    }

    fn base_to_store(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.has_stored_base, true) {
            return None;
        }
        write(&self.base)
    }

    fn kept(&self) -> usize {
        match self.base_size.is_large() {
            true => 0,
            false => self.since_bytes,
        }
    }

    fn whole(&self) -> Option<String> {
        let more = self.written_now().map(|written| written.to_string());
        more.or_else(|| write(&self.value))
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

// === impl TypedSnapshot ===

impl<S: State> AnySnapshot for TypedSnapshot<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn at(&self) -> Position {
        self.at
    }

    fn is_large(&self) -> bool {
        self.bound >= LARGE_BYTES && self.event.get().is_none()
    }

    fn writer(&self) -> &OnceCell<()> {
        &self.writer
    }

    fn take_event(&mut self) -> Option<Bytes> {
        self.event.take()
    }

    fn event(&self, scope_tag: &str) -> &Bytes {
        self.event.get_or_init(|| {
            // Written once already when it was recorded, so that it can be written.
            let json = to_json(&*self.state).unwrap_or_else(|_| "{}".to_owned());
            Bytes::from(write_state_event(
                scope_tag,
                self.at,
                S::NAME,
                None,
                json.as_bytes(),
            ))
        })
    }

    fn state(&self) -> Arc<dyn Any + Send + Sync> {
        self.state.clone()
    }
}

/// Writes a large snapshot's event on a thread that nobody else waits for, so that it is there when
/// a stream asks for it.
pub(crate) async fn write_large(snapshot: &Arc<dyn AnySnapshot>, scope_tag: &Arc<str>) {
    if !snapshot.is_large() {
        return;
    }
    // One thread for all streams that ask for it at once.
    let write = async || {
        let (snapshot, tag) = (snapshot.clone(), scope_tag.clone());
        let written = tokio::task::spawn_blocking(move || snapshot.event(&tag).len());
        if let Err(error) = written.await {
            tracing::error!(%error, "a snapshot can't be written");
        }
    };
    snapshot.writer().get_or_init(write).await;
}

/// The default state, for a scope that has not got it.
pub(crate) fn default_snapshot<S: State>(at: Position) -> Arc<dyn AnySnapshot> {
    Arc::new(TypedSnapshot {
        at,
        state: Arc::new(S::default()),
        bound: 0,
        event: OnceLock::new(),
        writer: OnceCell::new(),
    })
}
