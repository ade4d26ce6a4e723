//! The table of scopes. A scope comes into being with its first accepted event; pages and streams
//! of one that does not exist make none.

use super::{
    Runtime,
    authorize::Place,
    drop_quietly,
    follow::{Follower, Followers},
    scope::Scope,
    store::{Record, Ticket},
};
use crate::{
    Visitor,
    core::{position::Epoch, scope::ScopeName},
};
use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How the table calls a scope: a hash of the id in the cookie, or of a name, so that a dump of
/// the table opens no session and tells no secret name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopeKey(pub(crate) [u8; 16]);

/// How a scope is called on the wire, in each `id:`. The same on every stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(Arc<str>);

/// The place of a scope: the streams that follow it, and the scope itself once it exists.
pub(crate) struct Slot {
    key: ScopeKey,
    pub(crate) name: ScopeName,
    pub(crate) tag: Tag,
    pub(crate) followers: Followers,
    // A std mutex, held to look or to put.
    scope: Mutex<Option<Arc<Scope>>>,
    /// How often the store was told to let go of what it has of it. Who reads it from there looks
    /// whether it was meanwhile.
    departures: AtomicUsize,
}

/// All scopes of the process, in parts, so that visitors seldom meet at a lock.
pub(crate) struct Scopes {
    // Std mutexes, held to look up or to change, never across an await.
    parts: Vec<Mutex<HashMap<ScopeKey, Arc<Slot>>>>,
    count: AtomicUsize,
    max: usize,
    /// Scopes that the store is about to let go of, with the ticket of that.
    // A std mutex, held to look up or to put.
    leaving: Mutex<HashMap<ScopeKey, Ticket>>,
}

/// Why a scope is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoScope {
    /// There is no room.
    Full,
    /// The store has it: it is to be read first.
    Elsewhere,
    /// The store has it, and it can't be read at the moment.
    Unreadable,
}

const PARTS: usize = 16;

impl Scopes {
    pub(crate) fn new(max: usize) -> Self {
        let parts = std::iter::repeat_with(Mutex::default).take(PARTS).collect();
        Scopes {
            parts,
            count: AtomicUsize::new(0),
            max,
            leaving: Mutex::default(),
        }
    }

    // === Scopes of a store ===

    /// The place of a scope, made now if there is none.
    pub(super) fn slot(&self, place: &Place) -> Arc<Slot> {
        let mut part = self.part(place.key);
        let slot = part.entry(place.key).or_insert_with(|| Slot::new(place));
        slot.clone()
    }

