//! The parts of the page: where a file is chosen, the import, its rows.

use super::{state::*, tasks::*};
use crate::pieces::{
    Notes, PagedTable, PauseButton, Sending, Spoken, StopButton, TaskChip, Upload, grouped,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use undercurrent::prelude::*;
use uploads::{
    Refusal, Row, Wrong,
    limits::FILE_BYTES,
    megabytes,
    orders::{COLUMNS, Column},
};

/// Rows of the samples that can be chosen.
const SAMPLES: [u32; 3] = [1_000, 20_000, 500_000];

/// How fast a file can be read, in words.
const PACES: [(Pace, &str); 3] = [
    (Pace::Two, "2 updates/s"),
    (Pace::Ten, "10 updates/s"),
    (Pace::Full, "Full speed"),
];

/// Where a file is chosen, or a sample.
#[component]
pub(super) fn Choose() -> impl IntoView {
    let import = use_state::<Import>();
    let task = use_task(import_file);
    let is_busy = Memo::new(move |_| task.is_running());
    // What the address tells of a file that the browser itself has sent.
    let word = use_query_map().read_untracked().get("refused");
    let refused = word.and_then(|word| Refusal::of_word(&word));
    let refused = refused.filter(|why| *why != Refusal::Busy || is_busy.get_untracked());
    let sending = RwSignal::new(match refused {
        Some(why) => Sending::Failed(why.to_string()),
        None => Sending::Nothing,
    });
    let is_wanted =
        Memo::new(move |_| !matches!(import.stage().get(), Stage::Failed(_) | Stage::Stopped));
    let started = use_event(start_sample);
    let fault = move || match sending.get() {
        Sending::Failed(why) => Some(why),
        _ => started.error(),
    };
    let sent = move || match sending.get() {
        Sending::Sends(sent, of) => Some((sent, of)),
        _ => None,
    };
    let sent_words = move || {
        sent().map(|(sent, of)| {
            format!(
                "Sent {} of {}.",
                megabytes(sent as u64),
                megabytes(of as u64)
            )
        })
    };
    view! {
        <section class="panel import-start" aria-label="Choose a file">
            <Upload
                path="/import/file"
                label="A CSV of up to 50 MB"
                accept=".csv,text/csv"
                max=FILE_BYTES
                too_large=Refusal::TooLarge.to_string()
                button="Import"
                off=is_busy
                wanted=is_wanted
                sending
                described="import-notes"
            />
            <div class="import-samples" role="group" aria-labelledby="samples">
                <p id="samples" class="about">"Or orders of a shop, made up, one in a hundred wrong:"</p>
                {SAMPLES.map(|rows| view! {
                    <EventForm event=start_sample(rows.to_string())>
                        <button {..off_while(move || is_busy.get())}>{format!("{} rows", grouped(rows as usize))}</button>
                    </EventForm>
                }).collect_view()}
                <p class="about">
                    "The same to save: "
                    {SAMPLES.map(|rows| view! {
                        <a href=format!("/import/sample/{rows}") download="" rel="external">{grouped(rows as usize)}</a>
                    }).collect_view()}
                </p>
            </div>
            <div class="import-sent">
                <progress
                    class="job-bar"
                    aria-label="Sent"
                    hidden=move || sent().is_none()
                    max=move || sent().map_or(1.0, |(_, of)| of)
                    value=move || sent().map_or(0.0, |(sent, _)| sent)
                ></progress>
                // Not said: it changes with each packet.
                {move || sent_words().map(|words| view! { <p class="hint waits">{words}</p> })}
                <Notes
                    id="import-notes"
                    reason=Signal::derive(move || (is_busy.get() && sent().is_none())
                        .then_some("One import at a time: stop this one to begin another."))
                    fault=Signal::derive(fault)
                />
            </div>
        </section>
    }
    .into_any()
}

/// The import: where it is, what it asks, what can be done with it.
#[component]
pub(super) fn Run() -> impl IntoView {
    let (import, loaded) = (use_state::<Import>(), use_loaded::<Import>());
    let task = use_task(import_file);
    let is_empty = Memo::new(move |_| import.stage().get() == Stage::Empty);
    let done = move || done(import);
    let words = Memo::new(move |_| match loaded.get() {
        true => in_words(&import.stage().get(), done(), import.size().get()),
        false => String::new(),
    });
    let why = move || match import.stage().get() {
        Stage::Failed(why) => Some(why),
        Stage::Lost => {
            let received = import.received().get();
            Some(Refusal::Lost { received }.to_string())
        }
        _ => None,
    };
    let fact = |name: &'static str, value: Signal<u64>| {
        view! { <div><dt>{name}</dt><dd>{move || grouped(value.get() as usize)}</dd></div> }
    };
    // At each tenth, and when something else happens: not at each update.
    let spoken = Memo::new(move |_| {
        let tenth = (done() * 10)
            .checked_div(import.size().get())
            .unwrap_or_default();
        match (asks(import), import.stage().get()) {
            (Some(column), _) => format!("The import asks which column is {}.", COLUMNS[column]),
            (_, Stage::Receiving) => "The file comes.".to_owned(),
            (_, Stage::Reading) => format!("The import is at {} percent.", tenth * 10),
            (_, stage) => in_words(&stage, 0, 0),
        }
    });
    let name = move || match import.name().get() {
        name if name.is_empty() && loaded.get() => "No file yet".to_owned(),
        name if name.is_empty() => "The import".to_owned(),
        name => name,
    };
    view! {
        <section class="panel import-run" class:coming=move || !loaded.get() aria-label="The import">
            <header><h2>{name}</h2><TaskChip task/></header>
            <progress class="job-bar" aria-label="How far the import is" max=move || import.size().get().max(1) value=done></progress>
            <p class="import-words">{words}</p>
            <Spoken words=spoken/>
            <p class="fault" role="alert">{why}</p>
            // What is asked takes the place of the facts: there are none before it is answered.
            <div class="import-now">
                <Question/>
                <dl class="import-facts">
                    {fact("rows imported", Signal::derive(move || import.accepted().get()))}
                    {fact("rows rejected", Signal::derive(move || import.rejected().get()))}
                    {fact("updates", Signal::derive(move || import.updates().get().into()))}
                </dl>
            </div>
            <footer>
                <PauseButton task name="the import".to_owned()/>
                <StopButton task/>
                <EventForm event=remove()>
                    <button {..off_while(move || is_empty.get())}>"Remove"</button>
                </EventForm>
                <div class="choice" role="group" aria-label="Updates a second">
                    {PACES.map(|(pace, name)| view! {
                        <EventForm event=set_pace(pace)>
                            <button aria-pressed=move || (import.pace().get() == pace).to_string()>{name}</button>
                        </EventForm>
                    }).collect_view()}
                </div>
            </footer>
        </section>
    }
    .into_any()
}

