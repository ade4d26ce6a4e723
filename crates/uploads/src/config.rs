//! The table `[uploads]` of Leptos.toml.

use crate::limits::{FILES, SWEEP_S};
use serde::Deserialize;
use std::{fmt, io, path::PathBuf};

/// Overrides `folder`.
const FOLDER_VARIABLE: &str = "UPLOADS_FOLDER";
/// Overrides `sweep-s`.
const SWEEP_VARIABLE: &str = "UPLOADS_SWEEP_S";

/// What `[uploads]` says, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Where the files are.
    pub(crate) folder: PathBuf,
    /// Visitors whose files are kept.
    pub(crate) files: usize,
    /// Seconds between two looks for files whose sessions have gone, at least 1.
    pub(crate) sweep_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            folder: PathBuf::from(".undercurrent/uploads"),
            files: FILES,
            sweep_s: SWEEP_S,
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
        file.uploads.checked()
    }

    /// Replaces what the environment knows better.
    pub(crate) fn overridden(
        mut self,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if let Some(folder) = get(FOLDER_VARIABLE) {
            self.folder = folder.into();
        }
        if let Some(seconds) = get(SWEEP_VARIABLE) {
            let seconds = seconds.parse();
            self.sweep_s =
                seconds.map_err(|_| ConfigError::Toml(format!("{SWEEP_VARIABLE} is no number")))?;
        }
        self.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        match self.sweep_s {
            0 => Err(ConfigError::Toml("sweep-s is at least 1".to_owned())),
            _ => Ok(self),
        }
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
