//! What is read of a scope: snapshots for pages and streams, and what leads a stream on.

use super::{
    cell::AnySnapshot,
    forget_panic,
    scope::{Published, Scope},
    states::States,
    unkept::only_until,
};
use crate::{
    Visitor,
    core::{
        log::Resume,
        position::{Epoch, Position},
    },
    page::ScopeSnapshot,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
    time::Duration,
};

impl Scope {
    /// What a page is rendered from: all states of one moment that the visitor may see. Waits
    /// for its turn.
    pub(crate) async fn snapshot(&self, visitor: Visitor) -> ScopeSnapshot {
        let snapshot = {
            let _turn = self.turn().await;
            self.snapshot_of(visitor)
        };
        self.kept_if_first().await;
        snapshot
    }

    /// The same for a component, which can't wait for a turn: it blocks its thread while the
    /// closure of an update runs, and with `durability = "commit"` while that is written. `None` if
    /// that takes long.
    pub(crate) fn snapshot_now(&self, visitor: Visitor) -> Option<ScopeSnapshot> {
        const PATIENCE: Duration = Duration::from_millis(50);
        let snapshot = self.snapshot_of(visitor);
        let runtime = self.runtime.upgrade()?;
        let store = &runtime.store;
        let is_kept =
            || store.trouble().is_none() && store.is_stored_within(self.ticket(), PATIENCE);
        let may_be_shown = !runtime.keeps_first || is_kept();
        may_be_shown.then_some(snapshot)
    }

    fn snapshot_of(&self, visitor: Visitor) -> ScopeSnapshot {
        // Who looks uses it.
        if let Some(runtime) = self.runtime.upgrade() {
            self.touch(runtime.uptime_ms());
        }
        let mut states = self.states();
        let published = self.published();
        let epoch = published.log.position().epoch;
        let found: Vec<_> = published.visible_to(visitor).collect();
        drop(published);
        let states = found.into_iter().filter_map(|(name, number, offset)| {
            let at = Position::new(epoch, offset);
            let cell = states.cells[number].as_mut()?;
            // User code may panic as it is cloned: the page opens without that state.
            let snapshot = catch_unwind(AssertUnwindSafe(|| cell.snapshot(at).state()));
            match snapshot {
                Ok(state) => Some((name, (at, state))),
                Err(panic) => {
                    tracing::error!(state = name, "a snapshot can't be taken: user code panics");
                    forget_panic(panic);
                    None
                }
            }
        });
        ScopeSnapshot {
            states: states.collect(),
            default_position: Position::new(epoch, 0),
        }
    }

    /// Snapshots for a stream, of the states that it asks for.
    pub(crate) async fn snapshots_of(
        &self,
        names: Vec<&'static str>,
        visitor: Visitor,
    ) -> Vec<Arc<dyn AnySnapshot>> {
        let snapshots = {
            let _turn = self.turn().await;
            self.snapshots_now(names, visitor)
        };
        self.kept_if_first().await;
        snapshots
    }

    fn snapshots_now(
        &self,
        names: Vec<&'static str>,
        visitor: Visitor,
    ) -> Vec<Arc<dyn AnySnapshot>> {
        let mut states = self.states();
        let published = self.published();
        let epoch = published.log.position().epoch;
        let found: Vec<(&'static str, Option<(usize, u64)>)> = names
            .into_iter()
            .map(|name| {
                let number = published.numbers.find_for(name, visitor);
                let with_offset = |number| (number, published.log.last_changed(number));
                (name, number.map(with_offset))
            })
            .collect();
        drop(published);
        let snapshot = |(name, found)| self.snapshot_at(&mut states, epoch, name, found);
        found.into_iter().filter_map(snapshot).collect()
    }

    fn snapshot_at(
        &self,
        states: &mut States,
        epoch: Epoch,
        name: &'static str,
        found: Option<(usize, u64)>,
    ) -> Option<Arc<dyn AnySnapshot>> {
        if let Some((number, offset)) = found {
            let cell = states.cells[number].as_mut()?;
            return Some(cell.snapshot(Position::new(epoch, offset)));
        }
        let runtime = self.runtime.upgrade()?;
        let registration = runtime.registry.state(name)?;
        Some((registration.default_snapshot)(Position::new(epoch, 0)))
    }

    /// What leads a stream on, for each state that it follows.
    pub(crate) fn resume(
        &self,
        follows: &[(&'static str, Option<Position>)],
        visitor: Visitor,
    ) -> Vec<Resume> {
        let Some(runtime) = self.runtime.upgrade() else {
            return Vec::new();
        };
        let mut published = self.published();
        let published = &mut *published;
        let shown = published
            .unkept
            .shown(|ticket| runtime.store.is_stored(ticket));
        let epoch = published.log.position().epoch;
        let resume = |(name, from): &(&'static str, Option<Position>)| {
            let Some(from) = *from else {
                return Resume::Snapshot;
            };
            match published.numbers.find_for(name, visitor) {
                Some(state) => only_until(shown, published.log.resume(state, from)),
                // Not changed since the epoch began: everybody who is at its beginning has it.
                None if from == Position::NONE || from == Position::new(epoch, 0) => {
                    Resume::Current
                }
                None => Resume::Snapshot,
            }
        };
        follows.iter().map(resume).collect()
    }

    /// The history that its offsets belong to.
    pub(crate) fn epoch(&self) -> Epoch {
        self.published().log.position().epoch
    }

    /// Nothing runs in it, nothing waits, nobody follows it.
    pub(crate) fn is_idle(&self) -> bool {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        queues.are_idle() && tasks.is_empty() && self.slot.followers.is_empty()
    }
}

impl Published {
    /// The states that a visitor may see: name, number, and where each last changed.
    fn visible_to(&self, visitor: Visitor) -> impl Iterator<Item = (&'static str, usize, u64)> {
        let own = self.numbers.ends_of(visitor);
        let all = self.numbers.shared.iter().copied().chain(own);
        all.map(|(name, number)| (name, number, self.log.last_changed(number)))
    }
}
