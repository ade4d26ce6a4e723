//! What the assistant shows, and what it remembers of a conversation.

use serde::{Deserialize, Serialize};
use undercurrent::prelude::*;
use upstream::chat::{Said, ToolCall};

/// So many conversations a visitor has at once.
pub const CONVERSATIONS: usize = 6;
/// So many messages a conversation has, questions and answers together. Only an answer that goes on
/// after its tools may be more.
pub const MESSAGES: usize = 60;
/// The longest question, in bytes.
pub const QUESTION_BYTES: usize = 2_000;
/// So many times the model is asked for one question: it may go on after what tools gave.
pub const ROUNDS: usize = 4;
/// So much of what a tool gave is kept, in bytes.
pub const RESULT_BYTES: usize = 4_000;
/// The longest title, in characters.
const TITLE: usize = 48;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct Assistant {
    /// Newest first.
    pub conversations: List<Conversation>,
    /// Those of all conversations, oldest first. In one list, so that a word touches one row.
    pub messages: List<Message>,
    /// How many conversations were begun. The next has the number behind it.
    pub begun: u32,
    #[state(server)]
    last_message: u32,
}

/// A conversation.
#[derive(State, Clone, Debug, Default)]
pub struct Conversation {
    /// Counted from 1, never used again.
    pub id: u32,
    /// How its first question begins.
    pub title: String,
}

/// A question or an answer.
#[derive(State, Clone, Debug, Default)]
pub struct Message {
    /// Counted from 1, never used again.
    pub id: u32,
    /// Which conversation it belongs to.
    pub conversation: u32,
    /// Whose it is.
    pub by: By,
    /// Plain if it is a person's, Markdown if it is the model's.
    pub text: Text,
    /// What the model asks for behind its words.
    pub tools: List<Tool>,
    /// How it ended. `None` while an answer comes, and while a question waits for its run.
    pub end: Option<End>,
    /// The seconds that the model asks to wait before another try.
    pub wait_s: u32,
}

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

/// A tool that the model asked for.
#[derive(State, Clone, Debug, Default)]
pub struct Tool {
    /// How the model calls this use of it.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// What it is given: JSON, as the model wrote it.
    pub arguments: String,
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

impl ToolStatus {
    /// Nothing more comes of it.
    pub fn is_end(self) -> bool {
        !matches!(self, ToolStatus::Running | ToolStatus::Asks)
    }
}

impl Assistant {
    /// A question. The next conversation begins with its first.
    pub fn ask(&mut self, conversation: u32, question: &str) -> Result<(), ForVisitor> {
        let question = question.trim();
        if question.is_empty() {
            return Err(ForVisitor::new("A question has words."));
        }
        if question.len() > QUESTION_BYTES {
            let why = format!("A question has at most {QUESTION_BYTES} bytes.");
            return Err(ForVisitor::new(why));
        }
        let is_known = self.conversations.iter().any(|one| one.id == conversation);
        if !is_known {
            self.begin(conversation, question)?;
        }
        if self.coming(conversation).is_some() {
            let why = "An answer is on its way. Stop it to ask something else.";
            return Err(ForVisitor::new(why));
        }
        self.check_room(conversation, 2)?;
        let asked = self.push(conversation, By::Person);
        asked.text.push_str(question);
        Ok(())
    }

    /// No run can begin that would answer the question.
    pub fn refuse(&mut self, conversation: u32, why: &str) {
        if let Some(message) = self.coming(conversation)
            && message.by == By::Person
        {
            message.end = Some(End::Failed(why.to_owned()));
        }
    }

    /// Whether there is a question that has no whole answer.
    pub fn check_open(&self, conversation: u32) -> Result<(), ForVisitor> {
        let why = match self.last(conversation).map(|last| (last.by, &last.end)) {
            None => "This conversation is gone. Begin another.",
            Some((By::Model, Some(End::Done))) => "The last question has its answer.",
            Some(_) => return self.check_room(conversation, 1),
        };
        Err(ForVisitor::new(why))
    }

