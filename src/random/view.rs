//! The page of random numbers: what both styles share, and a region for each.

use super::{background::*, chained::*, state::*};
use crate::pieces::{
    BreakIt, Choice, Clicks, Span, Spoken, Step, StepRegion, Style, Timed, fault_of, running,
    signed, waiting,
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
    // Its buttons are events: Stop waits for the running step.
    let chained = [
        use_event(run_chained),
        use_event(step),
        use_event(stop_chained),
    ];
    let chained = Step::of_chain(random.chain(), chained, clicks);
    // Run starts the task. Stop is an event that does not wait: the task sees it after its step.
    let background = [use_event(numbers), use_event(stop_background)];
    let background = Step::of_task(task, background, random.goes_on(), random.stops());
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
            <StepRegion
                style=Style::Chained
                about="A step is an event: the next one, and whatever is clicked, waits until it has drawn."
                step=chained
                clicks
                run=run_chained(false)
                stop=stop_chained()
                once=run_chained(true)
            />
            <StepRegion
                style=Style::Background
                about="A loop beside the queue. It takes the range and the time as they are at each step."
                step=background
                clicks
                run=numbers(false)
                stop=stop_background()
                once=numbers(true)
            />
        </div>
        <BreakIt<Random>/>
    }
}

/// The range, the time of a step, what was drawn. Each control is an event in the queue.
#[component]
fn Controls(random: RandomSignals, clicks: Clicks) -> impl IntoView {
    let timed = [
        ("The range", clicks.time(use_event(set_range))),
        ("Balance", clicks.time(use_event(balance))),
        ("The time", clicks.time(use_event(set_delay))),
        ("Clear", clicks.time(use_event(clear_total))),
    ];
    let events = timed.map(|(_, event)| event);
    let [range, balanced, delayed, cleared] = events;
    let words = move || waiting(timed, clicks.wait_for.get());
    let signs = |last: &List<i32>| last.iter().map(signed).collect::<Vec<_>>();
    let last = Memo::new(move |_| random.last().with(signs));
    let values = move || match last.get() {
        none if none.is_empty() => "none yet".to_owned(),
        some => some.join(", "),
    };
    let drawn = Memo::new(move |_| {
        let (last, total) = (last.read().last().cloned(), signed(random.total().get()));
        last.map_or_else(String::new, |last| {
            format!("{last} was drawn, {total} in all.")
        })
    });
    view! {
        <section class="panel controls" aria-label="Controls">
            <div class="control">
                <h2 id="range">"Range"</h2>
                <Span limit=LIMIT low=random.low() high=random.high() event=set_range clicks of=range/>
                <Timed clicks event=balance() of=balanced>"Balance"</Timed>
            </div>
            <div class="control">
                <h2>"A step takes"</h2>
                <Choice
                    name="A step takes"
                    options=&DELAYS
                    chosen=random.delay()
                    label=|seconds| format!("{seconds} s")
                    event=set_delay
                    timed=(clicks, delayed)
                />
            </div>
            <div class="control drawn">
                <h2>"Last ten"</h2>
                <p class="values number" class:coming=move || clicks.running.get().is_some()>{move || values()}</p>
            </div>
            <div class="control">
                <h2>"Total"</h2>
                <b class="total">{move || signed(random.total().get())}</b>
                <Timed clicks event=clear_total() of=cleared>"Clear"</Timed>
            </div>
            <p class="hint waits" role="status">{move || words()}</p>
            <Spoken words=drawn/>
            <p class="fault" role="alert">{fault_of(events, None)}</p>
        </section>
    }
    .into_any()
}
