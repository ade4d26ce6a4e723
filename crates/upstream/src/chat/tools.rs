//! The tools that the gallery offers a model: what each is called, what a person is told of it, and
//! where one is that was asked for.

use super::{ToolCall, ToolSpec};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the model is told of its task.
pub const TASK: &str = "You are the assistant of the gallery of Undercurrent, which brings \
    background tasks to Leptos, a web framework in Rust. You answer in short sentences, in \
    Markdown, and say so when you do not know something.";

/// The tool that looks up a product of the shop.
pub const LOOK_UP: &str = "look_up_product";
/// The tool that starts the task which fetches ten posts.
pub const FETCH: &str = "fetch_posts";

/// So much of what a tool gave is kept, in bytes.
pub const RESULT_BYTES: usize = 4_000;

/// A tool that the model asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// What it asked for.
    pub call: ToolCall,
    /// Where it is.
    pub status: ToolStatus,
    /// What the visitor said, if it asked.
    pub approved: Option<bool>,
    /// What it gave.
    pub result: String,
}

/// Where a tool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolStatus {
    /// It runs.
    #[default]
    Running,
    /// It waits for a yes or a no.
    Asks,
    /// It gave something.
    Done,
    /// It gave nothing, and the model is told why.
    Failed,
    /// The visitor said no.
    Declined,
    /// The answer was stopped before it had ended.
    Stopped,
}

/// Both, for the model.
pub fn specs() -> [ToolSpec; 2] {
    [
        ToolSpec {
            name: LOOK_UP,
            about: "Looks up a product of the shop by its number, 1 to 100.",
            parameters: json!({ "type": "object", "required": ["id"],
                "properties": { "id": { "type": "integer", "minimum": 1, "maximum": 100 } } }),
        },
        ToolSpec {
            name: FETCH,
            about: "Starts the background task that fetches ten posts. The visitor is asked first.",
            parameters: json!({ "type": "object", "properties": {} }),
        },
    ]
}

impl ToolCall {
    /// What does something in the visitor's name asks first.
    pub fn asks_first(&self) -> bool {
        self.name == FETCH
    }

    /// The number of the product that is to be looked up. 0, which none has, where none is given.
    pub fn product(&self) -> u32 {
        let given: serde_json::Value = serde_json::from_str(&self.arguments).unwrap_or_default();
        let id = given["id"].as_u64().unwrap_or_default();
        u32::try_from(id).unwrap_or_default()
    }

    /// What it is, for a person, and what it is about to do.
    pub fn in_words(&self) -> (String, String) {
        match self.name.as_str() {
            LOOK_UP => {
                let about = format!("It asks the shop for product {}.", self.product());
                ("Look up a product".to_owned(), about)
            }
            FETCH => (
                "Fetch the ten posts".to_owned(),
                "It starts the task of the page Posts, in your name.".to_owned(),
            ),
            other => (format!("Unknown: {other}"), self.arguments.clone()),
        }
    }
}

impl ToolStatus {
    /// Nothing more comes of it.
    pub fn is_end(self) -> bool {
        !matches!(self, ToolStatus::Running | ToolStatus::Asks)
    }

    /// As a stylesheet calls it, and a person.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            ToolStatus::Running => ("running", "Running"),
            ToolStatus::Asks => ("queued", "Asks you"),
            ToolStatus::Done => ("done", "Done"),
            ToolStatus::Failed => ("failed", "Failed"),
            ToolStatus::Declined => ("stopped", "Declined"),
            ToolStatus::Stopped => ("stopped", "Stopped"),
        }
    }
}

impl Tool {
    /// One that was asked for just now.
    pub fn of(call: ToolCall) -> Self {
        let status = match call.asks_first() {
            true => ToolStatus::Asks,
            false => ToolStatus::Running,
        };
        Tool {
            call,
            status,
            ..Tool::default()
        }
    }

    /// It waits for a yes or a no.
    pub fn asks(&self) -> bool {
        self.status == ToolStatus::Asks
    }

    /// The visitor says yes or no. `false` where it does not ask.
    pub fn decide(&mut self, approved: bool) -> bool {
        let asks = self.asks();
        if asks {
            self.approved = Some(approved);
            self.status = match approved {
                true => ToolStatus::Running,
                false => ToolStatus::Declined,
            };
        }
        asks
    }

    /// It has given this, or failed for this reason.
    pub fn end(&mut self, result: Result<String, String>) {
        self.status = match (&result, self.approved) {
            (_, Some(false)) => ToolStatus::Declined,
            (Ok(_), _) => ToolStatus::Done,
            (Err(_), _) => ToolStatus::Failed,
        };
        let mut result = result.unwrap_or_else(|why| why);
        // Between two characters.
        let end = (0..=RESULT_BYTES.min(result.len())).rfind(|end| result.is_char_boundary(*end));
        result.truncate(end.unwrap_or(0));
        self.result = result;
    }

    /// The answer ended. What had not ended by itself ends with it.
    pub fn stop(&mut self) {
        if !self.status.is_end() {
            self.status = ToolStatus::Stopped;
        }
    }
}
