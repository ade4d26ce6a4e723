//! What the answers say of a product.

use serde::{Deserialize, Serialize};

/// A product in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// A product's year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SalesRecord {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What it is one of.
    pub category: String,
    /// What one costs, in euros.
    pub price: f64,
    /// Units sold in each of the last twelve months, the newest last.
    pub months: [u32; 12],
    /// Units of these that came back.
    pub returned: u32,
    /// How many buyers gave one star, two, and so on to five.
    pub stars: [u32; 5],
    /// A few of what buyers wrote.
    pub reviews: Vec<Review>,
}

/// What a buyer wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// 1 to 5.
    pub stars: u8,
    /// In the buyer's words.
    pub text: String,
}

impl SalesRecord {
    /// Units sold in all.
    pub fn sold(&self) -> u64 {
        self.months.iter().copied().map(u64::from).sum()
    }

    /// What is wrong with it, if no honest shop would say so.
    pub fn problem(&self) -> Option<&'static str> {
        if !(0.0..=1e6).contains(&self.price) {
            Some("its price is none")
        } else if self.sold() > 1_000_000_000 {
            Some("it was sold too often")
        } else if u64::from(self.returned) > self.sold() {
            Some("more came back than was sold")
        } else {
            None
        }
    }
}
