//! Where scopes are kept. One trait, one file per store.
//!
//! A store never holds up an update: what an update did is *handed over* under the scope's lock,
//! in order, and written later, with what others have handed over meanwhile. Who must know that
//! something is kept waits for its ticket.
//!
//! Of each scope a store keeps, state by state, one snapshot and every entry after it; entries are
//! cut only up to a stored snapshot. A commit says whose it is, in which epoch and at which offset,
//! so that a store that several nodes share can refuse one that comes too late.

mod disk;
mod memory;

#[cfg(test)]
pub(crate) use self::disk::{Medium, OpenedMedium as Opened, note_begun, note_kept};
pub(crate) use self::{disk::Disk, memory::Memory};

use super::scopes::ScopeKey;
use crate::{
    Visitor,
    core::{log::Entry, position::Epoch},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{fmt, io, sync::Arc, time::Duration};

/// Where scopes are kept.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// What it has outlives the process.
    fn outlives(&self) -> bool;

    /// Whether it has a scope. Takes no time worth mentioning.
    fn has(&self, key: ScopeKey) -> bool;

    /// Reads a scope. Blocks its thread. What was handed over lately may be missing: whoever lets a
    /// scope go waits for its last ticket first.
    fn load(&self, key: ScopeKey) -> Result<Option<Stored>, StoreError>;

    /// The scopes in which something is to be done: events wait, or tasks had not ended.
    fn unfinished(&self) -> Result<Vec<(ScopeKey, String)>, StoreError>;

    /// The scopes that nobody has used since, and in which nothing is to be done.
    fn unused_since(&self, before_s: u64) -> Result<Vec<ScopeKey>, StoreError>;

    /// Takes what belongs together: all of it is kept, or none. Never waits.
    fn hand_over(&self, commit: Commit) -> Ticket;

    /// Until what a ticket was given for is kept as safely as this store keeps anything.
    fn stored(&self, ticket: Ticket) -> BoxFuture<'_, ()>;

    /// The same, asked.
    fn is_stored(&self, ticket: Ticket) -> bool;

    /// The same for who can't wait as a task: blocks its thread, for so long at most.
    fn is_stored_within(&self, ticket: Ticket, patience: Duration) -> bool;

    /// It has much to write: who hands over more waits until that is kept, or memory fills.
    fn is_behind(&self) -> bool;

    /// Until it is not behind.
    fn caught_up(&self) -> BoxFuture<'_, ()>;

    /// A number that no earlier run of the server had: which of a life's epochs is begun now.
    fn turn(&self) -> u64;

    /// The run of the server before this one did not close it: something took it down.
    fn was_killed(&self) -> bool;

    /// How often it has begun anew since it was opened, because what was there could not be read
    /// any more. What was read before is not there any more.
    fn era(&self) -> usize;

    /// What is to be done when it begins anew: everything of what is in memory is handed over. Its
    /// own thread does it.
    fn when_begun_anew(&self, hand_over_all: HandOverAll);

    /// What is to be done when what it is on was taken away, and is written anew. Its own thread
    /// does it.
    fn when_moved_on(&self, _act: MovedOn) {}

    /// Why nothing can be written at the moment. What was handed over is kept in memory, and tried
    /// again.
    fn trouble(&self) -> Option<String>;

    /// Writes what is left and lets go of what it holds. Blocks its thread.
    fn close(&self);
}

/// The place of a commit in the order of all. 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// What belongs together.
pub(crate) struct Commit {
    pub(crate) key: ScopeKey,
    /// The history that it belongs to.
    pub(crate) epoch: Epoch,
    pub(crate) records: Vec<Record>,
    /// What is to be done once it is kept. The store's thread does it: it is short, and takes no
    /// lock under which something is handed over.
    pub(crate) then: Option<Then>,
}

pub(crate) type Then = Box<dyn FnOnce() + Send>;

pub(crate) type HandOverAll = Arc<dyn Fn() + Send + Sync>;

pub(crate) type MovedOn = Box<dyn Fn() + Send + Sync>;

/// One thing to be kept.
pub(crate) enum Record {
    /// What is known of the scope as a whole.
    Head(Head),
    /// The same of a scope that is there, and nothing of one that is not.
    Used(Head),
    /// A state changed.
    Entry(StateId, Arc<Entry>),
    /// A state with its server-only fields, as JSON, at an offset: entries up to there may go.
    Snapshot(StateId, u64, String),
    /// A visitor is forgotten: the ends of its events, and the numbers of its clients.
    NoVisitor(Visitor),
    /// The highest number that was accepted of a client.
    Number(Visitor, String, u64),
    /// A client is forgotten.
    NoNumber(Visitor, String),
    /// An event waits, or has begun. Of one id there is one; a later one takes its place.
    Event(u64, StoredEvent),
    /// An event has ended.
    Ended(u64),
    /// Tasks have not ended.
    Busy(bool),
    /// The scope ends here: nothing before this is kept.
    Gone,
    /// What there is of a state, or of the whole scope, can't be read: it is laid aside, for who
    /// wants to look at it, and begins anew.
    Aside(Option<StateId>),
}

