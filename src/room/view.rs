//! The lobby, the door of a room, and the room.

use super::{door::*, parts::*, state::*, tasks::*};
use crate::pieces::{BreakIt, Empty, Notes, Spoken};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use undercurrent::prelude::*;

/// Where rooms are opened: `/room`.
#[component]
pub fn LobbyPage() -> impl IntoView {
    let (rooms, loaded) = (use_state::<Rooms>(), use_loaded::<Rooms>());
    let entering = [use_event(open_room), use_event(enter)];
    let fault = move || entering.into_iter().find_map(EventHandle::error);
    let is_empty = move || rooms.entered().with(|entered| entered.is_empty());
    view! {
        <Title text="Rooms"/>
        <h1>"Rooms, shared by all in them"</h1>
        <p class="lead">
            "One state for everybody in a room: who is here, a chat, a vote, a timer. Open one, and \
             send its address to somebody, or to your other browser. With a passphrase it lets in \
             who knows it."
        </p>
        <section class="panel lobby" aria-label="Open a room">
            <EventForm event=open_room(String::new(), String::new(), String::new()) typed=&["room", "name", "passphrase"]>
                <label class="field">"Room" <input name="room" maxlength=NAME value="tea" required/></label>
                <label class="field">"Your name" <input name="name" maxlength=NAME autocomplete="nickname" value=move || rooms.name().get() required/></label>
                <label class="field">"Passphrase, if any" <input name="passphrase" maxlength=PASSPHRASE autocomplete="off"/></label>
                <button class="primary" aria-describedby="lobby-notes">"Open the room"</button>
            </EventForm>
            <Notes
                id="lobby-notes"
                reason=Signal::derive(|| Some("Small letters from a to z, digits and dashes make the name of a room."))
                fault=Signal::derive(fault)
            />
        </section>
        <section class="room-list" aria-label="Your rooms">
            <h2>"Your rooms"</h2>
            <Empty
                class="room-none"
                loaded
                is_empty=Signal::derive(is_empty)
                words="The rooms that you have entered will stand here."
            />
            <ul>
                <ForList each=rooms.entered() let:entered>
                    <EnteredRow entered/>
                </ForList>
            </ul>
        </section>
        <BreakIt<Rooms>/>
    }
}

#[component]
fn EnteredRow(entered: ReadSignal<Entered>) -> impl IntoView {
    let room = entered.get_untracked().room;
    let name = title(&room).to_owned();
    let label = format!("Leave {name}");
    view! {
        <li>
            <a href=format!("/room/{room}")>{name}</a>
            {is_locked(&room).then(|| view! { <span class="room-locked">"with a passphrase"</span> })}
            <EventForm event=leave(room)><button aria-label=label>"Leave"</button></EventForm>
        </li>
    }
    .into_any()
}

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
            (room, Some(key)) => view! { <RoomScope key><Inside room/></RoomScope> }.into_any(),
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

/// Who comes says who they are, and the passphrase if there is one.
#[component]
fn Door(room: String) -> impl IntoView {
    let rooms = use_state::<Rooms>();
    let entering = use_event(enter);
    let wants = is_locked(&room);
    let name = title(&room).to_owned();
    view! {
        <h1>{format!("The door of {name}")}</h1>
        <p class="lead">
            {match wants {
                true => "This room has a passphrase. Whoever is in it sees your name.",
                false => "Whoever is in the room sees your name.",
            }}
        </p>
        <section class="panel lobby" aria-label="Enter the room">
            <EventForm event=enter(room, String::new(), String::new()) typed=&["name", "passphrase"]>
                <label class="field">"Your name" <input name="name" maxlength=NAME autocomplete="nickname" value=move || rooms.name().get() required/></label>
                {match wants {
                    true => view! {
                        <label class="field">"Passphrase" <input name="passphrase" maxlength=PASSPHRASE autocomplete="off" required/></label>
                    }.into_any(),
                    false => view! { <input type="hidden" name="passphrase" value=""/> }.into_any(),
                }}
                <button class="primary" aria-describedby="door-notes">"Enter"</button>
            </EventForm>
            <Notes
                id="door-notes"
                fault=Signal::derive(move || entering.error())
            />
        </section>
        <p><a class="alone" href="/room">"All your rooms"</a></p>
    }
    .into_any()
}

/// The room, for who is in it.
#[component]
fn Inside(room: String) -> impl IntoView {
    let (state, loaded) = (use_state::<Room>(), use_loaded::<Room>());
    let rooms = use_state::<Rooms>();
    let refused = use_refused::<Room>();
    let events = [
        use_event(say),
        use_event(vote),
        use_event(set_timer),
        use_event(knock),
    ];
    let fault = move || events.into_iter().find_map(EventHandle::error);
    let here = Memo::new(move |_| {
        state
            .members()
            .with(|all| all.iter().filter(|(_, member)| member.here).count())
    });
    let here = Memo::new(move |_| match here.get() {
        _ if !loaded.get() => String::new(),
        1 => "1 person is here".to_owned(),
        count => format!("{count} people are here"),
    });
    // Only once the page is alive: to look at a room changes nothing. The watch ends when nobody is
    // here: of who comes back from a cut, or to a tab that was hidden, nobody takes notice then.
    let door = use_task(watch_door);
    let is_watched = Memo::new(move |_| door.is_running());
    Effect::new(move |_| {
        if !is_watched.get() {
            knock().dispatch();
        }
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
        <p class="fault" role="alert">{move || refused.get().or_else(fault)}</p>
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
