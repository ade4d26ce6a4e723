//! What views use: the state as signals, tasks, events, the connection, lists.
//!
//! All of it runs on both sides. On the server a request renders from one snapshot; in the
//! browser the stream feeds the replicas.

mod connection;
mod diagnostics;
mod event;
mod form;
mod growing;
mod input;
mod leader;
mod list;
mod replicas;
mod scope;
mod task;
mod toast;
mod windowed;

#[cfg(feature = "hydrate")]
pub(crate) use self::event::Outgoing;
#[cfg(feature = "ssr")]
pub(crate) use self::form::form_ended;
#[cfg(any(feature = "hydrate", feature = "ssr"))]
pub(crate) use self::replicas::Replicas;
#[cfg(feature = "ssr")]
pub(crate) use self::replicas::{ScopeSnapshot, Source};
pub(crate) use self::scope::scope_here;
pub(crate) use self::windowed::{BoxNodes, Measures};
pub use self::{
    connection::{Connection, Link, use_connection},
    diagnostics::{Diagnostics, use_diagnostics},
    event::{Ended, EventHandle, use_event},
    form::{AnyCall, EventForm, off_while},
    growing::GrowingText,
    input::{InputHandle, use_input},
    leader::use_leader,
    list::{ForList, ForMap},
    replicas::{Followed, use_loaded, use_state},
    scope::{Scope, ScopeProps, use_refused},
    task::{TaskHandle, TaskList, use_all_tasks, use_task, use_tasks},
    toast::{Toast, ToastKind, Toasts, use_toasts},
    windowed::WindowedList,
};

/// The attribute of a script in the page's HTML that has the session which is shown.
#[cfg(any(feature = "hydrate", feature = "ssr"))]
pub(crate) const SESSION: &str = "data-session";
