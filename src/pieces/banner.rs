//! The banner of the connection.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Milliseconds of a break that shows nothing.
const SHORT: Millis = Millis(1_500);
/// The same of a server that takes no clicks: a page that is back sends again within two seconds.
const HELD: Millis = Millis(3_000);

/// Whether the page is not connected, and has not been for so long that it is worth a word.
pub fn use_lost() -> Signal<bool> {
    let connection = use_connection();
    let is_lost = connection.is_lost_for(SHORT);
    // Of an outdated page no moment brings it back.
    Signal::derive(move || is_lost.get() || connection.link() == Link::Outdated)
}

/// Says that the page is not connected, what that means for what is clicked, and how much of it
/// waits.
#[component]
pub fn Banner(
    /// The page is not connected.
    lost: Signal<bool>,
) -> impl IntoView {
    let connection = use_connection();
    let held = connection.is_held_for(HELD);
    let words = Memo::new(move |_| {
        let words = match connection.link() {
            Link::Connected if held.get() => (
                "The server takes no clicks at the moment.",
                "What is shown stays; what you click waits and is sent again.",
            ),
            Link::Connected => return None,
            Link::Reconnecting => (
                "The connection is lost.",
                "Trying again. What is shown stays; clicks wait and are sent then.",
            ),
            Link::Offline => (
                "You are offline.",
                "What is shown stays; clicks wait and are sent when you are back.",
            ),
            Link::Outdated => ("This page is out of date.", "Reload it to go on."),
        };
        (lost.get() || held.get()).then_some(words)
    });
    let is_outdated = move || connection.link() == Link::Outdated;
    let waiting = Memo::new(move |_| match connection.waiting() {
        0 => None,
        1 => Some("1 click waits.".to_owned()),
        many => Some(format!("{many} clicks wait.")),
    });
    view! {
        <div role="status">
            {move || words.get().map(|(what, then)| view! {
                <div class="banner">
                    <span><strong>{what}</strong> " " {then}</span>
                    <b class="banner-waits">{waiting}</b>
                    {is_outdated().then(|| view! { <a href="" rel="external">"Reload"</a> })}
                </div>
            })}
        </div>
    }
}
