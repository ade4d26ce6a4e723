//! The other tabs of this browser. A tab without a stream of its own looks now and then; one that
//! has a stream tells when something came, and then it looks at once.

use super::{Hub, now_ms};
use leptos::prelude::set_timeout;
use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

#[derive(Default)]
pub(super) struct Neighbours {
    channel: OnceCell<Channel>,
    told_ms: Cell<f64>,
    is_telling_planned: Cell<bool>,
}

struct Channel {
    channel: BroadcastChannel,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

const NAME: &str = "undercurrent";
/// Between two times that a tab tells. Who looks makes a request.
const TELL_EVERY_MS: f64 = 200.0;

impl Neighbours {
    /// Does so whenever another tab tells that something came. A browser without such channels has
    /// its tabs wait for their next look.
    pub(super) fn listen(&self, told: impl Fn() + 'static) {
        let Ok(channel) = BroadcastChannel::new(NAME) else {
            return;
        };
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |_| told());
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        let _ = self.channel.set(Channel {
            channel,
            _heard: heard,
        });
    }
}

/// Something came.
pub(super) fn tell(hub: &Rc<Hub>) {
    let neighbours = &hub.neighbours;
    let Some(Channel { channel, .. }) = neighbours.channel.get() else {
        return;
    };
    let passed = now_ms() - neighbours.told_ms.get();
    if passed >= TELL_EVERY_MS {
        neighbours.told_ms.set(now_ms());
        let _ = channel.post_message(&JsValue::NULL);
    } else if !neighbours.is_telling_planned.replace(true) {
        let hub = hub.clone();
        let later = move || {
            hub.neighbours.is_telling_planned.set(false);
            tell(&hub);
        };
        set_timeout(
            later,
            Duration::from_millis((TELL_EVERY_MS - passed).ceil() as u64),
        );
    }
}
