//! What is said to who listens instead of looking.

use leptos::prelude::*;
use std::time::Duration;

/// Between two sentences.
const REST: Duration = Duration::from_secs(3);

/// A live region. What changes by itself is said here and nowhere else, and one sentence at a time:
/// while one is being read, only the newest of those that come waits. What the page begins with is
/// not said.
#[component]
pub fn Spoken(
    /// What there is to say now.
    #[prop(into)]
    words: Signal<String>,
) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let rests = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        // Read, and not only tracked: a memo that nobody reads says nothing.
        words.with(|_| ());
        if before.is_some() {
            say(words, said, rests);
        }
    });
    view! { <p class="spoken" role="status">{said}</p> }
}

/// Says it, or leaves it to the end of the rest. The component may be gone by then.
fn say(words: Signal<String>, said: RwSignal<String>, rests: StoredValue<bool>) {
    let now = words.try_get_untracked();
    let Some(now) = now.filter(|now| said.try_get_untracked().is_some_and(|said| said != *now))
    else {
        return;
    };
    if rests.try_get_value() != Some(false) {
        return;
    }
    rests.set_value(true);
    said.set(now);
    let rested = move || {
        rests.try_set_value(false);
        say(words, said, rests);
    };
    set_timeout(rested, REST);
}
