//! The posts page.

use super::{
    background::*,
    chained::*,
    clicks::{ClickTimes, Style},
    state::*,
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// Two regions, one for each style, and a counter that measures them.
#[component]
pub fn PostsPage() -> impl IntoView {
    let posts = use_state::<Posts>();
    let fetch = use_task(get_posts);
    let chained_runs = move || posts.chain().with(Chain::is_running);
    let running = Signal::derive(move || match (chained_runs(), fetch.is_running()) {
        (true, _) => Some(Style::Chained),
        (_, true) => Some(Style::Background),
        _ => None,
    });
    let times = ClickTimes::follow(running);
    let (stopping, clearing) = (use_event(stop_chained), use_event(clear_chained));
    let counting = use_event(count);
    let waits =
        move |pending: bool| (pending && chained_runs()).then_some("waits for the running step");
    view! {
        <Title text="Ten posts"/>
        <h1>"Ten posts"</h1>
        <p class="lead">
            "The server fetches ten posts, one every 0.4 s. Once as events that queue the next, once \
             as a background task. Click Count meanwhile, and compare."
        </p>
        <section class="counter" aria-label="Counter">
            <EventForm event=count()>
                <button on:click=move |_| times.clicked()>"Count"</button>
            </EventForm>
            <span class="clicks-value">{move || posts.clicks().get()}</span>
            <span class="hint">{move || waits(counting.is_pending())}</span>
        </section>
        <div class="regions">
            <section class="region" aria-label="Chained events">
                <h2>"Chained events"</h2>
                <p>"Each step runs in the queue and queues the next. What you click waits for it."</p>
                <div class="buttons">
                    <EventForm event=fetch_chained()>
                        <button class="primary" disabled=move || running.get().is_some()>"Fetch ten posts"</button>
                    </EventForm>
                    <EventForm event=stop_chained()><button>"Stop"</button></EventForm>
                    <EventForm event=clear_chained()><button>"Clear"</button></EventForm>
                </div>
                <p class="hint">
                    {move || waits(stopping.is_pending() || clearing.is_pending())
                        .or_else(|| (running.get() == Some(Style::Background)).then_some("The background task runs. One style at a time."))}
                </p>
                <StatusLine status=move || posts.chain().get().status done=move || posts.chain().get().done/>
                {times.view(Style::Chained)}
                <ForList each=posts.chained() let:post>
                    <PostCard post retry=move |id| view! { <EventForm event=retry_chained(id)><button>"Retry"</button></EventForm> }.into_any()/>
                </ForList>
            </section>
            <section class="region" aria-label="Background task">
                <h2>"Background task"</h2>
                <p>"It runs beside the queue. What you click is answered at once."</p>
                <div class="buttons">
                    <EventForm event=get_posts()>
                        <button class="primary" disabled=move || running.get().is_some()>"Fetch ten posts"</button>
                    </EventForm>
                    <EventForm event=fetch.cancel_event()><button>"Stop"</button></EventForm>
                    <EventForm event=clear_background()><button>"Clear"</button></EventForm>
                </div>
                <p class="hint">
                    {move || fetch.error().or_else(|| (running.get() == Some(Style::Chained)).then(|| "The chained run is under way. One style at a time.".into()))}
                </p>
                <StatusLine status=move || fetch.status() done=move || fetch.progress().done as u32/>
                {times.view(Style::Background)}
                <ForList each=posts.background() let:post>
                    <PostCard post retry=move |id| view! { <EventForm event=retry_background(id)><button>"Retry"</button></EventForm> }.into_any()/>
                </ForList>
            </section>
        </div>
    }
}

/// Where a run is, in words and as a bar.
#[component]
fn StatusLine(
    status: impl Fn() -> Option<TaskStatus> + Copy + Send + Sync + 'static,
    done: impl Fn() -> u32 + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let word = move || match status() {
        None => ("none", "not run yet"),
        Some(TaskStatus::Running) => ("running", "running"),
        Some(TaskStatus::Done) => ("done", "done"),
        Some(TaskStatus::Cancelled) => ("stopped", "stopped"),
        Some(_) => ("failed", "failed"),
    };
    view! {
        <p class="status-line">
            <span class="status" data-status=move || word().0>{move || word().1}</span>
            <progress max=POSTS value=done></progress>
            <span class="progress-text">{done} " of " {POSTS}</span>
        </p>
    }
}

/// One post, or why it is not here.
#[component]
fn PostCard(
    post: ReadSignal<Post>,
    retry: impl Fn(u32) -> AnyView + Copy + Send + 'static,
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
                    Arrival::Here(product) => view! {
                        <h3>{product.title}</h3>
                        <p>{product.description}</p>
                        <p class="facts"><span>{format!("{:.2}", product.price)}</span><span>"#" {id}</span></p>
                    }.into_any(),
                    Arrival::Failed(why) => view! {
                        <h3>{format!("Post {id} did not arrive")}</h3>
                        <p>{why} ". The others go on."</p>
                        {retry(id)}
                    }.into_any(),
                }
            }}
        </article>
    }
}
