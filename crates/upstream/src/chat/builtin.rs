//! The model that comes with the program: answers that are written beforehand,
//! on a loopback port, with the pace and the faults of a real one as settings.

use super::{
    ChatConfig, Said, ToolCall,
    faults::{ChatFault, ChatFaults, WAIT_S},
    script,
};
use crate::ConfigError;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::post,
};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, time::sleep};

/// So many questions that asked for a fault are remembered; then all are
/// forgotten, and would fail once more.
const REMEMBERED: usize = 1_000;

/// How the built-in model behaves.
#[derive(Clone, Debug, Default)]
pub struct BuiltinChat {
    /// The time before each token.
    pub delay: Duration,
    /// What goes wrong with the first requests. A question can ask for a fault,
    /// too: "Fail once with a 500."
    pub faults: ChatFaults,
}

/// The built-in model while it runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// What became of its answers so far.
    pub requests: watch::Receiver<Requests>,
}

/// What became of the answers that were begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Answers that were begun.
    pub begun: u64,
    /// Answers that were sent to their end.
    pub completed: u64,
    /// Answers that whoever asked hung up on.
    pub abandoned: u64,
}

impl BuiltinChat {
    /// The part of the model's settings that concerns the built-in one.
    ///
    /// # Errors
    ///
    /// The faults can't be read.
    pub fn from_config(config: &ChatConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            delay: Duration::from_millis(config.delay_ms),
            faults: config.parsed_faults()?,
        })
    }
}

/// Serves the model on the loopback address, in a task of its own that lives as
/// long as the tokio runtime.
///
/// # Errors
///
/// There is no port.
pub async fn start(config: BuiltinChat) -> io::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (counted, requests) = watch::channel(Requests::default());
    let desk = Arc::new(Desk {
        config,
        counted,
        failed: Mutex::default(),
    });
    let app = Router::new()
        .route("/v1/chat/completions", post(complete))
        .with_state(desk);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Running { address, requests })
}

struct Desk {
    config: BuiltinChat,
    counted: watch::Sender<Requests>,
    /// Conversations whose last question has failed as it asked for.
    // A std mutex, held to look and to add.
    failed: Mutex<BTreeSet<String>>,
}

/// What is asked. Fields that are not needed are ignored.
#[derive(Deserialize)]
struct Question {
    messages: Vec<Said>,
    #[serde(default)]
    tools: Vec<Value>,
}