    /// Puts a scope that was read in its place, unless another is there, or may have been there
    /// since it was read. What is done before is done before anybody else can do anything in it,
    /// and not at all where it was read in vain.
    pub(super) fn put(
        &self,
        slot: &Arc<Slot>,
        scope: &Arc<Scope>,
        seen: usize,
        is_current: impl FnOnce() -> bool,
        before: impl FnOnce(),
    ) -> bool {
        if self.count() >= self.max {
            self.make_room();
        }
        let mut part = self.part(slot.key);
        let here = part.entry(slot.key).or_insert_with(|| slot.clone());
        let mut place = here.lock();
        // A scope that goes takes its place with it.
        let is_same = Arc::ptr_eq(here, slot) && slot.departures() == seen;
        if !is_same || place.is_some() || !is_current() {
            return false;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        before();
        *place = Some(scope.clone());
        true
    }

    /// The store is to let go of a scope, once: until it has, there is none to be read.
    fn leave(&self, key: ScopeKey, let_go: impl FnOnce() -> Ticket) {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.entry(key).or_insert_with(let_go);
    }

    /// The same, if it is in the store alone.
    pub(super) fn leave_unless_here(&self, key: ScopeKey, let_go: impl FnOnce() -> Ticket) {
        // Whoever reads it takes this lock before it is put here.
        let part = self.part(key);
        let slot = part.get(&key);
        if slot.is_none_or(|slot| slot.lock().is_none()) {
            self.leave(key, let_go);
            if let Some(slot) = slot {
                slot.depart();
            }
        }
    }

    /// The same, if what was read is what the store has: another may have been faster.
    pub(super) fn leave_as_read(
        &self,
        slot: &Arc<Slot>,
        seen: usize,
        let_go: impl FnOnce() -> Ticket,
    ) {
        let part = self.part(slot.key);
        let here = part.get(&slot.key);
        let is_same = here.is_some_and(|here| Arc::ptr_eq(here, slot));
        if is_same && slot.lock().is_none() && slot.departures() == seen {
            self.leave(slot.key, let_go);
            slot.depart();
        }
    }

    /// The store is about to let go of it.
    pub(super) fn is_leaving(&self, key: ScopeKey, is_done: impl Fn(Ticket) -> bool) -> bool {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if leaving.is_empty() {
            return false;
        }
        leaving.retain(|_, ticket| !is_done(*ticket));
        leaving.contains_key(&key)
    }

    /// The place of a scope, if there is one.
    pub(super) fn existing(&self, key: ScopeKey) -> Option<Arc<Slot>> {
        self.part(key).get(&key).cloned()
    }

    /// The scope, if it exists.
    pub(crate) fn find(&self, key: ScopeKey) -> Option<Arc<Scope>> {
        self.part(key).get(&key)?.scope()
    }

    /// The scope, made now if it does not exist: never beside one that the store has.
    pub(crate) fn find_or_make(
        &self,
        place: &Place,
        runtime: &Arc<Runtime>,
    ) -> Result<Arc<Scope>, NoScope> {
        let key = place.key;
        if let Some(scope) = self.find(key) {
            // Used from now on, so that it is not the one that goes when room is needed.
            scope.touch(runtime.uptime_ms());
            return Ok(scope);
        }
        // What was begun is given whether there is room or not.
        if self.is_stored(key, runtime) {
            return Err(NoScope::Elsewhere);
        }
        if self.count() >= self.max && !self.make_room() {
            return Err(NoScope::Full);
        }
        // All of it under the lock of the part: a place that was looked up must not go before
        // the scope is in it.
        let mut part = self.part(key);
        let slot = part.entry(key).or_insert_with(|| Slot::new(place));
        let mut scope = slot.lock();
        // It may have been let go since.
        if scope.is_none() && self.is_stored(key, runtime) {
            return Err(NoScope::Elsewhere);
        }
        let mut is_new = false;
        let found = scope.get_or_insert_with(|| {
            is_new = true;
            self.count.fetch_add(1, Ordering::Relaxed);
            Arc::new(Scope::new(slot.clone(), runtime))
        });
        let found = found.clone();
        drop(scope);
        let slot = slot.clone();
        drop(part);
        // Who looked at it before there was anything is here now.
        if is_new && slot.followers.presence.is_any() {
            runtime.attend(&slot);
        }
        Ok(found)
    }

    /// The store has a scope, and is not about to let go of it.
    pub(super) fn is_stored(&self, key: ScopeKey, runtime: &Runtime) -> bool {
        let store = &runtime.store;
        store.outlives()
            && !self.is_leaving(key, |ticket| store.is_stored(ticket))
            && store.has(key)
    }

    /// Adds a stream to the place of a scope, whether there is a scope or not. Tells how many
    /// there were.
    pub(crate) fn follow(&self, place: &Place, follower: &Arc<Follower>) -> (Arc<Slot>, usize) {
        let mut part = self.part(place.key);
        let slot = part.entry(place.key).or_insert_with(|| Slot::new(place));
        let slot = slot.clone();
        let before = slot.followers.count();
        slot.followers.add(follower.clone());
        (slot, before)
    }

    /// A stream is gone: a place without a scope and without streams goes, too.
    pub(crate) fn tidy(&self, slot: &Slot) {
        let mut part = self.part(slot.key);
        // Another may stand in its place by now.
        let is_here = part
            .get(&slot.key)
            .is_some_and(|here| std::ptr::eq(&**here, slot));
        if is_here && slot.followers.is_empty() && slot.scope().is_none() {
            part.remove(&slot.key);
        }
    }

    /// How many scopes there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many places there are, with a scope or without.
    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        let of_part = |part: &Mutex<HashMap<ScopeKey, Arc<Slot>>>| {
            part.lock().unwrap_or_else(PoisonError::into_inner).len()
        };
        self.parts.iter().map(of_part).sum()
    }

