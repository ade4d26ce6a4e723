//! A region: one style, what it is about, its buttons, where it is, what it has brought.

use super::{Latency, Notes, Places, RunLine, Seen, waiting};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The frame of a region.
#[component]
pub fn Region(
    /// Its heading, and its name.
    name: &'static str,
    /// A sentence or two.
    about: &'static str,
    /// The id of the notes under the buttons, for `aria-describedby`.
    notes: &'static str,
    /// Why a button is off.
    #[prop(into)]
    reason: Signal<Option<&'static str>>,
    /// What was clicked and waits.
    #[prop(into)]
    waiting: Signal<Option<String>>,
    /// What went wrong.
    #[prop(into)]
    fault: Signal<Option<String>>,
    /// The forms of its buttons.
    buttons: AnyView,
    /// The rest.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="region" aria-label=name>
            <h2>{name}</h2>
            <p class="about">{about}</p>
            <div class="buttons">{buttons}</div>
            <Notes id=notes reason waiting fault/>
            {children()}
        </section>
    }
    .into_any()
}

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
    /// The cards that are here.
    pub seen: Signal<Seen>,
    /// Why it can't be started.
    pub reason: Signal<Option<&'static str>>,
    /// What clicks wait for.
    pub wait_for: Signal<Option<&'static str>>,
    /// What went wrong.
    pub fault: Signal<Option<String>>,
    /// The events of the buttons Stop and Clear.
    pub events: [EventHandle; 2],
}

/// The region of a run that fetches cards, with the messages of its three buttons.
#[component]
pub fn RunRegion<F: EventDef, S: EventDef, C: EventDef>(
    /// Its heading, and its name.
    name: &'static str,
    /// A sentence or two.
    about: &'static str,
    /// The id of the notes under the buttons.
    notes: &'static str,
    /// What it tells.
    run: Run,
    /// What the metronome measured.
    strip: AnyView,
    /// How long clicks took.
    latency: Latency,
    /// Begins a run.
    fetch: Call<F>,
    /// Stops it.
    stop: Call<S>,
    /// Drops the cards.
    clear: Call<C>,
    /// The cards.
    children: Children,
) -> impl IntoView {
    let Run {
        status,
        stopping,
        done,
        of,
        seen,
        reason,
        wait_for,
        fault,
        events: [stopped, cleared],
    } = run;
    let is_running = move || status.get().is_some_and(|status| !status.is_end());
    // What a run brought and Clear dropped is told of no more.
    let is_cleared = Memo::new(move |_| seen.get().count == 0 && done.get() > 0 && !is_running());
    let shown_status = Signal::derive(move || status.get().filter(|_| !is_cleared.get()));
    let shown_done = move || {
        if is_cleared.get() {
            0
        } else {
            u64::from(done.get())
        }
    };
    let here = Signal::derive(move || seen.get().count);
    let coming = Signal::derive(move || seen.get().coming(is_running(), done.get(), of));
    let is_idle = move || here.get() == 0 && coming.get() == 0;
    let waits = move |event: EventHandle| event.is_pending() && wait_for.get().is_some();
    let waiting =
        Signal::derive(move || waiting([("Stop", stopped), ("Clear", cleared)], wait_for.get()));
    let is_off = move || is_running() || reason.get().is_some();
    let buttons = view! {
        <EventForm event=fetch>
            <button class="primary" aria-describedby=notes disabled=is_off>"Fetch ten posts"</button>
        </EventForm>
        <EventForm event=stop>
            <button class:waits=move || stopping.get() || waits(stopped) disabled=move || !is_running()>
                "Stop"
            </button>
        </EventForm>
        <EventForm event=clear>
            <button class:waits=move || waits(cleared)>"Clear"</button>
        </EventForm>
    };
    view! {
        <Region name about notes reason waiting fault buttons=buttons.into_any()>
            <RunLine name status=shown_status stopping done=Signal::derive(shown_done) of=u64::from(of)/>
            {strip}
            {latency.view()}
            <div class="posts" class:idle=is_idle>
                {children()}
                <Places here coming of/>
            </div>
        </Region>
    }
    .into_any()
}
