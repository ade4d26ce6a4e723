//! Where the products come from: any server whose answers look like those of
//! `dummyjson.com/products/{id}`, asked over real HTTP.
//!
//! `open` is the only entry: it starts the built-in upstream when no URL is configured, and
//! returns the client that is pointed at it. A browser's build has the type of a product only.
//! [`chat`] is the same for a model that answers questions, [`sales`] for what a shop has sold.

mod address;
#[cfg(feature = "ssr")]
pub mod builtin;
pub mod chat;
#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod faults;
#[cfg(feature = "ssr")]
mod open;
pub mod product;
pub mod sales;
#[cfg(all(test, feature = "ssr"))]
mod tests;

#[cfg(feature = "ssr")]
pub use self::{
    builtin::BuiltinConfig,
    chat::{Chat, chat_from_file},
    client::Upstream,
    config::{ConfigError, Products, Service, ServiceConfig, UpstreamConfig},
    error::UpstreamError,
    open::{OpenError, from_file, open},
    sales::{Sales, sales_from_file},
};
pub use address::{Address, NoAddress, Of};
pub use product::Product;
