//! Opening a shop's books: the configured ones, or those that are built in.

use super::{BuiltinSales, Sales, SalesConfig, builtin};
use crate::{OpenError, open::settings};
use std::path::Path;

/// Returns the client for the configured shop. Without a URL it first starts
/// the built-in one, which lives as long as the tokio runtime does.
///
/// # Errors
///
/// A setting can't be used, or the built-in one gets no port.
pub async fn open_sales(mut config: SalesConfig) -> Result<Sales, OpenError> {
    config.check()?;
    if config.base()?.is_none() {
        let builtin = builtin::start(BuiltinSales::from_config(&config)?)
            .await
            .map_err(OpenError::Listen)?;
        config.url = Some(format!("http://{}/sales", builtin.address));
    }
    Ok(Sales::new(&config)?)
}

/// As [`open_sales`], with the settings of the table `[sales]` of a file, and
/// those of the environment over them.
///
/// # Errors
///
/// As there, and where the file can't be read.
pub async fn sales_from_file(path: impl AsRef<Path>) -> Result<Sales, OpenError> {
    let text = settings(path.as_ref())?;
    let config = SalesConfig::from_toml(&text)?;
    open_sales(config.with_overrides(|key| std::env::var(key).ok())?).await
}
