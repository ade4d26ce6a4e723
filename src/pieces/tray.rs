//! The tray: every task of the visitor, on every page.

use super::{Each, PauseButton, status::TaskChip};
use crate::{
    assistant::state::{self as assistant, Assistant},
    import::{asks, state::Import},
};
use leptos::{
    ev::KeyboardEvent,
    html::{Details, Summary},
    prelude::*,
};
use leptos_router::hooks::use_location;
use undercurrent::prelude::*;

/// Ended runs that are still told of.
const ENDED: usize = 5;

/// What runs, waits or is paused, and what has just ended. A `details`, so that it opens without
/// JavaScript, too. It closes by Escape, and when the page under it is another.
#[component]
pub fn Tray() -> impl IntoView {
    let tasks = use_all_tasks();
    // Newest first.
    let shown = Memo::new(move |_| {
        let (mut ids, mut ended) = (Vec::new(), 0);
        for run in tasks.runs().iter().rev() {
            ended += usize::from(run.status.is_end());
            if !run.status.is_end() || ended <= ENDED {
                ids.push(run.id);
            }
        }
        ids
    });
    let running = move || tasks.running();
    let (tray, summary) = (NodeRef::<Details>::new(), NodeRef::<Summary>::new());
    let close = move || match tray.get_untracked() {
        Some(tray) => tray.remove_attribute("open").is_ok(),
        None => false,
    };
    let is_open = RwSignal::new(false);
    let toggled = move |()| is_open.set(tray.get_untracked().is_some_and(|tray| tray.open()));
    let path = use_location().pathname;
    Effect::new(move |before: Option<()>| {
        path.track();
        match before {
            Some(()) => _ = close(),
            // It may have been opened before the page was alive.
            None => toggled(()),
        }
    });
    let escape = move |key: KeyboardEvent| {
        if key.key() == "Escape" && close() {
            summary.with_untracked(|summary| summary.as_ref().map(|summary| summary.focus()));
        }
    };
    view! {
        <details class="tray" node_ref=tray on:keydown=escape on:toggle=move |_| toggled(())>
            <summary node_ref=summary>
                "Tasks"
                <span class="tray-count" class:live=move || { running() > 0 }>
                    {move || running()}
                    <span class="spoken">" under way"</span>
                </span>
            </summary>
            <div class="tray-panel" role="group" aria-label="Your tasks">
                {move || shown.with(Vec::is_empty).then(|| view! {
                    <p class="tray-empty">
                        "Nothing runs. What you start, on any page and in any tab, stands here, \
                         and can be paused and cancelled from here. What runs in a room is all \
                         people's there, and stands in the room."
                    </p>
                })}
                <ul>
                    <Each of=move || shown.get() let:id>
                        <TrayRow task=tasks.handle(id) is_open/>
                    </Each>
                </ul>
            </div>
        </details>
    }
    .into_any()
}

/// One run: what it is, where it is, what can be done with it.
#[component]
fn TrayRow(task: TaskHandle, is_open: RwSignal<bool>) -> impl IntoView {
    let run = untrack(|| task.run()).unwrap_or_default();
    let is_looked_at = Memo::new(move |_| is_open.get() && task.is_running());
    let of = run.clone();
    let chip = move || {
        let asks = match is_looked_at.get() {
            true => waits_for_answer(&of),
            false => Signal::stored(false),
        };
        view! { <TaskChip task asks/> }
    };
    let (page, title) = title(&run);
    let label = StoredValue::new(title.clone());
    let named = move |verb: &str| format!("{verb} {}", label.get_value());
    let progress = move || Some(task.progress()).filter(|progress| progress.of > 0);
    let attempt = move || Some(task.attempt()).filter(|(n, _)| *n > 1);
    let can_be_ended = Memo::new(move |_| {
        let status = task.status()?;
        // Of one that has ended well nothing is to be done.
        (!status.is_end() || status.is_failure()).then_some(!status.is_end())
    });
    view! {
        <li class="tray-row" data-task=run.name>
            <p class="tray-title"><a href=page>{title}</a></p>
            <p class="tray-facts">
                {chip}
                {move || progress().map(in_words)}
                {move || attempt().map(|(n, of)| format!(" attempt {n} of {of}"))}
            </p>
            <progress
                class="bar thin tray-bar"
                class:unknown=move || progress().is_none()
                aria-hidden="true"
                max=move || progress().map_or(1, |progress| progress.of)
                value=move || progress().map_or(0, |progress| progress.done)
            ></progress>
            {move || task.error().map(|error| view! { <p class="fault">{error}</p> })}
            <div class="tray-buttons">
                {move || match can_be_ended.get() {
                    None => ().into_any(),
                    Some(true) => view! {
                        <PauseButton task name=label.get_value()/>
                        <EventForm event=task.cancel_event()>
                            <button aria-label=named("Cancel") class:waits=move || task.is_cancelling()>"Cancel"</button>
                        </EventForm>
                    }.into_any(),
                    Some(false) => view! {
                        <EventForm event=task.retry_event()>
                            <button aria-label=named("Start again")>"Start again"</button>
                        </EventForm>
                    }.into_any(),
                }}
            </div>
        </li>
    }
    .into_any()
}

/// Whether a task waits until the visitor has answered. The state of its page knows, and is followed
/// from when one looks.
fn waits_for_answer(run: &TaskRecord) -> Signal<bool> {
    match run.name.as_str() {
        "import/import_file" => {
            let import = use_state::<Import>();
            Signal::derive(move || asks(import).is_some())
        }
        "assistant/answer" => {
            let assistant = use_state::<Assistant>();
            let id = run.key.parse().unwrap_or_default();
            Signal::derive(move || assistant.messages().with(|all| assistant::asks(all, id)))
        }
        _ => Signal::stored(false),
    }
}

/// Of many, such as bytes, the share says more.
fn in_words(Progress { done, of }: Progress) -> String {
    match of {
        ..10_000 => format!("{done} of {of}"),
        _ => format!("{} %", done * 100 / of),
    }
}

/// `posts/get_posts` is of the page `/posts`. How a person calls it is said here; a task that is
/// not is called as its function.
fn title(run: &TaskRecord) -> (String, String) {
    let (state, function) = run.name.split_once('/').unwrap_or(("", &run.name));
    let key = run.key.as_str();
    let title = match run.name.as_str() {
        "posts/get_posts" => "Ten posts".to_owned(),
        "posts/retry_background" => format!("Post {key}, once more"),
        "assistant/answer" => format!("Answer in conversation {key}"),
        "report/make_report" => "The report".to_owned(),
        "report/ask_again" => format!("Product {key} of the report"),
        "import/import_file" => "The import".to_owned(),
        "monitor/watch_endpoint" => format!("Calls to /{key}"),
        "dashboard/add_up" => "The sum of 40 prices".to_owned(),
        "dashboard/tick" => "The log".to_owned(),
        "random/numbers" => "Random numbers".to_owned(),
        "lorem/stream_text" => format!("Stream of words {key}"),
        _ => format!("{} {key}", function.replace('_', " "))
            .trim_end()
            .to_owned(),
    };
    (format!("/{state}"), title)
}
