//! What the built-in model says: about the gallery, as far as it was written
//! down. It looks for words in the question, and says so where it finds none.

use super::{Said, ToolCall, faults::ChatFault};
use serde_json::{Value, json};

/// An answer.
pub(super) struct Reply {
    /// Markdown.
    pub(super) text: String,
    /// What it asks for before it goes on.
    pub(super) calls: Vec<ToolCall>,
}

/// Words, and what is answered where one of them is in the question.
const ANSWERS: [(&[&str], &str); 6] = [
    (&["code", "rust", "write", "look like"], CODE),
    (&["cancel", "stop", "pause", "resume"], CONTROL),
    (&["approv", "permission", "wait for me"], APPROVAL),
    (&["reload", "tab", "lost", "network", "reconnect"], RELOAD),
    (&["html", "script", "safe", "xss"], SAFE),
    (
        &["background", "task", "what", "how", "who", "hello", "hi"],
        TASKS,
    ),
];

const TASKS: &str = "A **background task** is work on the server that a click begins and that does \
not hold up the page. This answer is one: each word goes into a state on the server, and every page \
that shows the state follows.

1. You click. The server takes the click and starts the task *beside* the queue.
2. The task changes the state in short updates: `cx.update(|state| …)`.
3. Each update goes to your pages as what it changed, not as the whole.

What follows from that:

- You can type, scroll and begin a second conversation while this one is answered.
- A reload shows what has come so far, in its first bytes, and the rest keeps coming.
- **Stop** ends the request to the model itself, so nothing is paid for that nobody reads.

Ask for the code, or let me look something up: \"Fetch the ten posts, and look up product 7.\"
";

const CODE: &str = "This is the task that streams the answer you are reading, shortened:

```rust
#[background(key = conversation, overlap = reject)]
pub async fn answer(cx: TaskContext<Assistant>, conversation: u32) -> Result<()> {
    let mut answer = cx.expect::<Chat>().ask(&said, &tools).await?;
    while let Some(Piece::Text(words)) = cx.wait_for(answer.next()).await?? {
        cx.update(|state| state.append(id, &words)).await?;
    }
    Ok(())
}
```

The answer is a `Text`. It records what is put behind its end, so an update with one word sends one \
word. The view:

```rust
<ForList each=assistant.messages() let:message>
    <MessageView message/>
</ForList>
```

No channel, no lock, no stream of its own. To drop `answer` closes the connection to the model: \
that is all there is to Stop.
";

const CONTROL: &str =
    "Each task can be **paused**, **resumed** and **cancelled**, from its page or \
from the tray at the top, in any tab.

| what | when it takes effect | what stays |
|---|---|---|
| Pause | in the next call on the context | everything; the task waits there |
| Resume | at once | it goes on from that call |
| Cancel | at once, where it waits | every update that was made |

From the moment a cancel is recorded no update of that run lands. The task leaves through `?`, so \
its own clean-up runs.

Try it here: press *Stop* while I answer. What has come stays.
";

const APPROVAL: &str = "A task can ask and wait for as long as it takes:

```rust
let approved = cx.until(|state| state.tool(id)?.approved).await?;
```

Nothing runs meanwhile: no timer, no polling. The closure is asked again after each update of the \
state, and the button that you press *is* an update. The question survives a reload, and can be \
answered in another tab.

Ask me to fetch the ten posts to see it.
";

const RELOAD: &str = "Nothing of a conversation is in the page alone.

- **Reload**: the server renders what there is, and the stream goes on from exactly there.
- **A second tab**: the same state, the same answer, word by word.
- **The network goes**: the page waits, shows that it does, and catches up. The server's task does \
not notice.

At the bottom of this page, *Break it* does these things to you on purpose and counts what was lost \
and what was shown twice. Both stay at 0.
";

const SAFE: &str = "What a model writes is nobody's code. Markdown becomes elements; raw HTML is \
shown as the text it is:

<img src=x onerror=\"alert('not run')\"> <script>alert('not run')</script>

Links lead to `http` and `https` only: [a good one](https://leptos.dev), [a bad \
one](javascript:alert('not run')).
";

