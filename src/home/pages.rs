//! The other pages: what each shows, and how it is right now.

use crate::{
    import::ImportMini,
    lorem::state::Lorem,
    pieces::{Ring, Seen},
    posts::{background::get_posts, save::watch, state::*},
    random::state::{KEPT, LIMIT, Random},
    report::state::{Cell, Report, Stage},
    room::door::{Rooms, title},
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// A row for each page.
#[component]
pub(super) fn Pages() -> impl IntoView {
    let tasks = use_task(get_posts);
    let watch = view! {
        // Without JavaScript no handler leads anywhere.
        <EventForm event=watch()>
            <button class="needs-script" disabled=move || tasks.is_running()>"Fetch and watch"</button>
        </EventForm>
    };
    view! {
        <section class="pages" aria-labelledby="pages">
            <h2 id="pages">"The pages, as they are now"</h2>
            <PageRow path="/posts" name="Ten posts" about="The same ten posts by chained events and by a background task, with a counter to click meanwhile." action=watch.into_any()>
                <PostsMini/>
            </PageRow>
            <PageRow path="/assistant" name="Assistant" about="A model answers word by word, asks for tools, and waits for your approval.">
                <TasksMini of="assistant/"/>
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
                <TasksMini of="monitor/"/>
            </PageRow>
            <PageRow path="/dashboard" name="Dashboard" about="The server itself: charts, a job and a log, each updated by its own task.">
                <TasksMini of="dashboard/"/>
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

/// How many posts each style has brought, and how often Count was clicked.
#[component]
fn PostsMini() -> impl IntoView {
    let posts = use_state::<Posts>();
    let task = use_task(get_posts);
    let chained = Signal::derive(move || posts.chained().with(Post::seen));
    let background = Signal::derive(move || posts.background().with(Post::seen));
    let bar = move |name: &'static str, seen: Signal<Seen>| {
        view! {
            <p class="mini-line">
                <span>{name}</span>
                <progress class="bar" aria-label=format!("{name}: posts") max=POSTS value=move || seen.get().count></progress>
                <b>{move || seen.get().count}</b>
            </p>
        }
    };
    let is_running = move || posts.chain().with(|chain| chain.is_running()) || task.is_running();
    view! {
        <div class="mini-lines" class:live=is_running>
            {bar("chained", chained)}
            {bar("background", background)}
        </div>
        <MiniFact value=Signal::derive(move || posts.clicks().get().to_string()) one="click" many="clicks"/>
    }
}

/// The last numbers around zero, and their total.
#[component]
fn RandomMini() -> impl IntoView {
    let random = use_state::<Random>();
    let bars = move || {
        let bar = |(at, value): (usize, &i32)| {
            let height = value.unsigned_abs() * 19 / LIMIT.unsigned_abs() + 1;
            let y = if *value < 0 { 20 } else { 20 - height };
            view! { <rect x=at * 12 + 1 y=y width="9" height=height></rect> }
        };
        random
            .last()
            .with(|last| last.iter().enumerate().map(bar).collect_view())
    };
    let total = move || random.total().get().to_string().replace('-', "−");
    view! {
        <svg class="mini-chart" viewBox=format!("0 0 {} 40", KEPT * 12) preserveAspectRatio="xMinYMid" aria-hidden="true">
            <path d=format!("M0 20h{}", KEPT * 12)></path>
            {bars}
        </svg>
        <MiniFact value=Signal::derive(total) one="total" many="total"/>
    }
}

/// The newest streams as rings.
#[component]
fn LoremMini() -> impl IntoView {
    let lorem = use_state::<Lorem>();
    let streams = move || lorem.streams().with(|streams| streams.len());
    // As many as fit.
    let newest = move || {
        lorem.streams().with(|streams| {
            let facts = streams
                .iter()
                .map(|stream| (stream.id, stream.done, stream.of));
            facts.take(4).collect::<Vec<_>>()
        })
    };
    view! {
        <div class="mini-rings">
            {move || newest().is_empty().then(|| view! { <p class="mini-empty">"None yet"</p> })}
            {move || newest().into_iter().map(|(id, done, of)| view! {
                <Ring name=format!("Stream {id}") label=id.to_string() done=Signal::derive(move || done) of=Signal::derive(move || of)/>
            }).collect_view()}
        </div>
        <MiniFact value=Signal::derive(move || streams().to_string()) one="stream" many="streams"/>
    }
}

/// The rooms that were entered.
#[component]
fn RoomMini() -> impl IntoView {
    let rooms = use_state::<Rooms>();
    let count = move || rooms.entered().with(|entered| entered.len());
    let names = move || {
        rooms.entered().with(|entered| {
            let names = entered.iter().rev().map(|one| title(&one.room).to_owned());
            names.take(3).collect::<Vec<_>>().join(", ")
        })
    };
    view! {
        <p class="mini-empty">{move || match count() {
            0 => "None entered".to_owned(),
            _ => names(),
        }}</p>
        <MiniFact value=Signal::derive(move || count().to_string()) one="room" many="rooms"/>
    }
}

/// The products of the report, a square for each.
#[component]
fn ReportMini() -> impl IntoView {
    let report = use_state::<Report>();
    let count = move || report.cells().with(|cells| cells.len());
    let stages = Memo::new(move |_| {
        report.cells().with(|cells| {
            let names = cells.iter().map(|cell| cell.stage.name());
            names.collect::<Vec<_>>()
        })
    });
    let done = move || {
        let is_done = |cell: &&Cell| matches!(cell.stage, Stage::Done(_));
        let done = report
            .cells()
            .with(|cells| cells.iter().filter(is_done).count());
        done.to_string()
    };
    view! {
        <div>
            {move || (count() == 0).then(|| view! { <p class="mini-empty">"None made"</p> })}
            <div class="mini-cells" aria-hidden="true">
                {move || stages.get().into_iter().map(|stage| view! { <span data-stage=stage></span> }).collect_view()}
            </div>
        </div>
        <MiniFact value=Signal::derive(done) one="product" many="products"/>
    }
}

/// The tasks of a page, a mark for each.
#[component]
fn TasksMini(
    /// How the names of its tasks begin.
    of: &'static str,
) -> impl IntoView {
    let tasks = use_all_tasks();
    let runs = Memo::new(move |_| {
        let mut runs = tasks.runs();
        runs.retain(|run| run.name.starts_with(of));
        runs
    });
    let under_way =
        move || runs.with(|runs| runs.iter().filter(|run| !run.status.is_end()).count());
    view! {
        <div class="mini-tasks">
            {move || runs.with(Vec::is_empty).then(|| view! { <p class="mini-empty">"Nothing runs"</p> })}
            {move || runs.get().into_iter().rev().take(8).map(|run| view! {
                <span class="mini-task" class:live=!run.status.is_end() title=run.key></span>
            }).collect_view()}
        </div>
        <MiniFact value=Signal::derive(move || under_way().to_string()) one="task" many="tasks"/>
    }
}

/// A number and what it counts, by one and by many.
#[component]
fn MiniFact(value: Signal<String>, one: &'static str, many: &'static str) -> impl IntoView {
    let unit = move || {
        if value.with(|value| value == "1") {
            one
        } else {
            many
        }
    };
    view! { <p class="mini-fact"><b>{value}</b> " " {unit}</p> }
}
