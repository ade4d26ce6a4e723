//! A lane: one style as the first page shows it, where it is, its strip, its posts.

use super::{Each, Picture, Post, Seen, StatusChip, Style};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The lane of a style.
#[component]
pub fn Lane(
    /// Which style.
    style: Style,
    /// What to know of it.
    about: &'static str,
    /// Where its run is.
    status: Signal<Option<TaskStatus>>,
    /// What has come.
    seen: Signal<Seen>,
    /// So many come.
    of: u32,
    /// What the metronome measured.
    strip: AnyView,
    /// The posts.
    children: Children,
) -> impl IntoView {
    let count = move || seen.get().count;
    view! {
        <section class="panel lane" aria-label=style.name()>
            <header class="lane-head">
                <h2>{style.name()}</h2>
                <StatusChip status stopping=Signal::derive(|| false)/>
            </header>
            <p class="lane-about">{about}</p>
            {strip}
            <ul class="thumbs" aria-label=move || format!("{} of {of} posts", count())>
                {children()}
                <Each of=move || u64::from(count()) + 1..=of.into() let:_place>
                    <li class="thumb" aria-hidden="true"></li>
                </Each>
            </ul>
        </section>
    }
    .into_any()
}

/// A post as its picture. What it is about stands on its page.
#[component]
pub fn Thumb(
    /// The post.
    post: ReadSignal<Post>,
) -> impl IntoView {
    let id = post.get_untracked().id;
    let title = move || match &post.read().product {
        Ok(product) => product.title.clone(),
        Err(why) => format!("Post {id} did not arrive: {why}"),
    };
    let is_here = move || post.read().product.is_ok();
    view! {
        <li class="thumb here" data-id=id title=title>
            {move || match is_here() {
                true => view! { <Picture id/> }.into_any(),
                false => view! { <span class="picture missing"></span> }.into_any(),
            }}
            <span class="spoken">{move || title()}</span>
        </li>
    }
}
