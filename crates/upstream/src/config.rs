//! The settings of a service: its table in `Leptos.toml`, and environment
//! variables that override it one by one.

use std::{fmt, marker::PhantomData, ops::RangeInclusive, str::FromStr};

use reqwest::Url;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};

use super::faults::Faults;

/// The delays that the built-in upstream accepts, in milliseconds.
const DELAY_MS: RangeInclusive<u64> = 0..=60_000;
/// The time-outs that the client accepts, in milliseconds.
const TIMEOUT_MS: RangeInclusive<u64> = 10..=120_000;
/// The failure rates that the built-in upstream accepts.
const FAILURE_RATE: RangeInclusive<f64> = 0.0..=1.0;

/// What tells the settings of one service from those of another.
pub trait Service: Clone + fmt::Debug + PartialEq {
    /// Its table in `Leptos.toml`, by which its settings are called.
    const TABLE: &'static str;
    /// What the names of its environment variables begin with.
    const VARIABLES: &'static str;
    /// How long the built-in service waits where nothing else is said.
    const DELAY_MS: u64;
    /// The share of failures where nothing else is said.
    const FAILURE_RATE: f64;

    /// Refuses what the built-in service can't do wrong, worded to follow the key.
    ///
    /// # Errors
    ///
    /// What it can.
    fn check_faults(faults: &Faults) -> Result<(), &'static str> {
        let _ = faults;
        Ok(())
    }
}

/// The products, one by one: `[upstream]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Products {}

impl Service for Products {
    const TABLE: &'static str = "upstream";
    const VARIABLES: &'static str = "UPSTREAM";
    const DELAY_MS: u64 = 400;
    const FAILURE_RATE: f64 = 0.0;
}

/// What `[upstream]` in `Leptos.toml` says, with its defaults filled in.
pub type UpstreamConfig = ServiceConfig<Products>;

/// What the table of a service says, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound = "", default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceConfig<S: Service> {
    /// The address that `/{id}` is appended to, such as
    /// `https://dummyjson.com/products`. `None` or an empty text means the
    /// built-in service.
    pub url: Option<String>,
    /// How long the built-in service waits before each answer, in
    /// milliseconds, 0 to 60,000.
    pub delay_ms: u64,
    /// The share of answers that the built-in service turns into a 500, 0 to 1.
    pub failure_rate: f64,
    /// What the built-in service does wrong on purpose, as [`Faults`] spells it.
    pub faults: String,
    /// The time from the request to the last byte of its answer, in
    /// milliseconds, 10 to 120,000.
    pub timeout_ms: u64,
    #[doc(hidden)]
    #[serde(skip)]
    pub service: PhantomData<S>,
}

