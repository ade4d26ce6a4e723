//! The states that a scope has got, each at its number.

use super::{
    cell::{AnyCell, Cell},
    store::StateId,
};
use crate::{State, Visitor, builtin::UcEnds};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct States {
    /// By state's number. An empty place is free for another.
    pub(super) cells: Vec<Option<Box<dyn AnyCell>>>,
    /// How a store calls them, by number.
    pub(super) ids: Vec<StateId>,
    pub(super) numbers: StateNumbers,
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
