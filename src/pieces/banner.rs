//! The banner of the connection.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// Says that the page is not connected, and what that means for what is clicked. A break of less
/// than 1.5 s shows nothing: the stylesheet waits that long.
#[component]
pub fn Banner() -> impl IntoView {
    let connection = use_connection();
    let words = move || match connection.link() {
        Link::Connected => None,
        Link::Reconnecting => Some((
            "The connection is lost.",
            "Trying again. What is shown stays; clicks wait and are sent then.",
        )),
        Link::Offline => Some((
            "You are offline.",
            "What is shown stays; clicks wait and are sent when you are back.",
        )),
        Link::Outdated => Some(("This page is out of date.", "Reload it to go on.")),
    };
    let outdated = move || connection.link() == Link::Outdated;
    view! {
        <div role="status">
            {move || words().map(|(what, then)| view! {
                <div class="banner">
                    <span><strong>{what}</strong> " " {then}</span>
                    {outdated().then(|| view! { <a href="" rel="external">"Reload"</a> })}
                </div>
            })}
        </div>
    }
}
