//! What can be done with a task, on two buttons that stay where they are.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Hold or go on; stop, or start anew.
#[component]
pub fn TaskButtons<E: EventDef>(
    /// The task.
    task: TaskHandle,
    /// What it is about: "Pause product 7" is what a button says to who listens.
    name: String,
    /// Starts it.
    start: Call<E>,
) -> impl IntoView {
    let name = StoredValue::new(name);
    let start = StoredValue::new(start);
    let named = move |verb: &str| format!("{verb} {}", name.get_value());
    // A memo: a task that goes on changes nothing here.
    let is_running = Memo::new(move |_| task.is_running());
    view! {
        <div class="task-buttons">
            <PauseButton task name=name.get_value()/>
            {move || match is_running.get() {
                true => view! {
                    <EventForm event=task.cancel_event()>
                        <button aria-label=named("Stop") class:waits=move || task.is_cancelling()>"Stop"</button>
                    </EventForm>
                }.into_any(),
                false => view! {
                    <EventForm event=start.get_value()>
                        <button aria-label=named("Start")>"Start"</button>
                    </EventForm>
                }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// Hold or go on, on one button.
#[component]
pub fn PauseButton(
    /// The task.
    task: TaskHandle,
    /// What it is about, for who listens. Without it the button says what it does alone.
    #[prop(optional)]
    name: String,
) -> impl IntoView {
    let name = StoredValue::new(name);
    let named = move |verb: &str| format!("{verb} {}", name.get_value()).trim_end().to_owned();
    // Memos: a task that goes on changes nothing here.
    let is_paused = Memo::new(move |_| task.is_paused());
    let can_pause =
        Memo::new(move |_| task.is_running() && !task.is_queued() && !task.is_cancelling());
    move || match is_paused.get() {
        true => view! {
            <EventForm event=task.resume_event()>
                <button aria-label=named("Resume")>"Resume"</button>
            </EventForm>
        }
        .into_any(),
        false => view! {
            <EventForm event=task.pause_event()>
                <button aria-label=named("Pause") disabled=move || !can_pause.get()>"Pause"</button>
            </EventForm>
        }
        .into_any(),
    }
}

/// Stop, of what is started elsewhere.
#[component]
pub fn StopButton(task: TaskHandle) -> impl IntoView {
    let is_running = Memo::new(move |_| task.is_running());
    view! {
        <EventForm event=task.cancel_event()>
            <button class:waits=move || task.is_cancelling() disabled=move || !is_running.get()>"Stop"</button>
        </EventForm>
    }
}
