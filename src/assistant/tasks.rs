//! The task that answers, and what begins and ends it. Pause, resume and Stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;

/// Answers the last question of a conversation. One a conversation: others go on meanwhile.
///
/// It makes the place of its answer, and `close` ends that in one update with the run: no answer is
/// on its way to whose end nobody sees.
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
    let taken_up = cx.try_update(|assistant| assistant.take_up(conversation));
    let (mut id, mut said) = taken_up.await?;
    cx.sleep(Millis(u64::from(wait_s) * 1_000)).await?;
    for round in 1..=ROUNDS {
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
                let wait_s = error.wait().map_or(0, |wait| wait.as_secs() as u32);
                cx.update(|assistant| assistant.asked_to_wait(id, wait_s))
                    .await?;
                return Err(ForVisitor::new(format!("No whole answer came: {error}.")).into());
            }
        };
        if calls.is_empty() {
            return Ok(());
        }
        cx.update(|assistant| assistant.asked_for(id, &calls))
            .await?;
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
        if round < ROUNDS {
            // A conversation that was removed has no more answers.
            let Some(next) = cx.update(|assistant| assistant.go_on(id)).await? else {
                return Ok(());
            };
            (id, said) = next;
        }
    }
    Err(ForVisitor::new("The model asked for tools again and again.").into())
}

/// However the run ends, nothing of its conversation is on its way any more.
fn close(assistant: &mut Assistant, end: &TaskEnd) {
    let Ok(conversation) = end.key.parse() else {
        return;
    };
    let why = end.error.as_deref().unwrap_or("The server ended it.");
    let end = match end.status {
        TaskStatus::Done => End::Done,
        TaskStatus::Cancelled => End::Stopped,
        _ => End::Failed(why.to_owned()),
    };
    assistant.close(conversation, &end);
}

/// Asks something. Where no run can begin the question stays, and says why.
#[event]
pub async fn ask(cx: EventContext<Assistant>, conversation: u32, question: String) -> Result<()> {
    cx.try_update(|assistant| assistant.ask(conversation, &question))
        .await?;
    if let Err(why) = cx.start(answer(conversation, 0)).await {
        let why = why.to_string();
        cx.update(|assistant| assistant.refuse(conversation, &why))
            .await?;
        return Err(ForVisitor::new(why).into());
    }
    Ok(())
}

/// Asks the same again, after as many seconds as the model wished for.
#[event]
pub async fn retry(cx: EventContext<Assistant>, conversation: u32, wait_s: u32) -> Result<()> {
    cx.read(|assistant| assistant.check_open(conversation))
        .await??;
    let begun = cx.start(answer(conversation, wait_s.min(600))).await;
    begun.map_err(|why| ForVisitor::new(why.to_string()))?;
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
