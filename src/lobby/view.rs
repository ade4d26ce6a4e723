//! The lobby, and the door of a room.

use super::{events::*, state::*};
use crate::{
    pieces::{BreakIt, Empty, Notes, fault_of},
    room::state::Room,
};
use leptos::prelude::*;
use leptos_meta::Title;
use rooms::{NAME, PASSPHRASE, check_room, is_locked, title};
use undercurrent::prelude::*;

/// Where rooms are opened: `/room`.
#[component]
pub fn LobbyPage() -> impl IntoView {
    let (rooms, loaded) = (use_state::<Rooms>(), use_loaded::<Rooms>());
    let fault = fault_of([use_event(open_room), use_event(enter)], None);
    let is_empty = move || rooms.entered().with(|entered| entered.is_empty());
    view! {
        <Title text="Rooms"/>
        <h1>"Rooms, shared by all in them"</h1>
        <p class="lead">
            "One state for everybody in a room: who is here, a chat, a vote, a timer. Open one, and \
             send its address to somebody, or to your other browser. With a passphrase it lets in \
             who knows it."
        </p>
        <div class="lobby-both">
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
                    fault
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
        </div>
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

/// What only members see, and the door for whom the room has forgotten: it outlives neither those who
/// were away for long, nor its own long rest.
#[component]
pub fn IfKnown(
    /// As the address says.
    room: String,
    children: ChildrenFn,
) -> impl IntoView {
    let (rooms, state, loaded) = (
        use_state::<Rooms>(),
        use_state::<Room>(),
        use_loaded::<Room>(),
    );
    let is_forgotten = Memo::new(move |_| {
        let me = rooms.me().get();
        loaded.get() && state.members().with(|all| all.get(&me).is_none())
    });
    move || match is_forgotten.get() {
        true => view! { <Door room=room.clone()/> }.into_any(),
        false => children(),
    }
}

/// The door of a room: who comes says who they are, and the passphrase if there is one.
#[component]
pub fn Door(
    /// As the address says.
    room: String,
) -> impl IntoView {
    let rooms = use_state::<Rooms>();
    let entering = use_event(enter);
    // The lobby tells of it, too, if it is there then: of what was refused here it knows nothing.
    on_cleanup(move || entering.dismiss());
    let wants = is_locked(&room);
    let name = title(&room).to_owned();
    if let Err(refusal) = check_room(&room) {
        return view! {
            <h1>"No room is called so"</h1>
            <p class="lead">{refusal.to_string()}</p>
            <p><a class="alone" href="/room">"All your rooms"</a></p>
        }
        .into_any();
    }
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
