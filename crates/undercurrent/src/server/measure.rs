//! How large a state is as JSON. To know it costs O(state), so that it is found out seldom, and for
//! a large state on a thread of its own: nobody waits for it with the scope's lock.

use super::drop_quietly;
use crate::core::state::{State, to_json_with_server};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

/// The bytes of a value, server-only fields included.
#[derive(Debug)]
pub(super) enum Size {
    Known(usize),
    /// At most so many; how many exactly is being found out. Leads to `Known`, to `AtMost` where
    /// user code panicked, and nowhere where the runtime goes down first.
    Measuring(usize, Arc<OnceLock<Option<usize>>>),
    /// At most so many.
    AtMost(usize),
}

/// From this size on a thread of its own writes JSON: on a worker it would hold up the others that
/// are in line there. Some 256 KiB are written in half a millisecond.
pub(super) const LARGE_BYTES: usize = 256 << 10;

/// A base moves on when the entries since weigh more than it, and more than this: the cost for
/// a changed byte stays constant.
pub(super) const MIN_BASE_STEP_BYTES: usize = 64 << 10;

impl Size {
    /// Measures a value that takes at most `bound`. A large one is cloned, which shares its
    /// collections' items.
    ///
    /// Whoever wants the JSON that it is measured by gets it.
    pub(super) fn of<S: State>(value: &S, bound: usize, keep: Option<Keep>) -> Self {
        let runtime = tokio::runtime::Handle::try_current();
        let (Ok(runtime), true) = (runtime, bound >= LARGE_BYTES) else {
            return measure_and_keep(value, keep).map_or(Size::AtMost(bound), Size::Known);
        };
        let found = Arc::new(OnceLock::new());
        let (value, to) = (value.clone(), found.clone());
        runtime.spawn_blocking(move || {
            let bytes = measure_and_keep(&value, keep);
            // Dropped before it is told of, so that chunks are not shared for longer than need be.
            drop_quietly(value);
            to.set(bytes)
        });
        Size::Measuring(bound, found)
    }

    /// The bytes at most.
    pub(super) fn bound(&mut self) -> usize {
        if let Size::Measuring(bound, found) = self
            && let Some(found) = found.get()
        {
            *self = found.map_or(Size::AtMost(*bound), Size::Known);
        }
        let (Size::Known(bytes) | Size::Measuring(bytes, _) | Size::AtMost(bytes)) = *self;
        bytes
    }

    /// What comes since may take more than a small state may keep.
    pub(super) fn is_large(&self) -> bool {
        let (Size::Known(bytes) | Size::Measuring(bytes, _) | Size::AtMost(bytes)) = *self;
        bytes > MIN_BASE_STEP_BYTES
    }

    pub(super) fn is_measuring(&self) -> bool {
        matches!(self, Size::Measuring(..))
    }
}

/// What is done with a state as JSON.
pub(super) type Keep = Box<dyn FnOnce(String) + Send>;

fn measure_and_keep<S: State>(value: &S, keep: Option<Keep>) -> Option<usize> {
    let json = write(value)?;
    let bytes = json.len();
    if let Some(keep) = keep {
        keep(json);
    }
    Some(bytes)
}

/// The exact size, at once. `None` where user code fails to write the value.
pub(super) fn measure<S: State>(value: &S) -> Option<usize> {
    write(value).map(|json| json.len())
}

/// With server-only fields. `None` where user code fails to write the value.
pub(super) fn write<S: State>(value: &S) -> Option<String> {
    let json = catch_unwind(AssertUnwindSafe(|| to_json_with_server(value)));
    json.ok()?.ok()
}
