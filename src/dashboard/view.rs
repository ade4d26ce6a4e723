//! The dashboard: meters, job, log.

use super::{log::LogPart, state::*, tasks::add_up};
use crate::{
    pieces::{BreakIt, Spoken, TaskButtons, TaskChip, status_words},
    vitals::{Meters, state::Vitals},
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let (shared, own) = (use_loaded::<Vitals>(), use_loaded::<Dashboard>());
    let is_coming = move || !(shared.get() && own.get());
    view! {
        <Title text="Dashboard"/>
        <h1>"One page, seven tasks"</h1>
        <p class="lead">
            "Each part is moved by a background task of its own. Pause one, stop it, start it \
             again: the others go on. The meters are the server's, the same for all who look; the \
             job and the log are yours."
        </p>
        <div class="parts" class:coming=is_coming>
            <Meters/>
            <Job/>
        </div>
        <LogPart/>
        <BreakIt<Dashboard>/>
    }
}

/// A job that takes a while: how far it is, and what it has so far.
#[component]
fn Job() -> impl IntoView {
    let dashboard = use_state::<Dashboard>();
    let task = use_task(add_up);
    let done = Memo::new(move |_| task.progress().done.min(u64::from(PRODUCTS)));
    let percent = move || done.get() * 100 / u64::from(PRODUCTS);
    // Not for every product.
    let spoken = Memo::new(move |_| {
        let (_, word) = status_words(task.status(), task.is_cancelling());
        match done.get() / 10 * 10 {
            0 => String::new(),
            some => format!("The job: {word}, {some} of {PRODUCTS}."),
        }
    });
    let fact = move |read: fn(&Sum) -> String| {
        let sum = dashboard.sum().get();
        if sum.count == 0 {
            "–".to_owned()
        } else {
            read(&sum)
        }
    };
    view! {
        <article class="panel job" aria-label="Job">
            <header>
                <h2>"Job"</h2>
                <b class="job-percent">{move || format!("{} %", percent())}</b>
            </header>
            <div class="job-body">
                <p class="about">{format!("Adds up {PRODUCTS} prices, call by call.")}</p>
                <progress class="bar whole" aria-label="Progress of the job" max=PRODUCTS value=done></progress>
                <dl class="job-facts">
                    <div><dt>"products"</dt> <dd class="job-count">{move || fact(|sum| sum.count.to_string())}</dd></div>
                    <div><dt>"in all"</dt> <dd class="job-total">{move || fact(|sum| format!("{:.2}", sum.total))}</dd></div>
                    <div><dt>"dearest"</dt> <dd>{move || fact(|sum| sum.dearest.clone())}</dd></div>
                </dl>
            </div>
            <footer>
                <TaskChip task/>
                <TaskButtons task name="the job".to_owned() start=add_up()/>
            </footer>
            <p class="fault" role="alert">{move || task.error()}</p>
            <Spoken words=spoken/>
        </article>
    }
    .into_any()
}
