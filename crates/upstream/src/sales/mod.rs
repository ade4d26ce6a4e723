//! What a shop has sold in a year: a list of its products, and for each, on
//! request, what was sold and returned month by month and what buyers say.
//! Any server whose answers look like these, asked over real HTTP.
//!
//! [`sales_from_file`] is the entry: without a URL it starts the built-in one,
//! a shop for the outdoors with 40 products. A browser's build has the types
//! of the answers, and what they come to, only.

#[cfg(feature = "ssr")]
pub mod builtin;
#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod config;
pub mod figures;
#[cfg(feature = "ssr")]
mod open;
mod record;
#[cfg(all(test, feature = "ssr"))]
mod tests;

pub use self::record::{Listed, Review, SalesRecord};
#[cfg(feature = "ssr")]
pub use self::{
    builtin::BuiltinSales,
    client::{LISTED, Sales},
    config::{Books, SalesConfig},
    open::{open_sales, sales_from_file},
};
