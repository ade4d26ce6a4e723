//! A region that shows a run: what it is about, its buttons, where it is, what it has brought.

use super::{Latency, Notes, Places, RunLine};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// What a region tells of its run, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Where it is; `None` before the first.
    pub status: Signal<Option<TaskStatus>>,
    /// It will stop at the next chance.
    pub stopping: Signal<bool>,
    /// Steps done.
    pub done: Signal<u32>,
    /// Steps in all.
    pub of: u32,
    /// How many cards are here.
    pub here: Signal<u32>,
    /// How many cards are on their way.
    pub coming: Signal<u32>,
    /// Why its button is off.
    pub reason: Signal<Option<&'static str>>,
    /// What was clicked and waits.
    pub waiting: Signal<Option<String>>,
    /// What went wrong.
    pub fault: Signal<Option<String>>,
}

/// The region. `notes` is the id of what a button is described by.
#[component]
pub fn RunRegion(
    /// Its heading, and its name.
    name: &'static str,
    /// A sentence or two.
    about: &'static str,
    /// The id of the notes under the buttons.
    notes: &'static str,
    /// What it tells.
    run: Run,
    /// How long clicks took.
    latency: Latency,
    /// The forms of its buttons.
    buttons: AnyView,
    /// The cards.
    children: Children,
) -> impl IntoView {
    let Run {
        status,
        stopping,
        done,
        of,
        here,
        coming,
        ..
    } = run;
    let is_idle = move || here.get() == 0 && coming.get() == 0;
    view! {
        <section class="region" aria-label=name>
            <h2>{name}</h2>
            <p class="about">{about}</p>
            <div class="buttons">{buttons}</div>
            <Notes id=notes reason=run.reason waiting=run.waiting fault=run.fault/>
            <RunLine name status stopping done=Signal::derive(move || u64::from(done.get())) of=u64::from(of)/>
            {latency.view()}
            <div class="posts" class:idle=is_idle>
                {children()}
                <Places here coming of/>
            </div>
        </section>
    }
}
