//! A stopwatch: a task that ticks, two events, and a view.

use leptos::prelude::*;
use undercurrent::prelude::*;

/// What the watch shows.
#[derive(State, Clone, Debug, Default)]
pub struct Watch {
    /// Milliseconds so far.
    pub ms: u64,
    /// Where it stood at each lap.
    pub laps: List<u64>,
}

/// Notes where the watch stands.
#[event]
pub fn lap(watch: &mut Watch) {
    let ms = watch.ms;
    watch.laps.push(ms);
}

/// Begins anew.
#[event]
pub fn reset(watch: &mut Watch) {
    *watch = Watch::default();
}

// excerpt: tick
/// Ticks ten times a second, until nobody has looked for half a minute.
#[background(overlap = reject, on_disconnect = cancel_after("30s"))]
pub async fn tick(cx: TaskContext<Watch>) -> Result {
    loop {
        cx.sleep(Millis(100)).await?;
        cx.update(|watch| watch.ms += 100).await?;
    }
}
// end

/// The watch.
#[component]
pub fn Stopwatch() -> impl IntoView {
    let watch = use_state::<Watch>();
    let ticking = use_task(tick);
    view! {
        <output>{move || watch.ms().get()} " ms"</output>
        <button on:click=tick.on_click()>"Start"</button>
        <button disabled=move || !ticking.is_running() on:click=move |_| ticking.pause()>
            "Pause"
        </button>
        <button disabled=move || !ticking.is_paused() on:click=move |_| ticking.resume()>
            "Go on"
        </button>
        <button on:click=lap.on_click()>"Lap"</button>
        <button on:click=reset.on_click()>"Reset"</button>
        <ol>
            <ForList each=watch.laps() let:ms>
                <li>{move || ms.get()} " ms"</li>
            </ForList>
        </ol>
    }
}
