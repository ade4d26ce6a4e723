//! A post: what came of fetching a product, as states keep it, and its card.

use super::{FailedCard, ProductCard, Seen};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;
use upstream::Product;

/// A post: the product, or why it is not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Which product.
    pub id: u32,
    /// What came of fetching it.
    pub product: Result<Product, String>,
}

impl Post {
    /// What came of fetching a product.
    pub fn of<E: std::fmt::Display>(id: u32, fetched: Result<Product, E>) -> Self {
        let product = fetched.map_err(|error| error.to_string());
        Post { id, product }
    }

    /// Takes the place of an earlier try.
    pub fn replace_in(self, posts: &mut List<Post>) {
        let place = posts.iter().position(|post| post.id == self.id);
        if let Some(post) = place.and_then(|place| posts.get_mut(place)) {
            *post = self;
        }
    }

    /// What a region goes by: how many posts there are, and which is the last.
    pub fn seen(posts: &List<Post>) -> Seen {
        Seen {
            count: posts.len() as u32,
            last: posts.last().map_or(0, |post| post.id),
        }
    }
}

/// The card of a post: the product, or why it is not here and a button that tries again.
#[component]
pub fn PostCard(
    /// What is shown.
    post: ReadSignal<Post>,
    /// Another try is under way.
    retrying: Signal<bool>,
    /// Tries again.
    #[prop(into)]
    again: AnyCall,
) -> impl IntoView {
    let again = StoredValue::new(again);
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
                <EventForm event=again.get_value()>
                    <button class:waits=retrying>"Retry"</button>
                </EventForm>
            </FailedCard>
        }
        .into_any(),
    };
    view! {
        <article class="card" data-id=move || post.read().id data-state=state>
            {move || content()}
        </article>
    }
}
