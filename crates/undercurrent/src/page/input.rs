//! Inputs that are bound to a state: what is typed is sent when it rests, and what comes from the
//! server does not write over what is being typed.

use super::{
    event::{EventHandle, Sent},
    scope::scope_of_view,
};
use crate::{Call, EventDef, Millis, browser};
use leptos::{
    attr::{self, Attribute},
    ev,
    prelude::*,
    tachys::html::{event::on, property::prop},
};
use std::{fmt, sync::Arc, time::Duration};

/// An input that is bound to a field of a state. Made by [`use_input`].
#[derive(Clone, Copy)]
pub struct InputHandle {
    /// What is typed and has not become the state.
    draft: RwSignal<Option<String>>,
    /// It has the focus.
    is_in_use: RwSignal<bool>,
    /// What is typed has not been sent.
    is_unsent: RwSignal<bool>,
    shown: Signal<String>,
    /// What was sent last: with other arguments the event is another input's.
    event: EventHandle,
    send: StoredValue<Arc<dyn Fn(String) + Send + Sync>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    pace: StoredValue<Pace>,
}

/// When what is typed is sent.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// When nothing has been typed for so long.
    Debounce(Duration),
    /// At once, and then once in so long.
    Throttle(Duration),
}

/// A pause in typing that is one.
const REST: Duration = Duration::from_millis(250);

/// Binds an input to the state: it shows a value, and sends an event with what is typed.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Note { title: String }
///
/// #[event]
/// fn rename(note: &mut Note, title: String) -> Result<(), ForVisitor> {
///     if title.is_empty() {
///         return Err(ForVisitor::new("A note needs a title."));
///     }
///     note.title = title;
///     Ok(())
/// }
///
/// #[component]
/// fn Title() -> impl IntoView {
///     let note = use_state::<Note>();
///     let title = use_input(move || note.title().get(), rename);
///     view! { <input name="title" {..title.bind()}/> <p>{move || title.error()}</p> }
/// }
/// ```
///
/// While it has the focus, or what was typed has not come back from the server, it shows what was
/// typed, whatever the state says; so, too, when the event was refused, so that it can be mended.
/// Otherwise it shows the state. What is typed is sent when nothing has been typed for 250 ms, when
/// the input loses the focus, on Enter, and when its component or its page goes.
///
/// # Panics
///
/// For an event of a keyed state outside of the component that says which one is meant.
pub fn use_input<E: EventDef, T: ToString>(
    value: impl Fn() -> T + Send + Sync + 'static,
    message: impl Fn(String) -> Call<E> + Send + Sync + 'static,
) -> InputHandle {
    let scope = scope_of_view::<E::State>();
    let draft = RwSignal::new(None::<String>);
    let which = RwSignal::new(Sent::None);
    let event = EventHandle::new(E::NAME, which.into(), scope.clone());
    let send = move |text| {
        let call = message(text);
        let arguments = serde_json::to_string(&call).unwrap_or_default();
        // Timers run outside of any place of the page: where it goes is known from here.
        call.sent_to(scope.clone()).dispatch();
        // Under way before it is followed: in between nothing is settled. The page of the input
        // may have gone.
        which.try_set(Sent::With(arguments));
    };
    let input = InputHandle {
        draft,
        is_in_use: RwSignal::new(false),
        is_unsent: RwSignal::new(false),
        shown: Signal::derive(move || draft.get().unwrap_or_else(|| value().to_string())),
        event,
        send: StoredValue::new(Arc::new(send)),
        timer: StoredValue::new(None),
        pace: StoredValue::new(Pace::Debounce(REST)),
    };
    Effect::new(move |_| {
        let is_settled = !input.is_in_use.get() && !input.is_pending();
        if is_settled && event.failed().is_none() {
            draft.set(None);
        }
    });
    on_cleanup(move || input.flush());
    // Before the browser sends what waits in a page that goes.
    Effect::new(move |_| {
        let leaves = window_event_listener(ev::beforeunload, move |_| input.flush());
        on_cleanup(move || leaves.remove());
    });
    input
}

