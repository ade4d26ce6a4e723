//! What can be done with a task, on two buttons that stay where they are. The focus stays, too: the
//! runtime hands it to the button that takes the place of the one that was pressed.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Hold or go on; stop, or start anew.
#[component]
pub fn TaskButtons(
    /// The task.
    task: TaskHandle,
    /// What it is about: "Pause product 7" is what a button says to who listens.
    name: String,
    /// Starts it.
    #[prop(into)]
    start: AnyCall,
    /// What Start is called.
    #[prop(default = "Start")]
    start_word: &'static str,
) -> impl IntoView {
    let named = Named(StoredValue::new(name.clone()));
    let start = StoredValue::new(start);
    // A memo: a task that goes on changes nothing here.
    let is_running = Memo::new(move |_| task.is_running());
    view! {
        <div class="task-buttons">
            <PauseButton task name/>
            {move || match is_running.get() {
                true => view! {
                    <EventForm event=task.cancel_event()>
                        <button aria-label=named.with("Stop") class:waits=move || task.is_cancelling()>"Stop"</button>
                    </EventForm>
                }.into_any(),
                false => view! {
                    <EventForm event=start.get_value()>
                        <button aria-label=named.with(start_word)>{start_word}</button>
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
    let named = Named(StoredValue::new(name));
    // Memos: a task that goes on changes nothing here.
    let is_paused = Memo::new(move |_| task.is_paused());
    let can_pause =
        Memo::new(move |_| task.is_running() && !task.is_queued() && !task.is_cancelling());
    move || {
        match is_paused.get() {
        true => view! {
            <EventForm event=task.resume_event()>
                <button aria-label=named.with("Resume")>"Resume"</button>
            </EventForm>
        }
        .into_any(),
        false => view! {
            <EventForm event=task.pause_event()>
                <button aria-label=named.with("Pause") {..off_while(move || !can_pause.get())}>"Pause"</button>
            </EventForm>
        }
        .into_any(),
    }
    }
}

/// Stop, of what is started elsewhere.
#[component]
pub fn StopButton(task: TaskHandle) -> impl IntoView {
    let is_running = Memo::new(move |_| task.is_running());
    view! {
        <EventForm event=task.cancel_event()>
            <button class:waits=move || task.is_cancelling() {..off_while(move || !is_running.get())}>"Stop"</button>
        </EventForm>
    }
}

/// What a task is about.
#[derive(Clone, Copy)]
struct Named(StoredValue<String>);

impl Named {
    fn with(self, verb: &str) -> String {
        let name = self.0.get_value();
        format!("{verb} {name}").trim_end().to_owned()
    }
}
