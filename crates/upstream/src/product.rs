//! A product, as the upstream has it and as a page shows it.

use serde::{Deserialize, Serialize};

/// What the gallery takes of an upstream's product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Its number at the upstream.
    pub id: u32,
    /// Its name.
    pub title: String,
    /// What it is.
    pub description: String,
    /// What it costs, in the shop's currency.
    pub price: f64,
}
