//! The region of the background task.

use super::{Style, card::BackgroundCard, waits_for};
use crate::{
    pieces::{Latency, Run, RunRegion, waiting},
    posts::{background::*, state::*},
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// Fetch starts the task, Stop cancels it: neither waits in the queue.
#[component]
pub(super) fn BackgroundRegion(
    posts: PostsSignals,
    running: Memo<Option<Style>>,
    latency: Latency,
) -> impl IntoView {
    let task = use_task(get_posts);
    let clear = use_event(clear_background);
    let events = [use_event(get_posts), clear, use_event(retry_background)];
    let what_for = waits_for(running);
    let seen = Memo::new(move |_| posts.background().with(Seen::of));
    let done = move || task.progress().done as u32;
    let run = Run {
        status: Signal::derive(move || task.status()),
        stopping: Signal::derive(move || task.is_cancelling()),
        done: Signal::derive(done),
        of: POSTS,
        here: Signal::derive(move || seen.get().count),
        coming: Signal::derive(move || seen.get().coming(task.is_running(), done())),
        reason: Signal::derive(move || {
            (running.get() == Some(Style::Chained))
                .then_some("The chained run is under way. One style at a time.")
        }),
        waiting: Signal::derive(move || waiting([("Clear", clear)], what_for.get())),
        fault: Signal::derive(move || {
            events
                .into_iter()
                .find_map(EventHandle::error)
                .or_else(|| task.error())
        }),
    };
    let waits = move || clear.is_pending() && what_for.get().is_some();
    let buttons = view! {
        <EventForm event=get_posts()>
            <button class="primary" aria-describedby="background-notes" disabled=move || running.get().is_some()>
                "Fetch ten posts"
            </button>
        </EventForm>
        <EventForm event=task.cancel_event()>
            <button class:waits=move || task.is_cancelling() disabled=move || !task.is_running()>"Stop"</button>
        </EventForm>
        <EventForm event=clear_background()>
            <button class:waits=waits>"Clear"</button>
        </EventForm>
    };
    view! {
        <RunRegion
            name="Background task"
            about="It runs beside the queue and changes the state in short updates. What you click is answered at once."
            notes="background-notes"
            run
            latency
            buttons=buttons.into_any()
        >
            <ForList each=posts.background() let:post>
                <BackgroundCard post/>
            </ForList>
        </RunRegion>
    }
}
