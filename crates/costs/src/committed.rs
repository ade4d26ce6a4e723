//! A state on the way that an update takes: changed, recorded, settled, written, put into the log.

use crate::Board;
use std::sync::Arc;
use undercurrent::core::{
    frame::write_state_event,
    log::{Entry, Log, LogLimits},
    node::Node,
    ops::{Applied, ApplyError},
    position::{Epoch, Position},
    state::{State, apply_ops},
    writer::OpsWriter,
};

/// A board that is recorded, the log of its changes, and a replica that follows.
#[derive(Debug)]
pub struct Committed {
    value: Board,
    shadow: Board,
    replica: Board,
    log: Log,
}

/// What an update sent.
#[derive(Clone, Debug)]
pub struct Update(Arc<Entry>);

/// The log stays short, so that it costs the same whatever came before.
const LIMITS: LogLimits = LogLimits {
    entries: 16,
    bytes: 1 << 20,
};

impl Committed {
    /// A board with so many elements in each of its collections, nothing of it sent yet.
    #[must_use]
    pub fn of(len: usize) -> Self {
        Committed::begin(Board::of(len))
    }

    /// A board, nothing of it sent yet.
    #[must_use]
    pub fn begin(mut value: Board) -> Self {
        let shadow = value.arm();
        Committed {
            shadow,
            replica: value.clone(),
            log: Log::new(Epoch::from_random(7), LIMITS),
            value,
        }
    }

    /// The board.
    #[must_use]
    pub fn value(&self) -> &Board {
        &self.value
    }

    /// The board as a replica shows it.
    #[must_use]
    pub fn replica(&self) -> &Board {
        &self.replica
    }

    /// One update, as the server makes it.
    ///
    /// # Panics
    ///
    /// When it can't be recorded.
    pub fn update(&mut self, change: impl FnOnce(&mut Board)) -> Update {
        change(&mut self.value);
        let mut writer = OpsWriter::new::<Board>();
        let recorded = self.value.record(&self.shadow, &mut writer.out());
        recorded.unwrap_or_else(|error| panic!("{error}"));
        self.value.settle(&mut self.shadow);
        let (ops, server_ops) = writer.finish();
        let at = self.log.position();
        let at = Position::new(at.epoch, at.offset + 1);
        let since = self.log.last_changed(0);
        let event = write_state_event("s", at, Board::NAME, Some(since), &ops);
        let end = event.len() - 3;
        let entry = Arc::new(Entry {
            state: 0,
            since,
            offset: at.offset,
            ops: end - ops.len()..end,
            event,
            server_ops,
        });
        self.log.push([entry.clone()]);
        Update(entry)
    }

    /// An update that fails: what it changed is undone.
    ///
    /// # Panics
    ///
    /// When it can't be undone.
    pub fn fail(&mut self, change: impl FnOnce(&mut Board)) {
        change(&mut self.value);
        let shadow = std::mem::take(&mut self.shadow);
        let undone = self.value.undo(shadow);
        assert_eq!(undone, Ok(()), "what was done can be undone");
        self.shadow = self.value.arm();
    }

    /// The replica follows.
    ///
    /// # Errors
    ///
    /// The ops do not fit.
    pub fn follow(&mut self, update: &Update) -> Result<(), ApplyError> {
        let mut applied = Applied::default();
        apply_ops(&mut self.replica, update.ops(), &mut applied)
    }
}

impl Update {
    /// The ops, as JSON.
    #[must_use]
    pub fn ops(&self) -> &str {
        self.0.public_ops()
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.event.len()
    }
}
