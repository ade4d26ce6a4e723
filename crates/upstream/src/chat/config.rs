//! The settings of the model: the table `[assistant]` of `Leptos.toml`, and
//! environment variables that override it one by one.

use super::faults::ChatFaults;
use crate::{
    ConfigError,
    config::{base_url, number, table, within},
};
use reqwest::Url;
use serde::Deserialize;
use std::{env, ops::RangeInclusive};

/// The pauses between two tokens that the built-in model accepts, in
/// milliseconds.
const DELAY_MS: RangeInclusive<u64> = 0..=10_000;
/// The silences that the client accepts, in milliseconds.
const TIMEOUT_MS: RangeInclusive<u64> = 100..=600_000;

/// What `[assistant]` in `Leptos.toml` says, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChatConfig {
    /// The address that `/chat/completions` is appended to, such as
    /// `https://api.openai.com/v1`. `None` or an empty text means the built-in
    /// model.
    pub url: Option<String>,
    /// The model that is asked for.
    pub model: String,
    /// The environment variable with the key, which goes into the header
    /// `Authorization`. It is read at the start. Empty means none.
    pub key_env: String,
    /// How long the built-in model waits before each token, in milliseconds, 0
    /// to 10,000.
    pub delay_ms: u64,
    /// What the built-in model does wrong on purpose, as [`ChatFaults`] spells
    /// it.
    pub faults: String,
    /// How long a model may be silent, before its answer and within it, in
    /// milliseconds, 100 to 600,000.
    pub timeout_ms: u64,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            url: None,
            model: "scripted".to_owned(),
            key_env: String::new(),
            delay_ms: 25,
            faults: String::new(),
            timeout_ms: 30_000,
        }
    }
}

impl ChatConfig {
    /// Reads the table `[assistant]` and leaves every other table alone. A text
    /// without that table gives the defaults.
    ///
    /// # Errors
    ///
    /// The text is no TOML, or a setting can't be used.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = table(text, "assistant")?;
        config.check()?;
        Ok(config)
    }

    /// Replaces each setting for which `get` knows an environment variable:
    /// `ASSISTANT_URL`, `ASSISTANT_MODEL`, `ASSISTANT_KEY_ENV`,
    /// `ASSISTANT_DELAY_MS`, `ASSISTANT_FAULTS`, `ASSISTANT_TIMEOUT_MS`. An
    /// empty `ASSISTANT_URL` goes back to the built-in model.
    ///
    /// # Errors
    ///
    /// A variable has a value that can't be used.
    pub fn with_overrides(
        mut self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if let Some(text) = get("ASSISTANT_URL") {
            self.url = match text.trim() {
                "" => None,
                url => Some(base_url("ASSISTANT_URL", url).map(|_| url.to_owned())?),
            };
        }
        if let Some(model) = get("ASSISTANT_MODEL") {
            self.model = model;
        }
        if let Some(key_env) = get("ASSISTANT_KEY_ENV") {
            self.key_env = key_env;
        }
        if let Some(text) = get("ASSISTANT_DELAY_MS") {
            self.delay_ms = number("ASSISTANT_DELAY_MS", &text, DELAY_MS)?;
        }
        if let Some(text) = get("ASSISTANT_FAULTS") {
            faults("ASSISTANT_FAULTS", &text)?;
            self.faults = text;
        }
        if let Some(text) = get("ASSISTANT_TIMEOUT_MS") {
            self.timeout_ms = number("ASSISTANT_TIMEOUT_MS", &text, TIMEOUT_MS)?;
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
        within("assistant.delay-ms", self.delay_ms, DELAY_MS)?;
        within("assistant.timeout-ms", self.timeout_ms, TIMEOUT_MS)?;
        Ok(())
    }

    /// The parsed URL, or `None` for the built-in model.
    pub(super) fn base(&self) -> Result<Option<Url>, ConfigError> {
        self.url
            .as_deref()
            .filter(|url| !url.is_empty())
            .map(|url| base_url("assistant.url", url))
            .transpose()
    }

    /// The key, if one is named. It is an error if there is none of that name:
    /// every question would be refused.
    pub(super) fn key(&self) -> Result<Option<String>, ConfigError> {
        if self.key_env.is_empty() {
            return Ok(None);
        }
        let key = env::var(&self.key_env).ok().filter(|key| !key.is_empty());
        key.map(Some).ok_or_else(|| {
            let problem = format!(
                "names {}, which is not set in the environment",
                self.key_env
            );
            ConfigError::value("assistant.key-env", problem)
        })
    }

    /// The parsed faults.
    pub(super) fn parsed_faults(&self) -> Result<ChatFaults, ConfigError> {
        faults("assistant.faults", &self.faults)
    }
}

fn faults(key: &'static str, text: &str) -> Result<ChatFaults, ConfigError> {
    text.parse()
        .map_err(|problem| ConfigError::value(key, format!("cannot be read: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_the_environment_lies_over_it() {
        let toml = "[assistant]\nmodel = \"a\"\ndelay-ms = 5\n[other]\nx = 1\n";
        let config = ChatConfig::from_toml(toml).unwrap();
        assert_eq!((config.model.as_str(), config.delay_ms), ("a", 5));
        let env = |key: &str| match key {
            "ASSISTANT_URL" => Some("http://127.0.0.1:9/v1".to_owned()),
            "ASSISTANT_FAULTS" => Some("429".to_owned()),
            _ => None,
        };
        let config = config.with_overrides(env).unwrap();
        assert_eq!(config.url.as_deref(), Some("http://127.0.0.1:9/v1"));
        assert_eq!(
            (config.model.as_str(), config.faults.as_str()),
            ("a", "429")
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let problem = |text: &str| {
            let toml = format!("[assistant]\n{text}\n");
            ChatConfig::from_toml(&toml).unwrap_err().to_string()
        };
        assert!(problem("delay-ms = 10001").starts_with("assistant.delay-ms must be"));
        assert!(problem("timeout-ms = 1").starts_with("assistant.timeout-ms must be"));
        assert!(problem("faults = \"x\"").starts_with("assistant.faults cannot be read"));
        assert!(problem("url = \"ftp://a\"").starts_with("assistant.url must begin"));
        assert!(problem("key = \"secret\"").contains("unknown field"));
    }

    #[test]
    fn a_key_that_is_named_must_be_there() {
        let config = ChatConfig {
            key_env: "NO_SUCH_VARIABLE_IS_SET".to_owned(),
            ..ChatConfig::default()
        };
        let problem = config.key().unwrap_err().to_string();
        assert!(problem.contains("NO_SUCH_VARIABLE_IS_SET"), "{problem}");
    }
}