    /// Makes the place of an answer to the last question, and tells what was said before it: what a
    /// run begins with.
    pub fn take_up(&mut self, conversation: u32) -> Result<(u32, Vec<Said>), ForVisitor> {
        self.check_open(conversation)?;
        // Left by a server that went down between two updates.
        self.close(
            conversation,
            &End::Failed("The server ended it.".to_owned()),
        );
        if let Some(question) = self.last_mut(conversation)
            && question.by == By::Person
        {
            question.end = Some(End::Done);
        }
        // Nothing of one that brought nothing is worth its place.
        let is_empty =
            |last: &&Message| last.by == By::Model && last.text.is_empty() && last.tools.is_empty();
        let empty = self.last(conversation).filter(is_empty).map(|last| last.id);
        self.messages.retain(|message| Some(message.id) != empty);
        let id = self.push(conversation, By::Model).id;
        Ok((id, self.said(conversation)))
    }

    /// The tools have given what they give: the model goes on in another message. `None` where the
    /// conversation was removed.
    pub fn go_on(&mut self, message: u32) -> Option<(u32, Vec<Said>)> {
        let asked = self.message(message)?;
        asked.end = Some(End::Done);
        let conversation = asked.conversation;
        let id = self.push(conversation, By::Model).id;
        Some((id, self.said(conversation)))
    }

    fn begin(&mut self, conversation: u32, question: &str) -> Result<(), ForVisitor> {
        if conversation != self.begun + 1 {
            return Err(ForVisitor::new("This conversation is gone. Begin another."));
        }
        if self.conversations.len() >= CONVERSATIONS {
            let why =
                format!("{CONVERSATIONS} conversations are enough. Remove one to begin another.");
            return Err(ForVisitor::new(why));
        }
        self.begun = conversation;
        let title = question.chars().take(TITLE).collect();
        self.conversations.push_front(Conversation {
            id: conversation,
            title,
        });
        Ok(())
    }

    fn check_room(&self, conversation: u32, more: usize) -> Result<(), ForVisitor> {
        let of_it = self.messages.iter();
        let count = of_it.filter(|message| message.conversation == conversation);
        match count.count() + more <= MESSAGES {
            true => Ok(()),
            false => Err(ForVisitor::new("This conversation is full. Begin another.")),
        }
    }

    fn push(&mut self, conversation: u32, by: By) -> &mut Message {
        self.last_message += 1;
        self.messages.push(Message {
            id: self.last_message,
            conversation,
            by,
            ..Message::default()
        });
        let last = self.messages.len() - 1;
        self.messages.get_mut(last).expect("it was put there")
    }

    /// Removes a conversation.
    pub fn remove(&mut self, conversation: u32) {
        self.conversations.retain(|one| one.id != conversation);
        self.messages
            .retain(|message| message.conversation != conversation);
    }

    fn last(&self, conversation: u32) -> Option<&Message> {
        let mut of_it = self.messages.iter().rev();
        of_it.find(|message| message.conversation == conversation)
    }

    fn last_mut(&mut self, conversation: u32) -> Option<&mut Message> {
        let id = self.last(conversation)?.id;
        self.message(id)
    }

    /// What of a conversation has not ended: its answer, or a question before its run.
    fn coming(&mut self, conversation: u32) -> Option<&mut Message> {
        let is_it =
            |message: &Message| message.conversation == conversation && message.end.is_none();
        let place = self.messages.iter().rposition(is_it)?;
        self.messages.get_mut(place)
    }

    fn message(&mut self, id: u32) -> Option<&mut Message> {
        let place = self.messages.iter().rposition(|message| message.id == id)?;
        self.messages.get_mut(place)
    }

    /// What was said in a conversation, as the model is told.
    fn said(&self, conversation: u32) -> Vec<Said> {
        let mut said = vec![Said::System {
            content: super::tools::TASK.to_owned(),
        }];
        let of_it = self.messages.iter();
        for message in of_it.filter(|message| message.conversation == conversation) {
            let content = message.text.to_string();
            match (message.by, &message.end) {
                (By::Person, _) => said.push(Said::User { content }),
                // What failed is asked for anew.
                (By::Model, None | Some(End::Failed(_))) => {}
                (By::Model, Some(_)) if content.is_empty() && message.tools.is_empty() => {}
                (By::Model, Some(_)) => message.tell(&mut said),
            }
        }
        said
    }

