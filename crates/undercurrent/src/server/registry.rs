//! Everything that was registered, found again by name, and what start-up provided.

use super::{
    StartError, describe_panic, forget_panic,
    polls::Polls,
    registration::{Join, NOT_OPEN, Registration, StateRegistration, Tell},
};
use crate::{Visitor, core::scope::ScopeKind};
use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::catch_unwind,
    sync::Arc,
};

/// A kind of shared scopes: the rooms, the documents, the server's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) name: &'static str,
    /// There is one, and nobody need name it.
    pub(crate) is_process: bool,
    join: Option<Join>,
}

/// Everything that was registered.
#[derive(Debug)]
pub(crate) struct Registry {
    handlers: BTreeMap<&'static str, &'static Registration>,
    states: BTreeMap<&'static str, &'static StateRegistration>,
    /// The schemas of the states, by name.
    schemas: BTreeMap<&'static str, u32>,
    spaces: BTreeMap<&'static str, Space>,
    /// What is told who is in such a scope, by the name of its kind.
    present: BTreeMap<&'static str, Vec<Tell>>,
}

/// What start-up provided, by type.
#[derive(Clone, Default)]
pub(crate) struct Provided {
    all: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// What is missing is told where it is asked for, not at the start.
    is_partial: bool,
}

// === impl Space ===

impl Space {
    /// Asks the rule. One that panics lets nobody in.
    pub(crate) fn ask(
        &self,
        polls: &Arc<Polls>,
        visitor: &Visitor,
        key: &str,
    ) -> Result<(), String> {
        let Some(join) = self.join else {
            return Ok(());
        };
        // It computes where a request is answered: whoever blocks there is named.
        let _watched = polls.enter(self.name);
        let asked = catch_unwind(|| join(visitor, key));
        asked.unwrap_or_else(|panic| {
            tracing::error!(
                scope = self.name,
                panic = describe_panic(&*panic),
                "the rule of a scope panicked"
            );
            forget_panic(panic);
            Err(NOT_OPEN.to_owned())
        })
    }
}

// === impl Registry, Provided ===

impl Registry {
    /// Collects what the macros registered.
    ///
    /// # Errors
    ///
    /// Two handlers or two states of one name; a handler that expects what was not provided.
    pub(crate) fn collect(provided: &Provided) -> Result<Self, StartError> {
        let mut registry = Registry {
            handlers: BTreeMap::new(),
            states: BTreeMap::new(),
            schemas: BTreeMap::new(),
            spaces: BTreeMap::new(),
            present: BTreeMap::new(),
        };
        for handler in inventory::iter::<Registration> {
            if registry.handlers.insert(handler.name, handler).is_some() {
                return Err(StartError::TwoHandlers(handler.name));
            }
            let missing = handler
                .expected
                .iter()
                .find(|type_| !provided.has((type_.type_id)()));
            if let Some(type_) = missing {
                return Err(StartError::NotProvided(handler.name, (type_.type_name)()));
            }
        }
        for state in registry.states_by_name()? {
            registry.states.insert(state.name, state);
            // A default that panics does so where it is needed, too, and is told there.
            let schema = catch_unwind(|| (state.schema)()).map_err(forget_panic);
            registry
                .schemas
                .insert(state.name, schema.unwrap_or_default());
            // The state that the scopes are named after declares them; others live with it.
            let space = match state.scope {
                ScopeKind::Keyed(name) => Some((name, false)),
                ScopeKind::Process(name) => Some((name, true)),
                ScopeKind::Session | ScopeKind::Tab | ScopeKind::Each => None,
            };
            if let (Some((of, _)), Some(tell)) = (space, state.present) {
                registry.present.entry(of).or_default().push(tell);
            }
            if let Some((name, is_process)) = space.filter(|(name, _)| *name == state.name) {
                let join = state.join;
                registry.spaces.insert(
                    name,
                    Space {
                        name,
                        is_process,
                        join,
                    },
                );
            }
        }
        Ok(registry)
    }

    /// The states that go by their names: one for each name.
    ///
    /// A state inside of another is registered like any, and its name means nothing outside of
    /// it. So of two with one name it is the one that handlers change, and where no handler
    /// changes either, none.
    fn states_by_name(&self) -> Result<Vec<&'static StateRegistration>, StartError> {
        let handlers = self.handlers.values();
        let changed: BTreeSet<TypeId> = handlers
            .flat_map(|handler| handler.states.iter().flatten().map(|type_id| type_id()))
            .collect();
        let mut by_name: BTreeMap<&str, Vec<&StateRegistration>> = BTreeMap::new();
        for state in inventory::iter::<StateRegistration> {
            by_name.entry(state.name).or_default().push(state);
        }
        let mut chosen = Vec::new();
        for mut states in by_name.into_values() {
            if states.len() > 1 {
                states.retain(|state| changed.contains(&(state.type_id)()));
            }
            match states[..] {
                [] => {}
                [one] => chosen.push(one),
                [one, other, ..] => {
                    let types = ((one.type_name)(), (other.type_name)());
                    return Err(StartError::TwoStates(one.name, types.0, types.1));
                }
            }
        }
        Ok(chosen)
    }

    pub(crate) fn handler(&self, name: &str) -> Option<&'static Registration> {
        self.handlers.get(name).copied()
    }

    pub(crate) fn state(&self, name: &str) -> Option<&'static StateRegistration> {
        self.states.get(name).copied()
    }

    /// The number of a state's schema, which pages say that they have.
    pub(crate) fn schema(&self, name: &str) -> Option<u32> {
        self.schemas.get(name).copied()
    }

    /// What is told who is in a scope of this kind.
    pub(super) fn told_in(&self, space: &str) -> &[Tell] {
        self.present.get(space).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn space(&self, name: &str) -> Option<&Space> {
        self.spaces.get(name)
    }
}

impl Provided {
    pub(crate) fn add<T: Any + Send + Sync>(&mut self, value: T) {
        self.all.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// What start-up provided. That it is there was checked at start, as far as the macros saw.
    ///
    /// # Panics
    ///
    /// When nothing of the type was provided.
    pub(crate) fn expect<T: Any + Send + Sync>(&self) -> Arc<T> {
        let found = self.all.get(&TypeId::of::<T>()).cloned();
        found
            .and_then(|value| value.downcast().ok())
            .unwrap_or_else(|| {
                let type_name = std::any::type_name::<T>();
                panic!("start-up provides no {type_name}: add `.provide({type_name} …)` to it")
            })
    }

    /// A test provides what it uses.
    #[cfg(feature = "testing")]
    pub(crate) fn be_partial(&mut self) {
        self.is_partial = true;
    }

    fn has(&self, type_id: TypeId) -> bool {
        self.is_partial || self.all.contains_key(&type_id)
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provided").field(&self.all.len()).finish()
    }
}
