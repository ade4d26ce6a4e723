//! The monitor: a form that adds an endpoint, and a card for each.

use super::{events::*, state::*};
use crate::pieces::{
    BreakIt, Choice, Empty, Notes, Select, Spark, Spoken, TaskButtons, TaskChip, fault_of,
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;
use upstream::Of;

/// The page.
#[component]
pub fn MonitorPage() -> impl IntoView {
    let (monitor, loaded) = (use_state::<Monitor>(), use_loaded::<Monitor>());
    let count = Memo::new(move |_| monitor.endpoints().with(|all| all.len()));
    let is_full = move || count.get() >= ENDPOINTS;
    let changes = [use_event(add), use_event(remove), use_event(set_every)];
    let failing = Memo::new(move |_| monitor.endpoints().with(in_words));
    view! {
        <Title text="Monitor"/>
        <h1>"Calls, watched"</h1>
        <p class="lead">
            "Each endpoint is asked again and again by a background task of its own. Give it \
             another interval, pause it, stop it: the others go on, whether this page is open or \
             not."
        </p>
        <section class="watch" aria-label="Watch an endpoint">
            <EventForm event=add(Of::Products, 0, 0) typed=&["of", "id", "every"]>
                <Select name="of" label="Upstream" options=&Of::ALL words=|of| of.name().to_owned()/>
                <label class="field">
                    "Product"
                    <input type="number" name="id" min="1" max="9999" required value=move || monitor.endpoints().with(Monitor::next_id)/>
                </label>
                <Select name="every" label="Every" options=&INTERVALS words=|every| format!("{every} s")/>
                <button class="primary" aria-describedby="watch-notes" {..off_while(is_full)}>"Watch"</button>
            </EventForm>
            <Notes
                id="watch-notes"
                reason=Signal::derive(move || Some(match is_full() {
                    true => TOO_MANY,
                    false => "There are products 1 to 100, and sales of 1 to 40. Watch 999 to see a call that fails.",
                }))
                fault=fault_of(changes, None)
            />
        </section>
        <section class="endpoints" aria-label="Endpoints">
            <ForList each=monitor.endpoints() let:endpoint>
                <EndpointCard endpoint/>
            </ForList>
            <Empty
                class="no-endpoints"
                loaded
                is_empty=Signal::derive(move || count.get() == 0)
                words="Nothing is watched. Press Watch, and the first endpoint stands here: how \
                       long each call takes, and which fail."
            />
        </section>
        <Spoken words=failing/>
        <BreakIt<Monitor>/>
    }
}

/// Which endpoints fail, for who listens.
fn in_words(endpoints: &List<Endpoint>) -> String {
    let fails = |one: &&Endpoint| one.answers.last().is_some_and(|answer| !answer.ok);
    let failing: Vec<_> = endpoints.iter().filter(fails).collect();
    match failing[..] {
        [] if endpoints.is_empty() => String::new(),
        [] => "All endpoints answer.".to_owned(),
        [one] => {
            let why = one.last_error.as_deref().unwrap_or_default();
            format!("{} fails: {why}.", one.at.name())
        }
        ref many => format!("{} endpoints fail.", many.len()),
    }
}

/// One endpoint: where its task is, how long its calls take, what can be done with it.
#[component]
fn EndpointCard(endpoint: ReadSignal<Endpoint>) -> impl IntoView {
    let at = endpoint.get_untracked().at;
    let task = use_task(watch_endpoint).key(at);
    let last = move || endpoint.read().answers.last().copied();
    let title = move || match endpoint.read().title.as_str() {
        "" => "No product yet".to_owned(),
        title => title.to_owned(),
    };
    let calls = move || match (endpoint.read().calls, endpoint.read().failed) {
        (1, 0) => "1 call, answered".to_owned(),
        (calls, 0) => format!("{calls} calls, all answered"),
        (calls, failed) => format!("{calls} calls, {failed} failed"),
    };
    view! {
        <article class="panel endpoint" aria-label=at.name() data-id=at.id>
            <header>
                <h2><code>{format!("/{at}")}</code></h2>
                <TaskChip task/>
                <p class="endpoint-title">{move || title()}</p>
            </header>
            <p class="endpoint-now" class:fails=move || last().is_some_and(|answer| !answer.ok)>
                {move || match last() {
                    None => "–".to_owned(),
                    Some(Answer { ms, ok: true }) => format!("{ms} ms"),
                    Some(Answer { ok: false, .. }) => "failed".to_owned(),
                }}
            </p>
            <Spark name=at.name() slots=KEPT values=Signal::derive(move || endpoint.read().marks())/>
            <p class="endpoint-calls">{move || calls()}</p>
            <p class="endpoint-error">
                {move || endpoint.read().last_error.clone().map(|why| format!("Last error: {why}"))}
            </p>
            <Choice
                name="Every"
                options=&INTERVALS
                chosen=Signal::derive(move || endpoint.read().every)
                label=|every| format!("{every} s")
                spoken=|every| format!("Every {every} s")
                event=move |every| set_every(at, every)
            />
            <div class="endpoint-buttons">
                <TaskButtons task name=at.in_words() start=watch_endpoint(at)/>
                <EventForm event=remove(at)>
                    <button aria-label=format!("Remove {}", at.in_words())>"Remove"</button>
                </EventForm>
            </div>
        </article>
    }
    .into_any()
}