const UNKNOWN: &str = "I am the model that comes with this gallery, and my answers were written \
beforehand. I know about:

- what a background task is, and the code of one,
- how tasks are paused, stopped and asked for approval,
- what happens on a reload, in a second tab and without a network,
- the shop: \"Look up product 7\".

A real model answers anything: name its `url` in the table `[assistant]` of `Leptos.toml`.
";

/// The answer to a conversation. `offers` tells which tools there are.
pub(super) fn reply(messages: &[Said], offers: impl Fn(&str) -> bool) -> Reply {
    let results = results(messages);
    if !results.is_empty() {
        return Reply {
            text: with_results(&results),
            calls: Vec::new(),
        };
    }
    let question = question(messages).to_lowercase();
    let calls = calls(&question, offers);
    if !calls.is_empty() {
        let text = match calls.len() {
            1 => "I look that up.",
            _ => "I do both at once.",
        };
        return Reply {
            text: text.to_owned(),
            calls,
        };
    }
    let text = if asked_fault(messages).is_some() {
        "This time it worked. The answer that failed is above, with what had come of it; it is not \
         part of what I was asked. A task that fails keeps what it did, and *Retry* starts another \
         with the same conversation: nothing that you wrote or read is lost."
    } else {
        let words: Vec<&str> = question
            .split(|letter: char| !letter.is_alphanumeric())
            .collect();
        // A long word may be the beginning of one in the question, a short one is a word.
        let has = |known: &&str| match known.len() {
            0..=4 => words.contains(known),
            _ => question.contains(*known),
        };
        let answer = ANSWERS.iter().find(|(known, _)| known.iter().any(has));
        answer.map_or(UNKNOWN, |(_, answer)| answer)
    };
    Reply {
        text: text.to_owned(),
        calls: Vec::new(),
    }
}

/// The fault that the last question asks for: "Fail once with a 500", "Fail
/// once: cut the answer". Only where nothing was answered to it.
pub(super) fn asked_fault(messages: &[Said]) -> Option<ChatFault> {
    let Some(Said::User { content }) = messages.last() else {
        return None;
    };
    let rest = content.to_lowercase();
    let rest = rest.trim().strip_prefix("fail once")?;
    let mut words = rest.split(|letter: char| !letter.is_alphanumeric());
    words.find_map(ChatFault::named)
}

fn question(messages: &[Said]) -> &str {
    let asked = messages.iter().rev().find_map(|said| match said {
        Said::User { content } => Some(content.as_str()),
        _ => None,
    });
    asked.unwrap_or_default()
}

/// The tools that a question is about.
fn calls(question: &str, offers: impl Fn(&str) -> bool) -> Vec<ToolCall> {
    let mut calls = Vec::new();
    let mut call = |name: &str, arguments: Value| {
        if offers(name) {
            calls.push(ToolCall {
                id: format!("call_{name}_{}", calls.len() + 1),
                name: name.to_owned(),
                arguments: arguments.to_string(),
            });
        }
    };
    if question.contains("product") {
        let digits = question.split(|letter: char| !letter.is_ascii_digit());
        let id = digits
            .filter_map(|digits| digits.parse::<u32>().ok())
            .next();
        call("look_up_product", json!({ "id": id.unwrap_or(1) }));
    }
    if ["fetch", "ten posts", "start"]
        .iter()
        .any(|word| question.contains(word))
    {
        call("fetch_posts", json!({}));
    }
    calls
}

/// What the tools gave since the last question.
fn results(messages: &[Said]) -> Vec<(&str, &str)> {
    let asked = messages
        .iter()
        .rposition(|said| matches!(said, Said::User { .. }));
    let since = &messages[asked.map_or(0, |at| at + 1)..];
    let name_of = |id: &str| {
        since.iter().find_map(|said| match said {
            Said::Assistant { tool_calls, .. } => tool_calls
                .iter()
                .find(|call| call.id == id)
                .map(|call| call.name.as_str()),
            _ => None,
        })
    };
    since
        .iter()
        .filter_map(|said| match said {
            Said::Tool {
                tool_call_id,
                content,
            } => Some((name_of(tool_call_id)?, content.as_str())),
            _ => None,
        })
        .collect()
}

