//! The page of random numbers: what both styles share, and a region for each.

use super::{background::*, chained::*, state::*};
use crate::pieces::{
    BreakIt, Choice, Clicks, Span, Spoken, Step, StepRegion, Style, running, waiting,
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn RandomPage() -> impl IntoView {
    let random = use_state::<Random>();
    let task = use_task(numbers);
    let clicks = Clicks::new(running(random.chain(), task));
    view! {
        <Title text="Random numbers"/>
        <h1>"Random numbers in a range"</h1>
        <p class="lead">
            "A step waits, draws a number and adds it up. Move the range or clear the total while \
             one runs: beside the chained events your click waits for the step, beside the \
             background task it does not."
        </p>
        <Controls random clicks/>
        <div class="regions short">
            <ChainedRegion random clicks/>
            <BackgroundRegion random clicks/>
        </div>
        <BreakIt<Random>/>
    }
}

/// The range, the time of a step, what was drawn. Each control is an event in the queue.
#[component]
fn Controls(random: RandomSignals, clicks: Clicks) -> impl IntoView {
    let (range, balanced) = (
        clicks.time(use_event(set_range)),
        clicks.time(use_event(balance)),
    );
    let (delayed, cleared) = (
        clicks.time(use_event(set_delay)),
        clicks.time(use_event(clear_total)),
    );
    let all = [
        ("The range", range),
        ("Balance", balanced),
        ("The time", delayed),
        ("Clear", cleared),
    ];
    let wait_for = clicks.wait_for();
    let waits = move |event: EventHandle| event.is_pending() && wait_for.get().is_some();
    let words = move || waiting(all, wait_for.get());
    let fault = move || all.into_iter().find_map(|(_, event)| event.error());
    let set = move |low, high| {
        clicks.made();
        set_range(low, high).dispatch();
    };
    let loading = move || clicks.running.get().is_some();
    let values = move || {
        let values: Vec<_> = random.last().with(|last| last.iter().map(signed).collect());
        if values.is_empty() {
            "none yet".to_owned()
        } else {
            values.join(", ")
        }
    };
    let drawn = Memo::new(move |_| {
        let last = random.last().with(|last| last.last().map(signed));
        last.map_or_else(String::new, |last| {
            format!(
                "{last} was drawn, {} in all.",
                signed(&random.total().get())
            )
        })
    });
    view! {
        <section class="panel controls" aria-label="Controls">
            <div class="control">
                <h2 id="range">"Range"</h2>
                // The thumbs tell when they are let go; without JavaScript a button does.
                <EventForm event=set_range(random.low().get_untracked(), random.high().get_untracked()) typed=&["low", "high"]>
                    <Span limit=LIMIT low=random.low() high=random.high() set waits=Signal::derive(move || waits(range))/>
                    <button class="without-script" on:click=move |_| clicks.made()>"Set"</button>
                </EventForm>
                <EventForm event=balance()>
                    <button class:waits=move || waits(balanced) on:click=move |_| clicks.made()>"Balance"</button>
                </EventForm>
            </div>
            <div class="control">
                <h2>"A step takes"</h2>
                <Choice
                    name="A step takes"
                    options=&DELAYS
                    chosen=random.delay()
                    label=|seconds| format!("{seconds} s")
                    event=set_delay
                    waits=move |seconds| waits(delayed.of(set_delay(seconds)))
                    clicked=move |()| clicks.made()
                />
            </div>
            <div class="control drawn">
                <h2>"Last ten"</h2>
                <p class="values number" class:coming=loading>{values}</p>
            </div>
            <div class="control">
                <h2>"Total"</h2>
                <b class="total">{move || signed(&random.total().get())}</b>
                <EventForm event=clear_total()>
                    <button class:waits=move || waits(cleared) on:click=move |_| clicks.made()>"Clear"</button>
                </EventForm>
            </div>
            <p class="hint waits" role="status">{words}</p>
            <Spoken words=drawn/>
            <p class="fault" role="alert">{fault}</p>
        </section>
    }
    .into_any()
}

/// With a real minus.
fn signed(number: &impl ToString) -> String {
    number.to_string().replace('-', "−")
}

/// Its buttons are events: Stop waits for the running step.
#[component]
fn ChainedRegion(random: RandomSignals, clicks: Clicks) -> impl IntoView {
    let (run, steps, stop) = (
        use_event(run_chained),
        use_event(step),
        use_event(stop_chained),
    );
    let wait_for = clicks.wait_for();
    let step = Step {
        status: Signal::derive(move || random.chain().with(|chain| chain.status)),
        running: Signal::derive(move || random.chain().with(|chain| chain.is_running())),
        stopping: Signal::derive(move || stop.is_pending()),
        waiting: Signal::derive(move || waiting([("Stop", stop)], wait_for.get())),
        fault: Signal::derive(move || [run, steps, stop].into_iter().find_map(EventHandle::error)),
    };
    view! {
        <StepRegion
            style=Style::Chained
            about="A step is an event: the next one, and whatever is clicked, waits until it has drawn."
            step
            clicks
            run=run_chained(false)
            stop=stop_chained()
            once=run_chained(true)
        />
    }
}

/// Run starts the task. Stop is an event that does not wait: the task sees it after its step.
#[component]
fn BackgroundRegion(random: RandomSignals, clicks: Clicks) -> impl IntoView {
    let task = use_task(numbers);
    let (run, stop) = (use_event(numbers), use_event(stop_background));
    let stops = move || task.is_running() && random.stops().get();
    let fault = move || {
        let events = [run, stop].into_iter().find_map(EventHandle::error);
        events.or_else(|| task.error())
    };
    let step = Step {
        status: Signal::derive(move || task.status()),
        running: Signal::derive(move || task.is_running() && random.goes_on().get()),
        stopping: Signal::derive(move || task.is_cancelling() || stops()),
        waiting: Signal::derive(|| None),
        fault: Signal::derive(fault),
    };
    view! {
        <StepRegion
            style=Style::Background
            about="A loop beside the queue. It takes the range and the time as they are at each step."
            step
            clicks
            run=numbers(false)
            stop=stop_background()
            once=numbers(true)
        />
    }
}
