//! The posts page.

use super::{
    background, chained,
    state::{Arrival, POSTS, Post, Posts, count},
};
use leptos::prelude::*;
use leptos_meta::Title;
use undercurrent::prelude::*;

/// Two regions, one for each style, and a counter that measures them.
#[component]
pub fn PostsPage() -> impl IntoView {
    let posts = use_state::<Posts>();
    let fetch = use_task(background::get_posts);
    view! {
        <Title text="Ten posts"/>
        <h1>"Ten posts"</h1>
        <p>{move || posts.clicks().get()}</p>
        <EventForm event=count()><button>"Count"</button></EventForm>
        <section aria-label="Chained events">
            <EventForm event=chained::fetch_chained()><button>"Fetch ten posts"</button></EventForm>
            <EventForm event=chained::stop_chained()><button>"Stop"</button></EventForm>
            <EventForm event=chained::clear_chained()><button>"Clear"</button></EventForm>
            <ForList each=posts.chained() let:post><PostCard post/></ForList>
        </section>
        <section aria-label="Background task">
            <EventForm event=background::get_posts()><button disabled=move || fetch.is_running()>"Fetch ten posts"</button></EventForm>
            <EventForm event=fetch.cancel_event()><button>"Stop"</button></EventForm>
            <EventForm event=background::clear_background()><button>"Clear"</button></EventForm>
            <p>{move || fetch.progress().done} " of " {POSTS}</p>
            <ForList each=posts.background() let:post><PostCard post/></ForList>
        </section>
    }
}

#[component]
fn PostCard(post: ReadSignal<Post>) -> impl IntoView {
    view! {
        <article>{move || match post.get().arrival {
            Arrival::Here(product) => product.title,
            Arrival::Failed(why) => why,
        }}</article>
    }
}
