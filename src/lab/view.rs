//! The lab's page. Its element ids are those of Reflex's test.

use super::{state::*, tasks::*};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use undercurrent::prelude::*;

/// The page.
#[component]
pub fn LabPage() -> impl IntoView {
    let lab = use_state::<Lab>();
    let running = use_all_tasks();
    let copy = use_diagnostics();
    // Reflex's token names the state on the server; here its history has a name.
    let token = move || {
        let position = copy.position::<Lab>();
        position.map(|position| position.epoch.to_string())
    };
    // What Reflex computes on the server is a signal over the state's here.
    let copied = Memo::new(move |_| lab.counter().get());
    view! {
        <Title text="Lab"/>
        <Meta name="robots" content="noindex"/>
        <h1>"Lab"</h1>
        <p class="lead">"A fixture: what another framework's test of background tasks clicks."</p>
        <p>"Counter: " <output id="counter">{move || lab.counter().get()}</output></p>
        <p>"The same, computed: " <output id="counter-async-cv">{move || copied.get()}</output></p>
        <p>"Tasks that run: " <output id="running">{move || running.running()}</output></p>
        <p>"A loop goes round so often: " <output id="rounds">{move || lab.iterations().get()}</output></p>
        <p><label>"Token " <input id="token" readonly prop:value=token value=token/></label></p>
        <p><label>"Stream " <input id="sid" readonly prop:value=streams(lab)/></label></p>
        <p>
            <label>
                "Iterations "
                <input
                    id="iterations"
                    value=lab.iterations().get_untracked()
                    on:input=move |input| set_iterations(event_target_value(&input)).dispatch()
                />
            </label>
        </p>
        <p>
            <button id="delayed-increment" on:click=delayed_increment.on_click()>"Delayed increment"</button>
            <button id="yield-increment" on:click=yield_increment.on_click()>"Yield increment"</button>
            <button id="increment" on:click=increment.on_click()>"Increment"</button>
            <button id="blocking-pause" on:click=blocking_pause.on_click()>"Blocking pause"</button>
            <button id="delay" on:click=delay.on_click()>"Delay"</button>
            <button id="non-blocking-pause" on:click=non_blocking_pause.on_click()>"Non-blocking pause"</button>
            <button id="racy-increment" on:click=racy_increment.on_click()>"Racy increment"</button>
            <button id="nested-async-with-self" on:click=nested_update.on_click()>"Nested update"</button>
            <button id="increment-from-other-state" on:click=increment_from_other_state.on_click()>
                "Increment from the other state"
            </button>
            <button id="yield-in-async-with-self" on:click=yield_in_update.on_click()>"Yield in an update"</button>
            <button id="disconnect-reconnect-background" on:click=disconnect_reconnect.on_click()>
                "Disconnect and reconnect"
            </button>
            <button id="fast-yielding" on:click=fast_yielding.on_click()>"Fast yielding"</button>
            <button id="reset" on:click=reset_counter.on_click()>"Reset"</button>
        </p>
    }
    .into_any()
}

/// Which stream of the page it is: Reflex's sid changes with each connection, as this does. The
/// page loses its stream when the state says so.
fn streams(lab: LabSignals) -> ReadSignal<u32> {
    let (link, copy) = (use_connection(), use_diagnostics());
    let stream = RwSignal::new(1);
    Effect::new(move |was_connected: Option<bool>| {
        let is_connected = link.is_connected();
        if was_connected == Some(false) && is_connected {
            stream.update(|stream| *stream += 1);
        }
        is_connected
    });
    // The cut is made by the page itself; a server can't make one that the page does not expect.
    Effect::new(move |before: Option<u32>| {
        let cuts = lab.cuts().get();
        if before.is_some_and(|before| before < cuts) {
            copy.cut_stream(Millis(1_000));
        }
        cuts
    });
    stream.read_only()
}
