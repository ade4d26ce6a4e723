//! The other pages: what each shows, and how it is right now.

use crate::{
    assistant::state::{Assistant, By, Message, ToolStatus},
    dashboard::state::{SAMPLES, Vitals},
    import::ImportMini,
    lorem::state::Lorem,
    monitor::state::Monitor,
    pieces::{Chart, MiniBar, MiniBars, MiniFact, MiniWords, Post, Ring, Spark},
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

/// How many posts each style has brought, and how often Count was clicked.
#[component]
fn PostsMini() -> impl IntoView {
    let posts = use_state::<Posts>();
    let count = |posts: &List<Post>| posts.len() as u32;
    view! {
        <div>
            <MiniBar name="chained" max=POSTS value=Signal::derive(move || posts.chained().with(count))/>
            <MiniBar name="background" max=POSTS value=Signal::derive(move || posts.background().with(count))/>
        </div>
        <MiniFact value=Signal::derive(move || posts.clicks().get().to_string()) one="click" many="clicks"/>
    }
}

/// The last words, or that an approval is asked for.
#[component]
fn AssistantMini() -> impl IntoView {
    let assistant = use_state::<Assistant>();
    let words = move || assistant.messages().with(last_words);
    let count = move || assistant.conversations().with(|all| all.len().to_string());
    view! {
        <MiniWords words=Signal::derive(words) none="Nothing was asked"/>
        <MiniFact value=Signal::derive(count) one="conversation" many="conversations"/>
    }
}

/// As many as have room.
fn last_words(messages: &List<Message>) -> String {
    let Some(last) = messages.last() else {
        return String::new();
    };
    if last
        .tools
        .iter()
        .any(|tool| tool.status == ToolStatus::Asks)
    {
        return "It asks for your approval".to_owned();
    }
    let text = last.text.to_string();
    let words: Vec<_> = text.split_whitespace().rev().take(7).collect();
    let words = words.into_iter().rev().collect::<Vec<_>>().join(" ");
    match (last.by, words.is_empty()) {
        (By::Model, true) => "It thinks".to_owned(),
        (By::Model, false) => format!("… {words}"),
        (By::Person, _) => words,
    }
}

/// The products of the report, a square for each.
#[component]
fn ReportMini() -> impl IntoView {
    let report = use_state::<Report>();
    let stages = Memo::new(move |_| {
        let names = |cells: &List<Cell>| {
            cells
                .iter()
                .map(|cell| cell.stage.name())
                .collect::<Vec<_>>()
        };
        report.cells().with(names)
    });
    let done = move || {
        let cells = report.cells();
        cells.with(|cells| {
            let is_done = |stage: &Stage| matches!(stage, Stage::Done(_));
            cells
                .iter()
                .filter(|cell| is_done(&cell.stage))
                .count()
                .to_string()
        })
    };
    view! {
        <div>
            {move || stages.read().is_empty().then(|| view! { <MiniWords words=String::new() none="None made"/> })}
            <div class="mini-cells" aria-hidden="true">
                {move || stages.get().into_iter().map(|stage| view! { <span data-stage=stage></span> }).collect_view()}
            </div>
        </div>
        <MiniFact value=Signal::derive(done) one="product" many="products"/>
    }
}

/// The rooms that were entered last.
#[component]
fn RoomMini() -> impl IntoView {
    let rooms = use_state::<Rooms>();
    let names = move || {
        rooms.entered().with(|entered| {
            let names = entered.iter().rev().map(|one| title(&one.room).to_owned());
            names.take(3).collect::<Vec<_>>().join(", ")
        })
    };
    let count = move || rooms.entered().with(|entered| entered.len().to_string());
    view! {
        <MiniWords words=Signal::derive(names) none="None entered"/>
        <MiniFact value=Signal::derive(count) one="room" many="rooms"/>
    }
}

/// The last numbers around zero, and their total.
#[component]
fn RandomMini() -> impl IntoView {
    let random = use_state::<Random>();
    let values = move || {
        random
            .last()
            .with(|last| last.iter().copied().collect::<Vec<_>>())
    };
    let total = move || random.total().get().to_string().replace('-', "−");
    view! {
        <MiniBars values=Signal::derive(values) slots=KEPT limit=LIMIT.unsigned_abs()/>
        <MiniFact value=Signal::derive(total) one="total" many="total"/>
    }
}

/// The newest streams as rings, as many as have room.
#[component]
fn LoremMini() -> impl IntoView {
    let lorem = use_state::<Lorem>();
    let streams = move || lorem.streams().with(|streams| streams.len().to_string());
    let newest = move || {
        lorem.streams().with(|streams| {
            let facts = streams
                .iter()
                .map(|stream| (stream.id, stream.done, stream.of));
            facts.take(4).collect::<Vec<_>>()
        })
    };
    view! {
        <div class="mini-row">
            {move || newest().is_empty().then(|| view! { <MiniWords words=String::new() none="None yet"/> })}
            {move || newest().into_iter().map(|(id, done, of)| view! {
                <Ring name=format!("Stream {id}") label=id.to_string() done=Signal::stored(done) of=Signal::stored(of)/>
            }).collect_view()}
        </div>
        <MiniFact value=Signal::derive(streams) one="stream" many="streams"/>
    }
}

/// How long the last calls of each endpoint took, of as many as have room.
#[component]
fn MonitorMini() -> impl IntoView {
    const CALLS: usize = 20;
    let monitor = use_state::<Monitor>();
    let count = move || monitor.endpoints().with(|all| all.len().to_string());
    let newest = move || {
        monitor.endpoints().with(|all| {
            let marks = all.iter().rev().map(|one| (one.id, one.marks()));
            marks.take(3).collect::<Vec<_>>()
        })
    };
    view! {
        <div class="mini-row">
            {move || newest().is_empty().then(|| view! { <MiniWords words=String::new() none="Nothing is watched"/> })}
            {move || newest().into_iter().map(|(id, mut marks)| {
                marks.drain(..marks.len().saturating_sub(CALLS));
                view! { <Spark name=format!("Product {id}") slots=CALLS values=Signal::stored(marks)/> }
            }).collect_view()}
        </div>
        <MiniFact value=Signal::derive(count) one="endpoint" many="endpoints"/>
    }
}

/// The server's processor over five minutes.
#[component]
fn DashboardMini() -> impl IntoView {
    let vitals = use_state::<Vitals>();
    let points = move || vitals.cpu().with(Vitals::points);
    let now = move || {
        let last = vitals.cpu().with(|all| all.last().map(|sample| sample.1));
        last.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0} %"))
    };
    view! {
        <Chart name="Processor" unit=" %" least=10.0 span=SAMPLES as u32 points=Signal::derive(points)/>
        <MiniFact value=Signal::derive(now) one="processor" many="processor"/>
    }
}
