//! What the assistant remembers, what it tells a model of it, and its runs.

use gallery::assistant::{state::*, tasks::*};
use undercurrent::{Limits, prelude::*, testing::TestApp};
use upstream::chat::{
    ChatConfig, Said, ToolCall, open_chat,
    talk::{By, End, QUESTION_BYTES},
    tools::{RESULT_BYTES, ToolStatus},
};

fn call(name: &str) -> ToolCall {
    ToolCall {
        id: format!("call-{name}"),
        name: name.to_owned(),
        arguments: "{}".to_owned(),
    }
}

/// A question, taken up: the number of its answer, and what was said, but for what the model is told
/// of its task.
fn asked(assistant: &mut Assistant, conversation: u32, question: &str) -> (u32, Vec<Said>) {
    assistant.ask(conversation, question).unwrap();
    taken_up(assistant, conversation)
}

fn taken_up(assistant: &mut Assistant, conversation: u32) -> (u32, Vec<Said>) {
    let (id, said) = assistant.take_up(conversation).expect("it has no answer");
    assert!(matches!(said[0], Said::System { .. }));
    (id, said[1..].to_vec())
}

fn user(content: &str) -> Said {
    Said::User {
        content: content.to_owned(),
    }
}

fn failed(why: &str) -> End {
    End::Failed(why.to_owned())
}

#[test]
fn a_question_is_answered_before_the_next_is_asked() {
    let mut assistant = Assistant::default();
    assistant.ask(1, " Well? ").unwrap();
    assert!(assistant.ask(1, "And?").is_err(), "it waits for its run");
    assert_eq!(taken_up(&mut assistant, 1).1, [user("Well?")]);
    assert!(
        assistant.ask(1, "And?").is_err(),
        "its answer is on its way"
    );
    // Another conversation goes on meanwhile; its number is the next, and no other.
    assert!(assistant.ask(3, "Third?").is_err());
    assert_eq!(asked(&mut assistant, 2, "Second?").1, [user("Second?")]);
    assistant.remove(1);
    assert!(
        assistant.ask(1, "Again?").is_err(),
        "its number is not used again"
    );
}

#[test]
fn what_was_stopped_is_told_and_what_failed_is_not() {
    let mut assistant = Assistant::default();
    let (id, _) = asked(&mut assistant, 1, "One?");
    assistant.append(id, "Half");
    assistant.close(1, &End::Stopped);
    let (id, _) = asked(&mut assistant, 1, "Two?");
    assistant.append(id, "Lost");
    assistant.close(1, &failed("x"));
    assistant.close(1, &End::Done);
    let last = assistant.messages.last().unwrap();
    assert_eq!(last.end, Some(failed("x")), "it had ended before");
    let half = Said::Assistant {
        content: "Half".to_owned(),
        tool_calls: vec![],
    };
    let said = taken_up(&mut assistant, 1).1;
    assert_eq!(said, [user("One?"), half, user("Two?")]);
    // What came of it is kept.
    assert_eq!(assistant.messages.len(), 5);
}

#[test]
fn another_try_takes_the_place_of_one_that_brought_nothing() {
    let mut assistant = Assistant::default();
    assert!(assistant.take_up(1).is_err());
    asked(&mut assistant, 1, "One?");
    assistant.close(1, &End::Stopped);
    taken_up(&mut assistant, 1);
    assert_eq!(assistant.messages.len(), 2);
    assistant.close(1, &End::Done);
    assert!(assistant.take_up(1).is_err(), "it has its answer");
}

#[test]
fn a_question_that_no_run_took_up_is_answered_by_the_next() {
    let mut assistant = Assistant::default();
    assistant.ask(1, "One?").unwrap();
    assistant.refuse(1, "There is no room.");
    let question = assistant.messages.first().unwrap();
    assert_eq!(question.end, Some(failed("There is no room.")));
    // Another question may be asked, and is answered with it.
    let (id, said) = asked(&mut assistant, 1, "Two?");
    assert_eq!(said, [user("One?"), user("Two?")]);
    // An answer that is on its way is nothing that could be refused.
    assistant.refuse(1, "x");
    assert_eq!(
        assistant.messages.last().map(|last| (last.id, &last.end)),
        Some((id, &None))
    );
    // A server that goes down between two updates leaves it so: it is no more than an answer that
    // failed.
    let again = taken_up(&mut assistant, 1).0;
    assert_ne!(id, again);
    assert_eq!(assistant.messages.len(), 3);
}

#[test]
fn where_the_model_goes_on_nothing_is_ever_without_a_place() {
    let mut assistant = Assistant::default();
    let (first, _) = asked(&mut assistant, 1, "Both?");
    assistant.append(first, "A tool first.");
    assistant.asked_for(first, &[call("look_up_product")]);
    assistant.tool(first, 0).unwrap().end(Ok("{}".to_owned()));
    let (second, said) = assistant.go_on(first).unwrap();
    assert_eq!(said.len(), 4, "the task, the question, the words, the tool");
    assert!(assistant.ask(1, "And?").is_err());
    assistant.close(1, &End::Done);
    let ends: Vec<_> = assistant
        .messages
        .iter()
        .map(|one| (one.id, one.end.clone()))
        .collect();
    assert_eq!(
        ends[1..],
        [(first, Some(End::Done)), (second, Some(End::Done))]
    );
    assistant.remove(1);
    assert!(assistant.go_on(second).is_none());
}

