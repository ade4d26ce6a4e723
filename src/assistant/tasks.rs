//! The task that answers, and what begins and ends it. Pause, resume and Stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

/// Answers the last question of a conversation. One a conversation: others go on meanwhile.
#[background(key = conversation, overlap = reject, on_end = close)]
pub async fn answer(cx: TaskContext<Assistant>, conversation: u32, wait_s: u32) -> Result<()> {
    use super::tools::{FETCH, LOOK_UP, asks_first};
    use serde_json::json;
    use upstream::{
        Chat,
        chat::{CALLS, Piece, ToolSpec},
    };
    let chat = cx.expect::<Chat>();
    let tools = [
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
    ];
    cx.sleep(Millis(u64::from(wait_s) * 1_000)).await?;
    for round in 0..ROUNDS {
        let begun = cx.update(|assistant| assistant.take_up(conversation, round > 0));
        // A conversation that was removed has no more answers.
        let Some((id, said)) = begun.await? else {
            return Ok(());
        };
        // To leave this block closes the connection to the model, however it is left.
        let asked = {
            let mut calls = Vec::new();
            let mut words = cx.wait_for(chat.ask(&said, &tools)).await?;
            loop {
                let piece = match &mut words {
                    Ok(words) => cx.wait_for(words.next()).await?,
                    Err(error) => Err(error.clone()),
                };
                match piece {
                    Ok(Some(Piece::Text(more))) => {
                        cx.update(|assistant| assistant.append(id, &more)).await?;
                    }
                    Ok(Some(Piece::Calls(asked))) => calls = asked,
                    Ok(None) => break Ok(calls),
                    Err(error) => break Err(error),
                }
            }
        };
        let calls = match asked {
            Ok(calls) => calls,
            Err(error) => {
                let (why, wait) = (error.to_string(), error.wait().unwrap_or_default());
                let wait_s = wait.as_secs() as u32;
                let end = End::Failed {
                    why: why.clone(),
                    wait_s,
                };
                cx.update(|assistant| assistant.end(id, end)).await?;
                return Err(ForVisitor::new(format!("No whole answer came: {why}.")).into());
            }
        };
        cx.update(|assistant| assistant.answered(id, &calls))
            .await?;
        if calls.is_empty() {
            return Ok(());
        }
        cx.for_each(
            calls.into_iter().enumerate(),
            CALLS,
            |cx, (at, call)| async move {
                let given: serde_json::Value =
                    serde_json::from_str(&call.arguments).unwrap_or_default();
                let may = match asks_first(&call.name) {
                    true => cx.until(|assistant| assistant.verdict(id, at)).await?,
                    false => true,
                };
                let result = match call.name.as_str() {
                    _ if !may => Err("The visitor said no.".to_owned()),
                    LOOK_UP => {
                        let product = u32::try_from(given["id"].as_u64().unwrap_or_default());
                        let shop = cx.expect::<upstream::Upstream>();
                        let product = cx
                            .wait_for(shop.product(product.unwrap_or_default()))
                            .await?;
                        let product = product.map_err(|error| error.to_string());
                        product.and_then(|one| {
                            serde_json::to_string(&one).map_err(|error| error.to_string())
                        })
                    }
                    FETCH => match cx.start(crate::posts::background::get_posts()).await {
                        Ok(_) => Ok(json!({ "started": true }).to_string()),
                        Err(error) => Err(error.to_string()),
                    },
                    _ => Err("There is no such tool.".to_owned()),
                };
                cx.update(|assistant| assistant.tool_ended(id, at, result))
                    .await
            },
        )
        .await?;
        cx.update(|assistant| assistant.end(id, End::Done)).await?;
    }
    Err(ForVisitor::new("The model asked for tools again and again.").into())
}

/// However the task ends, nothing of its conversation is on its way any more.
fn close(assistant: &mut Assistant, end: &TaskEnd) {
    let Ok(conversation) = end.key.parse() else {
        return;
    };
    let end = match (end.status, &end.error) {
        (TaskStatus::Done, _) => End::Done,
        (TaskStatus::Cancelled, _) => End::Stopped,
        (_, why) => End::Failed {
            why: why
                .clone()
                .unwrap_or_else(|| "the server ended it".to_owned()),
            wait_s: 0,
        },
    };
    assistant.close(conversation, end);
}

/// Asks something.
#[event]
pub async fn ask(cx: EventContext<Assistant>, conversation: u32, question: String) -> Result<()> {
    cx.try_update(|assistant| assistant.ask(conversation, &question))
        .await?;
    cx.dispatch(answer(conversation, 0));
    Ok(())
}

/// Asks the same again, after as many seconds as the model wished for.
#[event]
pub async fn retry(cx: EventContext<Assistant>, conversation: u32, wait_s: u32) -> Result<()> {
    cx.try_update(|assistant| assistant.ask_again(conversation))
        .await?;
    cx.dispatch(answer(conversation, wait_s.min(600)));
    Ok(())
}

/// Removes a conversation, and stops what is on its way in it.
#[event]
pub async fn remove(cx: EventContext<Assistant>, conversation: u32) -> Result<()> {
    cx.update(|assistant| assistant.remove(conversation))
        .await?;
    cx.cancel(answer, conversation).await;
    Ok(())
}
