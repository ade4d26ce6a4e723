//! The posts page: a counter that measures, and two regions, one for each style.

use super::{background::*, chained::*, save::*, state::*};
use crate::pieces::{
    BreakIt, Clicks, PostCard, Run, RunRegion, Strips, Style, Timed, running, use_metronome,
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn PostsPage() -> impl IntoView {
    let posts = use_state::<Posts>();
    let task = use_task(get_posts);
    let clicks = Clicks::new(running(posts.chain(), task));
    let seen = [posts.chained(), posts.background()];
    let seen = seen.map(|posts| Memo::new(move |_| posts.with(Post::seen)).into());
    let strips = use_metronome(posts.chain(), task, seen);
    let counts = clicks.time(use_event(count));
    let waiting = move || match (counts.pending(), clicks.wait_for.get()) {
        (0, _) | (_, None) => None,
        (1, Some(what)) => Some(format!("1 click waits for {what}.")),
        (n, Some(what)) => Some(format!("{n} clicks wait for {what}.")),
    };
    view! {
        <Title text="Ten posts"/>
        <h1>"Ten posts, twice"</h1>
        <p class="lead">
            "The server fetches ten posts over HTTP, and they arrive one by one: as events that \
             queue the next, or as a background task. Click Count during a run, and compare how \
             long your clicks wait; the strips time five events a second."
        </p>
        <section class="counter" aria-label="Counter">
            <Timed clicks event=count() of=counts>"Count"</Timed>
            <p class="clicks">
                <b class="clicks-value">{move || posts.clicks().get()}</b>
                {move || if posts.clicks().get() == 1 { " click" } else { " clicks" }}
            </p>
            <p class="hint waits" role="status">{move || waiting()}</p>
            <EventForm event=save()>
                <button class="needs-script">"Save the posts"</button>
            </EventForm>
        </section>
        <div class="regions">
            <ChainedRegion posts clicks strips/>
            <BackgroundRegion posts clicks strips/>
        </div>
        <BreakIt<Posts>/>
    }
}

/// Its buttons are events: Stop and Clear wait for the running step, as everything does.
#[component]
fn ChainedRegion(posts: PostsSignals, clicks: Clicks, strips: Strips) -> impl IntoView {
    let retry = use_event(retry_chained);
    let events = [
        use_event(fetch_chained),
        use_event(step),
        retry,
        use_event(stop_chained),
        use_event(clear_chained),
    ];
    let seen = move || posts.chained().with(Post::seen);
    let run = Run::of_chain(posts.chain(), events, POSTS, seen);
    view! {
        <RunRegion
            style=Style::Chained
            about="Each step runs in the queue and queues the next. What you click waits for it."
            run
            clicks
            strips
            fetch=fetch_chained(false)
            stop=stop_chained()
            clear=clear_chained()
        >
            <ForList each=posts.chained() let:post>
                {
                    // It waits in the queue.
                    let id = post.get_untracked().id;
                    let retry = retry.of(retry_chained(id));
                    let retrying = Signal::derive(move || retry.is_pending());
                    view! { <PostCard post retrying again=retry_chained(id)/> }
                }
            </ForList>
        </RunRegion>
    }
}

/// Fetch starts the task, Stop cancels it: neither waits in the queue.
#[component]
fn BackgroundRegion(posts: PostsSignals, clicks: Clicks, strips: Strips) -> impl IntoView {
    let task = use_task(get_posts);
    let events = [
        use_event(get_posts),
        use_event(retry_background),
        use_event(clear_background),
    ];
    let seen = move || posts.background().with(Post::seen);
    let run = Run::of_task(task, events, POSTS, seen);
    view! {
        <RunRegion
            style=Style::Background
            about="It runs beside the queue and changes the state in short updates. What you click is answered at once."
            run
            clicks
            strips
            fetch=get_posts()
            stop=task.cancel_event()
            clear=clear_background()
        >
            <ForList each=posts.background() let:post>
                {
                    // It is a task of its own.
                    let id = post.get_untracked().id;
                    let retry = use_task(retry_background).key(id);
                    let retrying = Signal::derive(move || retry.is_running());
                    view! { <PostCard post retrying again=retry_background(id)/> }
                }
            </ForList>
        </RunRegion>
    }
}
