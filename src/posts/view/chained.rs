//! The region of the chained events.

use super::{Style, card::ChainedCard, waits_for};
use crate::{
    pieces::{Latency, Run, RunRegion, waiting},
    posts::{chained::*, state::*},
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// Its buttons are events: Stop and Clear wait for the running step, as everything does.
#[component]
pub(super) fn ChainedRegion(
    posts: PostsSignals,
    running: Memo<Option<Style>>,
    latency: Latency,
) -> impl IntoView {
    let (fetch, steps) = (use_event(fetch_chained), use_event(step));
    let (stop, clear) = (use_event(stop_chained), use_event(clear_chained));
    let events = [fetch, steps, stop, clear, use_event(retry_chained)];
    let what_for = waits_for(running);
    let waits = move |event: EventHandle| event.is_pending() && what_for.get().is_some();
    let is_off = move || running.get() != Some(Style::Chained);
    let seen = Memo::new(move |_| posts.chained().with(Seen::of));
    let run = Run {
        status: Signal::derive(move || posts.chain().with(|chain| chain.status)),
        stopping: Signal::derive(move || stop.is_pending()),
        done: Signal::derive(move || posts.chain().with(|chain| chain.done)),
        of: POSTS,
        here: Signal::derive(move || seen.get().count),
        coming: Signal::derive(move || {
            posts
                .chain()
                .with(|chain| seen.get().coming(chain.is_running(), chain.done))
        }),
        reason: Signal::derive(move || {
            (running.get() == Some(Style::Background))
                .then_some("The background task runs. One style at a time.")
        }),
        waiting: Signal::derive(move || {
            waiting([("Stop", stop), ("Clear", clear)], what_for.get())
        }),
        fault: Signal::derive(move || events.into_iter().find_map(EventHandle::error)),
    };
    let buttons = view! {
        <EventForm event=fetch_chained()>
            <button class="primary" aria-describedby="chained-notes" disabled=move || running.get().is_some()>
                "Fetch ten posts"
            </button>
        </EventForm>
        <EventForm event=stop_chained()>
            <button class:waits=move || waits(stop) disabled=is_off>"Stop"</button>
        </EventForm>
        <EventForm event=clear_chained()>
            <button class:waits=move || waits(clear)>"Clear"</button>
        </EventForm>
    };
    view! {
        <RunRegion
            name="Chained events"
            about="Each step runs in the queue and queues the next. What you click waits for it."
            notes="chained-notes"
            run
            latency
            buttons=buttons.into_any()
        >
            <ForList each=posts.chained() let:post>
                <ChainedCard post/>
            </ForList>
        </RunRegion>
    }
}
