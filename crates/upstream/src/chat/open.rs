//! Opening a model: the configured one, or the one that is built in.

use super::{BuiltinChat, Chat, ChatConfig, builtin};
use crate::{OpenError, open::settings};
use std::path::Path;

/// Returns the client for the configured model. Without a URL it first starts
/// the built-in one, which lives as long as the tokio runtime does.
///
/// # Errors
///
/// A setting can't be used, or the built-in one gets no port.
pub async fn open_chat(mut config: ChatConfig) -> Result<Chat, OpenError> {
    config.check()?;
    let is_builtin = config.base()?.is_none();
    if is_builtin {
        let builtin = builtin::start(BuiltinChat::from_config(&config)?)
            .await
            .map_err(OpenError::Listen)?;
        config.url = Some(format!("http://{}/v1", builtin.address));
    }
    Ok(Chat::new(&config, is_builtin)?)
}

/// As [`open_chat`], with the settings of the table `[assistant]` of a file,
/// and those of the environment over them.
///
/// # Errors
///
/// As there, and where the file can't be read.
pub async fn chat_from_file(path: impl AsRef<Path>) -> Result<Chat, OpenError> {
    let text = settings(path.as_ref())?;
    let config = ChatConfig::from_toml(&text)?;
    open_chat(config.with_overrides(|key| std::env::var(key).ok())?).await
}
