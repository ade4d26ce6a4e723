//! The tray: every task of the visitor, on every page.

use super::status::TaskChip;
use leptos::prelude::*;
use undercurrent::prelude::*;

/// Ended runs that are still told of.
const ENDED: usize = 5;

/// What runs, waits or is paused, and what has just ended. A `details`, so that it opens without
/// JavaScript, too.
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
    view! {
        <details class="tray">
            <summary>
                "Tasks"
                <span class="tray-count" class:live=move || { running() > 0 }>
                    {running}
                    <span class="spoken">" under way"</span>
                </span>
            </summary>
            <div class="tray-panel" role="group" aria-label="Your tasks">
                {move || shown.with(Vec::is_empty).then(|| view! {
                    <p class="tray-empty">
                        "Nothing runs. What you start, on any page and in any tab, stands here, \
                         and can be paused and cancelled from here."
                    </p>
                })}
                <ul>
                    <For each=move || shown.get() key=|id| *id let:id>
                        <TrayRow task=tasks.handle(id)/>
                    </For>
                </ul>
            </div>
        </details>
    }
    .into_any()
}

/// One run: what it is, where it is, what can be done with it.
#[component]
fn TrayRow(task: TaskHandle) -> impl IntoView {
    let run = untrack(|| task.run()).unwrap_or_default();
    let (page, title) = title(&run);
    let label = StoredValue::new(title.clone());
    let named = move |verb: &str| format!("{verb}: {}", label.get_value());
    let is_failure = move || task.status().is_some_and(TaskStatus::is_failure);
    let progress = move || Some(task.progress()).filter(|progress| progress.of > 0);
    let attempt = move || Some(task.attempt()).filter(|(n, _)| *n > 1);
    view! {
        <li class="tray-row" data-task=run.name>
            <p class="tray-title"><a href=page>{title}</a></p>
            <p class="tray-facts">
                <TaskChip task/>
                {move || progress().map(|progress| format!("{} of {}", progress.done, progress.of))}
                {move || attempt().map(|(n, of)| format!(" attempt {n} of {of}"))}
            </p>
            <progress
                class="tray-bar"
                class:unknown=move || progress().is_none()
                aria-hidden="true"
                max=move || progress().map_or(1, |progress| progress.of)
                value=move || progress().map_or(0, |progress| progress.done)
            ></progress>
            {move || task.error().map(|error| view! { <p class="fault">{error}</p> })}
            <div class="tray-buttons">
                <Show when=move || task.is_running() && !task.is_queued() && !task.is_paused()>
                    <EventForm event=task.pause_event()>
                        <button aria-label=named("Pause")>"Pause"</button>
                    </EventForm>
                </Show>
                <Show when=move || task.is_paused()>
                    <EventForm event=task.resume_event()>
                        <button aria-label=named("Resume")>"Resume"</button>
                    </EventForm>
                </Show>
                <Show when=move || task.is_running()>
                    <EventForm event=task.cancel_event()>
                        <button aria-label=named("Cancel") class:waits=move || task.is_cancelling()>"Cancel"</button>
                    </EventForm>
                </Show>
                <Show when=is_failure>
                    <EventForm event=task.retry_event()>
                        <button aria-label=named("Start again")>"Start again"</button>
                    </EventForm>
                </Show>
            </div>
        </li>
    }
    .into_any()
}

/// `posts/get_posts` is of the page `/posts`, and called "Get posts".
fn title(run: &TaskRecord) -> (String, String) {
    let (state, function) = run.name.split_once('/').unwrap_or(("", &run.name));
    let mut words = function.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !run.key.is_empty() {
        words = format!("{words} {}", run.key);
    }
    (format!("/{state}"), words)
}