    /// More words have come.
    pub fn append(&mut self, message: u32, words: &str) {
        if let Some(message) = self.message(message) {
            message.text.push_str(words);
        }
    }

    /// The words are complete; these tools are asked for.
    pub fn asked_for(&mut self, message: u32, calls: &[ToolCall]) {
        if let Some(message) = self.message(message) {
            message.tools.extend(calls.iter().map(Tool::of));
        }
    }

    /// The model asks to wait before another try.
    pub fn asked_to_wait(&mut self, message: u32, wait_s: u32) {
        if let Some(message) = self.message(message) {
            message.wait_s = wait_s;
        }
    }

    /// A tool, if it is still there.
    pub fn tool(&mut self, message: u32, at: usize) -> Option<&mut Tool> {
        self.message(message)?.tools.get_mut(at)
    }

    /// What the visitor said to a tool that asks.
    pub fn verdict(&self, message: u32, at: usize) -> Option<bool> {
        let message = self.messages.iter().rfind(|one| one.id == message)?;
        message.tools.get(at)?.approved
    }

    /// A tool has ended.
    pub fn tool_ended(&mut self, message: u32, at: usize, result: Result<String, String>) {
        if let Some(tool) = self.tool(message, at) {
            tool.status = match (&result, tool.approved) {
                (_, Some(false)) => ToolStatus::Declined,
                (Ok(_), _) => ToolStatus::Done,
                (Err(_), _) => ToolStatus::Failed,
            };
            let mut result = result.unwrap_or_else(|why| why);
            // Between two characters.
            let end =
                (0..=RESULT_BYTES.min(result.len())).rfind(|end| result.is_char_boundary(*end));
            result.truncate(end.unwrap_or(0));
            tool.result = result;
        }
    }

    /// The run of a conversation has ended: what was on its way ends with it.
    pub fn close(&mut self, conversation: u32, end: &End) {
        while let Some(message) = self.coming(conversation) {
            for at in 0..message.tools.len() {
                if let Some(tool) = message.tools.get_mut(at)
                    && !tool.status.is_end()
                {
                    tool.status = ToolStatus::Stopped;
                }
            }
            message.end = Some(end.clone());
        }
    }
}

impl Message {
    /// Tells the model what it said, and what came of what it asked for.
    fn tell(&self, said: &mut Vec<Said>) {
        let call = |tool: &Tool| ToolCall {
            id: tool.id.clone(),
            name: tool.name.clone(),
            arguments: tool.arguments.clone(),
        };
        said.push(Said::Assistant {
            content: self.text.to_string(),
            tool_calls: self.tools.iter().map(call).collect(),
        });
        said.extend(self.tools.iter().map(|tool| Said::Tool {
            tool_call_id: tool.id.clone(),
            content: match tool.status {
                ToolStatus::Stopped => "Stopped by the visitor.".to_owned(),
                _ => tool.result.clone(),
            },
        }));
    }
}

impl Tool {
    fn of(call: &ToolCall) -> Self {
        Tool {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            status: match super::tools::asks_first(&call.name) {
                true => ToolStatus::Asks,
                false => ToolStatus::Running,
            },
            ..Tool::default()
        }
    }
}

/// Says yes or no to a tool that asks.
#[event]
pub fn decide(
    assistant: &mut Assistant,
    message: u32,
    at: usize,
    approved: bool,
) -> Result<(), ForVisitor> {
    match assistant.tool(message, at) {
        Some(tool) if tool.status == ToolStatus::Asks => {
            tool.approved = Some(approved);
            tool.status = if approved {
                ToolStatus::Running
            } else {
                ToolStatus::Declined
            };
            Ok(())
        }
        _ => Err(ForVisitor::new("It does not ask any more.")),
    }
}
