//! The card of a post: the product, or why it is not here and a button that tries again.

use super::{background::retry_background, chained::retry_chained, state::*};
use crate::pieces::{FailedCard, ProductCard};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// A post of the chained events. Its Retry waits in the queue.
#[component]
pub(super) fn ChainedCard(post: ReadSignal<Post>) -> impl IntoView {
    let id = post.get_untracked().id;
    let retry = use_event(retry_chained).of(retry_chained(id));
    let retrying = Signal::derive(move || retry.is_pending());
    view! { <Card post retrying again=move || retry_chained(id)/> }
}

/// A post of the background task. Its Retry is a task of its own.
#[component]
pub(super) fn BackgroundCard(post: ReadSignal<Post>) -> impl IntoView {
    let id = post.get_untracked().id;
    let retry = use_task(retry_background).key(id);
    let retrying = Signal::derive(move || retry.is_running());
    view! { <Card post retrying again=move || retry_background(id)/> }
}

#[component]
fn Card<E: EventDef>(
    post: ReadSignal<Post>,
    retrying: Signal<bool>,
    again: impl Fn() -> Call<E> + Copy + Send + 'static,
) -> impl IntoView {
    let state = move || {
        if post.read().product.is_ok() {
            "here"
        } else {
            "failed"
        }
    };
    let content = move || match post.get() {
        Post {
            product: Ok(product),
            ..
        } => view! { <ProductCard product/> }.into_any(),
        Post {
            id,
            product: Err(why),
        } => view! {
            <FailedCard id why retrying>
                <EventForm event=again()>
                    <button class:waits=retrying>"Retry"</button>
                </EventForm>
            </FailedCard>
        }
        .into_any(),
    };
    view! {
        <article class="card" data-id=move || post.read().id data-state=state>
            {content}
        </article>
    }
}
