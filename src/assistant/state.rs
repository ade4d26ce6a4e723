//! What the assistant shows, and what it remembers of a conversation.

use undercurrent::prelude::*;
use upstream::chat::{
    Said, ToolCall,
    talk::{self, By, End, Heard},
    tools::Tool,
};

/// So many conversations a visitor has at once.
pub const CONVERSATIONS: usize = 6;
/// So many messages a conversation has, questions and answers together. Only an answer that goes on
/// after its tools may be more.
pub const MESSAGES: usize = 60;
/// So many times the model is asked for one question: it may go on after what tools gave.
pub const ROUNDS: usize = 4;
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
    /// When the model may be asked again, in milliseconds since 1970, where it asks to wait.
    pub ask_ms: u64,
}

impl Message {
    /// A tool of it waits for a yes or a no.
    pub fn asks(&self) -> bool {
        self.tools.iter().any(Tool::asks)
    }
}

impl Assistant {
    /// A question. The next conversation begins with its first.
    pub fn ask(&mut self, conversation: u32, question: &str) -> Result<(), ForVisitor> {
        let question = talk::question(question).map_err(ForVisitor::new)?;
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
        // Nothing of one that brought nothing is worth its place, but for how long it is waited.
        let ask_ms = self.last(conversation).map_or(0, |last| last.ask_ms);
        let is_empty =
            |last: &&Message| last.by == By::Model && last.text.is_empty() && last.tools.is_empty();
        let empty = self.last(conversation).filter(is_empty).map(|last| last.id);
        self.messages.retain(|message| Some(message.id) != empty);
        let answer = self.push(conversation, By::Model);
        answer.ask_ms = ask_ms;
        let id = answer.id;
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
        let of_it = self.messages.iter();
        let of_it = of_it.filter(|message| message.conversation == conversation);
        talk::said(of_it.map(|message| Heard {
            by: message.by,
            end: message.end.as_ref(),
            text: &message.text,
            tools: message.tools.iter().collect(),
        }))
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
            message.tools.extend(calls.iter().cloned().map(Tool::of));
        }
    }

    /// The model asks to wait before another try.
    pub fn asked_to_wait(&mut self, message: u32, wait: Millis) {
        if let Some(message) = self.message(message) {
            message.ask_ms = Millis::since_1970().0 + wait.0;
        }
    }

    /// So long is left of what the model asks to wait.
    pub fn wait(&self, message: u32) -> Millis {
        let message = self.messages.iter().rfind(|one| one.id == message);
        let ask_ms = message.map_or(0, |message| message.ask_ms);
        Millis(ask_ms.saturating_sub(Millis::since_1970().0))
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

    /// The run of a conversation has ended: what was on its way ends with it.
    pub fn close(&mut self, conversation: u32, end: &End) {
        while let Some(message) = self.coming(conversation) {
            message.tools.iter_mut().for_each(Tool::stop);
            message.end = Some(end.clone());
        }
    }
}

/// Whether a conversation waits for a yes or a no.
pub fn asks(messages: &List<Message>, conversation: u32) -> bool {
    let mut all = messages.iter();
    all.any(|message| message.conversation == conversation && message.asks())
}

/// Says yes or no to a tool that asks.
#[event]
pub fn decide(
    assistant: &mut Assistant,
    message: u32,
    at: usize,
    approved: bool,
) -> Result<(), ForVisitor> {
    let tool = assistant.tool(message, at);
    let is_decided = tool.is_some_and(|tool| tool.decide(approved));
    let is_decided = is_decided.then_some(());
    is_decided.ok_or(ForVisitor::new("It does not ask any more."))
}
