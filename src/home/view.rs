//! The first screen, and what is below it.

use super::pages::Pages;
use crate::{
    pieces::{
        BreakIt, Code, Figures, Lane, Notes, Style, Thumb, excerpt, is_first_visit, running,
        use_metronome,
    },
    posts::{background::get_posts, chained::*, state::*},
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The file that runs. The page shows a part of it.
const SOURCE: &str = include_str!("../posts/background.rs");

/// The page.
#[component]
pub fn HomePage() -> impl IntoView {
    let posts = use_state::<Posts>();
    let task = use_task(get_posts);
    let (fetch, steps) = (use_event(fetch_chained), use_event(step));
    let running = running(posts.chain(), task);
    // Only where nothing has run yet: what is here stays.
    let loaded = use_loaded::<Posts>();
    let is_untouched = move || posts.chain().with(|chain| chain.run == 0) && task.run().is_none();
    Effect::new(move |_| {
        if loaded.get() && untrack(is_untouched) && is_first_visit() {
            fetch_chained(true).dispatch();
        }
    });
    let chained = Memo::new(move |_| posts.chained().with(Post::seen)).into();
    let background = Memo::new(move |_| posts.background().with(Post::seen)).into();
    let strips = use_metronome(posts.chain(), task, [chained, background]);
    let is_running = move || running.get().is_some();
    let fault = move || {
        let events = [fetch, steps].into_iter().find_map(EventHandle::error);
        events.or_else(|| task.error())
    };
    view! {
        <Title text="Background tasks for Leptos"/>
        <section class="first" aria-label="Demonstration">
            <div class="first-words">
                <h1>"Work that takes minutes, on a page that answers in milliseconds"</h1>
                <p class="lead">
                    "A background task changes the state in short updates, and every page follows. \
                     These are the lines that run."
                </p>
                <Code
                    text=excerpt(SOURCE, "get_posts").unwrap_or_default()
                    path="src/posts/background.rs"
                    runs="shop.product(id)"
                    running=Signal::derive(move || running.get() == Some(Style::Background))
                />
                <div class="first-buttons">
                    <EventForm event=fetch_chained(true)>
                        <button class="primary" aria-describedby="first-notes" {..off_while(is_running)}>
                            "Run it"
                        </button>
                    </EventForm>
                    <a class="button" href="#break-it" rel="external">"Break it"</a>
                    <Notes
                        id="first-notes"
                        fault=Signal::derive(fault)
                    />
                </div>
            </div>
            <div class="lanes">
                <Lane
                    style=Style::Chained
                    about="Each step queues the next. What is clicked waits for the step."
                    status=strips.told(Style::Chained)
                    seen=chained
                    of=POSTS
                    strip=strips.view(Style::Chained).into_any()
                >
                    <ForList each=posts.chained() let:post><Thumb post/></ForList>
                </Lane>
                <Lane
                    style=Style::Background
                    about="It runs beside the queue. What is clicked is answered at once."
                    status=strips.told(Style::Background)
                    seen=background
                    of=POSTS
                    strip=strips.view(Style::Background).into_any()
                >
                    <ForList each=posts.background() let:post><Thumb post/></ForList>
                </Lane>
            </div>
        </section>
        <div id="break-it" class="first-break"><BreakIt<Posts>/></div>
        <Pages/>
        <Figures/>
    }
}
