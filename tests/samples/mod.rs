//! What docs/background-tasks.md shows and the gallery has no use for. It is compiled with the
//! test that holds the document to it.
// Nobody calls these: they are read.
#![allow(dead_code)]

use leptos::prelude::*;
use std::time::Duration;
use undercurrent::{TaskEnd, prelude::*};

#[derive(State, Clone, Debug, Default)]
pub struct Orders {
    pub lines: List<String>,
    pub approved: Option<bool>,
    pub at_a_time: u32,
    pub sum: u64,
    pub reserved: bool,
}

async fn ask_the_shop(id: u32) -> std::result::Result<String, std::io::Error> {
    Ok(format!("line {id}"))
}

async fn give_back_the_stock() {}

fn add_up(upto: u64) -> u64 {
    (0..upto).sum()
}

// excerpt: page
#[component]
fn OrdersPage() -> impl IntoView {
    let orders = use_state::<Orders>();
    let load = use_task(load_lines);
    let progress = move || load.progress();
    view! {
        <EventForm event=load_lines()>
            <button disabled=move || load.is_running()>"Load the lines"</button>
        </EventForm>
        <EventForm event=load.cancel_event()>
            <button disabled=move || !load.is_running()>"Stop"</button>
        </EventForm>
        <progress max=move || progress().of value=move || progress().done></progress>
        <p role="alert">{move || load.error()}</p>
        <ul><ForList each=orders.lines() let:line><li>{line}</li></ForList></ul>
    }
}
// end

// excerpt: pause
#[component]
fn PauseButton() -> impl IntoView {
    let load = use_task(load_lines);
    view! {
        <Show
            when=move || load.is_paused()
            fallback=move || view! { <button on:click=move |_| load.pause()>"Pause"</button> }
        >
            <button on:click=move |_| load.resume()>"Resume"</button>
        </Show>
    }
}
// end

// excerpt: retries
#[background(overlap = replace, timeout = "30s", retries = 3)]
pub async fn load_lines(cx: TaskContext<Orders>) -> Result<()> {
    cx.update(|orders| orders.lines.clear()).await?;
    for id in 1..=100 {
        let line = ask_the_shop(id).await?;
        cx.update(|orders| orders.lines.push(line)).await?;
        cx.progress(id, 100);
    }
    Ok(())
}
// end

// excerpt: errors
#[background]
pub async fn load_one(cx: TaskContext<Orders>, id: u32) -> Result<()> {
    let line = ask_the_shop(id)
        .await
        .map_err(|error| ForVisitor::because("The shop is closed. Try again later.", error))?;
    cx.update(|orders| orders.lines.push(line)).await?;
    Ok(())
}
// end

// excerpt: clean_up
#[background(overlap = reject, on_end = no_longer_reserved)]
pub async fn reserve(cx: TaskContext<Orders>) -> Result<()> {
    cx.update(|orders| orders.reserved = true).await?;
    let waited = cx.sleep(Duration::from_secs(600)).await;
    // A cancel comes out of the call it finds the task in; this still runs, for five seconds.
    give_back_the_stock().await;
    Ok(waited?)
}

/// In the update that records the end, whatever the end is.
fn no_longer_reserved(orders: &mut Orders, _end: &TaskEnd) {
    orders.reserved = false;
}
// end

// excerpt: until
#[background(overlap = reject)]
pub async fn ship(cx: TaskContext<Orders>) -> Result<()> {
    let is_approved = cx.until(|orders| orders.approved).await?;
    if is_approved {
        cx.update(|orders| orders.lines.push("shipped".to_owned()))
            .await?;
    }
    Ok(())
}
// end

// excerpt: for_each
#[background(overlap = reject)]
pub async fn load_all(cx: TaskContext<Orders>) -> Result<()> {
    cx.for_each(1..=100, 8, |cx, id| async move {
        let line = ask_the_shop(id).await?;
        cx.update(|orders| orders.lines.push(line)).await?;
        Result::<()>::Ok(())
    })
    .await
}
// end

// excerpt: blocking
#[background(overlap = reject)]
pub async fn count_up(cx: TaskContext<Orders>) -> Result<()> {
    cx.blocking(|cx| {
        let sum = add_up(50_000_000);
        cx.update(|orders| orders.sum = sum)
    })
    .await??;
    Ok(())
}
// end
