//! The report: how it is made, a cell for each product, the sections.

use super::{
    state::*,
    tasks::{ask_again, clear, make_report},
};
use crate::pieces::{
    BreakIt, Each, Empty, Markdown, Notes, PauseButton, RunLine, Slider, StopButton, fault_of,
};
use leptos::prelude::*;
use leptos_meta::Title;
use reports::{Counts, Run, Stage};
use undercurrent::prelude::*;
use upstream::sales::figures::Figures;

/// The page.
#[component]
pub fn ReportPage() -> impl IntoView {
    let report = use_state::<Report>();
    let counts = Memo::new(move |_| report.cells().with(counts));
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

/// The buttons, the slider, and where the run is.
#[component]
fn Controls(counts: Memo<Counts>) -> impl IntoView {
    let (report, loaded) = (use_state::<Report>(), use_loaded::<Report>());
    let task = use_task(make_report);
    let is_whole = move || report.is_whole().get();
    let told = fault_of([use_event(make_report), use_event(clear)], Some(task));
    let slider = use_input(
        move || report.at_once().get(),
        |text| set_at_once(text.parse().unwrap_or_default()),
    )
    .throttle(Millis(100));
    let fault = move || told.get().or_else(|| slider.error());
    // What was cleared is told of no more.
    let status = Signal::derive(move || {
        let is_told =
            |status: &TaskStatus| counts.get().of > 0 || !status.is_end() || status.is_failure();
        task.status().filter(is_told)
    });
    let run = Memo::new(move |_| match (task.is_running(), task.is_paused()) {
        (false, _) => Run::None,
        (true, true) => Run::Paused,
        (true, false) => Run::Runs,
    });
    // Before the list is here there are as many as there may be.
    let places = move || {
        Some(counts.get().of)
            .filter(|of| *of > 0)
            .unwrap_or(PRODUCTS)
    };
    let phase = Memo::new(move |_| counts.get().phase(run.get(), is_whole()));
    view! {
        <section class="panel report-controls" aria-label="Make the report">
            <div class="report-buttons">
                <EventForm event=make_report()>
                    <button class="primary" aria-describedby="report-notes" {..off_while(move || run.get() != Run::None)}>
                        {move || counts.get().button(run.get(), is_whole())}
                    </button>
                </EventForm>
                <PauseButton task/>
                <StopButton task/>
                <EventForm event=clear()>
                    <button {..off_while(move || counts.get().of == 0)}>"Clear"</button>
                </EventForm>
            </div>
            <Slider typed=&["at_once"] label="At once" max=AT_ONCE input=slider event=set_at_once(0)/>
            <RunLine
                name="The report"
                status
                stopping=Signal::derive(move || task.is_cancelling())
                done=Signal::derive(move || counts.get().settled() as u64)
                of=Signal::derive(move || places() as u64)
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
    view! {
        <section class="products" aria-labelledby="products">
            <header class="report-head">
                <h2 id="products">"Products"</h2>
                <p class="report-facts">
                    {(0..3).map(|at| view! {
                        <span><b>{move || counts.get().facts()[at].0}</b> " " {move || counts.get().facts()[at].1}</span>
                    }).collect_view()}
                </p>
            </header>
            <ul class="cells">
                <ForList each=report.cells() let:cell><CellView cell/></ForList>
                <Each of=move || counts.get().of as u64..PRODUCTS as u64 let:_place>
                    <li class="cell" data-stage="none" aria-hidden="true"></li>
                </Each>
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
    let is_whole = move || report.is_whole().get();
    let has_some = move || counts.get().done > 0;
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
                <ForList each=report.sections() let:section><SectionView section counts/></ForList>
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
fn SectionView(section: ReadSignal<Section>, counts: Memo<Counts>) -> impl IntoView {
    let title = section.get_untracked().title;
    let label = title.clone();
    let text = Memo::new(move |_| section.read().text.to_string());
    view! {
        <article class="panel report-section" aria-label=label>
            <h3>{title}</h3>
            <Markdown text/>
            {move || text.read().is_empty().then(|| view! {
                <p class="section-wait">{move || counts.get().wait()}</p>
            })}
        </article>
    }
    .into_any()
}
