//! The page of streams: a button that adds one, and a card for each.

use super::{events::*, state::*};
use crate::pieces::{BreakIt, Notes, Ring, TaskChip};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn LoremPage() -> impl IntoView {
    let lorem = use_state::<Lorem>();
    let add = use_event(add_stream);
    let (again, removal) = (use_event(restart), use_event(remove));
    let count = Memo::new(move |_| lorem.streams().with(|streams| streams.len()));
    let is_full = move || count.get() >= STREAMS;
    let fault = move || {
        [add, again, removal]
            .into_iter()
            .find_map(EventHandle::error)
    };
    view! {
        <Title text="Streams"/>
        <h1>"Streams of words"</h1>
        <p class="lead">
            "Each card is filled by a background task of its own, three words at a time. Pause \
             one and resume it, remove it, add more: the others go on."
        </p>
        <div class="adds">
            <EventForm event=add_stream()>
                <button class="primary" aria-describedby="lorem-notes" disabled=is_full>"Add a stream"</button>
            </EventForm>
            <Notes
                id="lorem-notes"
                reason=Signal::derive(move || is_full().then_some("20 streams are enough. Remove one to add another."))
                waiting=Signal::derive(|| None::<String>)
                fault=Signal::derive(fault)
            />
        </div>
        <section class="streams" aria-label="Streams">
            <ForList each=lorem.streams() let:stream>
                <StreamCard stream/>
            </ForList>
            {move || (count.get() == 0).then(|| view! {
                <p class="empty no-streams">"The streams will stand here, the newest first. Add one to begin."</p>
            })}
        </section>
        <BreakIt<Lorem>/>
    }
}

/// One stream: how far it is, what can be done with it, its words.
#[component]
fn StreamCard(stream: ReadSignal<Stream>) -> impl IntoView {
    let id = stream.get_untracked().id;
    let task = use_task(stream_text).key(id);
    let is_done = move || stream.read().is_done();
    let named = move |verb: &str| format!("{verb} stream {id}");
    view! {
        <article class="stream" aria-label=format!("Stream {id}") data-id=id>
            <header>
                <Ring
                    name=format!("Stream {id}")
                    label=id.to_string()
                    done=Signal::derive(move || stream.read().done)
                    of=Signal::derive(move || stream.read().of)
                />
                <p class="stream-facts">
                    <TaskChip task/>
                    <span class="stream-steps">
                        {move || format!("{} of {}", stream.read().done, stream.read().of)}
                    </span>
                </p>
            </header>
            <p class="stream-text" tabindex="0">{move || stream.read().text.to_string()}</p>
            <div class="task-buttons">
                {move || match (task.is_running(), task.is_paused(), is_done()) {
                    (true, true, _) => view! {
                        <EventForm event=task.resume_event()>
                            <button aria-label=named("Resume")>"Resume"</button>
                        </EventForm>
                    }.into_any(),
                    (true, false, _) => view! {
                        <EventForm event=task.pause_event()>
                            <button aria-label=named("Pause")>"Pause"</button>
                        </EventForm>
                    }.into_any(),
                    (false, _, true) => view! {
                        <EventForm event=restart(id)>
                            <button aria-label=named("Restart")>"Restart"</button>
                        </EventForm>
                    }.into_any(),
                    (false, _, false) => view! {
                        <EventForm event=restart(id)>
                            <button aria-label=named("Go on with")>"Go on"</button>
                        </EventForm>
                    }.into_any(),
                }}
                <EventForm event=remove(id)>
                    <button aria-label=named("Remove")>"Remove"</button>
                </EventForm>
            </div>
        </article>
    }
    .into_any()
}
