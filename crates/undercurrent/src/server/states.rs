//! The states that a scope has got, each at its number.

use super::{
    cell::{AnyCell, Cell, Old},
    drop_quietly,
    measure::Keep,
    store::StateId,
};
use crate::{State, Visitor, builtin::UcEnds, core::log::Entry};
use std::{collections::HashMap, sync::Arc};

#[derive(Default)]
pub(crate) struct States {
    /// By state's number. An empty place is free for another.
    pub(super) cells: Vec<Option<Box<dyn AnyCell>>>,
    /// How a store calls them, by number.
    pub(super) ids: Vec<StateId>,
    pub(super) numbers: StateNumbers,
    /// Bytes of what the small ones keep of their past, to be read anew from; at so many more they
    /// let go of it. In a room of thousands each has a state of ends.
    kept: usize,
    cut_at: usize,
}

/// The numbers of the states that the scope has got.
///
/// Ends of events are nobody's business but the sender's. In a shared scope they are a state a
/// visitor, all of one name: a stream follows the one of its own visitor, and no other's bytes
/// come near it.
#[derive(Clone, Default)]
pub(super) struct StateNumbers {
    pub(super) shared: Vec<(&'static str, usize)>,
    pub(super) ends: HashMap<Visitor, usize>,
}

// === impl States, StateNumbers ===

impl States {
    /// A place for a state that begins with its default.
    pub(super) fn place<S: State>(&mut self, id: StateId) -> usize {
        self.put(id, Box::new(Cell::<S>::new()))
    }

    /// A place for a state that is there already.
    pub(super) fn put(&mut self, id: StateId, cell: Box<dyn AnyCell>) -> usize {
        self.kept += cell.kept();
        // Free places are rare: they are left by visitors that were forgotten.
        match self.cells.iter().position(Option::is_none) {
            Some(free) => {
                self.cells[free] = Some(cell);
                self.ids[free] = id;
                free
            }
            None => {
                self.cells.push(Some(cell));
                self.ids.push(id);
                self.cells.len() - 1
            }
        }
    }

    /// A state is gone from the scope.
    pub(super) fn drop_at(&mut self, number: usize) {
        if let Some(gone) = self.cells[number].take() {
            self.kept = self.kept.saturating_sub(gone.kept());
            drop_quietly(gone);
        }
    }

    /// A change of a state became this entry. Returns what is not needed any more.
    pub(super) fn committed(
        &mut self,
        entry: Arc<Entry>,
        keep: Option<&dyn Fn(u64) -> Keep>,
    ) -> Option<Old> {
        let cell = self.cells[entry.state].as_mut()?;
        let before = cell.kept();
        let old = cell.committed(entry, keep);
        self.kept = (self.kept + cell.kept()).saturating_sub(before);
        old
    }

    /// Lets go of the past of small states, if together they keep more of it than so many bytes.
    /// Returns what is not needed any more.
    pub(super) fn keep_within(&mut self, max: usize) -> Vec<Old> {
        if self.kept <= self.cut_at.max(max) {
            return Vec::new();
        }
        let old = self.cut(|cell| cell.kept() > 0);
        // What could not be let go of now is not asked for again at each update.
        self.cut_at = self.kept + max;
        old
    }

    /// Lets go of the past of some.
    pub(super) fn cut(&mut self, which: impl Fn(&dyn AnyCell) -> bool) -> Vec<Old> {
        let cells = self.cells.iter_mut().flatten();
        let cells = cells.filter(|cell| which(&***cell));
        let old = cells.filter_map(|cell| cell.cut()).collect();
        self.kept = self.cells.iter().flatten().map(|cell| cell.kept()).sum();
        old
    }

    pub(super) fn cell<S: State>(&mut self, number: usize) -> &mut Cell<S> {
        downcast(&mut self.cells[number])
    }

    pub(super) fn two_cells<S: State, T: State>(
        &mut self,
        one: usize,
        two: usize,
    ) -> (&mut Cell<S>, &mut Cell<T>) {
        match self.cells.get_disjoint_mut([one, two]) {
            Ok([one, two]) => (downcast(one), downcast(two)),
            Err(_) => unreachable!("the macros refuse an update over one state twice"),
        }
    }
}

fn downcast<S: State>(cell: &mut Option<Box<dyn AnyCell>>) -> &mut Cell<S> {
    let cell = cell.as_mut().map(|cell| cell.as_any());
    match cell.and_then(|cell| cell.downcast_mut()) {
        Some(cell) => cell,
        // A number is given by the name of a state. Start-up has seen to it that no two that
        // handlers are for have one name; what a handler reaches beside its own it does not see.
        None => panic!(
            "{} shares its name, {:?}, with another state of this scope: rename one of the structs",
            std::any::type_name::<S>(),
            S::NAME
        ),
    }
}

impl StateNumbers {
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let known = self.shared.iter().find(|(known, _)| *known == name);
        known.map(|(_, number)| *number)
    }

    /// The state of a name that a visitor may see.
    pub(super) fn find_for(&self, name: &str, visitor: Visitor) -> Option<usize> {
        let own = || self.ends_of(visitor).filter(|(own, _)| *own == name);
        self.find(name).or_else(|| own().map(|(_, number)| number))
    }

    pub(super) fn ends_of(&self, visitor: Visitor) -> Option<(&'static str, usize)> {
        let number = self.ends.get(&visitor)?;
        Some((UcEnds::NAME, *number))
    }
}
