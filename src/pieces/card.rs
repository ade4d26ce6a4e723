//! The card of a product. It has its size before its content is there.

use super::picture::Picture;
use leptos::prelude::*;
use upstream::Product;

/// A product that arrived.
#[component]
pub fn ProductCard(
    /// What it shows.
    product: Product,
) -> impl IntoView {
    let Product {
        id,
        title,
        description,
        price,
    } = product;
    view! {
        <Picture id/>
        <h3>{title}</h3>
        <p class="card-text">{description}</p>
        <p class="card-facts">
            <span class="price">{format!("{price:.2}")}</span>
            <span class="number">{format!("no. {id}")}</span>
        </p>
    }
}

/// A product that did not arrive, why, and a way on.
#[component]
pub fn FailedCard(
    /// Which product.
    id: u32,
    /// A sentence without its full stop.
    why: String,
    /// Another try is under way.
    #[prop(into)]
    retrying: Signal<bool>,
    /// The form that tries again.
    children: Children,
) -> impl IntoView {
    view! {
        <span class="picture missing" aria-hidden="true"></span>
        <h3>{format!("Post {id} did not arrive")}</h3>
        <p class="card-text">
            {move || match retrying.get() {
                true => "Trying again.".to_owned(),
                false => sentence(&why),
            }}
        </p>
        <div class="card-again">{children()}</div>
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    let first: String = first.into_iter().flatten().collect();
    format!("{first}{}.", letters.as_str())
}
