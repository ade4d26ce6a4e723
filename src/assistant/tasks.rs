//! The task that answers, and what begins and ends it. Pause, resume and Stop are the runtime's.

use super::state::*;
use undercurrent::prelude::*;
use upstream::chat::talk::End;

/// Answers the last question of a conversation. One a conversation: others go on meanwhile.
///
/// It makes the place of its answer, and `close` ends that in one update with the run: no answer is
/// on its way to whose end nobody sees.
#[background(key = conversation, overlap = reject, on_end = close)]
pub async fn answer(cx: TaskContext<Assistant>, conversation: u32) -> Result<()> {
    use upstream::{
        Chat, Upstream,
        chat::{
            CALLS, Piece,
            tools::{FETCH, LOOK_UP, specs},
        },
    };
    let (chat, tools) = (cx.expect::<Chat>(), specs());
    let taken_up = cx.try_update(|assistant| assistant.take_up(conversation));
    let (mut id, mut said) = taken_up.await?;
    let wait = cx.read(|assistant| assistant.wait(id)).await?;
    cx.sleep(wait).await?;
    for round in 1..=ROUNDS {
        let mut calls = Vec::new();
        // To drop it closes the connection to the model, however this is left.
        let mut words = chat.answer(&said, &tools);
        loop {
            match cx.wait_for(words.next()).await? {
                Ok(Some(Piece::Text(more))) => {
                    cx.update(|assistant| assistant.append(id, &more)).await?;
                }
                Ok(Some(Piece::Calls(asked))) => calls = asked,
                Ok(None) => break,
                Err(error) => {
                    if let Some(wait) = error.wait() {
                        let wait = Millis(wait.as_secs() * 1_000);
                        cx.update(|assistant| assistant.asked_to_wait(id, wait))
                            .await?;
                    }
                    let why = format!("No whole answer came: {error}.");
                    return Err(ForVisitor::new(why).into());
                }
            }
        }
        drop(words);
        if calls.is_empty() {
            return Ok(());
        }
        cx.update(|assistant| assistant.asked_for(id, &calls))
            .await?;
        let calls = calls.into_iter().enumerate();
        cx.for_each(calls, CALLS, |cx, (at, call)| async move {
            let may = match call.asks_first() {
                true => cx.until(|assistant| assistant.verdict(id, at)).await?,
                false => true,
            };
            let gave = match call.name.as_str() {
                _ if !may => Err("The visitor said no.".to_owned()),
                LOOK_UP => {
                    let shop = cx.expect::<Upstream>();
                    let product = cx.wait_for(shop.product(call.product())).await?;
                    let product = product.map_err(|error| error.to_string());
                    product.map(|product| serde_json::json!(product).to_string())
                }
                FETCH => match cx.start(crate::posts::background::get_posts()).await {
                    Ok(_) => Ok(r#"{"started":true}"#.to_owned()),
                    Err(error) => Err(error.to_string()),
                },
                _ => Err("There is no such tool.".to_owned()),
            };
            cx.update(|assistant| {
                if let Some(tool) = assistant.tool(id, at) {
                    tool.end(gave);
                }
            })
            .await
        })
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
    if let Err(why) = cx.start(answer(conversation)).await {
        let why = why.to_string();
        cx.update(|assistant| assistant.refuse(conversation, &why))
            .await?;
        return Err(ForVisitor::new(why).into());
    }
    Ok(())
}

/// Asks the same again, once what the model asks to wait is over.
#[event]
pub async fn retry(cx: EventContext<Assistant>, conversation: u32) -> Result<()> {
    use undercurrent::server::NotStarted;
    cx.read(|assistant| assistant.check_open(conversation))
        .await??;
    match cx.start(answer(conversation)).await {
        // Another tab was first: what was asked for happens.
        Ok(_) | Err(NotStarted::Busy) => Ok(()),
        Err(why) => Err(ForVisitor::new(why.to_string()).into()),
    }
}

/// Removes a conversation, and stops what is on its way in it.
#[event]
pub async fn remove(cx: EventContext<Assistant>, conversation: u32) -> Result<()> {
    cx.update(|assistant| assistant.remove(conversation))
        .await?;
    cx.cancel(answer, conversation).await;
    Ok(())
}
