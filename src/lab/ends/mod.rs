//! Events that wait until they are told, and a door that is shut behind who has come in.
//! `ends.spec.ts` drives them, `sessions.spec.ts` the buttons that renew and end a session.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use std::sync::atomic::{AtomicU64, Ordering};
use undercurrent::prelude::*;

/// The state of the page.
#[derive(State, Clone, Debug, Default)]
pub struct LabEnds {
    /// Events that were let go on.
    pub gone_on: u32,
    /// How many may.
    pub may: u32,
}

/// Waits until one more may go on. Nobody is to come upon this page and keep their session in memory
/// for ever.
#[event(timeout = "600s")]
pub async fn wait(cx: EventContext<LabEnds>) -> Result<()> {
    cx.until(|ends| (ends.gone_on < ends.may).then_some(()))
        .await?;
    cx.update(|ends| ends.gone_on += 1).await?;
    Ok(())
}

/// Lets one go on: beside the queue, in which they wait.
#[background]
pub async fn let_one(cx: TaskContext<LabEnds>) -> Result<()> {
    cx.update(|ends| ends.may += 1).await?;
    Ok(())
}

/// Shuts the door to whoever sends it, and opens it to whom it was shut before.
#[event]
pub async fn shut_out(cx: EventContext<LabEnds>) -> Result<()> {
    SHUT.store(number_of(&cx.visitor()), Ordering::Relaxed);
    Ok(())
}

/// Behind the door.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = may_enter)]
pub struct LabDoor {
    /// How often somebody has knocked.
    pub knocks: u32,
}

/// To whom the door is shut.
static SHUT: AtomicU64 = AtomicU64::new(0);

fn number_of(visitor: &Visitor) -> u64 {
    u64::from_str_radix(&visitor.id(), 16).unwrap_or(0)
}

/// The rule of the door.
pub fn may_enter(visitor: &Visitor, _key: &str) -> Result<(), ForVisitor> {
    match number_of(visitor) == SHUT.load(Ordering::Relaxed) {
        true => Err(ForVisitor::new("The door is shut to you.")),
        false => Ok(()),
    }
}

/// Knocks.
#[event]
pub fn knock(door: &mut LabDoor) {
    door.knocks += 1;
}

/// Waits until somebody else has knocked.
#[event(timeout = "600s")]
pub async fn listen(cx: EventContext<LabDoor>) -> Result<()> {
    let before = cx.read(|door| door.knocks).await?;
    cx.until(|door| (door.knocks > before).then_some(()))
        .await?;
    Ok(())
}

/// The page.
#[component]
pub fn EndsPage() -> impl IntoView {
    let ends = use_state::<LabEnds>();
    let waiting = use_event(wait);
    view! {
        <Title text="Ends"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Ends"</h1>
        <p class="lead">"A fixture: events that wait, and a door that is shut."</p>
        <p>
            <button id="wait" on:click=wait.on_click()>"Wait"</button>
            <button id="let" on:click=let_one.on_click()>"Let one go on"</button>
            <button id="cancel" on:click=move |_| waiting.cancel()>"Cancel"</button>
            <button id="shut" on:click=shut_out.on_click()>"Shut me out"</button>
        </p>
        // The browser's own: the answer brings a cookie.
        <form method="post" action="/lab/enter"><button id="enter">"Log in"</button></form>
        <form method="post" action="/lab/leave"><button id="leave">"Log out"</button></form>
        <p>"Waiting: " <output id="pending">{move || waiting.pending()}</output></p>
        <p>"Gone on: " <output id="gone">{move || ends.gone_on().get()}</output></p>
        <LabDoorScope key="front"><BehindTheDoor/></LabDoorScope>
    }
    .into_any()
}

#[component]
fn BehindTheDoor() -> impl IntoView {
    let door = use_state::<LabDoor>();
    let (refused, listening) = (use_refused::<LabDoor>(), use_event(listen));
    let knocking = use_event(knock);
    view! {
        <p>
            <button id="knock" on:click=knock.on_click()>"Knock"</button>
            <button id="listen" on:click=listen.on_click()>"Listen"</button>
            <button id="think" on:click=move |_| knocking.cancel()>"Think better of it"</button>
        </p>
        <p>"Knocks: " <output id="knocks">{move || door.knocks().get()}</output></p>
        <p>"Listening: " <output id="listening">{move || listening.pending()}</output></p>
        <p>"Knocking: " <output id="knocking">{move || knocking.pending()}</output></p>
        <p id="refused" role="alert">{refused}</p>
    }
    .into_any()
}
