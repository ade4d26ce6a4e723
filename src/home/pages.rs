//! The other pages: what each shows, and how it is right now.

use super::watch::watch;
use crate::{minis::*, posts::background::get_posts};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// A row for each page.
#[component]
pub(super) fn Pages() -> impl IntoView {
    let task = use_task(get_posts);
    let watch = view! {
        // Without JavaScript no handler leads anywhere.
        <EventForm event=watch()>
            <button class="needs-script" {..off_while(move || task.is_running())}>"Fetch and watch"</button>
        </EventForm>
    };
    view! {
        <section class="pages" aria-labelledby="pages">
            <h2 id="pages">"The pages, as they are now"</h2>
            <PageRow path="/posts" name="Ten posts" about="The same ten posts by chained events and by a background task, with a counter to click meanwhile." action=watch.into_any()>
                <PostsMini/>
            </PageRow>
            <PageRow path="/assistant" name="Assistant" about="A model answers word by word, asks for tools, and waits for your approval.">
                <AssistantMini/>
            </PageRow>
            <PageRow path="/report" name="Report" about="A shop is asked for 40 products, so many at once, and a report is written of what came.">
                <ReportMini/>
            </PageRow>
            <PageRow path="/room" name="Room" about="One state shared by all in a room: who is here, a chat, a vote, a timer.">
                <RoomMini/>
            </PageRow>
            <PageRow path="/import" name="Import" about="A CSV of up to 50 MB streams up and is taken in, 500 rows an update.">
                <ImportMini/>
            </PageRow>
            <PageRow path="/random" name="Random numbers" about="A step waits and draws a number. Change the range and the pace while it runs.">
                <RandomMini/>
            </PageRow>
            <PageRow path="/lorem" name="Streams of words" about="A task for each stream, paused, resumed and removed one by one.">
                <LoremMini/>
            </PageRow>
            <PageRow path="/monitor" name="Monitor" about="Several APIs watched at once: a task for each, with an interval of its own.">
                <MonitorMini/>
            </PageRow>
            <PageRow path="/dashboard" name="Dashboard" about="The server itself: charts, a job and a log, each updated by its own task.">
                <DashboardMini/>
            </PageRow>
        </section>
    }
    .into_any()
}

#[component]
fn PageRow(
    path: &'static str,
    name: &'static str,
    about: &'static str,
    /// What can be done there from here.
    #[prop(optional)]
    action: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <article class="page-row">
            <h3><a href=path>{name}</a></h3>
            <div class="page-about">
                <p>{about}</p>
                {action}
            </div>
            <div class="mini">{children()}</div>
        </article>
    }
    .into_any()
}
