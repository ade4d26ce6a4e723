//! The report: how it is made, a cell for each product, the sections.

use super::{
    state::*,
    tasks::{ask_again, clear, make_report},
};
use crate::pieces::{BreakIt, Empty, Markdown, Notes, PauseButton, RunLine, StopButton};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;
use upstream::sales::figures::Figures;

/// The page.
#[component]
pub fn ReportPage() -> impl IntoView {
    let report = use_state::<Report>();
    let counts = Memo::new(move |_| report.cells().with(Counts::of));
    view! {
        <Title text="Report"/>
        <h1>"Forty products, one report"</h1>
        <p class="lead">
            "A background task asks a shop for a year of each product, so many at once, and writes \
             a report of what comes. Move the slider while it runs, pause it, restart the server: \
             what is here is not asked for again."
        </p>
        <Controls counts/>
        <Cells counts/>
        <Written counts/>
        <BreakIt<Report>/>
    }
}

/// How many cells are where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    asked: usize,
    done: usize,
    failed: usize,
    of: usize,
}

impl Counts {
    fn of(cells: &List<Cell>) -> Self {
        let mut counts = Counts::default();
        for cell in cells.iter() {
            counts.of += 1;
            match cell.stage {
                Stage::Waiting => {}
                Stage::Asked => counts.asked += 1,
                Stage::Done(_) => counts.done += 1,
                Stage::Failed(_) => counts.failed += 1,
            }
        }
        counts
    }

    fn settled(self) -> usize {
        self.done + self.failed
    }
}

/// The buttons, the slider, and where the run is.
#[component]
fn Controls(counts: Memo<Counts>) -> impl IntoView {
    let (report, loaded) = (use_state::<Report>(), use_loaded::<Report>());
    let task = use_task(make_report);
    let is_running = Memo::new(move |_| task.is_running());
    let is_whole = move || report.is_whole().get();
    let is_open = move || counts.get().of > 0 && !is_whole() && !is_running.get();
    let events = [use_event(make_report), use_event(clear)];
    let slider = use_input(
        move || report.at_once().get(),
        |text| set_at_once(text.parse().unwrap_or_default()),
    )
    .throttle(Millis(100));
    let fault = move || {
        let events = events.into_iter().find_map(EventHandle::error);
        events.or_else(|| slider.error()).or_else(|| task.error())
    };
    // What was cleared is told of no more.
    let status = Signal::derive(move || {
        let is_told =
            |status: &TaskStatus| counts.get().of > 0 || !status.is_end() || status.is_failure();
        task.status().filter(is_told)
    });
    // It changes with the phase, not with each product: it is spoken.
    let phase = Memo::new(move |_| {
        let counts = counts.get();
        match (is_running.get(), counts.of, counts.settled() == counts.of) {
            (false, 0, _) => "Nothing was asked for yet.",
            (true, _, _) if task.is_paused() => {
                "Paused. What was asked for is taken when it goes on."
            }
            (true, of, _) if of == 0 || is_whole() => "The shop is asked what it sells.",
            (true, _, false) => "The shop is asked for each product.",
            (true, _, true) => "All products are settled. The report is written.",
            (false, ..) if is_open() => "Go on does what is missing. Clear begins from nothing.",
            (false, ..) if counts.failed > 0 => {
                "Retry asks for one product, and what it changes is written anew."
            }
            (false, ..) => "All of it is here.",
        }
    });
    view! {
        <section class="panel report-controls" aria-label="Make the report">
            <div class="report-buttons">
                <EventForm event=make_report()>
                    <button class="primary" aria-describedby="report-notes" {..off_while(move || is_running.get())}>
                        {move || match (is_open(), is_whole()) {
                            (true, _) => "Go on",
                            (_, true) => "Make it anew",
                            _ => "Make the report",
                        }}
                    </button>
                </EventForm>
                <PauseButton task/>
                <StopButton task/>
                <EventForm event=clear()>
                    <button {..off_while(move || counts.get().of == 0)}>"Clear"</button>
                </EventForm>
            </div>
            // Without JavaScript a button sends it.
            <EventForm event=set_at_once(0) typed=&["at_once"]>
                <div class="at-once">
                    <label for="at-once">"At once"</label>
                    <input type="range" id="at-once" name="at_once" min="1" max={AT_ONCE} {..slider.bind()}/>
                    <b aria-hidden="true">{move || slider.value().get()}</b>
                </div>
                <button class="without-script">"Set"</button>
            </EventForm>
            <RunLine
                name="The report"
                status
                stopping=Signal::derive(move || task.is_cancelling())
                done=Signal::derive(move || counts.get().settled() as u64)
                of=Signal::derive(move || match counts.get().of {
                    0 => PRODUCTS as u64,
                    of => of as u64,
                })
            />
            <Notes
                id="report-notes"
                reason=Signal::derive(move || loaded.get().then(|| phase.get()))
                fault=Signal::derive(fault)
            />
        </section>
    }
    .into_any()
}

