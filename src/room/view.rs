//! The room, and what stands in its place before it is known whether one was let in.

use super::{parts::*, state::*, tasks::*};
use crate::{
    lobby::{Door, IfKnown, events::leave, state::Rooms},
    pieces::{BreakIt, Spoken, fault_of},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rooms::title;
use undercurrent::prelude::*;

/// A room, or its door: `/room/{name}`.
#[component]
pub fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let (rooms, loaded) = (use_state::<Rooms>(), use_loaded::<Rooms>());
    let room = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    // While the page's copy of the session is being fetched anew, one is still where one was.
    let key = Memo::new(move |known: Option<&(String, Option<String>)>| {
        let room = room.get();
        let known = known.filter(|(of, _)| *of == room);
        let key = match (loaded.get(), known) {
            (false, Some((_, key))) => key.clone(),
            _ => rooms.entered().with(|all| Rooms::key_of(all, &room)),
        };
        (room, key)
    });
    // Whether one was let in is not known yet.
    let is_open = Memo::new(move |known| known == Some(&true) || loaded.get());
    view! {
        <Title text=move || format!("Room {}", title(&room.get()))/>
        {move || match key.get() {
            (room, Some(key)) => view! { <RoomScope key><IfKnown room=room.clone()><Inside room=room.clone()/></IfKnown></RoomScope> }.into_any(),
            (room, None) if is_open.get() => view! { <Door room/> }.into_any(),
            (room, None) => view! { <Outline room/> }.into_any(),
        }}
    }
}

/// What stands where the room will, or its door.
#[component]
fn Outline(room: String) -> impl IntoView {
    let name = title(&room).to_owned();
    let span = || view! { <span></span> };
    view! {
        <div class="room-head"><h1>{name}</h1></div>
        <div class="room" aria-hidden="true">
            <div class="empty coming chat">{(0..3).map(|_| span()).collect_view()}</div>
            <div class="empty coming">{(0..3).map(|_| span()).collect_view()}</div>
        </div>
    }
    .into_any()
}

/// The room, for who is in it.
#[component]
fn Inside(room: String) -> impl IntoView {
    let (state, loaded) = (use_state::<Room>(), use_loaded::<Room>());
    let rooms = use_state::<Rooms>();
    let refused = use_refused::<Room>();
    let events = [use_event(say), use_event(vote), use_event(set_timer)];
    let fault = fault_of(events, None);
    let here = Memo::new(move |_| match state.members().with(Room::here) {
        _ if !loaded.get() => String::new(),
        1 => "1 person is here".to_owned(),
        count => format!("{count} people are here"),
    });
    let name = title(&room).to_owned();
    let label = format!("Leave {name}");
    view! {
        <div class="room-head">
            <h1>{name}</h1>
            <p class="room-here">{here}</p>
            <Spoken words=here/>
            <EventForm event=leave(room)><button aria-label=label>"Leave"</button></EventForm>
        </div>
        <p class="fault" role="alert">{move || refused.get().or_else(|| fault.get())}</p>
        <div class="room">
            <Chat me=Signal::derive(move || rooms.me().get())/>
            <div class="room-side">
                <Members/>
                <Vote me=Signal::derive(move || rooms.me().get())/>
                <SharedTimer/>
            </div>
        </div>
        <BreakIt<Room>/>
    }
    .into_any()
}
