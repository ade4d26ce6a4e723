//! What the assistant remembers, and what it tells a model of it.

use gallery::assistant::state::*;
use upstream::chat::{Said, ToolCall};

fn call(name: &str) -> ToolCall {
    ToolCall {
        id: format!("call-{name}"),
        name: name.to_owned(),
        arguments: "{}".to_owned(),
    }
}

/// What was said, but for what the model is told of its task.
fn said(assistant: &mut Assistant, conversation: u32) -> Vec<Said> {
    let (_, said) = assistant
        .take_up(conversation, false)
        .expect("an answer is on its way");
    assert!(matches!(said[0], Said::System { .. }));
    said[1..].to_vec()
}

fn user(content: &str) -> Said {
    Said::User {
        content: content.to_owned(),
    }
}

#[test]
fn a_question_makes_the_place_of_its_answer_and_none_may_be_on_its_way() {
    let mut assistant = Assistant::default();
    assistant.ask(1, " Well? ").unwrap();
    assert_eq!(said(&mut assistant, 1), [user("Well?")]);
    assert!(assistant.ask(1, "And?").is_err());
    // Another conversation goes on meanwhile; its number is the next, and no other.
    assert!(assistant.ask(3, "Third?").is_err());
    assistant.ask(2, "Second?").unwrap();
    assert_eq!(said(&mut assistant, 2), [user("Second?")]);
    assistant.remove(1);
    assert!(
        assistant.ask(1, "Again?").is_err(),
        "its number is not used again"
    );
}

#[test]
fn what_was_stopped_is_told_and_what_failed_is_not() {
    let mut assistant = Assistant::default();
    assistant.ask(1, "One?").unwrap();
    let (id, _) = assistant.take_up(1, false).unwrap();
    assistant.append(id, "Half");
    assistant.close(1, End::Stopped);
    assistant.ask(1, "Two?").unwrap();
    let (id, _) = assistant.take_up(1, false).unwrap();
    assistant.append(id, "Lost");
    let failed = End::Failed {
        why: "x".to_owned(),
        wait_s: 2,
    };
    assistant.end(id, failed.clone());
    assistant.close(1, End::Done);
    assert_eq!(
        assistant.messages.last().unwrap().end,
        Some(failed),
        "it had ended before"
    );
    assistant.ask_again(1).unwrap();
    let half = Said::Assistant {
        content: "Half".to_owned(),
        tool_calls: vec![],
    };
    assert_eq!(said(&mut assistant, 1), [user("One?"), half, user("Two?")]);
    // What came of it is kept.
    assert_eq!(assistant.messages.len(), 5);
}

#[test]
fn another_try_takes_the_place_of_one_that_brought_nothing() {
    let mut assistant = Assistant::default();
    assert!(assistant.ask_again(1).is_err());
    assistant.ask(1, "One?").unwrap();
    assert!(assistant.ask_again(1).is_err(), "it is on its way");
    assistant.close(1, End::Stopped);
    assistant.ask_again(1).unwrap();
    assert_eq!(assistant.messages.len(), 2);
}

#[test]
fn tools_are_told_with_what_they_gave() {
    let mut assistant = Assistant::default();
    assistant.ask(1, "Both?").unwrap();
    let (id, _) = assistant.take_up(1, false).unwrap();
    assistant.answered(
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
    assistant.tool_ended(id, 0, Ok("ü".repeat(RESULT_BYTES)));
    assistant.tool(id, 1).unwrap().approved = Some(false);
    assert_eq!(assistant.verdict(id, 1), Some(false));
    assert_eq!(assistant.verdict(id, 2), None);
    assistant.tool_ended(id, 1, Err("No.".to_owned()));
    assistant.close(1, End::Stopped);
    let ends = [0, 1, 2].map(|at| status(&mut assistant, at));
    assert_eq!(
        ends,
        [ToolStatus::Done, ToolStatus::Declined, ToolStatus::Stopped]
    );
    assistant.ask_again(1).unwrap();
    let said = said(&mut assistant, 1);
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
        assistant.ask(conversation, "x").unwrap();
    }
    let next = CONVERSATIONS as u32 + 1;
    assert!(assistant.ask(next, "x").is_err());
    assistant.remove(2);
    assistant.ask(next, "x").unwrap();
    for _ in 0..MESSAGES / 2 - 1 {
        assistant.close(next, End::Done);
        assistant.ask(next, "x").unwrap();
    }
    assistant.close(next, End::Done);
    assert!(assistant.ask(next, "x").is_err());
    assert!(assistant.ask(1, &"x".repeat(QUESTION_BYTES + 1)).is_err());
}
