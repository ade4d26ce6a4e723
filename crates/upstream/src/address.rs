//! What of the configured upstreams can be asked for by a number: `products/7`, `sales/7`.

#[cfg(feature = "ssr")]
use crate::{Sales, Upstream, UpstreamError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which upstream. What its address is, is for the configuration to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// `[upstream]`: products.
    #[default]
    Products,
    /// `[sales]`: what a shop has sold of each.
    Sales,
}

/// One product of an upstream. It travels as a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    /// Which upstream.
    pub of: Of,
    /// The number there.
    pub id: u32,
}

/// A text that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAddress;

impl Of {
    /// All of them.
    pub const ALL: [Of; 2] = [Of::Products, Of::Sales];

    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Of::Products => "Products",
            Of::Sales => "Sales",
        }
    }
}

impl fmt::Display for Of {
    /// As an address begins, and as it travels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Of::Products => "products",
            Of::Sales => "sales",
        })
    }
}

impl Address {
    /// For a person, where a sentence begins.
    pub fn name(self) -> String {
        match self.of {
            Of::Products => format!("Product {}", self.id),
            Of::Sales => format!("Sales of product {}", self.id),
        }
    }

    /// For a person, in the middle of a sentence.
    pub fn in_words(self) -> String {
        match self.of {
            Of::Products => format!("product {}", self.id),
            Of::Sales => format!("sales of product {}", self.id),
        }
    }

    /// What the upstream calls it, with one request.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: there is no good answer.
    #[cfg(feature = "ssr")]
    pub async fn title(self, products: &Upstream, sales: &Sales) -> Result<String, UpstreamError> {
        match self.of {
            Of::Products => Ok(products.product(self.id).await?.title),
            Of::Sales => Ok(sales.record(self.id).await?.name),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.of, self.id)
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (name, id) = text.split_once('/').ok_or(NoAddress)?;
        let of = Of::ALL.into_iter().find(|of| of.to_string() == name);
        Ok(Address {
            of: of.ok_or(NoAddress)?,
            id: id.parse().map_err(|_| NoAddress)?,
        })
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse()
    }
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is the address of no upstream")
    }
}

impl std::error::Error for NoAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_text() {
        for of in Of::ALL {
            let address = Address { of, id: 7 };
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        for text in ["", "7", "products", "products/", "products/x", "prices/7"] {
            assert_eq!(text.parse::<Address>(), Err(NoAddress), "{text}");
        }
    }
}
