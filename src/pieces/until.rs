//! Seconds until a moment.

use leptos::prelude::*;
use std::time::Duration;
use undercurrent::prelude::*;

/// Between two looks at the clock.
const LOOK: Duration = Duration::from_millis(250);

/// How many seconds are left until a moment, in milliseconds since 1970; 0 once it is over. They
/// count down in a page that is alive, by its own clock. Before, it is 0: what the server rendered by
/// its own would stand for ever where the page takes over after the moment.
pub fn use_seconds_until(moment: impl Fn() -> u64 + Send + Sync + 'static) -> Signal<u32> {
    let (look, is_alive) = (RwSignal::new(()), RwSignal::new(false));
    Effect::new(move |_| is_alive.set(true));
    let left = Memo::new(move |_| {
        look.track();
        if !is_alive.get() {
            return 0;
        }
        let ms = moment().saturating_sub(Millis::since_1970().0);
        u32::try_from(ms.div_ceil(1_000)).unwrap_or(u32::MAX)
    });
    let waits = Memo::new(move |_| left.get() > 0);
    Effect::new(move |_| {
        if waits.get() {
            let looks = set_interval_with_handle(move || _ = look.try_set(()), LOOK).ok();
            on_cleanup(move || looks.iter().for_each(IntervalHandle::clear));
        }
    });
    left.into()
}