/// Where it is, as a sentence.
fn in_words(stage: &Stage, done: u64, size: u64) -> String {
    let of = || format!("{} of {}", megabytes(done), megabytes(size));
    match stage {
        Stage::Empty => "Choose a file, and it is taken in here, 500 rows an update.".to_owned(),
        Stage::Receiving => format!("The server has {}.", of()),
        Stage::Reading => format!("{} are read.", of()),
        Stage::Done => "All of it is read.".to_owned(),
        Stage::Stopped => "Stopped. What was imported stays until you remove it.".to_owned(),
        Stage::Lost | Stage::Failed(_) => "The import ended early.".to_owned(),
    }
}

/// The column that is asked for, if one is.
fn asks(import: ImportSignals) -> Option<usize> {
    let is_reading = import.stage().get() == Stage::Reading;
    asked(&import.columns().get()).filter(|_| is_reading)
}

/// Bytes that have come, or were read since.
pub fn done(import: ImportSignals) -> u64 {
    match import.stage().get() {
        Stage::Receiving => import.received().get(),
        _ => import.read().get(),
    }
}

/// Which column is which.
#[component]
fn Question() -> impl IntoView {
    let import = use_state::<Import>();
    let chosen = use_event(choose);
    let asked = Memo::new(move |_| asks(import));
    let question = move |column: usize| {
        let free = import
            .header()
            .get_untracked()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| {
                let is_free = |columns: &Vec<Column>| !columns.contains(&Column::At(*at));
                import.columns().with_untracked(is_free)
            });
        view! {
            <div class="import-question" role="group" aria-labelledby="question">
                <p id="question">"Which column is " <b>{COLUMNS[column]}</b> "?"</p>
                <p class="about">"The first line has no such name. The import waits for you, over reloads and restarts."</p>
                <div class="import-choices">
                    {free.map(|(at, name)| view! {
                        <EventForm event=choose(column, at + 1)><button>{shown(name, at)}</button></EventForm>
                    }).collect_view()}
                    <EventForm event=choose(column, 0)><button>"Leave it out"</button></EventForm>
                </div>
                <p class="fault" role="alert">{move || chosen.error()}</p>
            </div>
        }
        .into_any()
    };
    move || asked.get().map(question)
}

