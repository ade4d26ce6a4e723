//! The parts of a room. Names and lines come from others: they are shown as text, cut to their
//! place, and turned in their own direction.

use super::{state::*, tasks::*};
use crate::pieces::{PauseButton, Ring, Spoken, StopButton, TaskChip, status_words};
use leptos::prelude::*;
use undercurrent::prelude::*;

/// The chat: what was said, and where one says something.
#[component]
pub(super) fn Chat(me: Signal<String>) -> impl IntoView {
    let (room, loaded) = (use_state::<Room>(), use_loaded::<Room>());
    let is_empty = move || loaded.get() && room.lines().with(|lines| lines.is_empty());
    // Of lines that come fast the newest is said, and none of one's own.
    let spoken = Memo::new(move |_| {
        let last = room.lines().with(|lines| lines.last().cloned());
        let last = last.filter(|line| me.with(|me| *me != line.by));
        last.map_or_else(String::new, |line| format!("{}: {}", line.name, line.text))
    });
    view! {
        <section class="panel chat" aria-label="Chat">
            <div class="chat-box" tabindex="0" role="log" aria-live="off" aria-label="What was said">
                <div class="chat-lines">
                    {move || is_empty().then(|| view! {
                        <p class="no-messages">"Nobody has said anything yet. Whatever is said here, all in the room see."</p>
                    })}
                    <ForList each=room.lines() let:line>
                        <ChatLine line me/>
                    </ForList>
                </div>
            </div>
            <Spoken words=spoken/>
            <EventForm event=say(String::new()) typed=&["text"]>
                <input name="text" aria-label="Say something" placeholder="Say something to all" maxlength=LINE autocomplete="off" required/>
                <button class="primary">"Say"</button>
            </EventForm>
        </section>
    }
    .into_any()
}

#[component]
fn ChatLine(line: ReadSignal<Line>, me: Signal<String>) -> impl IntoView {
    let Line { id, by, name, text } = line.get_untracked();
    view! {
        <p class="chat-line" class:mine=move || me.with(|me| *me == by) data-id=id>
            <b><bdi>{name}</bdi></b> " " <bdi>{text}</bdi>
        </p>
    }
    .into_any()
}

/// Who was let in, and who of them is here.
#[component]
pub(super) fn Members() -> impl IntoView {
    let room = use_state::<Room>();
    view! {
        <section class="panel members" aria-label="People">
            <h2>"People"</h2>
            <ul>
                <ForMap each=room.members() let(id, member)>
                    <li class="member" class:away=move || !member.read().here data-member=id>
                        <bdi>{move || member.read().name.clone()}</bdi>
                        <span>{move || if member.read().here { "here" } else { "away" }}</span>
                    </li>
                </ForMap>
            </ul>
        </section>
    }
    .into_any()
}

/// The vote, with bars that move as others vote.
#[component]
pub(super) fn Vote(me: Signal<String>) -> impl IntoView {
    let room = use_state::<Room>();
    let mine = Memo::new(move |_| {
        let me = me.get();
        room.members().with(|all| all.get(&me)?.vote)
    });
    let votes = Memo::new(move |_| room.members().with(Room::votes));
    let total = move || votes.with(|votes| votes.iter().sum::<u32>());
    view! {
        <section class="panel vote" aria-label="Vote">
            <h2>"What do you use for long work?"</h2>
            {(0..).zip(CHOICES).map(|(choice, name)| {
                let count = move || votes.with(|votes| votes[choice as usize]);
                view! {
                    <EventForm event=vote(choice)>
                        <button class="vote-choice" data-votes=count aria-pressed=move || (mine.get() == Some(choice)).to_string()>
                            <span class="vote-name">{name}</span>
                            <span class="vote-count">{count}</span>
                            <progress class="bar" aria-hidden="true" max=move || total().max(1) value=count></progress>
                        </button>
                    </EventForm>
                }
            }).collect_view()}
        </section>
    }
    .into_any()
}

/// A timer that one starts and all see.
#[component]
pub(super) fn SharedTimer() -> impl IntoView {
    let room = use_state::<Room>();
    let task = use_task(count_down);
    let timer = Memo::new(move |_| room.timer().get());
    let left = move || timer.get().map_or(0, |timer| timer.left_s);
    let words = move || format!("{}:{:02}", left() / 60, left() % 60);
    let of = move || timer.get().map_or(1, |timer| timer.of_s);
    // At each minute, not each second.
    let spoken = Memo::new(move |_| {
        let (_, word) = status_words(task.status(), task.is_cancelling());
        match (timer.read().is_some(), left().div_ceil(60)) {
            (false, _) => String::new(),
            (true, 0) => format!("The timer: {word}."),
            (true, minutes) => format!("The timer: {word}, {minutes} min left."),
        }
    });
    let by = move || timer.get().map(|timer| timer.by);
    view! {
        <section class="panel timer" aria-label="Timer">
            <header>
                <h2>"Timer"</h2>
                <TaskChip task/>
            </header>
            <div class="timer-now">
                <Ring name="Timer".to_owned() label=String::new() done=Signal::derive(move || of() - left().min(of())) of=Signal::derive(of)/>
                <b class="timer-left" role="timer">{move || words()}</b>
                <p class="timer-by">{move || by().map(|by| view! { "started by " <bdi>{by}</bdi> })}</p>
            </div>
            <div class="timer-buttons">
                {MINUTES.map(|minutes| view! {
                    <EventForm event=set_timer(minutes)>
                        <button aria-label=format!("Start a timer of {minutes} min")>{format!("{minutes} min")}</button>
                    </EventForm>
                }).collect_view()}
                <PauseButton task/>
                <StopButton task/>
            </div>
            <Spoken words=spoken/>
        </section>
    }
    .into_any()
}