impl<S: Service> Default for ServiceConfig<S> {
    fn default() -> Self {
        Self {
            url: None,
            delay_ms: S::DELAY_MS,
            failure_rate: S::FAILURE_RATE,
            faults: String::new(),
            timeout_ms: 10_000,
            service: PhantomData,
        }
    }
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigError {
    /// The text is no TOML, or `[upstream]` has an unknown key or a wrong
    /// type. Holds the parser's words, which quote the line.
    Toml(String),
    /// One setting has a value outside what is allowed.
    Value {
        /// The setting as its author wrote it: `upstream.delay-ms` or
        /// `UPSTREAM_DELAY_MS`.
        key: String,
        /// What is wrong, worded to follow the key.
        problem: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(text) => write!(f, "{}", text.trim_end()),
            Self::Value { key, problem } => write!(f, "{key} {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl<S: Service> ServiceConfig<S> {
    /// Reads the service's table and leaves every other table alone. A text
    /// without that table gives the defaults.
    ///
    /// # Errors
    ///
    /// The text is no TOML, or a setting can't be used.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = table(text, S::TABLE)?;
        config.check()?;
        Ok(config)
    }

    /// Replaces each setting for which `get` knows an environment variable:
    /// `UPSTREAM_URL`, `UPSTREAM_DELAY_MS`, `UPSTREAM_FAILURE_RATE`,
    /// `UPSTREAM_FAULTS`, `UPSTREAM_TIMEOUT_MS`, or those of another service.
    /// An empty `…_URL` goes back to the built-in service, an empty `…_FAULTS`
    /// to no faults.
    ///
    /// # Errors
    ///
    /// A variable has a value that can't be used.
    pub fn with_overrides(
        mut self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let variable = |name: &str| {
            let key = format!("{}_{name}", S::VARIABLES);
            get(&key).map(|text| (key, text))
        };
        if let Some((key, text)) = variable("URL") {
            self.url = match text.trim() {
                "" => None,
                url => Some(base_url(&key, url).map(|_| url.to_owned())?),
            };
        }
        if let Some((key, text)) = variable("DELAY_MS") {
            self.delay_ms = number(&key, &text, DELAY_MS)?;
        }
        if let Some((key, text)) = variable("FAILURE_RATE") {
            self.failure_rate = number(&key, &text, FAILURE_RATE)?;
        }
        if let Some((key, text)) = variable("FAULTS") {
            Self::faults(&key, &text)?;
            self.faults = text;
        }
        if let Some((key, text)) = variable("TIMEOUT_MS") {
            self.timeout_ms = number(&key, &text, TIMEOUT_MS)?;
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
        within(&Self::key("delay-ms"), self.delay_ms, DELAY_MS)?;
        within(&Self::key("failure-rate"), self.failure_rate, FAILURE_RATE)?;
        within(&Self::key("timeout-ms"), self.timeout_ms, TIMEOUT_MS)?;
        Ok(())
    }

    /// A setting, as the file calls it.
    pub(super) fn key(name: &str) -> String {
        format!("{}.{name}", S::TABLE)
    }

    /// The parsed URL, or `None` for the built-in service.
    pub(super) fn base(&self) -> Result<Option<Url>, ConfigError> {
        self.url
            .as_deref()
            .filter(|url| !url.is_empty())
            .map(|url| base_url(&Self::key("url"), url))
            .transpose()
    }

    /// The parsed faults.
    pub(super) fn parsed_faults(&self) -> Result<Faults, ConfigError> {
        Self::faults(&Self::key("faults"), &self.faults)
    }

    fn faults(key: &str, text: &str) -> Result<Faults, ConfigError> {
        let faults: Faults = text
            .parse()
            .map_err(|problem| ConfigError::value(key, format!("cannot be read: {problem}")))?;
        S::check_faults(&faults).map_err(|problem| ConfigError::value(key, problem))?;
        Ok(faults)
    }
}

/// Reads one table of a file, so that an error quotes its line, and leaves all others alone.
pub(crate) fn table<T: DeserializeOwned + Default>(
    text: &str,
    name: &'static str,
) -> Result<T, ConfigError> {
    struct Named<T>(&'static str, PhantomData<T>);

    impl<'de, T: DeserializeOwned + Default> Visitor<'de> for Named<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("tables")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut tables: A) -> Result<T, A::Error> {
            let mut found = T::default();
            while let Some(name) = tables.next_key::<String>()? {
                if name == self.0 {
                    found = tables.next_value()?;
                } else {
                    tables.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    let file = toml::Deserializer::parse(text);
    file.and_then(|file| file.deserialize_map(Named(name, PhantomData)))
        .map_err(|error| ConfigError::Toml(error.to_string()))
}

impl ConfigError {
    /// An error about one setting; `problem` is worded to follow the key.
    pub(super) fn value(key: &str, problem: impl Into<String>) -> Self {
        Self::Value {
            key: key.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Accepts a value of `range` only. A NaN is in no range.
pub(crate) fn within<T: PartialOrd + fmt::Display>(
    key: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (range.start(), range.end());
    Err(ConfigError::value(
        key,
        format!("must be from {low} to {high}, not {value}"),
    ))
}

/// Reads a number of `range` from the text of an environment variable.
pub(crate) fn number<T: PartialOrd + fmt::Display + FromStr>(
    key: &str,
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    match text.trim().parse() {
        Ok(value) => within(key, value, range),
        Err(_) => {
            let (low, high) = (range.start(), range.end());
            Err(ConfigError::value(
                key,
                format!("must be a number from {low} to {high}, not {text:?}"),
            ))
        }
    }
}

/// Accepts an http or https address that a path segment can be appended to.
pub(crate) fn base_url(key: &str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text)
        .map_err(|error| ConfigError::value(key, format!("is not a URL ({error}): {text:?}")))?;
    let problem = if !matches!(url.scheme(), "http" | "https") {
        format!("must begin with http:// or https://: {text:?}")
    } else if !url.username().is_empty() || url.password().is_some() {
        // The text is left out, since errors end up in logs.
        "must hold no user name and no password".to_owned()
    } else if url.query().is_some() || url.fragment().is_some() {
        format!("must end before any ? or #, since the id is appended: {text:?}")
    } else {
        return Ok(url);
    };
    Err(ConfigError::value(key, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml_error(text: &str) -> String {
        UpstreamConfig::from_toml(text).unwrap_err().to_string()
    }

    fn overridden(key: &str, value: &str) -> Result<UpstreamConfig, ConfigError> {
        UpstreamConfig::default().with_overrides(|asked| (asked == key).then(|| value.to_owned()))
    }

    #[test]
    fn defaults_hold_without_the_table() {
        let expected = UpstreamConfig {
            url: None,
            delay_ms: 400,
            failure_rate: 0.0,
            faults: String::new(),
            timeout_ms: 10_000,
            service: PhantomData,
        };
        assert_eq!(UpstreamConfig::from_toml(""), Ok(expected.clone()));
        assert_eq!(
            UpstreamConfig::from_toml("[server]\nport = 3000\n[upstream]\n"),
            Ok(expected)
        );
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            [upstream]
            url = "https://dummyjson.com/products"
            delay-ms = 25
            failure-rate = 1
            faults = "3=500, 9=timeout"
            timeout-ms = 1500
        "#;
        assert_eq!(
            UpstreamConfig::from_toml(text),
            Ok(UpstreamConfig {
                url: Some("https://dummyjson.com/products".to_owned()),
                delay_ms: 25,
                failure_rate: 1.0,
                faults: "3=500, 9=timeout".to_owned(),
                timeout_ms: 1500,
                service: PhantomData,
            })
        );
    }

    #[test]
    fn wrong_tables_are_named() {
        assert!(toml_error("[upstream]\ndelay = 3").contains("unknown field `delay`"));
        assert!(toml_error("[upstream]\ndelay-ms = \"3\"").contains("delay-ms = \"3\""));
        assert!(toml_error("[upstream]\ndelay-ms = -1").contains("delay-ms = -1"));
        assert!(toml_error("[upstream").contains("line 1"));
        assert_eq!(
            toml_error("[upstream]\nfailure-rate = 1.5"),
            "upstream.failure-rate must be from 0 to 1, not 1.5"
        );
        assert_eq!(
            toml_error("[upstream]\nfailure-rate = nan"),
            "upstream.failure-rate must be from 0 to 1, not NaN"
        );
        assert_eq!(
            toml_error("[upstream]\ndelay-ms = 60001"),
            "upstream.delay-ms must be from 0 to 60000, not 60001"
        );
        assert_eq!(
            toml_error("[upstream]\ntimeout-ms = 0"),
            "upstream.timeout-ms must be from 10 to 120000, not 0"
        );
        assert!(toml_error("[upstream]\nfaults = \"3\"").starts_with("upstream.faults cannot"));
    }

    #[test]
    fn only_plain_http_addresses_are_urls() {
        for (url, problem) in [
            ("dummyjson.com", "is not a URL"),
            ("ftp://dummyjson.com", "must begin with http"),
            ("file:///etc/passwd", "must begin with http"),
            ("http://", "is not a URL"),
            ("http://me:secret@host/", "no user name and no password"),
            ("http://host/products?limit=1", "must end before"),
            ("http://host/#top", "must end before"),
        ] {
            let error = overridden("UPSTREAM_URL", url).unwrap_err().to_string();
            assert!(error.starts_with("UPSTREAM_URL "), "{error}");
            assert!(error.contains(problem), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
            let error = toml_error(&format!("[upstream]\nurl = {url:?}"));
            assert!(error.starts_with("upstream.url "), "{error}");
        }
    }

    #[test]
    fn each_variable_overrides_one_setting() {
        let base = UpstreamConfig::default();
        let url = overridden("UPSTREAM_URL", " http://localhost:9/p ").unwrap();
        assert_eq!(url.url.as_deref(), Some("http://localhost:9/p"));
        let delay = overridden("UPSTREAM_DELAY_MS", "0").unwrap();
        assert_eq!(delay.delay_ms, 0);
        let rate = overridden("UPSTREAM_FAILURE_RATE", "0.25").unwrap();
        assert_eq!(rate.failure_rate, 0.25);
        let faults = overridden("UPSTREAM_FAULTS", "2=close").unwrap();
        assert_eq!(faults.faults, "2=close");
        let timeout = overridden("UPSTREAM_TIMEOUT_MS", "250").unwrap();
        assert_eq!(timeout.timeout_ms, 250);
        assert_eq!(base.clone().with_overrides(|_| None), Ok(base));
    }

    #[test]
    fn empty_variables_clear_the_url_and_the_faults() {
        let config = UpstreamConfig {
            url: Some("http://host".to_owned()),
            faults: "1=404".to_owned(),
            ..UpstreamConfig::default()
        };
        let config = config
            .with_overrides(|key| {
                ["UPSTREAM_URL", "UPSTREAM_FAULTS"]
                    .contains(&key)
                    .then(String::new)
            })
            .unwrap();
        assert_eq!(config, UpstreamConfig::default());
    }

    #[test]
    fn wrong_variables_are_named_with_their_range() {
        for (key, value, message) in [
            (
                "UPSTREAM_DELAY_MS",
                "soon",
                "UPSTREAM_DELAY_MS must be a number from 0 to 60000, not \"soon\"",
            ),
            (
                "UPSTREAM_DELAY_MS",
                "99999",
                "UPSTREAM_DELAY_MS must be from 0 to 60000, not 99999",
            ),
            (
                "UPSTREAM_FAILURE_RATE",
                "-0.1",
                "UPSTREAM_FAILURE_RATE must be from 0 to 1, not -0.1",
            ),
            (
                "UPSTREAM_TIMEOUT_MS",
                "",
                "UPSTREAM_TIMEOUT_MS must be a number from 10 to 120000, not \"\"",
            ),
        ] {
            let error = overridden(key, value).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let error = overridden("UPSTREAM_FAULTS", "x=500").unwrap_err();
        assert!(error.to_string().starts_with("UPSTREAM_FAULTS cannot"));
    }
}
