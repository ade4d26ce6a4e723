//! What each page looks like from afar, right now: the miniatures of the first page. Each is fed by
//! the state of its page.

use crate::{
    assistant::state::{Assistant, Message},
    import::{done, state::Import, tasks::import_file},
    lobby::state::Rooms,
    lorem::state::Lorem,
    monitor::state::Monitor,
    pieces::{Chart, MiniBar, MiniBars, MiniFact, MiniWords, Post, Ring, Spark, grouped, signed},
    posts::state::*,
    random::state::{KEPT, LIMIT, Random},
    report::state::{Cell, Report, counts},
    vitals::state::{SAMPLES, Vitals},
};
use leptos::prelude::*;
use undercurrent::prelude::*;
use upstream::chat::talk::By;

/// How many posts each style has brought, and how often Count was clicked.
#[component]
pub fn PostsMini() -> impl IntoView {
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
pub fn AssistantMini() -> impl IntoView {
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
    if messages.iter().any(Message::asks) {
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
pub fn ReportMini() -> impl IntoView {
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
    let done = move || report.cells().with(|cells| counts(cells).done.to_string());
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
pub fn RoomMini() -> impl IntoView {
    let rooms = use_state::<Rooms>();
    let names = move || {
        rooms.entered().with(|entered| {
            let names = entered
                .iter()
                .rev()
                .map(|one| rooms::title(&one.room).to_owned());
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
pub fn RandomMini() -> impl IntoView {
    let random = use_state::<Random>();
    let values = move || {
        random
            .last()
            .with(|last| last.iter().copied().collect::<Vec<_>>())
    };
    let total = move || signed(random.total().get());
    view! {
        <MiniBars values=Signal::derive(values) slots=KEPT limit=LIMIT.unsigned_abs()/>
        <MiniFact value=Signal::derive(total) one="total" many="total"/>
    }
}

/// The newest streams as rings, as many as have room.
#[component]
pub fn LoremMini() -> impl IntoView {
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
pub fn MonitorMini() -> impl IntoView {
    const CALLS: usize = 20;
    let monitor = use_state::<Monitor>();
    let count = move || monitor.endpoints().with(|all| all.len().to_string());
    let newest = move || {
        monitor.endpoints().with(|all| {
            let marks = all.iter().rev().map(|one| (one.at, one.marks()));
            marks.take(3).collect::<Vec<_>>()
        })
    };
    view! {
        <div class="mini-row">
            {move || newest().is_empty().then(|| view! { <MiniWords words=String::new() none="Nothing is watched"/> })}
            {move || newest().into_iter().map(|(at, mut marks)| {
                marks.drain(..marks.len().saturating_sub(CALLS));
                view! { <Spark name=at.name() slots=CALLS values=Signal::stored(marks)/> }
            }).collect_view()}
        </div>
        <MiniFact value=Signal::derive(count) one="endpoint" many="endpoints"/>
    }
}

/// The server's processor over five minutes.
#[component]
pub fn DashboardMini() -> impl IntoView {
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

/// How far the import is, and what it has taken in.
#[component]
pub fn ImportMini() -> impl IntoView {
    let import = use_state::<Import>();
    let task = use_task(import_file);
    let done = move || done(import);
    view! {
        <div class="mini-lines" class:live=move || task.is_running()>
            <p class="mini-line">
                <span>"read"</span>
                <progress class="bar" aria-label="Import: how far it is" max=move || import.size().get().max(1) value=done></progress>
            </p>
        </div>
        <p class="mini-fact"><b>{move || grouped(import.accepted().get() as usize)}</b> " rows"</p>
    }
}
