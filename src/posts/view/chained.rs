//! The region of the chained events.

use super::{Style, card::ChainedCard, waits_for};
use crate::{
    pieces::{Latency, Notes, Places, RunLine, waiting},
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
    let (fetch, stop, clear) = (
        use_event(fetch_chained),
        use_event(stop_chained),
        use_event(clear_chained),
    );
    let retry = use_event(retry_chained);
    let steps = use_event(step);
    let is_running = Signal::derive(move || running.get() == Some(Style::Chained));
    let what_for = waits_for(running);
    let waits = move |event: EventHandle| event.is_pending() && what_for.get().is_some();
    let reason = move || {
        let other = running.get() == Some(Style::Background);
        other.then_some("The background task runs. One style at a time.")
    };
    let fault = move || {
        [fetch, steps, stop, clear, retry]
            .into_iter()
            .find_map(|event| event.error())
    };
    let done = Signal::derive(move || posts.chain().with(|chain| chain.done));
    let seen = Memo::new(move |_| posts.chained().with(Seen::of));
    view! {
        <section class="region" aria-label="Chained events">
            <h2>"Chained events"</h2>
            <p class="about">
                "Each step runs in the queue and queues the next. What you click waits for it."
            </p>
            <div class="buttons">
                <EventForm event=fetch_chained()>
                    <button
                        class="primary"
                        aria-describedby="chained-notes"
                        disabled=move || running.get().is_some()
                    >
                        "Fetch ten posts"
                    </button>
                </EventForm>
                <EventForm event=stop_chained()>
                    <button class:waits=move || waits(stop) disabled=move || !is_running.get()>
                        "Stop"
                    </button>
                </EventForm>
                <EventForm event=clear_chained()>
                    <button class:waits=move || waits(clear)>"Clear"</button>
                </EventForm>
            </div>
            <Notes
                id="chained-notes"
                reason=Signal::derive(reason)
                waiting=Signal::derive(move || {
                    waiting([("Stop", stop), ("Clear", clear)], what_for.get())
                })
                fault=Signal::derive(fault)
            />
            <RunLine
                name="Chained events"
                status=Signal::derive(move || posts.chain().with(|chain| chain.status))
                stopping=Signal::derive(move || stop.is_pending())
                done=Signal::derive(move || u64::from(done.get()))
                of=u64::from(POSTS)
            />
            {latency.view()}
            <div class="posts" class:idle=move || !is_running.get() && seen.get().is_empty()>
                <ForList each=posts.chained() let:post>
                    <ChainedCard post/>
                </ForList>
                <Places
                    here=Signal::derive(move || seen.get().count)
                    coming=Signal::derive(move || seen.get().coming(is_running.get(), done.get()))
                    of=POSTS
                />
            </div>
        </section>
    }
}