impl InputHandle {
    /// Sends when nothing has been typed for so long, in place of 250 ms.
    #[must_use]
    pub fn debounce(self, rest: impl Into<Millis>) -> Self {
        self.pace
            .set_value(Pace::Debounce(Duration::from(rest.into())));
        self
    }

    /// Sends while it is typed, once in so long: for sliders, and for a search that follows.
    #[must_use]
    pub fn throttle(self, span: impl Into<Millis>) -> Self {
        self.pace
            .set_value(Pace::Throttle(Duration::from(span.into())));
        self
    }

    /// What it shows.
    pub fn value(self) -> Signal<String> {
        self.shown
    }

    /// What was typed has not become the state yet: it waits to be sent, or for its end.
    pub fn is_pending(self) -> bool {
        self.is_unsent.get() || self.event.is_pending()
    }

    /// What the visitor is told of what was typed last, if it was refused.
    pub fn error(self) -> Option<String> {
        self.event.error()
    }

    /// Forgets what was typed and refused: it shows the state.
    pub fn reset(self) {
        self.cancel_timer();
        self.is_unsent.set(false);
        self.draft.set(None);
        self.event.dismiss();
    }

    /// The attributes of the input: `<input {..title.bind()}/>`, or a textarea.
    pub fn bind(self) -> impl Attribute {
        (
            // The attribute for the first paint, the property for what comes later.
            attr::value(self.shown.get_untracked()),
            prop("value", move || self.shown.get()),
            on(ev::input, move |event| {
                // Of what is no number yet, as "1e", the browser says that it is empty.
                if !browser::is_half_typed(&event) {
                    self.typed(event_target_value(&event))
                }
            }),
            on(ev::focus, move |_| self.is_in_use.set(true)),
            on(ev::change, move |_| self.changed()),
            on(ev::blur, move |_| {
                self.flush();
                self.is_in_use.set(false);
            }),
        )
    }

    /// Enter, in a text. A slider that is moved by keys changes at each: its pace stands.
    fn changed(self) {
        if let Some(Pace::Debounce(_)) = self.pace.try_get_value() {
            self.flush();
        }
    }

    fn typed(self, text: String) {
        self.draft.set(Some(text));
        let was_unsent = self.is_unsent.get_untracked();
        self.is_unsent.set(true);
        let span = match self.pace.get_value() {
            Pace::Debounce(rest) => {
                self.cancel_timer();
                rest
            }
            // The timer of what was typed before is under way, and takes this with it.
            Pace::Throttle(_) if was_unsent => return,
            Pace::Throttle(span) => match self.timer.get_value() {
                // It was sent less than so long ago.
                Some(_) => return,
                None => {
                    self.flush();
                    span
                }
            },
        };
        let timer = set_timeout_with_handle(move || self.rests(), span);
        self.timer.set_value(timer.ok());
    }

    /// The time is over.
    fn rests(self) {
        if self.timer.try_update_value(Option::take).is_none() {
            // The input is gone; what was typed went with its end.
            return;
        }
        let is_unsent = self.is_unsent.get_untracked();
        self.flush();
        if let (true, Pace::Throttle(span)) = (is_unsent, self.pace.get_value()) {
            let timer = set_timeout_with_handle(move || self.rests(), span);
            self.timer.set_value(timer.ok());
        }
    }

    /// Sends what was typed, if it has not been.
    fn flush(self) {
        if !self.is_unsent.try_get_untracked().unwrap_or(false) {
            return;
        }
        if let Pace::Debounce(_) = self.pace.get_value() {
            self.cancel_timer();
        }
        let text = self.draft.try_get_untracked().flatten();
        let text = text.unwrap_or_default();
        // Under way before it is not waiting any more: in between nothing is settled.
        if let Some(send) = self.send.try_get_value() {
            send(text);
        }
        self.is_unsent.set(false);
    }

    fn cancel_timer(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }
}

impl fmt::Debug for InputHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputHandle").finish_non_exhaustive()
    }
}
