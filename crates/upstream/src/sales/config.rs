//! The settings of the shop's books: the table `[sales]` of `Leptos.toml`, and
//! environment variables `SALES_…` that override it one by one.

use crate::{
    config::{Service, ServiceConfig},
    faults::{Fault, Faults},
};

/// The books: a list, and a year of each product.
#[derive(Clone, Debug, PartialEq)]
pub enum Books {}

/// What `[sales]` in `Leptos.toml` says, with its defaults filled in. Its `url`
/// is that of the list.
pub type SalesConfig = ServiceConfig<Books>;

impl Service for Books {
    const TABLE: &'static str = "sales";
    const VARIABLES: &'static str = "SALES";
    const DELAY_MS: u64 = 800;
    const FAILURE_RATE: f64 = 0.08;

    fn check_faults(faults: &Faults) -> Result<(), &'static str> {
        use Fault::{NotJson, NotProduct, Status, Timeout};
        let is_known = |fault| matches!(fault, Status(_) | NotJson | NotProduct | Timeout);
        match faults.kinds().all(is_known) {
            true => Ok(()),
            false => Err("knows a status from 400 to 599, notjson, notproduct and timeout"),
        }
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
