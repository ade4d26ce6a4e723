//! The settings of the shop's books: the table `[sales]` of `Leptos.toml`, and
//! environment variables that override it one by one.

use crate::{
    ConfigError,
    config::{base_url, number, within},
    faults::{Fault, Faults},
};
use reqwest::Url;
use serde::Deserialize;
use std::ops::RangeInclusive;

/// The delays that the built-in shop accepts, in milliseconds.
const DELAY_MS: RangeInclusive<u64> = 0..=60_000;
/// The time-outs that the client accepts, in milliseconds.
const TIMEOUT_MS: RangeInclusive<u64> = 10..=120_000;
/// The failure rates that the built-in shop accepts.
const FAILURE_RATE: RangeInclusive<f64> = 0.0..=1.0;

/// What `[sales]` in `Leptos.toml` says, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SalesConfig {
    /// The address of the list; `/{id}` is appended to it for a product. `None`
    /// or an empty text means the built-in shop.
    pub url: Option<String>,
    /// How long the built-in shop waits before an answer, more or less, in
    /// milliseconds, 0 to 60,000.
    pub delay_ms: u64,
    /// The share of answers that the built-in shop turns into a 500, 0 to 1.
    pub failure_rate: f64,
    /// What the built-in shop does wrong on purpose, as [`Faults`] spells it:
    /// a status, `notjson`, `notproduct` or `timeout`.
    pub faults: String,
    /// The time from a request to the last byte of its answer, in milliseconds,
    /// 10 to 120,000.
    pub timeout_ms: u64,
}

impl Default for SalesConfig {
    fn default() -> Self {
        Self {
            url: None,
            delay_ms: 800,
            failure_rate: 0.08,
            faults: String::new(),
            timeout_ms: 10_000,
        }
    }
}

impl SalesConfig {
    /// Reads the table `[sales]` and leaves every other table alone. A text
    /// without that table gives the defaults.
    ///
    /// # Errors
    ///
    /// The text is no TOML, or a setting can't be used.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            sales: SalesConfig,
        }
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError::Toml(error.to_string()))?;
        file.sales.check()?;
        Ok(file.sales)
    }

    /// Replaces each setting for which `get` knows an environment variable:
    /// `SALES_URL`, `SALES_DELAY_MS`, `SALES_FAILURE_RATE`, `SALES_FAULTS`,
    /// `SALES_TIMEOUT_MS`. An empty `SALES_URL` goes back to the built-in shop.
    ///
    /// # Errors
    ///
    /// A variable has a value that can't be used.
    pub fn with_overrides(
        mut self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if let Some(text) = get("SALES_URL") {
            self.url = match text.trim() {
                "" => None,
                url => Some(base_url("SALES_URL", url).map(|_| url.to_owned())?),
            };
        }
        if let Some(text) = get("SALES_DELAY_MS") {
            self.delay_ms = number("SALES_DELAY_MS", &text, DELAY_MS)?;
        }
        if let Some(text) = get("SALES_FAILURE_RATE") {
            self.failure_rate = number("SALES_FAILURE_RATE", &text, FAILURE_RATE)?;
        }
        if let Some(text) = get("SALES_FAULTS") {
            faults("SALES_FAULTS", &text)?;
            self.faults = text;
        }
        if let Some(text) = get("SALES_TIMEOUT_MS") {
            self.timeout_ms = number("SALES_TIMEOUT_MS", &text, TIMEOUT_MS)?;
        }
        Ok(self)
    }

    /// Tells the first setting that can't be used.
    ///
    /// # Errors
    ///
    /// That setting, and why.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.base()?;
        self.parsed_faults()?;
        within("sales.delay-ms", self.delay_ms, DELAY_MS)?;
        within("sales.failure-rate", self.failure_rate, FAILURE_RATE)?;
        within("sales.timeout-ms", self.timeout_ms, TIMEOUT_MS)?;
        Ok(())
    }

    /// The parsed URL, or `None` for the built-in shop.
    pub(super) fn base(&self) -> Result<Option<Url>, ConfigError> {
        self.url
            .as_deref()
            .filter(|url| !url.is_empty())
            .map(|url| base_url("sales.url", url))
            .transpose()
    }

    /// The parsed faults.
    pub(super) fn parsed_faults(&self) -> Result<Faults, ConfigError> {
        faults("sales.faults", &self.faults)
    }
}

fn faults(key: &'static str, text: &str) -> Result<Faults, ConfigError> {
    let faults: Faults = text
        .parse()
        .map_err(|problem| ConfigError::value(key, format!("cannot be read: {problem}")))?;
    let is_known = |fault: Fault| {
        use Fault::{NotJson, NotProduct, Status, Timeout};
        matches!(fault, Status(_) | NotJson | NotProduct | Timeout)
    };
    let are_known = faults.kinds().all(is_known);
    match are_known {
        true => Ok(faults),
        false => Err(ConfigError::value(
            key,
            "knows a status from 400 to 599, notjson, notproduct and timeout",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_the_environment_lies_over_it() {
        let toml = "[sales]\ndelay-ms = 5\nfailure-rate = 0.5\n[other]\nx = 1\n";
        let config = SalesConfig::from_toml(toml).unwrap();
        assert_eq!((config.delay_ms, config.failure_rate), (5, 0.5));
        let env = |key: &str| match key {
            "SALES_URL" => Some("http://127.0.0.1:9/sales".to_owned()),
            "SALES_FAULTS" => Some("7=500*1".to_owned()),
            "SALES_FAILURE_RATE" => Some("0".to_owned()),
            _ => None,
        };
        let config = config.with_overrides(env).unwrap();
        assert_eq!(config.url.as_deref(), Some("http://127.0.0.1:9/sales"));
        assert_eq!(
            (config.faults.as_str(), config.failure_rate),
            ("7=500*1", 0.0)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let problem = |text: &str| {
            let toml = format!("[sales]\n{text}\n");
            SalesConfig::from_toml(&toml).unwrap_err().to_string()
        };
        assert!(problem("delay-ms = 60001").starts_with("sales.delay-ms must be"));
        assert!(problem("timeout-ms = 1").starts_with("sales.timeout-ms must be"));
        assert!(problem("failure-rate = 1.5").starts_with("sales.failure-rate must be"));
        assert!(problem("faults = \"x\"").starts_with("sales.faults cannot be read"));
        assert!(problem("faults = \"3=huge\"").starts_with("sales.faults knows a status"));
        assert!(problem("url = \"ftp://a\"").starts_with("sales.url must begin"));
    }
}
