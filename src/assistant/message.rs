//! A message: whose it is, its words, what it asks for, how it ended.

use super::state::*;
use crate::pieces::{Each, Markdown, use_seconds_until};
use leptos::prelude::*;
use undercurrent::prelude::*;
use upstream::chat::{
    talk::{By, End},
    tools::ToolStatus,
};

/// One question or answer.
#[component]
pub(super) fn MessageView(message: ReadSignal<Message>) -> impl IntoView {
    let Message { id, by, .. } = message.get_untracked();
    let text = Memo::new(move |_| message.read().text.to_string());
    let end = Memo::new(move |_| message.read().end.clone());
    let tools = Memo::new(move |_| message.read().tools.len());
    if by == By::Person {
        return view! {
            <article class="message person" aria-label="You" data-id=id>
                <p>{text}</p>
                {move || match end.get() {
                    Some(End::Failed(why)) => Some(view! { <p class="fault">{why}</p> }),
                    _ => None,
                }}
            </article>
        }
        .into_any();
    }
    let has_failed = move || matches!(*end.read(), Some(End::Failed(_)));
    let wait_s = use_seconds_until(move || message.read().ask_ms);
    let has_come = move || !text.read().is_empty() || tools.get() > 0;
    let is_silent = move || end.get().is_none() && !has_come();
    view! {
        <article class="message model" aria-label="Assistant" data-id=id data-end=move || End::name(end.read().as_ref())>
            <Markdown text/>
            // Its place is that of the first line.
            {move || is_silent().then(|| view! {
                <p class="message-wait">{move || match wait_s.get() {
                    0 => "The model has not begun.".to_owned(),
                    wait_s => format!("The model is asked again in {wait_s} s."),
                }}</p>
            })}
            <ul class="tools">
                <Each of=move || 0..tools.get() as u64 let:at>
                    <ToolView message id at=at as usize/>
                </Each>
            </ul>
            {move || end.read().as_ref().and_then(|end| end.in_words(has_come())).map(|words| view! {
                <p class="message-end" class:fault=has_failed>{words}</p>
            })}
        </article>
    }
    .into_any()
}

/// A tool: what it does, where it is, the question that it asks, what it gave.
#[component]
fn ToolView(message: ReadSignal<Message>, id: u32, at: usize) -> impl IntoView {
    let tool = Memo::new(move |_| {
        let tool = message.read().tools.get(at).cloned().unwrap_or_default();
        (tool.status, tool.result)
    });
    let call = message.with_untracked(|message| {
        let tool = message.tools.get(at).cloned().unwrap_or_default();
        tool.call
    });
    let status = Memo::new(move |_| tool.read().0);
    let chip = move || status.get().words();
    let (title, about) = call.in_words();
    let words = StoredValue::new(title.to_lowercase());
    let named = move |verb: &str| format!("{verb}: {}", words.get_value());
    view! {
        <li class="tool" data-tool=call.name>
            <p class="tool-head">
                <b>{title}</b>
                <span class="status" data-status=move || chip().0>{move || chip().1}</span>
            </p>
            <p class="tool-about">{about}</p>
            {move || match status.get() {
                ToolStatus::Asks => view! {
                    <div class="tool-asks">
                        <EventForm event=decide(id, at, true)>
                            <button class="primary" aria-label=named("Approve")>"Approve"</button>
                        </EventForm>
                        <EventForm event=decide(id, at, false)>
                            <button aria-label=named("Decline")>"Decline"</button>
                        </EventForm>
                    </div>
                }.into_any(),
                ToolStatus::Running | ToolStatus::Stopped => ().into_any(),
                _ => view! {
                    <details class="tool-gave">
                        <summary>"What it gave"</summary>
                        <code>{tool.get().1}</code>
                    </details>
                }.into_any(),
            }}
        </li>
    }
    .into_any()
}