    /// The places of all that exist. Who has such a list holds no scope: those that nobody uses
    /// may go meanwhile.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let slots = self.parts.iter().flat_map(|part| {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            let has_scope = |slot: &&Arc<Slot>| slot.lock().is_some();
            part.values().filter(has_scope).cloned().collect::<Vec<_>>()
        });
        slots.collect()
    }

    /// Drops the scopes that have been idle the longest: a part of them at once, so that the
    /// search is not made for each new visitor.
    fn make_room(&self) -> bool {
        let mut idle = self.all();
        idle.retain(|slot| slot.lock().as_ref().is_some_and(may_go));
        // Each is asked once: others use their scopes meanwhile, and an order that changes while
        // it is sorted is none.
        // Those whose states have it that somebody is here go last: who reads such a one anew tells it
        // then.
        idle.sort_by_cached_key(|slot| {
            (slot.followers.presence.is_attended(), slot.last_used_ms())
        });
        idle.truncate((self.max / 64).max(1));
        idle.iter().for_each(|slot| self.let_go(slot, may_go));
        self.count() < self.max
    }

    /// Drops the scopes that nobody has used since a moment on the runtime's clock.
    pub(crate) fn expire(&self, before_ms: u64) {
        let is_old = |scope: &Arc<Scope>| {
            let has_been_told = !scope.slot.followers.presence.is_attended();
            has_been_told && scope.last_used_ms() < before_ms && may_go(scope)
        };
        self.all().iter().for_each(|slot| self.let_go(slot, is_old));
    }

    fn let_go(&self, slot: &Arc<Slot>, may_go: impl Fn(&Arc<Scope>) -> bool) {
        // Looked at under the lock of its part: who looks it up takes that, too.
        let mut part = self.part(slot.key);
        let is_here = part
            .get(&slot.key)
            .is_some_and(|here| Arc::ptr_eq(here, slot));
        // The place and the scope hold each other: one must let go.
        let gone = match is_here {
            true => slot.lock().take_if(|scope| may_go(scope)),
            false => None,
        };
        if gone.is_some() {
            part.remove(&slot.key);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(scope) = &gone {
            // The store counts from here.
            scope.hand_over(vec![Record::Used(scope.head())]);
        }
        // Outside of the locks: with it goes user code's state.
        drop(part);
        drop_quietly(gone);
    }

    fn part(&self, key: ScopeKey) -> MutexGuard<'_, HashMap<ScopeKey, Arc<Slot>>> {
        let part = usize::from(key.0[0]) % PARTS;
        self.parts[part]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is under way in it. Its place holds one: whoever holds another is about to use it.
fn may_go(scope: &Arc<Scope>) -> bool {
    Arc::strong_count(scope) == 1 && scope.is_idle() && scope.is_stored()
}

impl Slot {
    fn new(place: &Place) -> Arc<Self> {
        Arc::new(Slot {
            key: place.key,
            name: place.name.clone(),
            tag: place.tag.clone(),
            followers: Followers::default(),
            scope: Mutex::default(),
            departures: AtomicUsize::new(0),
        })
    }

    /// A number that changes whenever the store is told to let go of it.
    pub(super) fn departures(&self) -> usize {
        self.departures.load(Ordering::Acquire)
    }

    fn depart(&self) {
        self.departures.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn key(&self) -> ScopeKey {
        self.key
    }

    pub(crate) fn scope(&self) -> Option<Arc<Scope>> {
        self.lock().clone()
    }

    /// When its scope was last used, on the runtime's clock; 0 where there is none.
    pub(crate) fn last_used_ms(&self) -> u64 {
        self.lock().as_ref().map_or(0, |scope| scope.last_used_ms())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Scope>>> {
        self.scope.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tag of all sessions.
static SESSION: LazyLock<Arc<str>> = LazyLock::new(|| "s".into());

impl Tag {
    /// A letter for the kind, and for all but the session digits of the key. Two scopes of one
    /// tag are not followed on one stream.
    pub(crate) fn new(name: &ScopeName, key: ScopeKey) -> Self {
        let letter = match name {
            ScopeName::Session => return Tag(SESSION.clone()),
            ScopeName::Tab(_) => 't',
            ScopeName::Keyed { .. } => 'r',
        };
        let mut bits = [0; 8];
        bits.copy_from_slice(&key.0[..8]);
        let digits = Epoch::from_random(u64::from_le_bytes(bits));
        Tag(format!("{letter}{digits}").into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.0
    }
}

/// As a visitor's.
impl Hash for ScopeKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Visitor(self.0).hash(state);
    }
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The first bytes tell scopes apart in a log and open nothing.
        write!(f, "{:02x}{:02x}{:02x}", self.0[0], self.0[1], self.0[2])
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scopes")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