async fn complete(State(desk): State<Arc<Desk>>, Json(question): Json<Question>) -> Response {
    let counted = Counted::new(desk.clone());
    let fault = desk.fault(&question.messages, counted.number);
    sleep(desk.config.delay).await;
    match fault {
        Some(ChatFault::Status(code)) => {
            counted.completed();
            return refusal(code);
        }
        Some(ChatFault::Html) => {
            counted.completed();
            return Html("<h1>The model is out</h1>").into_response();
        }
        _ => {}
    }
    let offers = |name: &str| {
        let named = |tool: &Value| tool["function"]["name"] == name;
        question.tools.iter().any(named)
    };
    let reply = script::reply(&question.messages, offers);
    let events = events(&reply.text, &reply.calls);
    let body = Body::from_stream(stream::unfold(
        Sending {
            events: events.into_iter(),
            fault,
            counted: Some(counted),
            delay: desk.config.delay,
        },
        Sending::next,
    ));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

impl Desk {
    /// What goes wrong with a request: as the settings say, or as the question
    /// asks for, once.
    fn fault(&self, messages: &[Said], number: u64) -> Option<ChatFault> {
        if let Some(fault) = self.config.faults.at(number as usize) {
            return Some(fault);
        }
        let asked = script::asked_fault(messages)?;
        let known = serde_json::to_string(messages).ok()?;
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= REMEMBERED {
            failed.clear();
        }
        failed.insert(known).then_some(asked)
    }
}

/// A request that is counted: as abandoned, if it goes before it is completed.
struct Counted {
    desk: Arc<Desk>,
    /// From 0.
    number: u64,
    is_completed: bool,
}

impl Counted {
    fn new(desk: Arc<Desk>) -> Self {
        let mut number = 0;
        desk.counted.send_modify(|counts| {
            number = counts.begun;
            counts.begun += 1;
        });
        Counted {
            desk,
            number,
            is_completed: false,
        }
    }

    fn completed(mut self) {
        self.is_completed = true;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let is_completed = self.is_completed;
        self.desk.counted.send_modify(|counts| {
            counts.completed += u64::from(is_completed);
            counts.abandoned += u64::from(!is_completed);
        });
    }
}

/// An answer on its way out.
struct Sending {
    events: std::vec::IntoIter<Value>,
    /// It comes in the middle.
    fault: Option<ChatFault>,
    /// `None` when all was sent.
    counted: Option<Counted>,
    delay: Duration,
}

impl Sending {
    async fn next(mut self) -> Option<(io::Result<String>, Self)> {
        self.counted.as_ref()?;
        sleep(self.delay).await;
        let left = self.events.len();
        if self.fault.is_some() && left <= MIDDLE {
            match self.fault.take() {
                Some(ChatFault::Stall) => std::future::pending().await,
                Some(ChatFault::Error) => {
                    self.end();
                    let error = json!({ "error": { "message": "The server is overloaded." } });
                    return Some((Ok(event(&error)), self));
                }
                _ => {
                    self.end();
                    let cut = io::Error::from(io::ErrorKind::BrokenPipe);
                    return Some((Err(cut), self));
                }
            }
        }
        let Some(next) = self.events.next() else {
            self.end();
            return Some((Ok("data: [DONE]\n\n".to_owned()), self));
        };
        Some((Ok(event(&next)), self))
    }

    fn end(&mut self) {
        if let Some(counted) = self.counted.take() {
            counted.completed();
        }
    }
}

/// So many events before its end an answer that goes wrong does.
const MIDDLE: usize = 24;

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn refusal(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({ "error": { "message": "This failure was asked for." } });
    let mut response = (status, Json(error)).into_response();
    if code == 429 {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, WAIT_S.into());
    }
    response
}

/// The events of an answer, a token each.
fn events(text: &str, calls: &[ToolCall]) -> Vec<Value> {
    let chunk = |delta: Value, finish: Option<&str>| {
        json!({
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "model": "scripted",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })
    };
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
    events.extend(tokens(text).map(|token| chunk(json!({ "content": token }), None)));
    for (index, call) in calls.iter().enumerate() {
        let begin = json!({ "index": index, "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": "" } });
        events.push(chunk(json!({ "tool_calls": [begin] }), None));
        for part in tokens(&call.arguments) {
            let more = json!({ "index": index, "function": { "arguments": part } });
            events.push(chunk(json!({ "tool_calls": [more] }), None));
        }
    }
    let finish = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    events.push(chunk(json!({}), Some(finish)));
    events
}

/// The longest token, in characters.
const TOKEN: usize = 7;

/// Takes a text apart as models do: words with the space before them, the
/// longer ones in parts. Together they are the text.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = None;
        let mut was_space = true;
        for (count, (at, letter)) in rest.char_indices().enumerate() {
            let is_space = letter.is_whitespace();
            if count > 0 && (is_space && !was_space || count >= TOKEN) {
                end = Some(at);
                break;
            }
            was_space = is_space;
        }
        let (token, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        (!token.is_empty()).then_some(token)
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn tokens_are_short_and_make_up_the_text() {
        let text = "A background task\n\n    runs: grün, 日本語, antidisestablishmentarianism.";
        let all: Vec<&str> = tokens(text).collect();
        assert_eq!(all.concat(), text);
        assert!(
            all.iter().all(|token| token.chars().count() <= TOKEN),
            "{all:?}"
        );
        assert!(all.len() > 10, "{all:?}");
        assert_eq!(tokens("").count(), 0);
    }
}
