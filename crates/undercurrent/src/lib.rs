//! Background tasks for Leptos.
//!
//! A click starts work on the server that takes seconds or hours; its results stream into the
//! page one by one; the page answers at once the whole time.
//!
//! One plain struct is the state. The server holds it, changes it in short exclusive updates and
//! records what they change; pages hold a replica in signals and follow the changes.
//!
//! ```
//! use leptos::prelude::*;
//! use undercurrent::prelude::*;
//!
//! #[derive(State, Clone, Debug, Default)]
//! pub struct Feed {
//!     pub posts: List<String>,
//! }
//!
//! /// An event: runs in the visitor's queue, one at a time.
//! #[event]
//! pub fn clear(feed: &mut Feed) {
//!     feed.posts.clear();
//! }
//!
//! /// A background task: runs beside the queue.
//! #[background]
//! pub async fn get_posts(cx: TaskContext<Feed>) -> Result<()> {
//!     for number in 1..=10 {
//!         cx.sleep(Millis(400)).await?;
//!         cx.update(|feed| feed.posts.push(format!("Post {number}"))).await?;
//!         cx.progress(number, 10);
//!     }
//!     Ok(())
//! }
//!
//! #[component]
//! pub fn FeedPage() -> impl IntoView {
//!     let feed = use_state::<Feed>();
//!     let fetch = use_task(get_posts);
//!     view! {
//!         <EventForm event=get_posts()>
//!             <button disabled=move || fetch.is_running()>"Fetch ten posts"</button>
//!         </EventForm>
//!         <button on:click=move |_| fetch.cancel()>"Stop"</button>
//!         <button on:click=clear.on_click()>"Clear"</button>
//!         <ul>
//!             <ForList each=feed.posts() let:post>
//!                 <li>{post}</li>
//!             </ForList>
//!         </ul>
//!     }
//! }
//! ```
//!
//! # Features
//!
//! `ssr` is the server's side, `hydrate` the browser's. An app passes its own features of these
//! names on; never both in one build.

// What the derive emits begins with `::undercurrent`, here too.
extern crate self as undercurrent;

mod answer;
#[cfg(feature = "hydrate")]
mod browser;
#[cfg(not(feature = "hydrate"))]
#[path = "browser/absent.rs"]
mod browser;
mod builtin;
#[cfg(not(feature = "ssr"))]
#[path = "server/absent_context.rs"]
mod context;
#[cfg(feature = "ssr")]
use server::context;
pub mod core;
#[cfg(test)]
mod corpus;
mod error;
mod limits;
mod message;
mod millis;
mod page;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "testing")]
pub mod testing;
mod visitor;

#[doc(hidden)]
pub use self::answer::{Answer, Fate};
pub use self::{
    builtin::{Effect, EndKind, Failure, PageEffect},
    context::{EventContext, TaskContext},
    core::{
        list::List,
        map::Map,
        state::State,
        task::{Progress, TaskEnd, TaskRecord, TaskStatus},
        text::Text,
        witness::Counts,
    },
    error::{ForVisitor, Result, UpdateError},
    limits::{Limits, OUTBOX_EVENTS, TOASTS},
    message::{
        Call, CancelEvent, CancelTask, EventDef, EventFn, OnClick, PauseTask, ResumeTask,
        RetryTask, TaskDef, TaskFn, Which, WhichEvents,
    },
    millis::Millis,
    page::{
        AnyCall, Connection, Diagnostics, Ended, EventForm, EventHandle, Followed, ForList, ForMap,
        GrowingText, InputHandle, Link, TaskHandle, TaskList, Toast, ToastKind, Toasts,
        WindowedList, off_while, use_all_tasks, use_connection, use_diagnostics, use_event,
        use_input, use_leader, use_loaded, use_refused, use_state, use_task, use_tasks, use_toasts,
    },
    visitor::Visitor,
};
#[cfg(feature = "hydrate")]
pub use browser::hydrate;
#[cfg(feature = "ssr")]
pub use server::Undercurrent;
pub use undercurrent_macros::{State, background, event};

/// What an app needs, beside leptos' own prelude. No name is in both.
pub mod prelude {
    pub use crate::{
        AnyCall, Call, EventContext, EventDef, EventForm, EventHandle, ForList, ForMap, ForVisitor,
        GrowingText, InputHandle, Link, List, Map, Millis, OnClick, Progress, Result, State,
        TaskContext, TaskEnd, TaskHandle, TaskList, TaskRecord, TaskStatus, Text, ToastKind,
        Visitor, WindowedList, background, event, off_while, use_all_tasks, use_connection,
        use_diagnostics, use_event, use_input, use_leader, use_loaded, use_refused, use_state,
        use_task, use_tasks, use_toasts,
    };
}

/// Code for the server alone: there under the feature `ssr` of this crate, whatever the
/// features of the crate that uses it.
#[cfg(feature = "ssr")]
#[doc(hidden)]
#[macro_export]
macro_rules! __server_only {
    ($($code:tt)*) => { $($code)* };
}

#[cfg(not(feature = "ssr"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __server_only {
    ($($code:tt)*) => {};
}

/// What concerns a field that is for the server alone, and what stands for it in a page, which
/// never has it and need not load how it is read.
#[cfg(not(feature = "hydrate"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __unless_page {
    ($code:expr, $in_page:expr) => {
        $code
    };
}

#[cfg(feature = "hydrate")]
#[doc(hidden)]
#[macro_export]
macro_rules! __unless_page {
    ($code:expr, $in_page:expr) => {
        $in_page
    };
}

/// Exports the browser's entry point, `hydrate`, for the app's root component. Nothing in other
/// builds.
///
/// ```ignore
/// undercurrent::hydrate!(App);
/// ```
#[cfg(feature = "hydrate")]
#[macro_export]
macro_rules! hydrate {
    ($app:path) => {
        #[$crate::__private::wasm_bindgen::prelude::wasm_bindgen(
                                                    wasm_bindgen = $crate::__private::wasm_bindgen
                                                )]
        pub fn hydrate() {
            $crate::hydrate($app);
        }
    };
}

#[cfg(not(feature = "hydrate"))]
#[macro_export]
macro_rules! hydrate {
    ($app:path) => {};
}

/// What the macros' code names. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        core::{field, node, ops, schema, scope::ScopeKind, state, writer},
        page::{Scope, ScopeProps},
    };
    #[cfg(feature = "ssr")]
    pub use inventory;
    pub use leptos::IntoView;
    pub use reactive_stores::{Store, StoreField, Subfield};
    pub use serde;
    #[cfg(feature = "hydrate")]
    pub use wasm_bindgen;
}
