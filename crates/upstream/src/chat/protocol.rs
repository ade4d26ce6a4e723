//! What is said to a model and what it says, as OpenAI's interface has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Said {
    /// What the model is told of its task.
    System {
        /// The words.
        content: String,
    },
    /// What a person asks.
    User {
        /// The words.
        content: String,
    },
    /// What the model answered.
    Assistant {
        /// The words, as Markdown.
        #[serde(default)]
        content: String,
        /// Tools that it asked for, after the words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool gave.
    Tool {
        /// The call that it answers.
        tool_call_id: String,
        /// What it gave.
        content: String,
    },
}

/// A tool that the model asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WireCall", into = "WireCall")]
pub struct ToolCall {
    /// Names the call.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// What it is given: JSON, as the model wrote it. Nothing vouches for it.
    pub arguments: String,
}

/// A tool that a model may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// What it is called.
    pub name: &'static str,
    /// What it does, for the model.
    pub about: &'static str,
    /// What it is given, as a JSON schema.
    pub parameters: Value,
}

/// A call as it travels.
#[derive(Serialize, Deserialize)]
struct WireCall {
    id: String,
    #[serde(rename = "type", default = "function")]
    kind: String,
    function: WireFunction,
}

#[derive(Serialize, Deserialize)]
struct WireFunction {
    name: String,
    arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

impl From<WireCall> for ToolCall {
    fn from(wire: WireCall) -> Self {
        ToolCall {
            id: wire.id,
            name: wire.function.name,
            arguments: wire.function.arguments,
        }
    }
}

impl From<ToolCall> for WireCall {
    fn from(call: ToolCall) -> Self {
        WireCall {
            id: call.id,
            kind: function(),
            function: WireFunction {
                name: call.name,
                arguments: call.arguments,
            },
        }
    }
}