fn with_results(results: &[(&str, &str)]) -> String {
    let sentence = |(name, content): &(&str, &str)| {
        let value: Value = serde_json::from_str(content).unwrap_or_default();
        match *name {
            "look_up_product" => match value["title"].as_str() {
                Some(title) => format!(
                    "- **{title}** is product {}, and costs {:.2}. {}",
                    value["id"],
                    value["price"].as_f64().unwrap_or_default(),
                    value["description"].as_str().unwrap_or_default()
                ),
                None => format!("- The product could not be had: {content}"),
            },
            "fetch_posts" => match value["started"].as_bool() {
                Some(true) => "- **The ten posts** are on their way: a task of yours fetches \
                     them. It stands in the tray, and its page is *Posts*."
                    .to_owned(),
                _ => format!("- The ten posts were not fetched: {content}"),
            },
            other => format!("- `{other}` gave: {content}"),
        }
    };
    let lines: Vec<String> = results.iter().map(sentence).collect();
    format!("Here is what came of it.\n\n{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(content: &str) -> Vec<Said> {
        let content = content.to_owned();
        vec![Said::User { content }]
    }

    fn text(question: &str) -> String {
        reply(&asked(question), |_| true).text
    }

    #[test]
    fn a_question_is_answered_by_its_words() {
        assert_eq!(text("What is a background task?"), TASKS);
        assert_eq!(text("Show me the code of one"), CODE);
        assert_eq!(text("Can I pause it?"), CONTROL);
        assert_eq!(text("And if I reload?"), RELOAD);
        assert_eq!(text("Is raw HTML safe?"), SAFE);
        assert_eq!(text("Zebras"), UNKNOWN);
        // "hi" is a word, not a part of one.
        assert_eq!(text("machine"), UNKNOWN);
    }

    #[test]
    fn two_tools_are_asked_for_at_once_and_only_those_that_there_are() {
        let question = asked("Fetch the ten posts, and look up product 7");
        let names = |reply: Reply| -> Vec<(String, String)> {
            let calls = reply.calls.into_iter();
            calls.map(|call| (call.name, call.arguments)).collect()
        };
        assert_eq!(
            names(reply(&question, |_| true)),
            [
                ("look_up_product".to_owned(), r#"{"id":7}"#.to_owned()),
                ("fetch_posts".to_owned(), "{}".to_owned())
            ]
        );
        assert_eq!(
            names(reply(&question, |name| name == "fetch_posts")).len(),
            1
        );
        assert_eq!(names(reply(&question, |_| false)), []);
    }

    #[test]
    fn what_tools_gave_is_told() {
        let mut messages = asked("Fetch the ten posts, and look up product 7");
        let calls = reply(&messages, |_| true).calls;
        messages.push(Said::Assistant {
            content: String::new(),
            tool_calls: calls.clone(),
        });
        for (call, content) in calls.iter().zip([
            r#"{"id":7,"title":"Mug","description":"Holds tea.","price":9.5}"#,
            r#"{"declined":true}"#,
        ]) {
            messages.push(Said::Tool {
                tool_call_id: call.id.clone(),
                content: content.to_owned(),
            });
        }
        let told = reply(&messages, |_| true);
        assert!(told.calls.is_empty());
        assert!(
            told.text.contains("**Mug** is product 7, and costs 9.50"),
            "{}",
            told.text
        );
        assert!(
            told.text.contains("not fetched: {\"declined\":true}"),
            "{}",
            told.text
        );
    }

    #[test]
    fn a_fault_is_asked_for_by_its_name() {
        let fault = |question| asked_fault(&asked(question));
        assert_eq!(fault("Fail once with a 500."), Some(ChatFault::Status(500)));
        assert_eq!(fault("fail once: cut the answer"), Some(ChatFault::Cut));
        assert_eq!(fault("Fail once with a smile"), None);
        assert_eq!(fault("What is a 500?"), None);
        let mut answered = asked("Fail once with a 500.");
        answered.push(Said::Tool {
            tool_call_id: String::new(),
            content: String::new(),
        });
        assert_eq!(asked_fault(&answered), None);
    }
}