/// The grid. Before a list is here its places are empty.
#[component]
fn Cells(counts: Memo<Counts>) -> impl IntoView {
    let (report, loaded) = (use_state::<Report>(), use_loaded::<Report>());
    let facts = move || {
        let Counts {
            asked,
            done,
            failed,
            ..
        } = counts.get();
        [
            (done, "here"),
            (asked, "asked for"),
            (failed, "did not come"),
        ]
    };
    view! {
        <section class="products" aria-labelledby="products">
            <header class="report-head">
                <h2 id="products">"Products"</h2>
                <p class="report-facts">
                    {(0..3).map(|at| view! {
                        <span><b>{move || facts()[at].0}</b> " " {move || facts()[at].1}</span>
                    }).collect_view()}
                </p>
            </header>
            <ul class="cells">
                <ForList each=report.cells() let:cell><CellView cell/></ForList>
                <For each=move || counts.get().of..PRODUCTS key=|place| *place let:_place>
                    <li class="cell" data-stage="none" aria-hidden="true"></li>
                </For>
            </ul>
            {move || (loaded.get() && counts.get().of == 0).then(|| view! {
                <p class="no-cells">
                    "Each product of the shop has its place here: what it brought, how much of it \
                     came back, how it is liked. Make the report to fill them."
                </p>
            })}
        </section>
    }
    .into_any()
}

/// One product.
#[component]
fn CellView(cell: ReadSignal<Cell>) -> impl IntoView {
    let Cell { id, name, .. } = cell.get_untracked();
    let stage = Memo::new(move |_| cell.read().stage.clone());
    let label = StoredValue::new(name.clone());
    view! {
        <li class="cell" data-id=id data-stage=move || stage.read().name()>
            <p class="cell-name">{name}</p>
            {move || match stage.get() {
                Stage::Waiting => view! { <p class="cell-state">"waits"</p> }.into_any(),
                Stage::Asked => view! { <p class="cell-state">"asked for"</p> }.into_any(),
                Stage::Done(figures) => done(figures),
                Stage::Failed(why) => view! { <FailedCell id name=label.get_value() why/> }.into_any(),
            }}
        </li>
    }
    .into_any()
}

fn done(figures: Figures) -> AnyView {
    let (word, returns) = (figures.verdict.word(), figures.returns());
    view! {
        <p class="cell-revenue">{reports::euros(figures.revenue)}</p>
        <p class="cell-returns">
            {format!("{returns:.1} % ")} <span class="spoken">"came "</span> "back"
        </p>
        <p class="cell-verdict">
            <span class="verdict" data-verdict=word>{word}</span>
            <span>{format!("{:.1}", figures.rating)} <span class="spoken">" stars"</span></span>
        </p>
    }
    .into_any()
}

/// A product that did not come, why, and a way on.
#[component]
fn FailedCell(id: u32, name: String, why: String) -> impl IntoView {
    let task = use_task(ask_again).key(id);
    let is_asking = Memo::new(move |_| task.is_running());
    view! {
        <p class="cell-why">
            {move || match is_asking.get() {
                true => "asked again".to_owned(),
                false => why.clone(),
            }}
        </p>
        <EventForm event=ask_again(id)>
            <button class:waits=is_asking aria-label=format!("Retry {name}")>"Retry"</button>
        </EventForm>
    }
    .into_any()
}

/// The sections, as they are written.
#[component]
fn Written(counts: Memo<Counts>) -> impl IntoView {
    let (report, loaded) = (use_state::<Report>(), use_loaded::<Report>());
    let (is_whole, has_some) = (
        move || report.is_whole().get(),
        move || counts.get().done > 0,
    );
    view! {
        <section class="written" aria-labelledby="written">
            <header class="report-head">
                <h2 id="written">"Report"</h2>
                <div class="report-files">
                    // Routes of the server's, which a browser without JavaScript finds, too. A link
                    // leads somewhere once there is something.
                    <a class="button" download="" rel="external" href=move || is_whole().then_some("/report/report.md")>
                        "Download Markdown"
                    </a>
                    <a class="button" download="" rel="external" href=move || has_some().then_some("/report/report.csv")>
                        "Download CSV"
                    </a>
                </div>
            </header>
            <div class="sections">
                <ForList each=report.sections() let:section><SectionView section/></ForList>
                <Empty
                    class="no-sections"
                    loaded
                    is_empty=Signal::derive(move || counts.get().of == 0)
                    words="An overview, the best sellers, the problems and what to do about them: \
                           written here, word by word, once each product has come or failed."
                />
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn SectionView(section: ReadSignal<Section>) -> impl IntoView {
    let title = section.get_untracked().title;
    let label = title.clone();
    let text = Memo::new(move |_| section.read().text.to_string());
    view! {
        <article class="panel report-section" aria-label=label>
            <h3>{title}</h3>
            <Markdown text/>
            {move || text.read().is_empty().then(|| view! {
                <p class="section-wait">"It is written when all products are settled."</p>
            })}
        </article>
    }
    .into_any()
}
