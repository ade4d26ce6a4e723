//! The client against real sockets: the built-in model, and servers that say
//! exactly what a test wants said.

use super::{
    Answer, BuiltinChat, Chat, ChatConfig, ChatError, Piece, Requests, Said, ToolCall, ToolSpec,
    builtin, open_chat,
};
use crate::UpstreamError;
use serde_json::{Value, json};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

fn asked(content: &str) -> Vec<Said> {
    let content = content.to_owned();
    vec![Said::User { content }]
}

fn tools() -> Vec<ToolSpec> {
    let spec = |name, about| ToolSpec {
        name,
        about,
        parameters: json!({ "type": "object" }),
    };
    vec![
        spec("look_up_product", "Looks up."),
        spec("fetch_posts", "Fetches."),
    ]
}

async fn builtin(faults: &str) -> Chat {
    open_chat(ChatConfig {
        delay_ms: 0,
        faults: faults.to_owned(),
        timeout_ms: 500,
        ..ChatConfig::default()
    })
    .await
    .unwrap()
}

/// All words, what else came, and how it ended.
async fn all(answer: Result<Answer, ChatError>) -> (String, Vec<ToolCall>, Option<ChatError>) {
    let (mut words, mut calls) = (String::new(), Vec::new());
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => return (words, calls, Some(error)),
    };
    loop {
        match answer.next().await {
            Ok(Some(Piece::Text(more))) => words.push_str(&more),
            Ok(Some(Piece::Calls(asked))) => calls = asked,
            Ok(None) => return (words, calls, None),
            Err(error) => return (words, calls, Some(error)),
        }
    }
}

/// A client of a server that answers one request with these bytes; and the
/// request that it gets.
async fn says(bytes: impl Into<String>) -> (Chat, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = bytes.into();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        loop {
            heard.push(stream.read_u8().await.unwrap());
            let text = String::from_utf8_lossy(&heard);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length == body.len().to_string()) {
                break;
            }
        }
        stream.write_all(bytes.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    let config = ChatConfig {
        url: Some(format!("http://{address}/v1/")),
        model: "a-model".to_owned(),
        timeout_ms: 10_000,
        ..ChatConfig::default()
    };
    (open_chat(config).await.unwrap(), heard)
}

fn stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n{events}"
    )
}

fn words(text: &str) -> String {
    let delta = json!({ "choices": [{ "delta": { "content": text } }] });
    format!("data: {delta}\n\n")
}

#[tokio::test]
async fn a_question_goes_out_as_openai_has_it_and_the_answer_is_read() {
    let (chat, heard) = says(stream(&format!(
        "{}{}data: [DONE]\n\n",
        words("It "),
        words("is.")
    )))
    .await;
    assert!(!chat.is_builtin());
    let answer = chat.ask(&asked("Is it?"), &tools()).await;
    assert_eq!(all(answer).await, ("It is.".to_owned(), vec![], None));
    let heard = heard.await.unwrap();
    assert!(
        heard.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{heard}"
    );
    assert!(!heard.to_lowercase().contains("authorization"), "{heard}");
    let (_, body) = heard.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["model"], &body["stream"]),
        (&"a-model".into(), &true.into())
    );
    assert_eq!(
        body["messages"],
        json!([{ "role": "user", "content": "Is it?" }])
    );
    assert_eq!(body["tools"][1]["type"], "function");
    assert_eq!(body["tools"][1]["function"]["name"], "fetch_posts");
}

#[tokio::test]
async fn calls_come_in_parts_and_are_told_at_the_end() {
    let part = |index: u32, more: Value| {
        let mut call = json!({ "index": index });
        call.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let delta = json!({ "choices": [{ "delta": { "tool_calls": [call] } }] });
        format!("data: {delta}\n\n")
    };
    let events = [
        part(
            0,
            json!({ "id": "a", "type": "function", "function": { "name": "one", "arguments": "" } }),
        ),
        part(
            1,
            json!({ "id": "b", "function": { "name": "two", "arguments": "{}" } }),
        ),
        part(0, json!({ "function": { "arguments": "{\"id\"" } })),
        part(0, json!({ "function": { "arguments": ":7}" } })),
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n".to_owned(),
    ];
    let (chat, _heard) = says(stream(&events.concat())).await;
    let (_, calls, error) = all(chat.ask(&asked("x"), &[]).await).await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call.id.as_str(),
                call.name.as_str(),
                call.arguments.as_str(),
            )
        })
        .collect();
    assert_eq!(told, [("a", "one", "{\"id\":7}"), ("b", "two", "{}")]);
    assert_eq!(error, None);
}

