//! A region: one style, what it is about, its buttons, where it is, what it has brought.

use super::{
    Chain, Clicks, Notes, Places, RunLine, Seen, StatusChip, Strips, Style, fault_of, waiting,
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The frame of a region.
#[component]
pub fn Region(
    /// Which style.
    style: Style,
    /// A sentence or two.
    about: &'static str,
    /// The page's clicks: they say why a button is off, and are counted here.
    clicks: Clicks,
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
    let reason = clicks.reason(style);
    view! {
        <section class="panel region" aria-label=style.name()>
            <h2>{style.name()}</h2>
            <p class="about">{about}</p>
            <div class="buttons">{buttons}</div>
            <Notes id=notes(style) reason waiting fault/>
            {children()}
        </section>
    }
    .into_any()
}

/// The id of the notes under a style's buttons.
fn notes(style: Style) -> &'static str {
    match style {
        Style::Chained => "chained-notes",
        Style::Background => "background-notes",
    }
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
    /// What went wrong.
    pub fault: Signal<Option<String>>,
    /// The events of the buttons Stop and Clear.
    pub events: [EventHandle; 2],
}

impl Run {
    /// That of chained events, with the events of which it is made; Stop and Clear are the last.
    pub fn of_chain(
        chain: impl Into<Signal<Chain>>,
        events: [EventHandle; 5],
        of: u32,
        seen: impl Fn() -> Seen + Send + Sync + 'static,
    ) -> Self {
        let (chain, [.., stop, clear]) = (chain.into(), events);
        Run {
            status: Signal::derive(move || chain.with(|chain| chain.status)),
            stopping: Signal::derive(move || stop.is_pending()),
            done: Signal::derive(move || chain.with(|chain| chain.done)),
            of,
            seen: Memo::new(move |_| seen()).into(),
            fault: fault_of(events, None),
            events: [stop, clear],
        }
    }

    /// That of a task, with the events beside it; Clear is the last.
    pub fn of_task(
        task: TaskHandle,
        events: [EventHandle; 3],
        of: u32,
        seen: impl Fn() -> Seen + Send + Sync + 'static,
    ) -> Self {
        let [.., clear] = events;
        Run {
            status: Signal::derive(move || task.status()),
            stopping: Signal::derive(move || task.is_cancelling()),
            done: Signal::derive(move || task.progress().done as u32),
            of,
            seen: Memo::new(move |_| seen()).into(),
            fault: fault_of(events, Some(task)),
            events: [task.cancelling(), clear],
        }
    }
}

/// The region of a run that fetches cards, with the messages of its three buttons.
#[component]
pub fn RunRegion(
    /// Which style.
    style: Style,
    /// A sentence or two.
    about: &'static str,
    /// What it tells.
    run: Run,
    /// The page's clicks.
    clicks: Clicks,
    /// What the metronome measured.
    strips: Strips,
    /// Begins a run.
    #[prop(into)]
    fetch: AnyCall,
    /// Stops it.
    #[prop(into)]
    stop: AnyCall,
    /// Drops the cards.
    #[prop(into)]
    clear: AnyCall,
    /// The cards.
    children: Children,
) -> impl IntoView {
    let Run {
        status,
        stopping,
        done,
        of,
        seen,
        fault,
        events: [stopped, cleared],
    } = run;
    let reason = clicks.reason(style);
    let is_running = move || status.get().is_some_and(|status| !status.is_end());
    let told = strips.told(style);
    let told_done = move || told.get().map_or(0, |_| u64::from(done.get()));
    let here = Signal::derive(move || seen.get().count);
    let coming = Signal::derive(move || seen.get().coming(is_running(), done.get(), of));
    let is_idle = move || here.get() == 0 && coming.get() == 0;
    let waits = move |event| clicks.waits(event);
    let waiting = Signal::derive(move || {
        waiting(
            [("Stop", stopped), ("Clear", cleared)],
            clicks.wait_for.get(),
        )
    });
    let is_off = move || is_running() || reason.get().is_some();
    let buttons = view! {
        <EventForm event=fetch>
            <button class="primary" aria-describedby=notes(style) {..off_while(is_off)}>"Fetch ten posts"</button>
        </EventForm>
        <EventForm event=stop>
            <button
                class:waits=move || stopping.get() || waits(stopped)
                {..off_while(move || !is_running())}
            >
                "Stop"
            </button>
        </EventForm>
        <EventForm event=clear>
            <button class:waits=move || waits(cleared)>"Clear"</button>
        </EventForm>
    };
    view! {
        <Region style about clicks waiting fault buttons=buttons.into_any()>
            <RunLine name=style.name() status=told stopping done=Signal::derive(told_done) of=u64::from(of)/>
            {strips.view(style)}
            {clicks.of(style).view(move || told.get().is_some())}
            <div class="posts" class:idle=is_idle>
                {children()}
                <Places here coming of/>
            </div>
        </Region>
    }
    .into_any()
}

