//! The page of streams: a button that adds one, and a card for each.

use super::{events::*, state::*};
use crate::pieces::{BreakIt, Empty, Notes, PauseButton, Ring, Spoken, TaskChip, fault_of};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn LoremPage() -> impl IntoView {
    let (lorem, loaded) = (use_state::<Lorem>(), use_loaded::<Lorem>());
    let add = use_event(add_stream);
    let (again, removal) = (use_event(restart), use_event(remove));
    let count = Memo::new(move |_| lorem.streams().with(|streams| streams.len()));
    let is_full = move || count.get() >= STREAMS;
    let fault = fault_of([add, again, removal], None);
    let ended = Memo::new(move |_| lorem.streams().with(in_words));
    view! {
        <Title text="Streams"/>
        <h1>"Streams of words"</h1>
        <p class="lead">
            "Each card is filled by a background task of its own, three words at a time. Pause \
             one and resume it, remove it, add more: the others go on."
        </p>
        <div class="adds">
            <EventForm event=add_stream()>
                <button class="primary" aria-describedby="lorem-notes" {..off_while(is_full)}>"Add a stream"</button>
            </EventForm>
            <Notes
                id="lorem-notes"
                reason=Signal::derive(move || is_full().then_some(TOO_MANY))
                fault
            />
        </div>
        <section class="streams" aria-label="Streams">
            <ForList each=lorem.streams() let:stream>
                <StreamCard stream/>
            </ForList>
            <Empty
                class="no-streams"
                loaded
                is_empty=Signal::derive(move || count.get() == 0)
                words="The streams will stand here, the newest first. Add one to begin."
            />
        </section>
        <Spoken words=ended/>
        <BreakIt<Lorem>/>
    }
}

/// How many have come to their end, for who listens.
fn in_words(streams: &List<Stream>) -> String {
    let done = streams.iter().filter(|stream| stream.is_done()).count();
    match (done, streams.len()) {
        (0, _) => String::new(),
        (1, 1) => "The stream has come to its end.".to_owned(),
        (done, of) => format!("{done} of {of} streams have come to their end."),
    }
}

/// One stream: how far it is, what can be done with it, its words.
#[component]
fn StreamCard(stream: ReadSignal<Stream>) -> impl IntoView {
    let id = stream.get_untracked().id;
    let task = use_task(stream_text).key(id);
    // Memos: a step changes nothing of the buttons.
    let is_done = Memo::new(move |_| stream.read().is_done());
    let is_running = Memo::new(move |_| task.is_running());
    let named = move |verb: &str| format!("{verb} stream {id}");
    view! {
        <article class="panel stream" aria-label=format!("Stream {id}") data-id=id>
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
            <p class="stream-text" tabindex="0"><span>{move || stream.read().text.to_string()}</span></p>
            <div class="task-buttons">
                {move || match (is_running.get(), is_done.get()) {
                    (true, _) => view! { <PauseButton task name=format!("stream {id}")/> }.into_any(),
                    (false, is_done) => view! {
                        <EventForm event=restart(id)>
                            {match is_done {
                                true => view! { <button aria-label=named("Restart")>"Restart"</button> },
                                false => view! { <button aria-label=named("Go on with")>"Go on"</button> },
                            }}
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
