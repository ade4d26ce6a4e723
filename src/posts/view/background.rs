//! The region of the background task.

use super::{Style, card::BackgroundCard, waits_for};
use crate::{
    pieces::{Latency, Notes, Places, RunLine, waiting},
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
    let (fetch, clear) = (use_event(get_posts), use_event(clear_background));
    let retry = use_event(retry_background);
    let what_for = waits_for(running);
    let waits = move |event: EventHandle| event.is_pending() && what_for.get().is_some();
    let reason = move || {
        let other = running.get() == Some(Style::Chained);
        other.then_some("The chained run is under way. One style at a time.")
    };
    let fault = move || {
        let refused = [fetch, clear, retry]
            .into_iter()
            .find_map(|event| event.error());
        refused.or_else(|| task.error())
    };
    let done = Signal::derive(move || task.progress().done);
    let seen = Memo::new(move |_| posts.background().with(Seen::of));
    view! {
        <section class="region" aria-label="Background task">
            <h2>"Background task"</h2>
            <p class="about">
                "It runs beside the queue and changes the state in short updates. What you click is \
                 answered at once."
            </p>
            <div class="buttons">
                <EventForm event=get_posts()>
                    <button
                        class="primary"
                        aria-describedby="background-notes"
                        disabled=move || running.get().is_some()
                    >
                        "Fetch ten posts"
                    </button>
                </EventForm>
                <EventForm event=task.cancel_event()>
                    <button
                        class:waits=move || task.is_cancelling()
                        disabled=move || !task.is_running()
                    >
                        "Stop"
                    </button>
                </EventForm>
                <EventForm event=clear_background()>
                    <button class:waits=move || waits(clear)>"Clear"</button>
                </EventForm>
            </div>
            <Notes
                id="background-notes"
                reason=Signal::derive(reason)
                waiting=Signal::derive(move || waiting([("Clear", clear)], what_for.get()))
                fault=Signal::derive(fault)
            />
            <RunLine
                name="Background task"
                status=Signal::derive(move || task.status())
                stopping=Signal::derive(move || task.is_cancelling())
                done
                of=u64::from(POSTS)
            />
            {latency.view()}
            <div class="posts" class:idle=move || !task.is_running() && seen.get().is_empty()>
                <ForList each=posts.background() let:post>
                    <BackgroundCard post/>
                </ForList>
                <Places
                    here=Signal::derive(move || seen.get().count)
                    coming=Signal::derive(move || {
                        seen.get().coming(task.is_running(), done.get() as u32)
                    })
                    of=POSTS
                />
            </div>
        </section>
    }
}
