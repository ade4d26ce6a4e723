//! Which page does what one must do alone.

use crate::browser;
use leptos::prelude::*;

/// Whether this page leads: of all pages of a browser that ask by this name and are looked at, one
/// does, whatever is opened, closed and hidden. For what a page does by itself, and two must not do
/// twice: a timer that sends an event, say.
///
/// It is found out by a lock of the browser's; until it is known, and on the server, no page leads.
/// Without https a browser has no locks: there each page leads.
///
/// ```
/// # use leptos::prelude::*; use undercurrent::prelude::*;
/// # #[derive(State, Clone, Debug, Default)] pub struct Watch { pub ms: u64 }
/// # #[event] fn tick(watch: &mut Watch) { watch.ms += 1_000; }
/// # #[component] fn Page() -> impl IntoView {
/// let leads = use_leader("watch");
/// set_interval(
///     move || {
///         if leads.get_untracked() {
///             tick().dispatch();
///         }
///     },
///     Millis(1_000).into(),
/// );
/// # }
/// ```
pub fn use_leader(name: &'static str) -> Signal<bool> {
    let leads = RwSignal::new(false);
    // In the browser alone.
    Effect::new(move |_| browser::stand(name, leads));
    leads.into()
}