fn shown(name: String, at: usize) -> String {
    match name.is_empty() {
        true => format!("Column {}", at + 1),
        false => name,
    }
}

/// What was imported, and what was not.
#[component]
pub(super) fn Rows() -> impl IntoView {
    let (import, loaded) = (use_state::<Import>(), use_loaded::<Import>());
    let count = move |value: Signal<u64>| {
        view! { <p class="import-count"><b>{move || grouped(value.get() as usize)}</b></p> }
    };
    let save = |path: &'static str, what: Signal<u64>| {
        move || match what.get() {
            0 => None,
            _ => Some(view! { <a href=path download="" rel="external">"Download"</a> }),
        }
    };
    let (accepted, rejected) = (
        Signal::derive(move || import.accepted().get()),
        Signal::derive(move || import.rejected().get()),
    );
    let (has_last, has_errors) = (
        Memo::new(move |_| !loaded.get() || import.last().with(|last| !last.is_empty())),
        Memo::new(move |_| !loaded.get() || import.errors().with(|errors| !errors.is_empty())),
    );
    view! {
        <section class="panel import-all" aria-label="All rows">
            <header><h2>"All rows"</h2>{count(accepted)}{save("/import/accepted.csv", accepted)}</header>
            <p class="about">"They lie in a file of the server’s: those that are seen are fetched."</p>
            <PagedTable path="/import/rows" label="All rows that were imported" columns=&COLUMNS count=accepted table=Signal::derive(move || import.begun().get())/>
        </section>
        <div class="import-lists">
            <section class="panel" aria-label="The last rows">
                <header><h2>"The last rows"</h2></header>
                <p class="about">"200 of them are state: they come with each update."</p>
                <div class="log-box">
                    <WindowedList each=import.last() label="The last rows" rows=12 let:row><LastRow row/></WindowedList>
                    <p class="log-empty" hidden=has_last>"No row yet."</p>
                </div>
            </section>
            <section class="panel" aria-label="Rejected rows">
                <header><h2>"Rejected"</h2>{count(rejected)}{save("/import/rejected.csv", rejected)}</header>
                <p class="about">"The first 1,000 stand here, all of them in the file."</p>
                <div class="log-box">
                    <WindowedList each=import.errors() label="Rejected rows" rows=12 let:wrong><WrongRow wrong/></WindowedList>
                    <p class="log-empty" hidden=has_errors>"None."</p>
                </div>
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn LastRow(row: ReadSignal<Row>) -> impl IntoView {
    view! { <p class="log-line">{move || row.read().values.join("  ")}</p> }
}

#[component]
fn WrongRow(wrong: ReadSignal<Wrong>) -> impl IntoView {
    let line = move || format!("{:>7}  ", grouped(wrong.read().line as usize));
    view! { <p class="log-line"><span class="import-line">{line}</span>{move || wrong.read().why.clone()}</p> }
}
