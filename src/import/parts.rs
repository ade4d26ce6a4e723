//! The parts of the page: where a file is chosen, the import, its rows.

use super::{state::*, tasks::*};
use crate::pieces::{
    Choice, Empty, Log, Notes, PagedTable, PauseButton, SendBar, Sender, Sending, Spoken,
    StopButton, TaskChip, Upload, grouped, tell_while, use_told_once,
};
use leptos::prelude::*;
use undercurrent::prelude::*;
use uploads::{
    Pace, Refusal, Row, Stage, Wrong,
    limits::FILE_BYTES,
    orders::{self, COLUMNS},
};

/// Rows of the samples that can be chosen.
const SAMPLES: [u32; 3] = [1_000, 20_000, 500_000];

/// Where a file is chosen, or a sample.
#[component]
pub(super) fn Choose() -> impl IntoView {
    let (import, task) = (use_state::<Import>(), use_task(import_file));
    let is_busy = Memo::new(move |_| task.is_running());
    // Where the connection went the browser sees so itself, and says it.
    let is_wanted = Memo::new(move |_| is_busy.get() || import.stage().get() == Stage::Lost);
    // What the address tells of a file that the browser itself has sent.
    let refused = use_told_once("refused").and_then(|word| Refusal::of_word(&word));
    let refused = refused.filter(|why| *why != Refusal::Busy || is_busy.get_untracked());
    let (sender, started) = (expect_context::<Sender>(), use_event(start_sample));
    let sending = sender.sending;
    if let Some(why) = refused {
        sending.set(Sending::Failed(why.to_string()));
    }
    tell_while(is_busy, Refusal::Busy.to_string(), sending, started);
    let fault = move || match sending.get() {
        Sending::Failed(why) => Some(why),
        _ => started.error(),
    };
    let is_sending = move || matches!(sending.get(), Sending::Sends(..));
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
                here=Signal::derive(move || matches!(import.stage().get(), Stage::Reading | Stage::Done).then(|| import.begun().get()))
                sender
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
                <SendBar sending/>
                <Notes
                    id="import-notes"
                    reason=Signal::derive(move || match (is_busy.get(), is_sending()) {
                        (_, true) => None,
                        (true, _) => Some("One import at a time: stop this one to begin another."),
                        (false, _) => Some("A file is kept until you remove it, or until your session goes."),
                    })
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
        true => import.stage().get().in_words(done(), import.size().get()),
        false => String::new(),
    });
    let why = move || import.stage().get().fault(import.received().get());
    let fact = |name: &'static str, value: Signal<u64>| {
        view! { <div><dt>{name}</dt><dd>{move || grouped(value.get() as usize)}</dd></div> }
    };
    let spoken = Memo::new(move |_| match asks(import) {
        Some(column) => format!("The import asks which column is {}.", COLUMNS[column]),
        None => import.stage().get().aloud(done(), import.size().get()),
    });
    let name = move || match import.name().get() {
        name if name.is_empty() && loaded.get() => "No file yet".to_owned(),
        name if name.is_empty() => "The import".to_owned(),
        name => name,
    };
    view! {
        <section class="panel import-run" class:coming=move || !loaded.get() aria-label="The import">
            <header><h2 id="came-of-it">{name}</h2><TaskChip task asks=Signal::derive(move || asks(import).is_some()) cleared=is_empty/></header>
            <progress class="job-bar" aria-label="How far the import is" max=move || import.size().get().max(1) value=done></progress>
            <div class="import-told">
                <p class="fault" role="alert">{why}</p>
                <p class="import-words">{words}</p>
            </div>
            <Spoken words=spoken/>
            // What is asked takes the place of the facts: there are none before it is answered.
            <div class="import-now">
                <Question/>
                <Empty
                    class="no-import"
                    loaded
                    is_empty
                    words="How many rows came in, and how many did not, stands here. What the file does \
                           not say by itself is asked here."
                />
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
                <Choice name="Updates a second" options=&Pace::ALL chosen=import.pace() label=Pace::words event=set_pace/>
            </footer>
        </section>
    }
    .into_any()
}

/// The column that is asked for, if one is.
pub fn asks(import: ImportSignals) -> Option<usize> {
    let is_reading = import.stage().get() == Stage::Reading;
    orders::asked(&import.columns().get()).filter(|_| is_reading)
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
    // Of which file: the next one may ask for the same.
    let asked = Memo::new(move |_| Some((import.begun().get(), asks(import)?)));
    let question = move |of: (u32, usize)| {
        let column = of.1;
        let header = import.header().get_untracked();
        let free = import
            .columns()
            .with_untracked(|columns| orders::free(&header, columns));
        view! {
            <div class="import-question" role="group" aria-labelledby="question">
                <p id="question">"Which column is " <b>{COLUMNS[column]}</b> "?"</p>
                <p class="about">"The first line has no such name. The import waits for you, over reloads and restarts."</p>
                <div class="import-choices">
                    {free.into_iter().map(|(place, name)| view! {
                        <EventForm event=choose(of, place)><button>{name}</button></EventForm>
                    }).collect_view()}
                    <EventForm event=choose(of, 0)><button>"Leave it out"</button></EventForm>
                </div>
                <p class="fault" role="alert">{move || chosen.error()}</p>
            </div>
        }
        .into_any()
    };
    move || asked.get().map(question)
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
    let [last_end, errors_end] = [(); 2].map(|()| RwSignal::new(true));
    let has_no_last = Signal::derive(move || import.last().with(|last| last.is_empty()));
    let has_no_errors = Signal::derive(move || import.errors().with(|errors| errors.is_empty()));
    view! {
        <section class="panel import-all" aria-label="All rows">
            <header><h2>"All rows"</h2>{count(accepted)}{save("/import/accepted.csv", accepted)}</header>
            <p class="about">
                "They lie in a file of the server’s: those that are seen are fetched."
                <span class="without-script">" Without JavaScript none are: Download has them all."</span>
            </p>
            <PagedTable path="/import/rows" label="All rows that were imported" columns=&COLUMNS count=accepted loaded empty="Each row that is taken in stands here." table=Signal::derive(move || import.begun().get())/>
        </section>
        <div class="import-lists">
            <section class="panel" aria-label="The last rows">
                <header><h2>"The last rows"</h2></header>
                <p class="about">"200 of them are state: they come with each update."</p>
                <Log at_end=last_end loaded is_empty=has_no_last empty="No row yet.">
                    <WindowedList each=import.last() label="The last rows" rows=12 at_end=last_end let:row><LastRow row/></WindowedList>
                </Log>
            </section>
            <section class="panel" aria-label="Rejected rows">
                <header><h2>"Rejected"</h2>{count(rejected)}{save("/import/rejected.csv", rejected)}</header>
                <p class="about">"The first 1,000 stand here, all of them in the file."</p>
                <Log at_end=errors_end loaded is_empty=has_no_errors empty="None.">
                    <WindowedList each=import.errors() label="Rejected rows" rows=12 at_end=errors_end let:wrong><WrongRow wrong/></WindowedList>
                </Log>
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
    view! { <p class="log-line"><span class="import-line">{move || line()}</span>{move || wrong.read().why.clone()}</p> }
}
