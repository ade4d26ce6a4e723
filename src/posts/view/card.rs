//! The card of a post: the product, or why it is not here and a button that tries again.

use crate::{
    pieces::{FailedCard, ProductCard},
    posts::{background::retry_background, chained::retry_chained, state::*},
};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// A post of the chained events. Its Retry waits in the queue.
#[component]
pub(super) fn ChainedCard(post: ReadSignal<Post>) -> impl IntoView {
    let retry = use_event(retry_chained).of(retry_chained(post.get_untracked().id));
    let retrying = Signal::derive(move || retry.is_pending());
    let again = move |id| {
        view! {
            <EventForm event=retry_chained(id)>
                <button class:waits=retrying>"Retry"</button>
            </EventForm>
        }
    };
    view! { <Card post retrying again/> }
}

/// A post of the background task. Its Retry is a task of its own.
#[component]
pub(super) fn BackgroundCard(post: ReadSignal<Post>) -> impl IntoView {
    let retry = use_task(retry_background).key(post.get_untracked().id);
    let retrying = Signal::derive(move || retry.is_running());
    let again = move |id| {
        view! {
            <EventForm event=retry_background(id)>
                <button class:waits=retrying>"Retry"</button>
            </EventForm>
        }
    };
    view! { <Card post retrying again/> }
}

#[component]
fn Card<V: IntoView + 'static>(
    post: ReadSignal<Post>,
    retrying: Signal<bool>,
    again: impl Fn(u32) -> V + Copy + Send + 'static,
) -> impl IntoView {
    let state = move || match post.get().arrival {
        Arrival::Here(_) => "here",
        Arrival::Failed(_) => "failed",
    };
    view! {
        <article class="card" data-id=move || post.get().id data-state=state>
            {move || {
                let Post { id, arrival } = post.get();
                match arrival {
                    Arrival::Here(product) => view! { <ProductCard product/> }.into_any(),
                    Arrival::Failed(why) => {
                        view! { <FailedCard id why retrying>{again(id)}</FailedCard> }.into_any()
                    }
                }
            }}
        </article>
    }
}