/// What a region tells of its steps, as signals.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Where the run is; `None` before the first.
    pub status: Signal<Option<TaskStatus>>,
    /// It can be stopped.
    pub running: Signal<bool>,
    /// It will stop after the step under way.
    pub stopping: Signal<bool>,
    /// What was clicked and waits.
    pub waiting: Signal<Option<String>>,
    /// What went wrong.
    pub fault: Signal<Option<String>>,
}

impl Step {
    /// Those of chained events, with the events of which they are made; Stop is the last.
    pub fn of_chain(
        chain: impl Into<Signal<Chain>>,
        events: [EventHandle; 3],
        clicks: Clicks,
    ) -> Self {
        let (chain, [.., stop]) = (chain.into(), events);
        Step {
            status: Signal::derive(move || chain.with(|chain| chain.status)),
            running: Signal::derive(move || chain.with(Chain::is_running)),
            stopping: Signal::derive(move || stop.is_pending()),
            waiting: Signal::derive(move || waiting([("Stop", stop)], clicks.wait_for.get())),
            fault: fault_of(events, None),
        }
    }

    /// Those of a task that goes on until it is told to stop, and comes to it after a step.
    pub fn of_task(
        task: TaskHandle,
        events: [EventHandle; 2],
        goes_on: impl Into<Signal<bool>>,
        stops: impl Into<Signal<bool>>,
    ) -> Self {
        let (goes_on, stops) = (goes_on.into(), stops.into());
        Step {
            status: Signal::derive(move || task.status()),
            running: Signal::derive(move || task.is_running() && goes_on.get()),
            stopping: Signal::derive(move || {
                task.is_cancelling() || task.is_running() && stops.get()
            }),
            waiting: Signal::derive(|| None),
            fault: fault_of(events, Some(task)),
        }
    }
}

/// The region of a run that steps until it is stopped, with the messages of its three buttons.
#[component]
pub fn StepRegion(
    /// Which style.
    style: Style,
    /// A sentence or two.
    about: &'static str,
    /// What it tells.
    step: Step,
    /// The page's clicks.
    clicks: Clicks,
    /// Steps until it is stopped.
    #[prop(into)]
    run: AnyCall,
    /// Stops it.
    #[prop(into)]
    stop: AnyCall,
    /// Steps once.
    #[prop(into)]
    once: AnyCall,
) -> impl IntoView {
    let Step {
        status,
        running,
        stopping,
        waiting,
        fault,
    } = step;
    let is_off = move || clicks.running.get().is_some();
    let buttons = view! {
        <EventForm event=run>
            <button class="primary" aria-describedby=notes(style) {..off_while(is_off)}>"Run"</button>
        </EventForm>
        <EventForm event=stop>
            <button class:waits=move || stopping.get() {..off_while(move || !running.get())}>"Stop"</button>
        </EventForm>
        <EventForm event=once>
            <button aria-describedby=notes(style) {..off_while(is_off)}>"Single step"</button>
        </EventForm>
    };
    view! {
        <Region style about clicks waiting fault buttons=buttons.into_any()>
            <p class="run"><StatusChip status stopping/></p>
            {clicks.of(style).view(|| true)}
        </Region>
    }
    .into_any()
}
