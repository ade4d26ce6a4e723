//! What a page can tell of its own copy, and how to break things on purpose: for demonstrations,
//! and for who wants to see that nothing is lost.

use super::{replicas::Replicas, scope::scope_here};
use crate::{
    State, browser,
    core::{
        position::Position,
        witness::{Counts, Witness},
    },
};
use leptos::prelude::*;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What was counted, and what is broken, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Diagnostics {
    counts: Signal<Counts>,
    faults: Signal<Faults>,
    replicas: StoredValue<Replicas>,
}

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) cut: bool,
    pub(crate) slow: bool,
}

/// The counts and faults of a page.
#[derive(Clone)]
pub(crate) struct Inspection {
    counts: ArcRwSignal<Counts>,
    pub(crate) faults: ArcRwSignal<Faults>,
    // A std mutex, held to count.
    witness: Arc<Mutex<Witness>>,
}

/// Looks at this page's copy of its states, and breaks its connection on purpose.
///
/// ```
/// # use leptos::prelude::*; use undercurrent::prelude::*;
/// # #[component] fn Page() -> impl IntoView {
/// let copy = use_diagnostics();
/// view! {
///     <button on:click=move |_| copy.cut_stream(Millis(5_000))>"Cut my stream for 5 s"</button>
///     <p>{move || copy.counts().lost} " lost, " {move || copy.counts().twice} " twice"</p>
/// }
/// # }
/// ```
pub fn use_diagnostics() -> Diagnostics {
    let replicas = Replicas::current();
    let inspection = replicas.inspection();
    let (counts, faults) = (inspection.counts.clone(), inspection.faults.clone());
    Diagnostics {
        counts: Signal::derive(move || counts.get()),
        faults: Signal::derive(move || faults.get()),
        replicas: StoredValue::new(replicas),
    }
}

impl Diagnostics {
    /// What was counted since the page was loaded, over all states that it follows.
    pub fn counts(self) -> Counts {
        self.counts.get()
    }

    /// Where the page's copy of a state stands, of a keyed one in the scope that this place is in;
    /// `None` while it has none.
    pub fn position<S: State>(self) -> Option<Position> {
        // It moves with what is counted.
        self.counts.track();
        self.faults.track();
        let scope = scope_here(S::SCOPE)?;
        let position = |replicas: &Replicas| replicas.position(&scope, S::NAME);
        self.replicas.try_with_value(position).flatten()
    }

    /// The stream is cut on purpose.
    pub fn is_cut(self) -> bool {
        self.faults.get().cut
    }

    /// The network is slow on purpose.
    pub fn is_slow(self) -> bool {
        self.faults.get().slow
    }

    /// Cuts the stream of this page, for so long. What is clicked is sent all the same.
    pub fn cut_stream(self, span: impl Into<Duration>) {
        browser::cut_stream(span.into());
    }

    /// Holds whatever comes and goes back for a second, or no longer does.
    pub fn slow_network(self, slow: bool) {
        browser::slow_network(slow);
    }

    /// Drops this page's copy of its states: they are their defaults until a snapshot has come.
    pub fn drop_copy(self) {
        browser::drop_copy();
    }
}

impl Inspection {
    /// The browser's stream counts what it does.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
    pub(crate) fn count(&self, count: impl FnOnce(&mut Witness)) {
        let mut witness = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut witness);
        let counts = witness.counts();
        drop(witness);
        if self.counts.get_untracked() != counts {
            self.counts.set(counts);
        }
    }
}

impl Default for Inspection {
    fn default() -> Self {
        Inspection {
            counts: ArcRwSignal::new(Counts::default()),
            faults: ArcRwSignal::new(Faults::default()),
            witness: Arc::default(),
        }
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").finish_non_exhaustive()
    }
}
