//! What Leptos.toml says to the runtime.

use super::StartError;
use crate::Limits;
use leptos::config::{LeptosOptions, get_configuration};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Overrides `store`.
const STORE_VARIABLE: &str = "UNDERCURRENT_STORE";
/// Overrides `store-file`.
const STORE_FILE_VARIABLE: &str = "UNDERCURRENT_STORE_FILE";
/// Overrides `durability`.
const DURABILITY_VARIABLE: &str = "UNDERCURRENT_DURABILITY";

/// The table `[undercurrent]` of Leptos.toml. Each key may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Host names that the server answers to, beside those of this machine.
    pub hosts: Vec<String>,
    /// Paths that other sites may post to.
    pub open_paths: Vec<String>,
    /// The site is reached by https: the cookie says so.
    pub https: bool,
    /// Where the key that signs cookies is kept. Made at the first start, for its owner alone.
    pub session_key_file: PathBuf,
    /// Where scopes are kept.
    pub store: StoreKind,
    /// The file of the store `disk`.
    pub store_file: PathBuf,
    /// What is kept before it is shown.
    pub durability: Durability,
    /// Pages name their scripts by what they say, so that they run those of their own build or none.
    /// `false` where another server, a proxy or a CDN, gives out the site's folder: it knows the
    /// files by their plain names alone.
    pub name_scripts: bool,
    /// What is allowed at most.
    pub limits: Limits,
}

/// Where scopes are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// In one file: they outlive the process.
    #[default]
    Disk,
    /// In memory alone.
    Memory,
}

/// What the store `disk` keeps before it is shown. The answer to an event always waits until the
/// event is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// An update is shown at once, and kept within 50 ms and the writing that is under way. A crash
    /// may take back what was shown last: then every page is told, and converges.
    #[default]
    Relaxed,
    /// An update is shown, and its `update` returns, once it is kept: nothing that was shown is
    /// ever taken back. Each update waits for the disk.
    Commit,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            hosts: Vec::new(),
            open_paths: Vec::new(),
            https: false,
            session_key_file: PathBuf::from(".undercurrent/session.key"),
            store: StoreKind::default(),
            store_file: PathBuf::from(".undercurrent/state.redb"),
            durability: Durability::default(),
            name_scripts: true,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Reads leptos' options and the runtime's own from one file.
    pub(crate) fn read(path: &Path) -> Result<(LeptosOptions, Config), StartError> {
        let fail = |why: String| StartError::Config(path.to_owned(), why);
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let leptos = get_configuration(path.to_str()).map_err(|error| fail(error.to_string()))?;
        let mut config = Config::parse(&text).map_err(fail)?;
        let of_variable = |name: &str, value: &str, known: &str| {
            fail(format!("{name} is {value:?}; it is one of {known}"))
        };
        if let Ok(store) = std::env::var(STORE_VARIABLE) {
            config.store = match store.as_str() {
                "disk" => StoreKind::Disk,
                "memory" => StoreKind::Memory,
                other => return Err(of_variable(STORE_VARIABLE, other, "`disk`, `memory`")),
            };
        }
        if let Ok(durability) = std::env::var(DURABILITY_VARIABLE) {
            config.durability = match durability.as_str() {
                "relaxed" => Durability::Relaxed,
                "commit" => Durability::Commit,
                other => {
                    return Err(of_variable(
                        DURABILITY_VARIABLE,
                        other,
                        "`relaxed`, `commit`",
                    ));
                }
            };
        }
        if let Ok(file) = std::env::var(STORE_FILE_VARIABLE) {
            config.store_file = file.into();
        }
        Ok((leptos.leptos_options, config))
    }

    /// Reads the table `[undercurrent]` and leaves all others to whom they concern.
    pub(super) fn parse(text: &str) -> Result<Config, String> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            undercurrent: Config,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok(file.undercurrent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(Config::parse(""), Ok(Config::default()));
    }

    #[test]
    fn a_limit_is_set_by_its_name_and_other_tables_are_left_alone() {
        let config = Config::parse("[other]\nx = 1\n[undercurrent.limits]\nqueue = 7\n").unwrap();
        assert_eq!(config.limits.queue, 7);
        assert_eq!(config.limits.tasks, Limits::default().tasks);
    }

    #[test]
    fn durability_is_set_by_its_name() {
        let config = Config::parse("[undercurrent]\ndurability = \"commit\"\n").unwrap();
        assert_eq!(config.durability, Durability::Commit);
        let error = Config::parse("[undercurrent]\ndurability = \"fsync\"\n").unwrap_err();
        assert!(
            error.contains("relaxed") && error.contains("commit"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_name_is_refused_and_named() {
        let error = Config::parse("[undercurrent.limits]\nqueues = 7\n").unwrap_err();
        assert!(error.contains("queues"), "{error}");
    }
}