/// What other servers than OpenAI's write.
#[tokio::test]
async fn answers_are_read_as_servers_write_them() {
    let event = |delta: Value| format!("data: {}\n\n", json!({ "choices": [{ "delta": delta }] }));
    let call = |index: Value, id: &str, name: &str, arguments: &str| json!({ "index": index, "id": id, "function": { "name": name, "arguments": arguments } });
    let finish = |reason: &str| {
        let choice = json!({ "delta": null, "finish_reason": reason });
        format!("data: {}\n\n", json!({ "choices": [choice] }))
    };
    let two = [("a", "one", "{}"), ("b", "two", "{\"id\":7}")];
    for (events, came, told, error) in [
        (
            [
                event(json!({ "content": "It ", "tool_calls": null })),
                event(json!({ "content": "is.", "tool_calls": [] })),
                "data: {\"choices\":null,\"usage\":{}}\n\n".to_owned(),
                finish("stop"),
            ],
            "It is.",
            &two[..0],
            None,
        ),
        (
            // All at one place, or at none.
            [
                event(json!({ "content": null, "tool_calls": [call(json!(0), "a", "one", "{}")] })),
                event(json!({ "tool_calls": [call(json!(null), "b", "two", "{\"id\"")] })),
                event(json!({ "tool_calls": [call(json!(0), "b", "two", ":7}")] })),
                finish("tool_calls"),
            ],
            "",
            &two[..],
            None,
        ),
        (
            [words("It "), words("is"), finish("length"), String::new()],
            "It is",
            &two[..0],
            Some(ChatError::EndedEarly("length")),
        ),
        (
            [
                words("It"),
                finish("content_filter"),
                String::new(),
                String::new(),
            ],
            "It",
            &two[..0],
            Some(ChatError::EndedEarly("content_filter")),
        ),
    ] {
        let (chat, _heard) = says(stream(&events.concat())).await;
        let (words, calls, ended) = all(chat.ask(&asked("x"), &[]).await).await;
        let calls: Vec<_> = calls
            .iter()
            .map(|call| (&*call.id, &*call.name, &*call.arguments))
            .collect();
        assert_eq!(
            (words.as_str(), &calls[..], ended),
            (came, told, error),
            "{events:?}"
        );
    }
}

