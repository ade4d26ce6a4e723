//! What comes out of the stream, as OpenAI's interface has it.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What one event of the stream says. Fields that are not needed are ignored, and those that servers
/// write as `null` are as those that they leave out.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "or_null")]
    pub(super) choices: Vec<Choice>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "or_null")]
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    pub(super) tool_calls: Vec<CallDelta>,
}

/// A part of a call: the first has its name, those behind it more arguments.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallDelta {
    #[serde(default, deserialize_with = "or_null")]
    pub(super) index: usize,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
