//! What a conversation is made of: whose a message is, how it ended, and what of it a model is told.

use super::{
    Said,
    tools::{TASK, Tool, ToolStatus},
};
use serde::{Deserialize, Serialize};

/// The longest question, in bytes.
pub const QUESTION_BYTES: usize = 2_000;

/// What one may ask, for who does not know.
pub const SUGGESTED: [&str; 4] = [
    "What is a background task?",
    "Show me the code that streams this answer",
    "Fetch the ten posts, and look up product 7",
    "Is it safe to show what a model writes, HTML and all?",
];

/// What the built-in model fails at when it is asked to, and how it is asked.
pub const FAILING: [(&str, &str); 4] = [
    ("a 500", "Fail once with a 500"),
    ("a 429", "Fail once with a 429"),
    ("a cut", "Fail once: cut the answer"),
    ("a silence", "Fail once: stall in the middle"),
];

/// Whose a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The visitor's.
    #[default]
    Person,
    /// The model's.
    Model,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// All of it is here.
    Done,
    /// The visitor stopped it. What had come is here.
    Stopped,
    /// It failed, for this reason. What had come is here.
    Failed(String),
}

/// A message, as far as a model is told of it.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    /// Whose it is.
    pub by: By,
    /// How it ended.
    pub end: Option<&'a End>,
    /// Its words.
    pub text: &'a str,
    /// What it asked for.
    pub tools: Vec<&'a Tool>,
}

/// A question without what is around it.
///
/// # Errors
///
/// It is none, or too long: a sentence.
pub fn question(text: &str) -> Result<&str, String> {
    match text.trim() {
        "" => Err("A question has words.".to_owned()),
        text if text.len() > QUESTION_BYTES => {
            Err(format!("A question has at most {QUESTION_BYTES} bytes."))
        }
        text => Ok(text),
    }
}

/// What was said in a conversation, as the model is told.
pub fn said<'a>(messages: impl IntoIterator<Item = Heard<'a>>) -> Vec<Said> {
    let mut said = vec![Said::System {
        content: TASK.to_owned(),
    }];
    for Heard {
        by,
        end,
        text,
        tools,
    } in messages
    {
        let content = text.to_owned();
        match (by, end) {
            (By::Person, _) => said.push(Said::User { content }),
            // What failed is asked for anew.
            (By::Model, None | Some(End::Failed(_))) => {}
            (By::Model, Some(_)) if content.is_empty() && tools.is_empty() => {}
            (By::Model, Some(_)) => {
                said.push(Said::Assistant {
                    content,
                    tool_calls: tools.iter().map(|tool| tool.call.clone()).collect(),
                });
                said.extend(tools.into_iter().map(gave));
            }
        }
    }
    said
}

fn gave(tool: &Tool) -> Said {
    Said::Tool {
        tool_call_id: tool.call.id.clone(),
        content: match tool.status {
            ToolStatus::Stopped => "Stopped by the visitor.".to_owned(),
            _ => tool.result.clone(),
        },
    }
}

/// What is said aloud of a conversation: that an answer comes, that a tool asks, how its last message
/// ended. Of one without a message nothing is.
pub fn aloud(is_coming: bool, asks: bool, last: Option<Option<&End>>) -> &'static str {
    match (is_coming, asks, last) {
        (_, true, _) => "The assistant asks for your approval.",
        (true, ..) => "The answer is on its way.",
        (.., Some(end)) => End::aloud(end),
        (.., None) => "",
    }
}

impl End {
    /// As a stylesheet calls it; `None` is on its way.
    pub fn name(end: Option<&End>) -> &'static str {
        match end {
            None => "coming",
            Some(End::Done) => "done",
            Some(End::Stopped) => "stopped",
            Some(End::Failed(_)) => "failed",
        }
    }

    /// What stands below an answer that is not whole, or of which nothing has come.
    pub fn in_words(&self, has_come: bool) -> Option<String> {
        let kept = if has_come {
            " What had come is kept."
        } else {
            ""
        };
        match self {
            End::Done if has_come => None,
            End::Done => Some("The model had nothing to say.".to_owned()),
            End::Stopped => Some(format!("Stopped.{kept}")),
            End::Failed(why) => Some(format!("{why}{kept}")),
        }
    }

    /// What is said aloud of the last message of a conversation, once nothing is on its way.
    fn aloud(end: Option<&End>) -> &'static str {
        match end {
            None | Some(End::Failed(_)) => "The answer failed.",
            Some(End::Stopped) => "The answer was stopped.",
            Some(End::Done) => "The answer is complete.",
        }
    }
}
