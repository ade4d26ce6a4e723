//! A model that answers in a conversation: any server that speaks OpenAI's
//! `/v1/chat/completions` with `stream: true`, asked over real HTTP and
//! server-sent events.
//!
//! `chat_from_file` is the entry: without a URL it starts the built-in one,
//! whose answers are written beforehand and stream like those of a model.
//! A browser's build has the types of what is said, and the tools, only.

#[cfg(feature = "ssr")]
pub mod builtin;
#[cfg(feature = "ssr")]
mod chunk;
#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod faults;
#[cfg(feature = "ssr")]
mod open;
mod protocol;
#[cfg(feature = "ssr")]
mod script;
#[cfg(feature = "ssr")]
mod sse;
pub mod talk;
#[cfg(all(test, feature = "ssr"))]
mod tests;
pub mod tools;

pub use self::protocol::{Said, ToolCall, ToolSpec};
#[cfg(feature = "ssr")]
pub use self::{
    builtin::{BuiltinChat, Requests},
    client::{Answer, Asking, CALLS, Chat, Piece},
    config::ChatConfig,
    error::ChatError,
    open::{chat_from_file, open_chat},
};
