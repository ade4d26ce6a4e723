//! What stands under a row of buttons: why one is off, what waits, what went wrong.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Its place is kept, so that nothing moves when it has something to say.
#[component]
pub fn Notes(
    /// Ties a button to it, by `aria-describedby`.
    id: &'static str,
    /// Why a button is off.
    #[prop(into, default = Signal::stored(None))]
    reason: Signal<Option<&'static str>>,
    /// What was clicked and waits. It is said in place of the reason.
    #[prop(into, default = Signal::stored(None))]
    waiting: Signal<Option<String>>,
    /// What the visitor is told of what went wrong.
    #[prop(into)]
    fault: Signal<Option<String>>,
) -> impl IntoView {
    let hint = move || waiting.get().or_else(|| reason.get().map(str::to_owned));
    view! {
        <div class="notes">
            <p class="hint" class:waits=move || waiting.get().is_some() id=id role="status">
                {move || hint()}
            </p>
            <p class="fault" role="alert">{move || fault.get()}</p>
        </div>
    }
}

/// Which of these buttons were clicked and wait, and for what; `None` if none waits, or for
/// nothing that is worth a word.
pub fn waiting(
    buttons: impl IntoIterator<Item = (&'static str, EventHandle)>,
    what_for: Option<&str>,
) -> Option<String> {
    let waits = buttons.into_iter().filter(|(_, event)| event.is_pending());
    let names: Vec<_> = waits.map(|(name, _)| name).collect();
    let verb = if names.len() == 1 { "waits" } else { "wait" };
    let what = what_for.filter(|_| !names.is_empty())?;
    Some(format!("{} {verb} for {what}.", names.join(" and ")))
}

/// What went wrong first, of events and perhaps a task.
pub fn fault_of<const COUNT: usize>(
    events: [EventHandle; COUNT],
    task: Option<TaskHandle>,
) -> Signal<Option<String>> {
    let of_events = move || events.into_iter().find_map(EventHandle::error);
    Signal::derive(move || of_events().or_else(|| task?.error()))
}