#[test]
fn tools_are_told_with_what_they_gave() {
    let mut assistant = Assistant::default();
    let (id, _) = asked(&mut assistant, 1, "Both?");
    assistant.asked_for(
        id,
        &[
            call("look_up_product"),
            call("fetch_posts"),
            call("fetch_posts"),
        ],
    );
    let status = |assistant: &mut Assistant, at| assistant.tool(id, at).unwrap().status;
    assert_eq!(status(&mut assistant, 0), ToolStatus::Running);
    assert_eq!(status(&mut assistant, 1), ToolStatus::Asks);
    assistant
        .tool(id, 0)
        .unwrap()
        .end(Ok("ü".repeat(RESULT_BYTES)));
    assistant.tool(id, 1).unwrap().approved = Some(false);
    assert_eq!(assistant.verdict(id, 1), Some(false));
    assert_eq!(assistant.verdict(id, 2), None);
    assistant.tool(id, 1).unwrap().end(Err("No.".to_owned()));
    assistant.close(1, &End::Stopped);
    let ends = [0, 1, 2].map(|at| status(&mut assistant, at));
    assert_eq!(
        ends,
        [ToolStatus::Done, ToolStatus::Declined, ToolStatus::Stopped]
    );
    let said = taken_up(&mut assistant, 1).1;
    let gave: Vec<&str> = said
        .iter()
        .filter_map(|said| match said {
            Said::Tool { content, .. } => Some(content.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        (gave[0].len(), gave[1], gave[2]),
        (RESULT_BYTES, "No.", "Stopped by the visitor.")
    );
}

#[test]
fn there_is_an_end_to_conversations_and_messages() {
    let mut assistant = Assistant::default();
    for conversation in 1..=CONVERSATIONS as u32 {
        asked(&mut assistant, conversation, "x");
    }
    let next = CONVERSATIONS as u32 + 1;
    assert!(assistant.ask(next, "x").is_err());
    assistant.remove(2);
    asked(&mut assistant, next, "x");
    for _ in 0..MESSAGES / 2 - 1 {
        assistant.close(next, &End::Done);
        asked(&mut assistant, next, "x");
    }
    assistant.close(next, &End::Done);
    assert!(assistant.ask(next, "x").is_err());
    assert!(assistant.ask(1, &"x".repeat(QUESTION_BYTES + 1)).is_err());
}

/// Takes one of the places that a session has for tasks.
#[background(key = n, overlap = reject)]
async fn hold(cx: TaskContext<Assistant>, n: u32) -> Result<()> {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

/// With the built-in model, over a real socket: its clock is not turned.
async fn app(faults: &str) -> TestApp {
    let config = ChatConfig {
        delay_ms: 0,
        faults: faults.to_owned(),
        ..ChatConfig::default()
    };
    let chat = open_chat(config).await.unwrap();
    TestApp::with(Limits::default(), |builder| builder.provide(chat))
}

fn ends(assistant: &Assistant) -> Vec<(By, Option<End>)> {
    let messages = assistant.messages.iter();
    messages.map(|one| (one.by, one.end.clone())).collect()
}

#[tokio::test]
async fn where_32_tasks_are_paused_a_question_says_so_and_is_answered_later() {
    let app = app("").await;
    let mut page = app.client();
    for n in 0..Limits::default().tasks as u32 {
        page.send(hold(n)).await.expect("there is room");
        page.task(hold).key(n).pause().await.expect("it is asked");
    }
    let refused = page
        .run(ask(1, "What is a task?".into()))
        .await
        .unwrap_err();
    assert!(
        refused.message.contains("no room for another task"),
        "{refused:?}"
    );
    let shown = page.see::<Assistant>().await;
    assert_eq!(ends(&shown), [(By::Person, Some(failed(&refused.message)))]);
    assert!(page.run(retry(1)).await.is_err(), "there is still no room");
    page.task(hold).key(7).cancel().await.expect("it is asked");
    app.quiet().await;
    page.run(retry(1)).await.expect("there is room");
    app.quiet().await;
    let shown = page.see::<Assistant>().await;
    let done = |by| (by, Some(End::Done));
    assert_eq!(ends(&shown), [done(By::Person), done(By::Model)]);
    assert!(page.run(retry(1)).await.is_err(), "it has its answer");
}

#[tokio::test]
async fn a_run_that_failed_is_started_again_from_the_tray() {
    let app = app("500,ok").await;
    let mut page = app.client();
    page.run(ask(1, "What is a task?".into()))
        .await
        .expect("it is asked");
    app.quiet().await;
    let shown = page.see::<Assistant>().await;
    let why = "No whole answer came: the upstream answered 500.";
    assert_eq!(ends(&shown)[1], (By::Model, Some(failed(why))));
    page.task(answer)
        .key(1)
        .retry()
        .await
        .expect("there is one");
    app.quiet().await;
    let shown = page.see::<Assistant>().await;
    assert_eq!(ends(&shown)[1..], [(By::Model, Some(End::Done))]);
    assert!(!shown.messages.last().unwrap().text.is_empty());
}

#[tokio::test]
async fn two_clicks_on_a_question_leave_none_without_its_answer() {
    let app = app("").await;
    let mut page = app.client();
    page.send(ask(1, "What is a task?".into()))
        .await
        .expect("it is asked");
    page.send(ask(1, "What is a task?".into()))
        .await
        .expect("it is taken");
    app.quiet().await;
    let shown = page.see::<Assistant>().await;
    let done = |by| (by, Some(End::Done));
    // The second came meanwhile, and was refused, or when the answer was there.
    let all = [By::Person, By::Model, By::Person, By::Model].map(done);
    let ends = ends(&shown);
    assert!(ends == all[..2] || ends == all, "{shown:?}");
}
