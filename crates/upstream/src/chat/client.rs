//! The client: a question goes out as one POST, the answer comes in as events.
//! To drop an [`Answer`] closes its connection: that is how it is stopped.

use super::{
    ChatConfig, ChatError, Said, ToolCall, ToolSpec,
    chunk::{CallDelta, Chunk},
    sse::Events,
};
use crate::{ConfigError, UpstreamError, client};
use reqwest::{Client, Response, Url, header};
use serde_json::{Value, json};
use std::{fmt, future::Future, pin::Pin, time::Duration};
use tokio::time::timeout;

/// The longest answer that is read, words and calls together, in bytes: 64 KiB.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// The most tools that one answer may ask for.
pub const CALLS: usize = 8;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait that a model can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Asks the configured model, and nothing else. Clones share one pool of
/// connections.
#[derive(Clone)]
pub struct Chat {
    http: Client,
    url: Url,
    model: String,
    key: Option<String>,
    timeout: Duration,
    is_builtin: bool,
}

/// An answer on its way.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    timeout: Duration,
    events: Events,
    /// In the order in which they began, each with its place in the answer.
    calls: Vec<(usize, ToolCall)>,
    bytes: usize,
    phase: Phase,
    /// Words came before it, and are told first.
    trouble: Option<ChatError>,
}

/// A question on its way to the model, until its answer begins.
type Begins<'a> = Pin<Box<dyn Future<Output = Result<Answer, ChatError>> + Send + 'a>>;

/// An answer, from the question on: the model is asked when the first piece of it is waited for.
pub struct Asking<'a> {
    ask: Option<Begins<'a>>,
    answer: Option<Answer>,
}

/// Where an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// More is to come. An end of the stream in it is a cut.
    Coming,
    /// The model has said that this was all. What it asked for is told next.
    Finished,
    /// All was told.
    Over,
}

/// What comes of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More words.
    Text(String),
    /// The tools that it asks for. It is the last piece.
    Calls(Vec<ToolCall>),
}

impl Chat {
    pub(super) fn new(config: &ChatConfig, is_builtin: bool) -> Result<Self, ConfigError> {
        let mut url = config
            .base()?
            .ok_or_else(|| ConfigError::value("assistant.url", "is not set"))?;
        // Only an address without a host has no segments, and none is accepted.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["chat", "completions"]);
        }
        let timeout = Duration::from_millis(config.timeout_ms);
        let system_roots = url.scheme() == "https";
        Ok(Self {
            http: client::http(
                CONNECT_TIMEOUT.min(timeout),
                None,
                system_roots,
                "assistant.url",
            )?,
            url,
            model: config.model.clone(),
            key: config.key()?,
            timeout,
            is_builtin,
        })
    }

    /// It is the model that comes with the program.
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
    }

    /// Asks, and waits until an answer begins.
    ///
    /// # Errors
    ///
    /// [`ChatError`]: there is none.
    pub async fn ask(&self, said: &[Said], tools: &[ToolSpec]) -> Result<Answer, ChatError> {
        let mut body = json!({ "model": self.model, "stream": true, "messages": said });
        if !tools.is_empty() {
            body["tools"] = tools.iter().map(tool).collect();
        }
        let mut request = self
            .http
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(body.to_string());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = timeout(self.timeout, request.send())
            .await
            .map_err(|_| ChatError::Silent(self.timeout))?
            .map_err(|error| self.named(&error))?;
        let status = response.status().as_u16();
        match status {
            200..=299 => {}
            429 => return Err(ChatError::Limited(wait(&response))),
            301 | 302 | 303 | 307 | 308 => return Err(UpstreamError::Redirect(status).into()),
            _ => return Err(UpstreamError::Status(status).into()),
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if !is_stream {
            return Err(ChatError::NotEvents);
        }
        Ok(Answer {
            response,
            timeout: self.timeout,
            events: Events::default(),
            calls: Vec::new(),
            bytes: 0,
            phase: Phase::Coming,
            trouble: None,
        })
    }

    /// As [`ask`](Self::ask), for who waits for the pieces alone.
    pub fn answer<'a>(&'a self, said: &'a [Said], tools: &'a [ToolSpec]) -> Asking<'a> {
        Asking {
            ask: Some(Box::pin(self.ask(said, tools))),
            answer: None,
        }
    }

    fn named(&self, error: &reqwest::Error) -> ChatError {
        UpstreamError::from_reqwest(error, CONNECT_TIMEOUT.min(self.timeout), self.timeout).into()
    }
}

/// The wait that a 429 asks for, in whole seconds.
fn wait(response: &Response) -> Option<Duration> {
    let after = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let wait = Duration::from_secs(after.trim().parse().ok()?);
    Some(wait.min(LONGEST_WAIT))
}

fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec {
        name,
        about,
        parameters,
    } = tool;
    let function = json!({ "name": name, "description": about, "parameters": parameters });
    json!({ "type": "function", "function": function })
}

impl Asking<'_> {
    /// As [`Answer::next`]; where there is no answer at all, that is the first thing told. A future
    /// of it that is dropped ends the answer.
    ///
    /// # Errors
    ///
    /// [`ChatError`]: no more comes. What came before is good.
    pub async fn next(&mut self) -> Result<Option<Piece>, ChatError> {
        if let Some(ask) = self.ask.take() {
            self.answer = Some(ask.await?);
        }
        match &mut self.answer {
            Some(answer) => answer.next().await,
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// What comes next: all words that have arrived. `None` when the answer is
    /// complete.
    ///
    /// # Errors
    ///
    /// [`ChatError`]: no more comes. What came before is good.
    pub async fn next(&mut self) -> Result<Option<Piece>, ChatError> {
        if let Some(trouble) = self.trouble.take() {
            self.phase = Phase::Over;
            return Err(trouble);
        }
        while self.phase == Phase::Coming {
            let chunk = timeout(self.timeout, self.response.chunk())
                .await
                .map_err(|_| ChatError::Silent(self.timeout))?
                // Whatever it is, the stream has ended before the answer.
                .map_err(|_| ChatError::Cut)?
                .ok_or(ChatError::Cut)?;
            let mut words = String::new();
            let (events, read) = self.events.take(&chunk);
            let mut taken = events.iter().map(|data| self.take(data, &mut words));
            let taken = taken.find(Result::is_err).unwrap_or(Ok(())).and(read);
            if words.is_empty() {
                taken?;
            } else {
                self.trouble = taken.err();
                return Ok(Some(Piece::Text(words)));
            }
        }
        let calls = std::mem::take(&mut self.calls).into_iter();
        let calls: Vec<ToolCall> = calls.map(|(_, call)| call).collect();
        let was = std::mem::replace(&mut self.phase, Phase::Over);
        Ok((was == Phase::Finished && !calls.is_empty()).then_some(Piece::Calls(calls)))
    }

    fn take(&mut self, data: &str, words: &mut String) -> Result<(), ChatError> {
        if data == "[DONE]" {
            self.phase = Phase::Finished;
            return Ok(());
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| ChatError::NotEvents)?;
        if let Some(error) = chunk.error {
            let message = error.get("message").unwrap_or(&error);
            let message = message.as_str().unwrap_or("an error without words");
            return Err(ChatError::told(message));
        }
        // Only the first is asked for.
        let Some(choice) = chunk.choices.into_iter().next() else {
            return Ok(());
        };
        if let Some(more) = choice.delta.content {
            self.grow(more.len())?;
            words.push_str(&more);
        }
        for part in choice.delta.tool_calls {
            self.take_call(part)?;
        }
        match choice.finish_reason.as_deref() {
            None => {}
            Some("length") => return Err(ChatError::EndedEarly("length")),
            Some("content_filter") => return Err(ChatError::EndedEarly("content_filter")),
            Some(_) => self.phase = Phase::Finished,
        }
        Ok(())
    }

    fn take_call(&mut self, part: CallDelta) -> Result<(), ChatError> {
        let function = part.function.unwrap_or_default();
        let id = part.id.unwrap_or_default();
        let (name, arguments) = (
            function.name.unwrap_or_default(),
            function.arguments.unwrap_or_default(),
        );
        self.grow(id.len() + name.len() + arguments.len())?;
        // Some servers give all calls one place. An id of its own makes one of its own.
        let is_it = |(place, call): &(usize, ToolCall)| {
            *place == part.index && (id.is_empty() || call.id.is_empty() || call.id == id)
        };
        let known = self.calls.iter().rposition(is_it);
        let at = known.unwrap_or(self.calls.len());
        if at >= CALLS {
            return Err(ChatError::NotEvents);
        }
        if known.is_none() {
            self.calls.push((part.index, ToolCall::default()));
        }
        let (_, call) = &mut self.calls[at];
        // Some say id and name again with each part.
        for (is, said) in [(&mut call.id, id), (&mut call.name, name)] {
            if is.is_empty() {
                *is = said;
            }
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), ChatError> {
        self.bytes += bytes;
        match self.bytes <= ANSWER_BYTES {
            true => Ok(()),
            false => Err(ChatError::TooLong),
        }
    }
}

impl fmt::Debug for Chat {
    /// Without the key, and without the address, which may be someone's secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat")
            .field("model", &self.model)
            .field("is_builtin", &self.is_builtin)
            .finish_non_exhaustive()
    }
}
