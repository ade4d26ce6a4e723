//! The posts page: two regions, one for each style, and a counter that measures them.

mod background;
mod card;
mod chained;

use self::{background::BackgroundRegion, chained::ChainedRegion};
use super::{
    background::get_posts,
    state::{Chain, Posts, count},
};
use crate::pieces::Latency;
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
    let clicks = use_event(count);
    clicks.on_end(move |ended| {
        let style = clicked.try_update_value(VecDeque::pop_front).flatten();
        match style.flatten() {
            Some(Style::Chained) => chained.add(ended.elapsed_ms),
            Some(Style::Background) => background.add(ended.elapsed_ms),
            None => {}
        }
    });
    let what_for = waits_for(running);
    let waiting = move || match (clicks.pending(), what_for.get()) {
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
             long your clicks take."
        </p>
        <section class="counter" aria-label="Counter">
            <EventForm event=count()>
                <button
                    class:waits=move || waiting().is_some()
                    on:click=move |_| clicked.update_value(|all| all.push_back(running.get_untracked()))
                >
                    "Count"
                </button>
            </EventForm>
            <p class="clicks">
                <output class="clicks-value">{move || posts.clicks().get()}</output>
                {move || if posts.clicks().get() == 1 { " click" } else { " clicks" }}
            </p>
            <p class="hint waits">{waiting}</p>
        </section>
        <div class="regions">
            <ChainedRegion posts running latency=chained/>
            <BackgroundRegion posts running latency=background/>
        </div>
    }
}

/// What a click that has not ended waits for. Nothing that is worth a word if it is neither the
/// step of a chained run nor the connection.
fn waits_for(running: Memo<Option<Style>>) -> Signal<Option<&'static str>> {
    let link = use_connection();
    Signal::derive(move || match (link.is_connected(), running.get()) {
        (false, _) => Some("the connection"),
        (true, Some(Style::Chained)) => Some("the running step"),
        (true, _) => None,
    })
}
