//! The posts page: two regions, one for each style, and a counter that measures them.

use super::{background::*, chained::*, state::*};
use crate::pieces::{FailedCard, Latency, ProductCard, RunLine};
use leptos::prelude::*;
use leptos_meta::Title;
use std::collections::VecDeque;
use undercurrent::prelude::*;

/// The two ways to fetch ten posts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Chained,
    Background,
}

/// The page.
#[component]
pub fn PostsPage() -> impl IntoView {
    let posts = use_state::<Posts>();
    let task = use_task(get_posts);
    let running = Memo::new(move |_| match posts.chain().with(Chain::is_running) {
        true => Some(Style::Chained),
        false => task.is_running().then_some(Style::Background),
    });
    let chained = Latency::new(move || running.get() == Some(Style::Chained));
    let background = Latency::new(move || running.get() == Some(Style::Background));
    // A click counts for the style that ran when it was made. Clicks end in their order.
    let clicked = StoredValue::new(VecDeque::new());
    let counting = use_event(count);
    counting.on_end(move |ended| {
        match clicked
            .try_update_value(VecDeque::pop_front)
            .flatten()
            .flatten()
        {
            Some(Style::Chained) => chained.add(ended.elapsed_ms),
            Some(Style::Background) => background.add(ended.elapsed_ms),
            None => {}
        }
    });
    view! {
        <Title text="Ten posts"/>
        <h1>"Ten posts, twice"</h1>
        <p class="lead">
            "The server fetches ten posts over HTTP and they arrive one by one: first as events \
             that queue the next, then as a background task. Click Count during a run and compare."
        </p>
        <section class="counter" aria-label="Counter">
            <EventForm event=count()>
                <button
                    class:waits=move || counting.is_pending()
                    on:click=move |_| clicked.update_value(|all| all.push_back(running.get_untracked()))
                >
                    "Count"
                </button>
            </EventForm>
            <output class="clicks-value">{move || posts.clicks().get()}</output>
            <span class="hint">
                {move || (counting.is_pending() && running.get() == Some(Style::Chained))
                    .then_some("The click waits for the running step.")}
            </span>
        </section>
        <div class="regions">
            <ChainedRegion posts running latency=chained/>
            <BackgroundRegion posts running latency=background/>
        </div>
    }
}

#[component]
fn ChainedRegion(
    posts: PostsSignals,
    running: Memo<Option<Style>>,
    latency: Latency,
) -> impl IntoView {
    let (stop, clear) = (use_event(stop_chained), use_event(clear_chained));
    let fetch = use_event(fetch_chained);
    let is_running = move || running.get() == Some(Style::Chained);
    let hint = move || match (stop.is_pending(), clear.is_pending()) {
        _ if running.get() == Some(Style::Background) => {
            Some("The background task runs. One style at a time.".to_owned())
        }
        _ if !is_running() => fetch.error(),
        (true, true) => Some("Stop and Clear wait for the running step.".to_owned()),
        (true, false) => Some("Stop waits for the running step.".to_owned()),
        (false, true) => Some("Clear waits for the running step.".to_owned()),
        (false, false) => None,
    };
    view! {
        <section class="region" aria-label="Chained events">
            <h2>"Chained events"</h2>
            <p class="about">"Each step runs in the queue and queues the next. What you click waits for it."</p>
            <div class="buttons">
                <EventForm event=fetch_chained()>
                    <button
                        class="primary"
                        aria-describedby="chained-hint"
                        disabled=move || running.get().is_some()
                    >
                        "Fetch ten posts"
                    </button>
                </EventForm>
                <EventForm event=stop_chained()>
                    <button class:waits=move || stop.is_pending() disabled=move || !is_running()>"Stop"</button>
                </EventForm>
                <EventForm event=clear_chained()>
                    <button class:waits=move || clear.is_pending()>"Clear"</button>
                </EventForm>
            </div>
            <p class="hint" id="chained-hint" role="status">{hint}</p>
            <RunLine
                name="Chained events"
                status=Signal::derive(move || posts.chain().get().status)
                stopping=Signal::derive(move || stop.is_pending())
                done=Signal::derive(move || u64::from(posts.chain().get().done))
                of=u64::from(POSTS)
            />
            {latency.view()}
            <div class="posts" data-running=is_running>
                <ForList each=posts.chained() let:post>
                    <ChainedCard post/>
                </ForList>
            </div>
        </section>
    }
}

#[component]
fn BackgroundRegion(
    posts: PostsSignals,
    running: Memo<Option<Style>>,
    latency: Latency,
) -> impl IntoView {
    let task = use_task(get_posts);
    let start = use_event(get_posts);
    let hint = move || match running.get() {
        Some(Style::Chained) => {
            Some("The chained run is under way. One style at a time.".to_owned())
        }
        Some(Style::Background) => None,
        None => start.error().or_else(|| task.error()),
    };
    view! {
        <section class="region" aria-label="Background task">
            <h2>"Background task"</h2>
            <p class="about">"It runs beside the queue and touches the state in short updates. What you click is answered at once."</p>
            <div class="buttons">
                <EventForm event=get_posts()>
                    <button
                        class="primary"
                        aria-describedby="background-hint"
                        disabled=move || running.get().is_some()
                    >
                        "Fetch ten posts"
                    </button>
                </EventForm>
                <EventForm event=task.cancel_event()>
                    <button class:waits=move || task.is_cancelling() disabled=move || !task.is_running()>"Stop"</button>
                </EventForm>
                <EventForm event=clear_background()>
                    <button>"Clear"</button>
                </EventForm>
            </div>
            <p class="hint" id="background-hint" role="status">{hint}</p>
            <RunLine
                name="Background task"
                status=Signal::derive(move || task.status())
                stopping=Signal::derive(move || task.is_cancelling())
                done=Signal::derive(move || task.progress().done)
                of=u64::from(POSTS)
            />
            {latency.view()}
            <div class="posts" data-running=move || task.is_running()>
                <ForList each=posts.background() let:post>
                    <BackgroundCard post/>
                </ForList>
            </div>
        </section>
    }
}

#[component]
fn ChainedCard(post: ReadSignal<Post>) -> impl IntoView {
    let retry = use_event(retry_chained);
    let again =
        move |id| view! { <EventForm event=retry_chained(id)><button>"Retry"</button></EventForm> };
    view! { <Card post retrying=Signal::derive(move || retry.is_pending()) again/> }
}

#[component]
fn BackgroundCard(post: ReadSignal<Post>) -> impl IntoView {
    let retry = use_task(retry_background).key(post.get_untracked().id);
    let again = move |id| view! { <EventForm event=retry_background(id)><button>"Retry"</button></EventForm> };
    view! { <Card post retrying=Signal::derive(move || retry.is_running()) again/> }
}

/// A post, or why it is not here.
#[component]
fn Card<V: IntoView + 'static>(
    post: ReadSignal<Post>,
    retrying: Signal<bool>,
    again: impl Fn(u32) -> V + Copy + Send + 'static,
) -> impl IntoView {
    let state = move || match post.get().arrival {
        Arrival::Here(_) => "here",
        Arrival::Failed(_) => "failed",
    };
    view! {
        <article class="card" data-id=move || post.get().id data-state=state>
            {move || {
                let Post { id, arrival } = post.get();
                match arrival {
                    Arrival::Here(product) => view! { <ProductCard product/> }.into_any(),
                    Arrival::Failed(why) => {
                        view! { <FailedCard id why retrying>{again(id)}</FailedCard> }.into_any()
                    }
                }
            }}
        </article>
    }
}
