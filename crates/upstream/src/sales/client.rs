//! The client: one GET for the list, one for each product.

use super::{Listed, SalesConfig, SalesRecord};
use crate::{ConfigError, Upstream, UpstreamError, client::cut};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// The most products that are read of a list; those behind them are left out.
pub const LISTED: usize = 40;

/// The most characters of a name and of a review. What is longer is cut.
const NAME_CHARS: usize = 60;
const REVIEW_CHARS: usize = 240;

/// Asks the configured shop, and nothing else. Clones share one pool of
/// connections.
#[derive(Clone, Debug)]
pub struct Sales(Upstream);

impl Sales {
    pub(super) fn new(config: &SalesConfig) -> Result<Self, ConfigError> {
        let base = config
            .base()?
            .ok_or_else(|| ConfigError::value("sales.url", "is not set"))?;
        let timeout = Duration::from_millis(config.timeout_ms);
        Upstream::below(base, timeout, "sales.url").map(Sales)
    }

    /// The products of the shop, the first [`LISTED`].
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: there is no such list.
    pub async fn list(&self) -> Result<Vec<Listed>, UpstreamError> {
        parse_list(&self.0.get(self.0.base_url()).await?)
    }

    /// A product's year, with one request.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: it did not come.
    pub async fn record(&self, id: u32) -> Result<SalesRecord, UpstreamError> {
        parse_record(id, &self.0.get(self.0.url(id)).await?)
    }
}

fn parse_list(body: &[u8]) -> Result<Vec<Listed>, UpstreamError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| UpstreamError::NotJson)?;
    let mut listed: Vec<Listed> = serde_json::from_value(value)
        .map_err(|error| UpstreamError::not_list(&error.to_string()))?;
    listed.truncate(LISTED);
    let mut ids = BTreeSet::new();
    for one in &mut listed {
        if !ids.insert(one.id) {
            let reason = format!("two have the number {}", one.id);
            return Err(UpstreamError::NotList(reason));
        }
        cut(&mut one.name, NAME_CHARS);
    }
    match listed.is_empty() {
        true => Err(UpstreamError::not_list("it is empty")),
        false => Ok(listed),
    }
}

fn parse_record(id: u32, body: &[u8]) -> Result<SalesRecord, UpstreamError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| UpstreamError::NotJson)?;
    if !value.is_object() {
        // An array of the right length would pass for a struct.
        return Err(UpstreamError::not_product("it is not an object"));
    }
    let mut record: SalesRecord = serde_json::from_value(value)
        .map_err(|error| UpstreamError::not_product(&error.to_string()))?;
    if record.id != id {
        let reason = format!("it has the id {} instead of {id}", record.id);
        return Err(UpstreamError::NotProduct(reason));
    }
    if let Some(problem) = record.problem() {
        return Err(UpstreamError::not_product(problem));
    }
    cut(&mut record.name, NAME_CHARS);
    cut(&mut record.category, NAME_CHARS);
    for review in &mut record.reviews {
        cut(&mut review.text, REVIEW_CHARS);
    }
    Ok(record)
}
