//! Toasts: what a page tells that has no place of its own.

use super::replicas::Replicas;
use crate::TOASTS;
use leptos::prelude::*;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a page tells, until it is dismissed or newer ones push it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Unique in the page, for the key of a row.
    pub id: u64,
    /// What it is about.
    pub kind: ToastKind,
    /// A sentence or two.
    pub text: String,
}

/// What a toast is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    /// A word from a handler, or from the page.
    Note,
    /// An event failed, and no view shows its error (see `EventHandle::error`).
    Failure,
}

/// The toasts of this page, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Toasts {
    all: Signal<Vec<Toast>>,
    toasts: StoredValue<ToastBox>,
}

/// Those of a page.
#[derive(Clone)]
pub(super) struct ToastBox {
    pub(super) all: ArcRwSignal<Vec<Toast>>,
    next: Arc<AtomicU64>,
}

/// The toasts of this page: failed events whose error no view shows, and what handlers tell by
/// `cx.page().toast(…)`. At most [`TOASTS`](crate::TOASTS), oldest first.
pub fn use_toasts() -> Toasts {
    let toasts = Replicas::current().events().toasts.clone();
    let all = toasts.all.clone();
    Toasts {
        all: Signal::derive(move || all.get()),
        toasts: StoredValue::new(toasts),
    }
}

impl Toasts {
    /// Those that are shown.
    pub fn all(self) -> Vec<Toast> {
        self.all.get()
    }

    /// Shows one, from the page itself.
    pub fn show(self, kind: ToastKind, text: impl Into<String>) {
        self.toasts
            .try_with_value(|toasts| toasts.show(kind, text.into()));
    }

    /// Takes one away.
    pub fn dismiss(self, id: u64) {
        self.toasts.try_with_value(|toasts| {
            toasts.all.update(|all| all.retain(|toast| toast.id != id));
        });
    }
}

impl ToastBox {
    pub(super) fn show(&self, kind: ToastKind, text: String) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.update(|all| {
            // What is on the page already is not told twice.
            all.retain(|toast| toast.kind != kind || toast.text != text);
            all.push(Toast { id, kind, text });
            let surplus = all.len().saturating_sub(TOASTS);
            all.drain(..surplus);
        });
    }
}

impl Default for ToastBox {
    fn default() -> Self {
        ToastBox {
            all: ArcRwSignal::new(Vec::new()),
            next: Arc::default(),
        }
    }
}

impl fmt::Debug for ToastBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToastBox").finish_non_exhaustive()
    }
}
