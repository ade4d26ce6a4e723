//! The places of cards that have not come. Each has the size of a card, and a card takes the
//! first of them when it comes: what is on the page stays where it is.

use super::Each;
use leptos::prelude::*;

/// What is seen of the cards: how many there are, and the number of the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Cards that are here.
    pub count: u32,
    /// The number of the last.
    pub last: u32,
}

impl Seen {
    /// How many cards a run still brings. A card is seen a moment before the run tells that it is
    /// done with it; those that were cleared do not come again.
    pub fn coming(self, is_running: bool, done: u32, of: u32) -> u32 {
        match is_running {
            true => of.saturating_sub(done.max(self.last)),
            false => 0,
        }
    }
}

/// The places behind the cards that are here. Of those, the next ones are drawn as cards to
/// come; the rest are outlines.
#[component]
pub fn Places(
    /// Cards that are here.
    #[prop(into)]
    here: Signal<u32>,
    /// Cards that are on their way.
    #[prop(into)]
    coming: Signal<u32>,
    /// Places in all.
    of: u32,
) -> impl IntoView {
    let is_idle = move || here.get() == 0 && coming.get() == 0;
    view! {
        // By number: when a card comes, it is the first place that goes.
        <Each of=move || u64::from(here.get()) + 1..=of.into() let:place>
            <div
                class="place"
                class:coming=move || place <= u64::from(here.get() + coming.get())
                aria-hidden="true"
            >
                <span class="place-picture"></span>
                <span class="place-title"></span>
                <span class="place-text"></span>
                <span class="place-facts"></span>
            </div>
        </Each>
        {move || is_idle().then(|| view! {
            <p class="empty no-posts">"The posts will stand here, as they arrive. Fetch them to begin."</p>
        })}
    }
}
