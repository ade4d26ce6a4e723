//! The log of a scope: the newest entries, from which streams resume.

use super::position::{Epoch, Position};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// One update of one state. Its bytes are the same on every stream.
#[derive(Debug)]
pub struct Entry {
    /// The number of the state in its scope.
    pub state: usize,
    /// The offset at which this state last changed before.
    pub since: u64,
    /// The offset of this update.
    pub offset: u64,
    /// The event of the stream, ready to be written.
    pub event: Vec<u8>,
    /// Where in `event` the ops are.
    pub ops: Range<usize>,
    /// All ops, where some are on server-only fields. They leave the server in no way.
    pub server_ops: Option<Vec<u8>>,
}

/// The newest entries of a scope, bounded in number and in bytes. What is cut off can't be
/// resumed from: such a stream gets a snapshot.
#[derive(Debug)]
pub struct Log {
    epoch: Epoch,
    offset: u64,
    /// By state's number: the offset at which it last changed.
    last_changed: Vec<u64>,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    limits: LogLimits,
}

/// How far back a stream can resume.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Entries a scope.
    pub entries: usize,
    /// Bytes a scope.
    pub bytes: usize,
}

/// What a stream gets for one of the states it follows.
#[derive(Debug)]
pub enum Resume {
    /// Nothing happened since.
    Current,
    /// These entries lead from there to here, none missing.
    Entries(Vec<Arc<Entry>>),
    /// The way from there is not known: send the whole state.
    Snapshot,
}

impl Log {
    /// A log of a scope that begins now.
    pub fn new(epoch: Epoch, limits: LogLimits) -> Self {
        Log {
            epoch,
            offset: 0,
            last_changed: Vec::new(),
            entries: VecDeque::new(),
            bytes: 0,
            limits,
        }
    }

    /// The log of a scope that is read from a store: where it stands, where each state last
    /// changed, and entries that streams may resume from, in order.
    pub fn resumed(
        at: Position,
        last_changed: Vec<u64>,
        entries: impl IntoIterator<Item = Arc<Entry>>,
        limits: LogLimits,
    ) -> Self {
        let mut log = Log {
            epoch: at.epoch,
            offset: at.offset,
            last_changed,
            entries: entries.into_iter().collect(),
            bytes: 0,
            limits,
        };
        log.bytes = log.entries.iter().map(|entry| entry.weight()).sum();
        log.keep_limits();
        log
    }

    /// Where the scope stands.
    pub fn position(&self) -> Position {
        Position::new(self.epoch, self.offset)
    }

    /// The offset at which a state last changed.
    pub fn last_changed(&self, state: usize) -> u64 {
        self.last_changed.get(state).copied().unwrap_or(0)
    }

    /// Adds the entries of one update. They share an offset, which is the next one.
    pub fn push(&mut self, entries: impl IntoIterator<Item = Arc<Entry>>) {
        self.offset += 1;
        for entry in entries {
            debug_assert_eq!(entry.offset, self.offset);
            debug_assert_eq!(entry.since, self.last_changed(entry.state));
            if self.last_changed.len() <= entry.state {
                self.last_changed.resize(entry.state + 1, 0);
            }
            self.last_changed[entry.state] = entry.offset;
            self.bytes += entry.weight();
            self.entries.push_back(entry);
        }
        self.keep_limits();
    }

    fn keep_limits(&mut self) {
        while self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes {
            let Some(cut) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= cut.weight();
        }
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops all entries. Who is behind gets a snapshot; who is current stays so.
    pub fn cut(&mut self) {
        self.entries = VecDeque::new();
        self.bytes = 0;
    }

    /// A state is gone from the scope, and its number may be another's: nothing of it is left for
    /// a follower of that one to read.
    pub fn forget(&mut self, state: usize) {
        self.entries.retain(|entry| entry.state != state);
        self.bytes = self.entries.iter().map(|entry| entry.weight()).sum();
        if let Some(last) = self.last_changed.get_mut(state) {
            *last = 0;
        }
    }

    /// What leads a follower of a state from its position to now: all of it, or a snapshot.
    ///
    /// A follower at `0-0` has the default state, which is where every epoch begins.
    pub fn resume(&self, state: usize, from: Position) -> Resume {
        let last = self.last_changed(state);
        let known = from == Position::NONE || from.epoch == self.epoch;
        if !known || from.offset > last {
            return Resume::Snapshot;
        }
        if from.offset == last {
            return Resume::Current;
        }
        // From the end: nearly every follower misses the last entry alone. A binary search over the
        // whole log was 3 % of the processor time of a click.
        let later = self.entries.iter().rev();
        let later = later.take_while(|entry| entry.offset > from.offset);
        let later = later.filter(|entry| entry.state == state);
        let mut entries: Vec<_> = later.cloned().collect();
        entries.reverse();
        match entries.first() {
            Some(first) if first.since == from.offset => Resume::Entries(entries),
            _ => Resume::Snapshot,
        }
    }
}

impl Entry {
    /// About what it takes in memory: its bytes, and what stands around them.
    pub fn weight(&self) -> usize {
        const AROUND: usize = 200;
        self.event.len() + self.server_ops.as_ref().map_or(0, Vec::len) + AROUND
    }

    /// The ops that pages see, as JSON text.
    pub fn public_ops(&self) -> &str {
        std::str::from_utf8(&self.event[self.ops.clone()]).unwrap_or("[]")
    }

    /// All ops, as JSON text. Not for pages.
    pub fn all_ops(&self) -> &str {
        match &self.server_ops {
            Some(ops) => std::str::from_utf8(ops).unwrap_or("[]"),
            None => self.public_ops(),
        }
    }
}
