//! Break it: what goes wrong in life, by a click, and what the page counts meanwhile.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::marker::PhantomData;
use undercurrent::{Diagnostics, prelude::*};

/// The strip of a demonstration. `<BreakIt<Posts>/>` tells where the copy of that state stands.
#[component]
pub fn BreakIt<S: State>(#[prop(optional)] _of: PhantomData<S>) -> impl IntoView {
    let copy = use_diagnostics();
    let position = Signal::derive(move || match copy.position::<S>() {
        Some(position) => position.to_string(),
        None => "none".to_owned(),
    });
    strip(copy, position)
}

/// The strip of whichever state: compiled once.
fn strip(copy: Diagnostics, position: Signal<String>) -> AnyView {
    let (path, query) = (use_location().pathname, use_location().search);
    // The page as it is: what is open stands in its query.
    let here = move || match (path.get(), query.get()) {
        (path, query) if query.is_empty() => path,
        (path, query) => format!("{path}?{query}"),
    };
    let cut = move || match copy.is_cut() {
        true => "Your stream is cut",
        false => "Cut my stream for 5 s",
    };
    view! {
        <section class="break-it" aria-label="Break it">
            <h2>"Break it"</h2>
            <div class="break-buttons">
                <button
                    class="needs-script"
                    class:waits=move || copy.is_cut()
                    {..off_while(move || copy.is_cut())}
                    on:click=move |_| { if !copy.is_cut() { copy.cut_stream(Millis(5_000)) } }
                >
                    {move || cut()}
                </button>
                <button
                    class="needs-script"
                    class:waits=move || copy.is_slow()
                    aria-pressed=move || copy.is_slow().to_string()
                    on:click=move |_| copy.slow_network(!copy.is_slow())
                >
                    "Slow network"
                </button>
                <button class="needs-script" on:click=move |_| copy.drop_copy()>"Drop my copy"</button>
                <a class="button" href=here rel="external">"Reload"</a>
                <a class="button" href=here target="_blank">"Open a second tab"</a>
            </div>
            <dl class="break-facts" data-lost=move || copy.counts().lost data-twice=move || copy.counts().twice>
                <div><dt>"position"</dt> <dd class="break-position">{position}</dd></div>
                <div><dt>"changes applied"</dt> <dd class="break-applied">{move || copy.counts().applied}</dd></div>
                <div><dt>"snapshots"</dt> <dd class="break-snapshots">{move || copy.counts().snapshots}</dd></div>
                <div><dt>"lost"</dt> <dd>{move || copy.counts().lost}</dd></div>
                <div><dt>"twice"</dt> <dd>{move || copy.counts().twice}</dd></div>
            </dl>
        </section>
    }
    .into_any()
}
