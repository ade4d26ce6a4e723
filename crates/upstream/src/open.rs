//! Opening an upstream: the configured one, or the one that is built in.

use crate::{BuiltinConfig, ConfigError, Upstream, UpstreamConfig, builtin};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// Why no upstream could be opened.
#[derive(Debug)]
pub enum OpenError {
    /// A setting is out of its range or cannot be read.
    Config(ConfigError),
    /// The built-in upstream got no port on the loopback address.
    Listen(io::Error),
    /// The file with the settings can't be read.
    File(PathBuf, io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Listen(error) => write!(f, "the built-in upstream cannot listen: {error}"),
            Self::File(path, error) => {
                let path = path.display();
                write!(
                    f,
                    "the upstream's settings, in {path}, cannot be read: {error}"
                )
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Listen(error) | Self::File(_, error) => Some(error),
        }
    }
}

impl From<ConfigError> for OpenError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Returns the client for the configured upstream. Without a URL it first
/// starts the built-in one, which lives as long as the tokio runtime does.
pub async fn open(mut config: UpstreamConfig) -> Result<Upstream, OpenError> {
    config.check()?;
    if config.base()?.is_none() {
        let address = builtin::start(&BuiltinConfig::from_upstream(&config)?)
            .await
            .map_err(OpenError::Listen)?;
        config.url = Some(format!("http://{address}/products"));
    }
    Ok(Upstream::new(&config)?)
}

/// As [`open`], with the settings of the table `[upstream]` of a file, and those of the
/// environment over them.
pub async fn from_file(path: impl AsRef<Path>) -> Result<Upstream, OpenError> {
    let text = settings(path.as_ref())?;
    let config = UpstreamConfig::from_toml(&text)?;
    open(config.with_overrides(|key| std::env::var(key).ok())?).await
}

/// The text of a file with settings.
pub(crate) fn settings(path: &Path) -> Result<String, OpenError> {
    fs::read_to_string(path).map_err(|error| OpenError::File(path.to_owned(), error))
}