/// One write brings both, as it may: the words are good.
#[tokio::test]
async fn words_before_an_error_are_not_lost() {
    let told = ChatError::Told("Out of order.".to_owned());
    for (behind, error) in [
        (
            "data: {\"error\":{\"message\":\"Out of order.\"}}\n\n".to_owned(),
            told,
        ),
        ("data: <p>hello\n\n".to_owned(), ChatError::NotEvents),
        (words(&"x".repeat(70_000)), ChatError::TooLong),
        ("x".repeat(300_000), ChatError::TooLong),
    ] {
        let (chat, _heard) = says(stream(&format!("{}{behind}", words("It ")))).await;
        let (words, _, ended) = all(chat.ask(&asked("x"), &[]).await).await;
        assert_eq!((words.as_str(), ended), ("It ", Some(error)));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let head =
        |status: &str, more: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{more}\r\n");
    let limited = |s| ChatError::Limited(Some(Duration::from_secs(s)));
    for (bytes, came, error) in [
        (
            head("401 Unauthorized", ""),
            "",
            UpstreamError::Status(401).into(),
        ),
        (
            head("429 Too Many Requests", "retry-after: 7\r\n"),
            "",
            limited(7),
        ),
        (
            head("429 Too Many Requests", "retry-after: 999999\r\n"),
            "",
            limited(600),
        ),
        (
            head("429 Too Many Requests", ""),
            "",
            ChatError::Limited(None),
        ),
        (
            head("302 Found", "location: /\r\n"),
            "",
            UpstreamError::Redirect(302).into(),
        ),
        (
            head("200 OK", "content-type: application/json\r\n"),
            "",
            ChatError::NotEvents,
        ),
        (stream("data: <p>hello\n\n"), "", ChatError::NotEvents),
        (stream(&words("It")), "It", ChatError::Cut),
        (stream(""), "", ChatError::Cut),
        (String::new(), "", ChatError::Cut),
        (
            stream("data: {\"error\":{\"message\":\"Out of order.\"}}\n\n"),
            "",
            ChatError::Told("Out of order.".to_owned()),
        ),
        (stream(&words(&"x".repeat(70_000))), "", ChatError::TooLong),
    ] {
        let (chat, _heard) = says(bytes.clone()).await;
        let (words, _, ended) = all(chat.ask(&asked("x"), &[]).await).await;
        assert_eq!((words.as_str(), ended), (came, Some(error)), "{bytes:.80}");
    }
}

#[tokio::test]
async fn the_builtin_model_answers_over_http() {
    let chat = builtin("").await;
    assert!(chat.is_builtin());
    let (words, calls, error) = all(chat.ask(&asked("Show me the code"), &tools()).await).await;
    assert!(
        words.contains("```rust") && words.ends_with(".\n"),
        "{words}"
    );
    assert_eq!((calls, error), (vec![], None));
    let question = asked("Fetch the ten posts, and look up product 7");
    let (_, calls, error) = all(chat.ask(&question, &tools()).await).await;
    assert_eq!((calls.len(), error), (2, None));
}

#[tokio::test]
async fn the_builtin_model_has_its_faults_in_their_order() {
    let chat = builtin("500,429,cut,stall,error,html").await;
    let mut ends = Vec::new();
    for _ in 0..7 {
        let (words, _, error) = all(chat.ask(&asked("What is a task?"), &[]).await).await;
        ends.push((!words.is_empty(), error));
    }
    assert_eq!(
        ends,
        [
            (false, Some(UpstreamError::Status(500).into())),
            (
                false,
                Some(ChatError::Limited(Some(Duration::from_secs(2))))
            ),
            (true, Some(ChatError::Cut)),
            (true, Some(ChatError::Silent(Duration::from_millis(500)))),
            (
                true,
                Some(ChatError::Told("The server is overloaded.".to_owned()))
            ),
            (false, Some(ChatError::NotEvents)),
            (true, None),
        ]
    );
}

#[tokio::test]
async fn a_question_that_asks_for_a_fault_fails_once() {
    let chat = builtin("").await;
    let question = asked("Fail once with a 503.");
    let (_, _, error) = all(chat.ask(&question, &[]).await).await;
    assert_eq!(error, Some(UpstreamError::Status(503).into()));
    let (words, _, error) = all(chat.ask(&question, &[]).await).await;
    assert!(words.starts_with("This time it worked."), "{words}");
    assert_eq!(error, None);
}

#[tokio::test]
async fn to_drop_an_answer_ends_the_request_on_the_models_side() {
    let model = builtin::start(BuiltinChat {
        // It would take hours.
        delay: Duration::from_millis(200),
        ..BuiltinChat::default()
    });
    let mut model = model.await.unwrap();
    let config = ChatConfig {
        url: Some(format!("http://{}/v1", model.address)),
        ..ChatConfig::default()
    };
    let chat = open_chat(config).await.unwrap();
    let mut answer = chat.ask(&asked("What is a task?"), &[]).await.unwrap();
    assert!(matches!(answer.next().await, Ok(Some(Piece::Text(_)))));
    let begun = Requests {
        begun: 1,
        ..Requests::default()
    };
    assert_eq!(*model.requests.borrow(), begun);
    drop(answer);
    let hung_up = |counts: &Requests| counts.abandoned == 1 && counts.completed == 0;
    let seen = tokio::time::timeout(Duration::from_secs(10), model.requests.wait_for(hung_up));
    seen.await.expect("the model is told").unwrap();
}
