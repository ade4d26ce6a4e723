//! The assistant: the conversations, and the one that is open.

use super::{message::MessageView, model::Model, state::*, tasks::*};
use crate::pieces::{
    BreakIt, Notes, PauseButton, Spoken, StopButton, TaskChip, fault_of, use_draft,
    use_seconds_until,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use undercurrent::prelude::*;
use upstream::chat::talk::{End, FAILING, QUESTION_BYTES, SUGGESTED, aloud};

/// The page. Which conversation is open stands in its address: `?c=2`.
#[component]
pub fn AssistantPage() -> impl IntoView {
    let (assistant, loaded) = (use_state::<Assistant>(), use_loaded::<Assistant>());
    let query = use_query_map();
    let next = Memo::new(move |_| assistant.begun().get() + 1);
    let named = move || query.with(|query| query.get("c")?.parse().ok());
    // The one that the address names, or where one was: what is begun or removed in another tab
    // leads nobody away from a question half typed.
    let open = Memo::new(move |before: Option<&u32>| {
        let next = next.get();
        if !loaded.get() {
            return before.copied().or_else(named).unwrap_or_default();
        }
        assistant.conversations().with(|all| {
            let is_there = |id: &u32| *id >= next || all.iter().any(|one| one.id == *id);
            let newest = || all.first().map(|one| one.id);
            let stays = named()
                .filter(is_there)
                .or(before.copied().filter(is_there));
            stays.or_else(newest).unwrap_or(next)
        })
    });
    view! {
        <Title text="Assistant"/>
        <h1>"Answers, word by word"</h1>
        <p class="lead">
            "A background task asks a model and puts each word into the state of your session. \
             Reload, open a second tab, begin another conversation: the answer keeps coming. Stop \
             ends the request itself."
        </p>
        <div class="assistant">
            <nav class="conversations" aria-label="Conversations">
                <a class="button" href=move || format!("/assistant?c={}", next.get())>"New conversation"</a>
                <ul class:coming=move || !loaded.get()>
                    <ForList each=assistant.conversations() let:conversation>
                        <ConversationRow conversation open/>
                    </ForList>
                </ul>
            </nav>
            {move || view! { <Talk id=open.get()/> }}
        </div>
        <BreakIt<Assistant>/>
    }
}

/// A conversation in the list: whether it is answered, and a way to it.
#[component]
fn ConversationRow(conversation: ReadSignal<Conversation>, open: Memo<u32>) -> impl IntoView {
    let Conversation { id, title } = conversation.get_untracked();
    let (assistant, task) = (use_state::<Assistant>(), use_task(answer).key(id));
    let asks = Memo::new(move |_| assistant.messages().with(|all| asks(all, id)));
    let label = format!("Remove the conversation: {title}");
    view! {
        <li class="conversation" data-id=id>
            <a href=format!("/assistant?c={id}") aria-current=move || (open.get() == id).then_some("page")>
                <span class="conversation-title">{title}</span>
                <span class="conversation-live" class:asks=asks hidden=move || !task.is_running()>
                    {move || if asks.get() { "Asks you" } else { "Answering" }}
                </span>
            </a>
            <EventForm event=remove(id)>
                <button class="small" aria-label=label>
                    <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 3l10 10M13 3L3 13"></path></svg>
                </button>
            </EventForm>
        </li>
    }
    .into_any()
}

/// One conversation: what was said, and where the next question is written.
#[component]
fn Talk(id: u32) -> impl IntoView {
    let (assistant, loaded) = (use_state::<Assistant>(), use_loaded::<Assistant>());
    let (model, is_known) = (use_state::<Model>(), use_loaded::<Model>());
    let task = use_task(answer).key(id);
    let events = [
        use_event(ask),
        use_event(retry),
        use_event(decide),
        use_event(remove),
    ];
    let fault = fault_of(events, None);
    let line = use_draft(format!("assistant/{id}"));
    // The last message of this conversation decides what can be done.
    let last = Memo::new(move |_| {
        assistant.messages().with(|all| {
            let mut of_it = all.iter().rev();
            let last = of_it.find(|message| message.conversation == id)?;
            Some((last.end.clone(), last.ask_ms))
        })
    });
    let is_empty = Memo::new(move |_| loaded.get() && last.read().is_none());
    let is_asking = move || events[0].is_pending() || events[1].is_pending();
    // Whether the message has ended is not asked: nothing comes where there is no run.
    let is_coming = Memo::new(move |_| task.is_running() || is_asking());
    let is_off = move || is_coming.get() || !loaded.get();
    let asks = Memo::new(move |_| assistant.messages().with(|all| asks(all, id)));
    let suggestion = move |(name, question): (&'static str, &str)| {
        view! {
            <EventForm event=ask(id, question.to_owned())>
                <button {..off_while(is_off)}>{name}</button>
            </EventForm>
        }
    };
    let is_open = move || last.with(|last| !matches!(last, None | Some((Some(End::Done), _))));
    let can_retry = Memo::new(move |_| is_open() && !is_coming.get());
    let wait_s = use_seconds_until(move || last.read().as_ref().map_or(0, |(_, ask_ms)| *ask_ms));
    let spoken = Memo::new(move |_| {
        let last = last.read();
        let end = last.as_ref().map(|(end, _)| end.as_ref());
        aloud(is_coming.get(), asks.get(), end).to_owned()
    });
    view! {
        <section class="talk" aria-label="Conversation" data-id=id>
            <header class="talk-head">
                <TaskChip task asks/>
                <div class="talk-buttons"><PauseButton task/><StopButton task/></div>
            </header>
            <div class="talk-box" tabindex="0" role="region" aria-label="What was said">
                <div class="talk-lines">
                    {move || is_empty.get().then(|| view! {
                        <p class="no-messages">
                            "Ask something, and the answer stands here as it comes. The model that \
                             comes with the gallery knows about the gallery; any other is a line in \
                             Leptos.toml."
                        </p>
                    })}
                    <ForList each=assistant.messages() let:message>
                        {(message.get_untracked().conversation == id).then(|| view! { <MessageView message/> })}
                    </ForList>
                    <div class="talk-again">
                        {move || can_retry.get().then(|| view! {
                            <EventForm event=retry(id)>
                                <button>{move || match wait_s.get() {
                                    0 => "Retry".to_owned(),
                                    wait_s => format!("Retry in {wait_s} s"),
                                }}</button>
                            </EventForm>
                        })}
                    </div>
                </div>
            </div>
            <Spoken words=spoken/>
            <div class="talk-ask">
                <EventForm event=ask(id, String::new()) typed=&["question"]>
                    <input
                        node_ref=line
                        name="question"
                        aria-label="Your question"
                        placeholder="Ask about the gallery"
                        maxlength=QUESTION_BYTES / 4
                        autocomplete="off"
                        required
                    />
                    <button class="primary" aria-describedby="talk-notes" {..off_while(is_off)}>"Ask"</button>
                </EventForm>
                <Notes
                    id="talk-notes"
                    reason=Signal::derive(move || is_coming.get().then_some(
                        "You can write meanwhile. Ask comes back when the answer is complete or stopped.",
                    ))
                    fault
                />
            </div>
            <div class="suggested" role="group" aria-label="Suggestions">
                {SUGGESTED.map(|question| suggestion((question, question))).collect_view()}
            </div>
            <div
                class="suggested failing"
                role="group"
                aria-labelledby="failing"
                class:coming=move || !is_known.get()
                hidden=move || is_known.get() && !model.is_builtin().get()
            >
                <p id="failing">"Let the built-in model fail, once:"</p>
                {FAILING.map(suggestion).collect_view()}
            </div>
        </section>
    }
    .into_any()
}
