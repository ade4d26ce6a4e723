//! The table `[uploads]` of Leptos.toml.

use crate::limits::FILES;
use serde::Deserialize;
use std::{fmt, io, path::PathBuf};

/// Overrides `folder`.
pub(crate) const FOLDER_VARIABLE: &str = "UPLOADS_FOLDER";

/// What `[uploads]` says, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Where the files are.
    pub(crate) folder: PathBuf,
    /// Visitors whose files are kept.
    pub(crate) files: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            folder: PathBuf::from(".undercurrent/uploads"),
            files: FILES,
        }
    }
}

/// Why no file could be taken.
#[derive(Debug)]
pub enum ConfigError {
    /// The file with the settings can't be read.
    File(io::Error),
    /// It is no TOML, or `[uploads]` says what does not exist.
    Toml(String),
    /// The folder can't be made or looked through.
    Folder(PathBuf, io::Error),
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            uploads: Config,
        }
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError::Toml(error.to_string()))?;
        Ok(file.uploads)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::File(error) => write!(f, "the settings of uploads can't be read: {error}"),
            ConfigError::Toml(why) => write!(f, "[uploads]: {why}"),
            ConfigError::Folder(path, error) => write!(
                f,
                "files can't be kept in {}: {error}. `folder` in [uploads] of Leptos.toml sets \
                 another",
                path.display()
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
