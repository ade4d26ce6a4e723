//! A message: whose it is, its words, what it asks for, how it ended.

use super::{state::*, tools::in_words};
use crate::pieces::Markdown;
use leptos::prelude::*;
use undercurrent::prelude::*;

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
    let is_silent = move || end.get().is_none() && text.read().is_empty() && tools.get() == 0;
    view! {
        <article class="message model" aria-label="Assistant" data-id=id data-end=move || name_of(end.get().as_ref())>
            <Markdown text/>
            // Its place is that of the first line.
            {move || is_silent().then(|| view! { <p class="message-wait">"The model has not begun."</p> })}
            <ul class="tools">
                <For each=move || 0..tools.get() key=|at| *at let:at>
                    <ToolView message id at/>
                </For>
            </ul>
            {move || match end.get() {
                Some(End::Stopped) => Some(view! {
                    <p class="message-end">"Stopped. What had come is kept."</p>
                }.into_any()),
                Some(End::Failed(why)) => Some(view! {
                    <p class="fault message-end">{why} " What had come is kept."</p>
                }.into_any()),
                _ => None,
            }}
        </article>
    }
    .into_any()
}

fn name_of(end: Option<&End>) -> &'static str {
    match end {
        None => "coming",
        Some(End::Done) => "done",
        Some(End::Stopped) => "stopped",
        Some(End::Failed(_)) => "failed",
    }
}

/// A tool: what it does, where it is, the question that it asks, what it gave.
#[component]
fn ToolView(message: ReadSignal<Message>, id: u32, at: usize) -> impl IntoView {
    let tool = Memo::new(move |_| {
        let tool = message.read().tools.get(at).cloned().unwrap_or_default();
        (tool.status, tool.result)
    });
    let (name, arguments) = message.with_untracked(|message| {
        let tool = message.tools.get(at).cloned().unwrap_or_default();
        (tool.name, tool.arguments)
    });
    let status = Memo::new(move |_| tool.read().0);
    let chip = move || match status.get() {
        ToolStatus::Running => ("running", "Running"),
        ToolStatus::Asks => ("queued", "Asks you"),
        ToolStatus::Done => ("done", "Done"),
        ToolStatus::Failed => ("failed", "Failed"),
        ToolStatus::Declined => ("stopped", "Declined"),
        ToolStatus::Stopped => ("stopped", "Stopped"),
    };
    let (title, about) = in_words(&name, &arguments);
    let words = StoredValue::new(title.to_lowercase());
    let named = move |verb: &str| format!("{verb}: {}", words.get_value());
    view! {
        <li class="tool" data-tool=name>
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