/// A state in its scope. The ends of events are a state a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateId {
    pub(crate) name: std::borrow::Cow<'static, str>,
    pub(crate) visitor: Option<Visitor>,
}

/// What is known of a scope as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// As pages write it.
    pub(crate) name: String,
    pub(crate) epoch: u64,
    /// The offset is no less.
    pub(crate) offset: u64,
    /// When it was last known to be used, in seconds since 1970.
    pub(crate) used_s: u64,
}

/// An event that was accepted and has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredEvent {
    pub(crate) name: String,
    pub(crate) arguments: String,
    #[serde(with = "hex")]
    pub(crate) visitor: Visitor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<(String, u64)>,
    #[serde(default)]
    pub(crate) is_first: bool,
    /// How often it was begun in an earlier run of the server.
    #[serde(default)]
    pub(crate) tries: u32,
    /// It has changed the state.
    #[serde(default)]
    pub(crate) has_begun: bool,
    /// Its visitor has cancelled it: nothing of it runs any more.
    #[serde(default)]
    pub(crate) is_cancelled: bool,
}

/// A scope, as a store has it.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    /// What may be missing of what there was in the head's epoch.
    pub(crate) lost: Lost,
    pub(crate) states: Vec<StoredState>,
    pub(crate) numbers: Vec<(Visitor, String, u64)>,
    pub(crate) events: Vec<(u64, StoredEvent)>,
}

/// What of a scope may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Nothing,
    /// Updates that pages have seen.
    Shown,
    /// Events that were accepted, too: their life is over.
    Accepted,
}

/// A state, as a store has it.
#[derive(Debug)]
pub(crate) struct StoredState {
    pub(crate) id: StateId,
    /// Something of it is missing.
    pub(crate) is_torn: bool,
    /// Without one it begins with its default.
    pub(crate) snapshot: Option<(u64, String)>,
    /// After the snapshot, in order.
    pub(crate) entries: Vec<StoredEntry>,
}

#[derive(Debug)]
pub(crate) struct StoredEntry {
    pub(crate) offset: u64,
    /// The ops that pages see.
    pub(crate) ops: String,
    /// All ops, where these differ.
    pub(crate) server_ops: Option<String>,
}

/// Why a store can't be opened or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    InUse,
    /// It was written by a newer version, and is left alone.
    Newer,
    /// It is no store of this runtime.
    Foreign,
    /// What is there can't be read as it was written.
    Damaged(String),
    /// The file as a whole can't be read as it was written.
    Broken(String),
    /// The system says no.
    Io(io::Error),
}

/// A visitor as thirty-two hexadecimal digits.
pub(crate) mod hex {
    use crate::Visitor;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn write(visitor: Visitor) -> String {
        visitor.key()
    }

    pub(crate) fn read(text: &str) -> Option<Visitor> {
        let bits = u128::from_str_radix(text, 16).ok()?;
        let visitor = Visitor(bits.to_be_bytes());
        // One spelling for one visitor.
        (write(visitor) == text).then_some(visitor)
    }

    pub(crate) fn serialize<S: Serializer>(visitor: &Visitor, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write(*visitor))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Visitor, D::Error> {
        let text = String::deserialize(from)?;
        read(&text).ok_or_else(|| D::Error::custom("no visitor"))
    }
}

impl Commit {
    pub(crate) fn of(key: ScopeKey, epoch: Epoch, records: Vec<Record>) -> Self {
        Commit {
            key,
            epoch,
            records,
            then: None,
        }
    }

    /// About the bytes that wait in memory until it is written.
    pub(crate) fn weight(&self) -> usize {
        self.records.iter().map(Record::weight).sum()
    }
}

impl Record {
    fn is_head(&self) -> bool {
        matches!(self, Record::Head(_))
    }

    fn weight(&self) -> usize {
        const AROUND: usize = 100;
        AROUND
            + match self {
                Record::Entry(_, entry) => entry.weight(),
                Record::Snapshot(_, _, json) => json.len(),
                Record::Event(_, event) => event.arguments.len(),
                _ => 0,
            }
    }
}

impl StateId {
    pub(crate) fn of_visitor(name: &'static str, visitor: Visitor) -> Self {
        StateId {
            name: name.into(),
            visitor: Some(visitor),
        }
    }

    pub(crate) fn shared(name: &'static str) -> Self {
        StateId {
            name: name.into(),
            visitor: None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::InUse => {
                f.write_str("another server has it open: stop that one, or set another path")
            }
            StoreError::Newer => f.write_str(
                "a newer version of the server has written it, and it is left as it is: start that \
                 version, or set another path",
            ),
            StoreError::Foreign => f.write_str(
                "it is no store of this server, and is left as it is: set another path, or move it \
                 away",
            ),
            StoreError::Damaged(why) | StoreError::Broken(why) => {
                write!(f, "it is damaged: {why}")
            }
            StoreError::Io(error) => match what_to_do(error.kind()) {
                Some(todo) => write!(f, "{error}: {todo}"),
                None => write!(f, "{error}"),
            },
        }
    }
}

/// Where the system's own words leave it open.
fn what_to_do(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("the server must be able to write the file and its folder")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("make room for it")
        }
        _ => None,
    }
}

impl std::error::Error for StoreError {}
